//! Room on the disk for records that are still to come: taken before a call runs, so that a full disk refuses calls instead of records.

use std::fs::File;
use std::io;

/// How much is taken at once, in bytes (1 MiB): about 2,000 records.
#[cfg(target_os = "linux")]
const PIECE: u64 = 1 << 20;

/// How much must be left, in bytes (256 KiB): the records of some hundred calls in flight.
#[cfg(target_os = "linux")]
const LOW: u64 = 256 << 10;

/// Up to which length the file has its blocks. Nothing is known of a file that was just opened, or just truncated.
#[derive(Debug, Default)]
pub(crate) struct Room {
    #[cfg(target_os = "linux")]
    until: u64,
}

impl Room {
    /// Takes more if little is left behind `length`. The file's length stays; what is not used goes back when the file is next opened or
    /// truncated. Where the file system cannot do this, a full disk is noticed by the first record that does not fit.
    #[cfg(target_os = "linux")]
    pub(crate) fn make(&mut self, file: &File, length: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        if self.until >= length + LOW {
            return Ok(());
        }
        match fallocate(file, FallocateFlags::KEEP_SIZE, length, PIECE) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.until = length + PIECE;
                Ok(())
            }
            Err(why) => Err(why.into()),
        }
    }

    /// Other systems cannot: a full disk is noticed by the first record that does not fit.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn make(&mut self, _: &File, _: u64) -> io::Result<()> {
        Ok(())
    }
}
