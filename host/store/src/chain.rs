//! One line of the trail: how a record becomes text, how lines are chained, how one is read back. No files here.
//!
//! A line is a JSON object whose last member is `hash`: SHA-256 over the line's text before it, closed by `}`. The text holds `prev`, the hash of the
//! line before, so that each hash vouches for all lines up to its own. Hashing the text as it stands needs no canonical JSON.

use jiff::Timestamp;
use portcullis_core::audit::AuditRecord;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the first line has for `prev`.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const BEFORE: &str = ",\"hash\":\"";
const BEHIND: &str = "\"}";

/// A place in the chain: the number of the last line, and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// 0 before the first line.
    pub(crate) seq: u64,
    /// Hexadecimal.
    pub(crate) hash: String,
}

impl Link {
    /// Before the first line.
    pub(crate) fn genesis() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    seq: u64,
    time: String,
    prev: &'a str,
    request_id: &'a str,
    principal: &'a str,
    action: &'a str,
    plugin: Option<&'a str>,
    digest: Option<String>,
    target: &'a str,
    outcome: &'static str,
    policies: &'a [String],
    duration_us: u64,
}

#[derive(Deserialize)]
struct Place {
    seq: u64,
    prev: String,
}

/// The next line, with its end, and the place that it makes.
pub(crate) fn next(record: &AuditRecord, time: Timestamp, last: &Link) -> Result<(String, Link), serde_json::Error> {
    let seq = last.seq + 1;
    let line = Line {
        seq,
        time: time.to_string(),
        prev: &last.hash,
        request_id: &record.request_id,
        principal: &record.principal,
        action: &record.action,
        plugin: record.plugin.as_deref(),
        digest: record.digest.as_ref().map(ToString::to_string),
        target: &record.target,
        outcome: record.outcome.word(),
        policies: &record.policies,
        duration_us: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
    };
    let text = serde_json::to_string(&line)?;
    let hash = hash_of(&text);
    let open = text.strip_suffix('}').unwrap_or(&text);
    Ok((format!("{open}{BEFORE}{hash}{BEHIND}\n"), Link { seq, hash }))
}

/// Reads a line without its end: its own place, and the hash that it says comes before.
pub(crate) fn read(line: &str) -> Result<(Link, String), &'static str> {
    let (open, hash) = split(line).ok_or("it does not end with a hash")?;
    if hash_of(&format!("{open}}}")) != hash {
        return Err("its text does not match its hash: it was changed");
    }
    let place: Place = serde_json::from_str(line).map_err(|_| "it is no audit record")?;
    Ok((Link { seq: place.seq, hash: hash.to_owned() }, place.prev))
}

fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_suffix(BEHIND)?;
    let (open, hash) = line.split_at_checked(line.len().checked_sub(GENESIS.len())?)?;
    Some((open.strip_suffix(BEFORE)?, hash))
}

fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::{GENESIS, Link, next, read};
    use crate::audit::tests::record;
    use jiff::Timestamp;

    #[test]
    fn a_line_holds_every_field_of_its_record() {
        let (line, link) = next(&record("scale"), Timestamp::UNIX_EPOCH, &Link::genesis()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["hash"], link.hash);
        let expected = serde_json::json!({"seq": 1, "time": "1970-01-01T00:00:00Z", "prev": GENESIS, "requestId": "r-1", "principal": "jane@idp",
            "action": "tools/call", "plugin": "cnpg", "digest": format!("sha256:{}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            "target": "scale", "outcome": "completed", "policies": ["token:ci"], "durationUs": 1500, "hash": link.hash});
        assert_eq!(json, expected);
    }

    #[test]
    fn a_line_reads_back_as_its_place() {
        let first = Link { seq: 41, hash: "ab".repeat(32) };
        let (line, link) = next(&record("quote \" and \\ and ü\n"), Timestamp::now(), &first).unwrap();
        assert_eq!(read(line.trim_end_matches('\n')).unwrap(), (link, first.hash));
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let (line, _) = next(&record("scale"), Timestamp::now(), &Link::genesis()).unwrap();
        let line = line.trim_end();
        for at in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(read(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}");
        }
    }
}
