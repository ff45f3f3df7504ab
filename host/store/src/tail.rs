//! The end of a trail: its last whole line, and what a crash left behind it. Must not read the whole file, which may be large.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

/// How much is read at first (bytes, 64 KiB): a line is about half a KiB; a longer one doubles it until the line is whole.
const STEP: u64 = 64 * 1024;

/// The end of a trail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The last whole line, without its end; `None`: there is none.
    pub(crate) line: Option<Vec<u8>>,
    /// Bytes behind the last line end: a line that was not written to its end.
    pub(crate) torn: Vec<u8>,
    /// Length of the file without them.
    pub(crate) whole: u64,
}

/// Reads the end of a file.
pub(crate) fn read(file: &mut File) -> io::Result<Tail> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut taken = STEP;
    loop {
        let from = length.saturating_sub(taken);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(length - from).read_to_end(&mut bytes)?;
        if let Some(tail) = split(&bytes, from) {
            return Ok(tail);
        }
        taken = taken.saturating_mul(2);
    }
}

/// `None` if the last line begins before these bytes, which begin at `from`.
fn split(bytes: &[u8], from: u64) -> Option<Tail> {
    let ends: Vec<usize> = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).take(2).collect();
    let (begin, end) = match (ends.first(), ends.get(1)) {
        (Some(end), Some(before)) => (before + 1, *end),
        (Some(end), None) if from == 0 => (0, *end),
        (None, _) if from == 0 => return Some(Tail { line: None, torn: bytes.to_vec(), whole: 0 }),
        _ => return None,
    };
    let torn = bytes.get(end + 1..)?.to_vec();
    Some(Tail { line: Some(bytes.get(begin..end)?.to_vec()), torn, whole: from + end as u64 + 1 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{STEP, Tail, read};
    use std::io::Write as _;

    fn of(bytes: &[u8]) -> (Option<Vec<u8>>, Vec<u8>, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let Tail { line, torn, whole } = read(&mut file).unwrap();
        (line, torn, whole)
    }

    #[test]
    fn the_last_whole_line_and_what_is_behind_it_are_found() {
        assert_eq!(of(b""), (None, vec![], 0));
        assert_eq!(of(b"half"), (None, b"half".to_vec(), 0));
        assert_eq!(of(b"one\n"), (Some(b"one".to_vec()), vec![], 4));
        assert_eq!(of(b"one\ntwo\nth"), (Some(b"two".to_vec()), b"th".to_vec(), 8));
    }

    #[test]
    fn a_line_longer_than_one_step_is_found_whole() {
        let long = vec![b'x'; usize::try_from(STEP).unwrap() * 3];
        let file = [b"one\n".as_slice(), &long, b"\n"].concat();
        assert_eq!(of(&file), (Some(long), vec![], file.len() as u64));
    }
}
