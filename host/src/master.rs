//! The master keys: the operator's, or one that the host makes at its first start for itself.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use portcullis_core::config::{Config, KeyRef};
use portcullis_core::keyring::KeyRing;
use portcullis_core::secret::Secret;
use rand::RngCore as _;

use crate::secrets::SecretFiles;

/// The host's own key, in the state folder.
const FILE: &str = "portcullis.key";

/// What its id begins with.
const OWN: &str = "host-";

/// Derives the rest of the id: it tells keys apart, and nothing about them.
const ID: &str = "portcullis/key-id/1";

/// Bytes of a key that the host makes: 256 bits, twice what its ciphers need.
const BYTES: usize = 32;

/// The ring of a configuration.
///
/// # Errors
/// A secret that is not there or too short, or a state folder that cannot be written: nothing that must be encrypted can be kept then.
pub(crate) fn ring(config: &Config, secrets: &SecretFiles) -> anyhow::Result<KeyRing> {
    if config.keys.is_empty() {
        let secret = own(&config.state_directory.join(FILE))?;
        return Ok(KeyRing::new(vec![(own_id(&secret)?, secret)])?);
    }
    let read = |key: &KeyRef| {
        let secret = secrets.read(&key.secret).map_err(|reason| anyhow::anyhow!("keys: {reason}"))?;
        // The host's own key may become one of the operator's, under its own id alone.
        if key.id.starts_with(OWN) && key.id != own_id(&secret)? {
            bail!("keys: `{}` would be the id of a key that a host made; choose one that does not begin with `{OWN}`", key.id);
        }
        Ok((key.id.clone(), secret))
    };
    Ok(KeyRing::new(config.keys.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?)?)
}

/// The id of a key that a host makes: of another host's key, or of a later one, it is another, and what that encrypted is told apart.
fn own_id(secret: &Secret) -> anyhow::Result<String> {
    let ring = KeyRing::new(vec![(OWN.to_owned(), secret.clone())])?;
    let derived = ring.active().derive(ID);
    Ok(format!("{OWN}{}", hex::encode(derived.iter().copied().take(4).collect::<Vec<u8>>())))
}

/// The host's own key; made if there is none. Two hosts that start at once end with the same one.
fn own(path: &Path) -> anyhow::Result<Secret> {
    if !path.exists() {
        make(path).with_context(|| {
            format!("the host's key cannot be made at {}: name `keys`, or set $XDG_STATE_HOME", path.display())
        })?;
    }
    let mode = std::fs::metadata(path).with_context(|| path.display().to_string())?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others: chmod 600 it, and think of the key as known", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Secret::new(text.trim_end().to_owned()))
}

fn make(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    std::fs::create_dir_all(folder)?;
    let mut bytes = [0; BYTES];
    rand::rng().fill_bytes(&mut bytes);
    // Whole or not at all: a key that is cut short by a full disk would be a key that another start cannot read.
    let draft = folder.join(format!("{FILE}.{:016x}", rand::random::<u64>()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(format!("{}\n", hex::encode(bytes)).as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::os::unix::fs::PermissionsExt as _;

    use portcullis_core::secret::Secret;

    use super::{own, own_id};

    #[test]
    fn each_host_has_a_key_with_an_id_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let id = |name: &str| own_id(&own(&folder.path().join(name)).unwrap()).unwrap();
        assert!(id("a") == id("a") && id("a") != id("b"), "{}", id("a"));
        assert_eq!(own_id(&Secret::new("0123456789abcdef0123456789abcdef".into())).unwrap().len(), "host-".len() + 8);
    }

    #[test]
    fn the_host_makes_its_key_once_for_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/portcullis.key");
        let first = own(&path).unwrap();
        assert_eq!(first.reveal().len(), 64);
        assert_eq!(own(&path).unwrap().reveal(), first.reveal());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(own(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
