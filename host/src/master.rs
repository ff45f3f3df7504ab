//! The master keys: the operator's, or one that the host makes at its first start for itself.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use portcullis_core::config::Config;
use portcullis_core::keyring::KeyRing;
use portcullis_core::secret::Secret;
use rand::RngCore as _;

use crate::secrets::SecretFiles;

/// The host's own key, in the state folder.
const FILE: &str = "portcullis.key";

/// Its id; the operator's keys may not have it, or a value would seem to be the other's.
const OWN: &str = "host";

/// Bytes of a key that the host makes: 256 bits, twice what its ciphers need.
const BYTES: usize = 32;

/// The ring of a configuration.
///
/// # Errors
/// A secret that is not there or too short, or a state folder that cannot be written: nothing that must be encrypted can be kept then.
pub(crate) fn ring(config: &Config, secrets: &SecretFiles) -> anyhow::Result<KeyRing> {
    let keys = if config.keys.is_empty() {
        vec![(OWN.to_owned(), own(&config.state_directory.join(FILE))?)]
    } else {
        let read = |key: &portcullis_core::config::KeyRef| match secrets.read(&key.secret) {
            Ok(_) if key.id == OWN => bail!("keys: `{OWN}` is the id of the key that the host makes; choose another"),
            Ok(secret) => Ok((key.id.clone(), secret)),
            Err(reason) => bail!("keys: {reason}"),
        };
        config.keys.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?
    };
    Ok(KeyRing::new(keys)?)
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

    use super::own;

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
