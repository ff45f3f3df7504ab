//! What plugins keep beyond a call: entries, conditions and errors. The database is in `portcullis-store`, encryption too.

use std::time::Duration;

/// Longest key in bytes.
pub const KEY_MAX: usize = 512;
/// Longest value in bytes: a login with its upstream tokens has about 10 KiB.
pub const VALUE_MAX: usize = 64 << 10;
/// Most entries of one plugin: registrations and logins of a few thousand people; a flood must not fill the disk.
pub const ENTRIES_MAX: u64 = 100_000;
/// Revocations of one plugin that are remembered, the newest ones; 10 MiB in each replica's memory. Ending a login is never refused: who ends this
/// many within the life of one access token is nobody with a stolen one.
pub const REVOCATIONS_MAX: usize = 100_000;
/// Longest name of a grant that can be revoked, in bytes.
pub const GRANT_MAX: usize = 256;

/// A value and its version.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Decrypted; may hold tokens, so that it does not print itself.
    pub value: Vec<u8>,
    /// Grows with each change of the key.
    pub version: u64,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry(version {}, {} bytes)", self.version, self.value.len())
    }
}

/// When a write happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In any case.
    Always,
    /// If there is no value.
    Absent,
    /// If the version is still this one.
    Version(u64),
}

/// A write.
#[derive(Clone)]
pub struct Write {
    /// The new value.
    pub value: Vec<u8>,
    /// After which it is gone; `None`: it stays.
    pub ttl: Option<Duration>,
    /// On which condition.
    pub when: When,
}

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyValueError {
    /// The key is empty or over [`KEY_MAX`], the value over [`VALUE_MAX`], or the grant empty or over [`GRANT_MAX`].
    #[error("a key has 1 to {KEY_MAX} bytes, a value at most {VALUE_MAX}, the name of a grant 1 to {GRANT_MAX}")]
    TooLarge,
    /// [`ENTRIES_MAX`] is reached.
    #[error("this plugin keeps {ENTRIES_MAX} entries already")]
    Quota,
    /// The database does not answer.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Something that should not happen, e.g. a value that no key of the ring opens.
    #[error("{0}")]
    Internal(String),
}
