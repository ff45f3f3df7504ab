//! The audit trail's file: opened once, locked, appended to. What a line looks like is `chain.rs`'s.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use portcullis_core::audit::AuditRecord;
use portcullis_core::ports::{AuditError, AuditSink};

use crate::chain::{self, Link};
use crate::room::Room;
use crate::tail::{self, Tail};

/// How often the place in the chain is logged (records, 1000), so that the host's log can prove that nothing was cut off the trail.
const ANCHOR_EVERY: u64 = 1000;

/// Records that could not be written and wait in memory. Nothing new runs while one does, so that this is about the calls in flight.
const OWED_MAX: usize = 10_000;

/// Why a trail cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, read or locked.
    #[error(
        "the audit trail {path} cannot be opened: {why}; check `audit` in portcullis.yaml and that its folder exists and is writable"
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What failed.
        why: io::Error,
    },
    /// Another process writes to it.
    #[error("the audit trail {0} is in use by another process; each host needs a file of its own (`audit` in portcullis.yaml)")]
    InUse(PathBuf),
    /// Its last line does not hold.
    #[error(
        "the last line of the audit trail {path} does not hold: {why}; run `portcullis audit verify`, keep the file, and move it away to begin a new one"
    )]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// An append-only, hash-chained file of JSON lines.
///
/// Records reach the page cache, not the disk, before a call goes on: a crash of the host loses none, a crash of the machine may lose the last.
#[derive(Debug)]
pub struct AuditLog {
    state: Mutex<State>,
    torn: u64,
}

#[derive(Debug)]
struct State {
    file: File,
    last: Link,
    length: u64,
    /// What could not be written, oldest first, with the time at which it happened.
    owed: Vec<(AuditRecord, Timestamp)>,
    room: Room,
}

impl AuditLog {
    /// Opens or creates the file (mode 0600) and continues its chain. A last line that a crash cut short is moved to `FILE.torn` and reported.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |why| OpenError::File { path: path.to_owned(), why };
        let mut file = private().read(true).open(path).map_err(failed)?;
        tighten(&file).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        let tail = tail::read(&mut file).map_err(failed)?;
        let last = last_link(&tail).map_err(|why| OpenError::Broken { path: path.to_owned(), why })?;
        set_aside(&file, &tail, path).map_err(failed)?;
        tracing::info!(records = last.seq, last = last.hash, "audit trail opened");
        let state = State { file, last, length: tail.whole, owed: Vec::new(), room: Room::default() };
        Ok(Self { state: Mutex::new(state), torn: tail.torn.len() as u64 })
    }

    /// Bytes of an unfinished last line that were found when the trail was opened, and moved to `FILE.torn`.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.torn
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file that was there before may be readable by others.
#[cfg(unix)]
fn tighten(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn tighten(_: &File) -> io::Result<()> {
    Ok(())
}

fn last_link(tail: &Tail) -> Result<Link, String> {
    let Some(line) = &tail.line else { return Ok(Link::genesis()) };
    let line = std::str::from_utf8(line).map_err(|_| "it is not text")?;
    Ok(chain::read(line)?.0)
}

/// Moves what a crash left behind the last line out of the chain, and keeps it: it may be the trace of what crashed the host.
fn set_aside(file: &File, tail: &Tail, path: &Path) -> io::Result<()> {
    if tail.torn.is_empty() {
        return Ok(());
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".torn");
    tracing::warn!(bytes = tail.torn.len(), kept = %aside.display(), "the audit trail's last line was not written to its end");
    let mut kept = private().open(&aside)?;
    kept.write_all(&tail.torn)?;
    kept.write_all(b"\n")?;
    file.set_len(tail.whole)
}

impl State {
    /// A record that cannot be written now is written before the next one.
    fn keep(&mut self, record: &AuditRecord) -> Result<(), AuditError> {
        let time = Timestamp::now();
        self.settle().and_then(|()| self.append(record, time)).inspect_err(|_| {
            if self.owed.len() < OWED_MAX {
                self.owed.push((record.clone(), time));
            }
        })
    }

    /// Writes what is owed, and sees to it that what is about to run finds room.
    fn prepare(&mut self) -> Result<(), AuditError> {
        self.check()?;
        self.settle()?;
        self.room.make(&self.file, self.length).map_err(|why| AuditError(why.to_string()))
    }

    fn settle(&mut self) -> Result<(), AuditError> {
        let owed = std::mem::take(&mut self.owed);
        let mut rest = owed.into_iter();
        while let Some((record, time)) = rest.next() {
            if let Err(error) = self.append(&record, time) {
                self.owed = std::iter::once((record, time)).chain(rest).collect();
                return Err(error);
            }
        }
        Ok(())
    }

    fn append(&mut self, record: &AuditRecord, time: Timestamp) -> Result<(), AuditError> {
        self.check()?;
        let (line, link) = chain::next(record, time, &self.last).map_err(|why| AuditError(why.to_string()))?;
        if let Err(why) = self.file.write_all(line.as_bytes()) {
            // Half a line would break the chain for everything after it.
            let _ = self.file.set_len(self.length);
            self.room = Room::default();
            return Err(AuditError(why.to_string()));
        }
        self.length += line.len() as u64;
        self.last = link;
        if self.last.seq.is_multiple_of(ANCHOR_EVERY) {
            tracing::info!(records = self.last.seq, last = self.last.hash, "audit trail");
        }
        Ok(())
    }

    /// One fstat per record: going on behind somebody's change would make the chain vouch for it.
    fn check(&self) -> Result<(), AuditError> {
        let length = self.file.metadata().map_err(|why| AuditError(why.to_string()))?.len();
        if length == self.length {
            return Ok(());
        }
        Err(AuditError(format!(
            "it has {length} bytes where the host left {}: someone else changed it; run `portcullis audit verify`",
            self.length
        )))
    }
}

impl AuditSink for AuditLog {
    fn record(&self, record: &AuditRecord) -> Result<(), AuditError> {
        // A panic elsewhere leaves the state as it was after the last whole record.
        self.state.lock().unwrap_or_else(PoisonError::into_inner).keep(record)
    }

    fn ready(&self) -> Result<(), AuditError> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).prepare()
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
pub(crate) mod tests;
