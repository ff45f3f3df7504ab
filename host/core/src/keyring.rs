//! The operator's master keys, and the keys that the host derives from them (HKDF, RFC 5869). Which cipher a derived key is for is the
//! business of the crate that asks; where the secrets come from is the binary's.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Shortest master key in bytes: as long as the keys that are derived from it. `openssl rand -base64 32` gives 44.
pub const MASTER_MIN: usize = 32;

/// Longest id in bytes: it stands beside every row, and in the header of every token.
pub const KEY_ID_MAX: usize = 64;

/// Separates our derived keys from those that another program makes of the same master key.
const SALT: &[u8] = b"portcullis";

/// Master keys by id. The first one encrypts and signs, all of them decrypt and verify; there is always one.
#[derive(Debug, Clone)]
pub struct KeyRing {
    active: MasterKey,
    retired: Vec<MasterKey>,
}

/// One master key. It is never used itself, only what is derived from it.
#[derive(Debug, Clone)]
pub struct MasterKey {
    id: String,
    secret: Secret,
}

/// Why there is no key ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// Nothing to encrypt with.
    #[error("there is no master key; make one with `openssl rand -base64 32`")]
    Empty,
    /// A secret that can be guessed makes every key that is derived from it guessable.
    #[error(
        "the master key `{id}` has {length} bytes and needs {MASTER_MIN} at least; make one with `openssl rand -base64 32`, put it first, and keep the old one behind it if it ever encrypted anything"
    )]
    Short {
        /// Which key.
        id: String,
        /// Its bytes.
        length: usize,
    },
    /// An id that cannot be written everywhere.
    #[error("`{0}` is no id of a key: 1 to {KEY_ID_MAX} letters, digits, `-`, `_` and `.`")]
    Id(String),
    /// Two keys of one id: which one opens a value would be a guess.
    #[error("two master keys have the id `{0}`; give each its own")]
    Twice(String),
}

impl KeyRing {
    /// A ring of ids and master keys; the first is the active one.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn new(keys: Vec<(String, Secret)>) -> Result<Self, KeyRingError> {
        let mut ring: Vec<MasterKey> = Vec::with_capacity(keys.len());
        for (id, secret) in keys {
            if ring.iter().any(|other| other.id == id) {
                return Err(KeyRingError::Twice(id));
            }
            ring.push(MasterKey::new(id, secret)?);
        }
        let mut ring = ring.into_iter();
        let active = ring.next().ok_or(KeyRingError::Empty)?;
        Ok(Self { active, retired: ring.collect() })
    }

    /// The key that encrypts and signs.
    #[must_use]
    pub fn active(&self) -> &MasterKey {
        &self.active
    }

    /// All keys, the active one first.
    pub fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.active).chain(&self.retired)
    }
}

impl MasterKey {
    fn new(id: String, secret: Secret) -> Result<Self, KeyRingError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=KEY_ID_MAX).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(KeyRingError::Id(id));
        }
        match secret.reveal().len() {
            length if length < MASTER_MIN => Err(KeyRingError::Short { id, length }),
            _ => Ok(Self { id, secret }),
        }
    }

    /// Its id: no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key for one use. Labels name the use and its version, e.g. `portcullis/store/1`: no two uses share a key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HKDF-Expand fails beyond 255 blocks only (RFC 5869 §2.3); this is one")]
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let derivation = Hkdf::<Sha256>::new(Some(SALT), self.secret.reveal().as_bytes());
        derivation.expand(label.as_bytes(), &mut *key).expect("one block");
        key
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, KeyRingError};
    use crate::secret::Secret;

    fn key(id: &str, secret: &str) -> (String, Secret) {
        (id.to_owned(), Secret::new(secret.to_owned()))
    }

    fn refusal(keys: Vec<(String, Secret)>) -> Option<KeyRingError> {
        KeyRing::new(keys).err()
    }

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_short_master_key_an_odd_id_a_repeated_id_and_an_empty_ring_are_refused() {
        assert_eq!(refusal(vec![]), Some(KeyRingError::Empty));
        assert_eq!(refusal(vec![key("a", &LONG[1..])]), Some(KeyRingError::Short { id: "a".into(), length: 31 }));
        assert_eq!(refusal(vec![key("a", LONG), key("b", "short")]), Some(KeyRingError::Short { id: "b".into(), length: 5 }));
        for id in ["", "a b", "a\"", &"a".repeat(65)] {
            assert_eq!(refusal(vec![key(id, LONG)]), Some(KeyRingError::Id(id.to_owned())));
        }
        assert_eq!(refusal(vec![key("a", LONG), key("a", LONG)]), Some(KeyRingError::Twice("a".into())));
    }

    #[test]
    fn the_first_key_is_the_active_one() {
        let ring = KeyRing::new(vec![key("2026-11", LONG), key("2026-01", LONG)]).unwrap();
        assert_eq!(ring.active().id(), "2026-11");
        assert_eq!(ring.iter().map(super::MasterKey::id).collect::<Vec<_>>(), ["2026-11", "2026-01"]);
    }

    #[test]
    fn each_label_and_each_master_key_has_its_own_key_and_always_the_same() {
        let ring = KeyRing::new(vec![key("a", LONG), key("b", &LONG.replace('0', "1"))]).unwrap();
        let keys: Vec<_> = ring.iter().flat_map(|one| [one.derive("x/1"), one.derive("x/2")]).map(|key| *key).collect();
        assert!(keys.iter().enumerate().all(|(place, one)| !keys[..place].contains(one)));
        // HKDF-SHA256 of LONG with salt "portcullis" and info "x/1", computed with Python's hmac.
        assert_eq!(hex::encode(keys[0]), "e24a42da5e008ca151461468712e7fddaed97471ae6d35eeff5dc46d2e051fb8");
    }

    #[test]
    fn a_ring_does_not_print_its_secrets() {
        let ring = KeyRing::new(vec![key("a", LONG)]).unwrap();
        assert!(!format!("{ring:?}").contains(LONG));
    }
}
