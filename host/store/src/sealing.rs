//! Encryption at rest: XChaCha20-Poly1305, bound to the row's place. A row that somebody moves to another key or plugin does not open there.
//!
//! The first key of the ring seals, all of them open; as every write seals anew, rows move to the first key when they are written.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use portcullis_core::keyring::{KeyRing, MasterKey};
use portcullis_core::keyvalue::KeyValueError;

/// This use of the master keys, and this format.
const LABEL: &str = "portcullis/store/1";

/// The table that rows are bound to.
const TABLE: &str = "plugin_entries";

/// Bytes of a nonce: long enough to be drawn at random for ever.
const NONCE: usize = 24;

/// Where a value lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) key: &'a str,
}

/// A value as it is stored.
pub(crate) struct Sealed {
    /// Nonce and ciphertext.
    pub(crate) bytes: Vec<u8>,
    pub(crate) key_id: String,
}

/// Seals and opens.
pub(crate) struct Vault {
    active: Cipher,
    retired: Vec<Cipher>,
}

struct Cipher {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl Cipher {
    fn of(key: &MasterKey) -> Self {
        let derived = key.derive(LABEL);
        Self { id: key.id().to_owned(), cipher: XChaCha20Poly1305::new(Key::from_slice(&*derived)) }
    }
}

impl Vault {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self { active: Cipher::of(ring.active()), retired: ring.iter().skip(1).map(Cipher::of).collect() }
    }

    /// Whether a key of this id is in the ring.
    pub(crate) fn knows(&self, key_id: &str) -> bool {
        self.cipher(key_id).is_some()
    }

    fn cipher(&self, key_id: &str) -> Option<&Cipher> {
        std::iter::once(&self.active).chain(&self.retired).find(|one| one.id == key_id)
    }

    pub(crate) fn seal(&self, place: Place<'_>, value: &[u8]) -> Result<Sealed, KeyValueError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|why| KeyValueError::Internal(format!("no random bytes: {why}")))?;
        let payload = Payload { msg: value, aad: &associated(place) };
        let sealed = self.active.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| KeyValueError::Internal("a value could not be encrypted".into()))?;
        Ok(Sealed { bytes: [&nonce[..], &sealed].concat(), key_id: self.active.id.clone() })
    }

    /// Never says that there is nothing: a value that cannot be opened is a fault that the operator must see.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Vec<u8>, KeyValueError> {
        let fault = |why: &str| KeyValueError::Internal(format!("a value of plugin `{}` cannot be opened: {why}", place.plugin));
        let id = &sealed.key_id;
        let cipher =
            self.cipher(id).ok_or_else(|| fault(&format!("its master key `{id}` is not in the key ring; put it back")))?;
        let (nonce, bytes) = sealed.bytes.split_first_chunk::<NONCE>().ok_or_else(|| fault("it was cut short"))?;
        let payload = Payload { msg: bytes, aad: &associated(place) };
        let changed = "the secret of that id is another one now, or the row was changed or moved";
        cipher
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| fault(&format!("master key `{id}` does not fit; {changed}")))
    }
}

/// `table|plugin|key`, each with its length in front, so that no two places share an encoding.
fn associated(place: Place<'_>) -> Vec<u8> {
    let parts = [TABLE, place.plugin, place.key].map(str::as_bytes);
    parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Place, Sealed, Vault};
    use portcullis_core::keyring::KeyRing;
    use portcullis_core::secret::Secret;

    fn vault(keys: &[(&str, char)]) -> Vault {
        let keys = keys.iter().map(|(id, fill)| ((*id).to_owned(), Secret::new(fill.to_string().repeat(32))));
        Vault::new(&KeyRing::new(keys.collect()).unwrap())
    }

    const HERE: Place<'static> = Place { plugin: "oauth", key: "grant:1" };

    #[test]
    fn a_value_comes_back_and_no_two_seals_are_alike() {
        let vault = vault(&[("a", '1')]);
        let (one, two) = (vault.seal(HERE, b"token").unwrap(), vault.seal(HERE, b"token").unwrap());
        assert_ne!(one.bytes, two.bytes);
        assert_eq!(vault.open(HERE, &one).unwrap(), b"token");
        assert!(!one.bytes.windows(5).any(|part| part == b"token"));
    }

    #[test]
    fn a_value_opens_in_its_place_only() {
        let vault = vault(&[("a", '1')]);
        let sealed = vault.seal(HERE, b"token").unwrap();
        for (plugin, key) in [("oauth", "grant:2"), ("other", "grant:1"), ("oauthg", "rant:1")] {
            assert!(vault.open(Place { plugin, key }, &sealed).is_err(), "{plugin} {key}");
        }
    }

    #[test]
    fn a_changed_or_short_value_does_not_open() {
        let vault = vault(&[("a", '1')]);
        let mut sealed = vault.seal(HERE, b"token").unwrap();
        sealed.bytes[30] ^= 1;
        assert!(vault.open(HERE, &sealed).is_err());
        assert!(vault.open(HERE, &Sealed { bytes: vec![0; 10], key_id: "a".into() }).is_err());
    }

    #[test]
    fn a_new_key_in_front_seals_and_the_old_one_still_opens() {
        let (old, both) = (vault(&[("a", '1')]), vault(&[("b", '2'), ("a", '1')]));
        let sealed = old.seal(HERE, b"token").unwrap();
        assert_eq!(both.open(HERE, &sealed).unwrap(), b"token");
        assert_eq!(both.seal(HERE, b"token").unwrap().key_id, "b");
    }

    #[test]
    fn a_missing_and_a_changed_key_are_faults_that_name_the_key() {
        let sealed = vault(&[("a-2025", '1')]).seal(HERE, b"token").unwrap();
        for other in [vault(&[("b", '2')]), vault(&[("a-2025", '2')])] {
            assert!(other.open(HERE, &sealed).unwrap_err().to_string().contains("`a-2025`"));
        }
    }
}
