//! Proves a trail: every line matches its hash, and each names the one before it. Must not change anything.
//!
//! A chain alone cannot show that lines are missing at its end. An anchor kept elsewhere can: the host logs one when it opens the trail and
//! every thousand records, and [`verify`] returns one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::chain::{self, Link};

/// A trail that holds, and its anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many records it has.
    pub records: u64,
    /// Hash of the last one, hexadecimal; 64 zeros if there is none.
    pub last: String,
}

/// Where a trail does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail is broken at line {line}: {why}")]
pub struct Broken {
    /// Counted from 1; 0: the file cannot be read.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Proves the chain from its first line to its last.
///
/// # Errors
/// [`Broken`]: the first line that does not hold.
pub fn verify(path: &Path) -> Result<Verified, Broken> {
    prove(path, None)
}

/// Proves the chain, and that it goes on from an anchor taken earlier: nothing up to there was cut off or replaced.
///
/// # Errors
/// [`Broken`]: the first line that does not hold, or the line where the anchor's record is missing.
pub fn verify_since(path: &Path, anchor: &Verified) -> Result<Verified, Broken> {
    prove(path, Some(anchor))
}

fn prove(path: &Path, anchor: Option<&Verified>) -> Result<Verified, Broken> {
    let file = File::open(path).map_err(|why| broken(0, format!("{} cannot be read: {why}", path.display())))?;
    let mut reader = BufReader::new(file);
    let mut last = Link::genesis();
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).map_err(|why| broken(last.seq + 1, why.to_string()))? > 0 {
        last = follow(&bytes, &last).map_err(|why| broken(last.seq + 1, why))?;
        meets(&last, anchor)?;
        bytes.clear();
    }
    let missing = anchor.filter(|anchor| anchor.records > last.seq);
    match missing {
        Some(anchor) => {
            Err(broken(last.seq + 1, format!("it ends here, but once had {} records: the end was cut off", anchor.records)))
        }
        None => Ok(Verified { records: last.seq, last: last.hash }),
    }
}

fn meets(link: &Link, anchor: Option<&Verified>) -> Result<(), Broken> {
    match anchor {
        Some(anchor) if anchor.records == link.seq && anchor.last != link.hash => {
            Err(broken(link.seq, "it is not the record of the anchor: the trail was written anew"))
        }
        _ => Ok(()),
    }
}

fn follow(bytes: &[u8], last: &Link) -> Result<Link, String> {
    let line = bytes.strip_suffix(b"\n").ok_or("it was not written to its end (a crash, or the file was cut)")?;
    let line = std::str::from_utf8(line).map_err(|_| "it is not text")?;
    let (link, prev) = chain::read(line)?;
    if link.seq != last.seq + 1 {
        return Err(format!("it is record {} where {} should be: lines were removed, added or moved", link.seq, last.seq + 1));
    }
    if prev != last.hash {
        return Err("it follows another line than the one before it: that one was replaced".to_owned());
    }
    Ok(link)
}

fn broken(line: u64, why: impl Into<String>) -> Broken {
    Broken { line, why: why.into() }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
