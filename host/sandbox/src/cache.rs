//! Compiled components on disk, so that a restart compiles nothing. A compiled artefact is native code that Wasmtime runs as it is: only
//! files that this host wrote are taken, proven by an HMAC (RFC 2104) with a key that only this directory's owner can read.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use portcullis_core::plugin::Digest;
use sha2::{Digest as _, Sha256};

/// Artefacts that are kept; beyond it the oldest go. 64: the plugins of a large host in three versions each.
const ARTEFACTS_MAX: usize = 64;

/// Bytes of a MAC, and of the key.
const MAC: usize = 32;

/// Bytes of a SHA-256 block.
const BLOCK: usize = 64;

const KEY_FILE: &str = "key";
const EXTENSION: &str = "cwasm";

/// See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    key: [u8; MAC],
}

impl Cache {
    /// Opens the directory, making it and its key if need be.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let us = ourselves(directory)?;
        ours(fs::metadata(directory)?.uid(), us, directory)?;
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        let key = match read_key(&directory.join(KEY_FILE), us)? {
            Some(key) => key,
            None => make_key(directory)?,
        };
        Ok(Self { directory: directory.to_owned(), key })
    }

    /// The artefact that this host compiled earlier for this component and engine. A damaged or foreign file is removed and counts as absent.
    pub(crate) fn get(&self, digest: &Digest, engine: u64) -> Option<Vec<u8>> {
        let path = self.path(digest, engine);
        let mut bytes = fs::read(&path).ok()?;
        let artefact = bytes.get(MAC..)?;
        let genuine = bytes.get(..MAC).is_some_and(|mac| same(mac, &self.mac(digest, engine, artefact)));
        if !genuine {
            tracing::warn!(path = %path.display(), "a compiled component was damaged; it is compiled again");
            _ = fs::remove_file(&path);
            return None;
        }
        bytes.drain(..MAC);
        Some(bytes)
    }

    /// Keeps an artefact. Readers see the whole file or none.
    pub(crate) fn put(&self, digest: &Digest, engine: u64, artefact: &[u8]) -> io::Result<()> {
        let mac = self.mac(digest, engine, artefact);
        write_whole(&self.directory, &self.path(digest, engine), &[&mac, artefact])?;
        self.prune()
    }

    fn path(&self, digest: &Digest, engine: u64) -> PathBuf {
        self.directory.join(format!("{}-{engine:016x}.{EXTENSION}", hex::encode(digest.as_bytes())))
    }

    /// Binds the artefact to its name: a genuine file under another name is refused.
    fn mac(&self, digest: &Digest, engine: u64, artefact: &[u8]) -> [u8; MAC] {
        hmac(&self.key, &[digest.as_bytes(), &engine.to_le_bytes(), artefact])
    }

    fn prune(&self) -> io::Result<()> {
        let mut artefacts: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.directory)?
            .filter_map(Result::ok)
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == EXTENSION))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        artefacts.sort();
        let surplus = artefacts.len().saturating_sub(ARTEFACTS_MAX);
        artefacts.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// The user as whom this process makes files.
fn ourselves(directory: &Path) -> io::Result<u32> {
    let probe = directory.join(format!("{}.probe", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe).and_then(|file| file.metadata());
    _ = fs::remove_file(&probe);
    made.map(|metadata| metadata.uid())
}

/// Whoever owns a folder can replace what is in it: native code is never taken from another user's.
fn ours(owner: u32, us: u32, path: &Path) -> io::Result<()> {
    if owner == us {
        return Ok(());
    }
    let message =
        format!("`{}` belongs to user {owner}, not to user {us} who runs this host: set `cacheDirectory`", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

/// `None` if there is none, or one that others could read or made: then everything compiled under it is distrusted.
fn read_key(path: &Path, us: u32) -> io::Result<Option<[u8; MAC]>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut key = [0; MAC];
    let metadata = file.metadata()?;
    let private = metadata.permissions().mode() & 0o077 == 0 && metadata.uid() == us;
    Ok((private && file.read_exact(&mut key).is_ok()).then_some(key))
}

fn make_key(directory: &Path) -> io::Result<[u8; MAC]> {
    let key: [u8; MAC] = rand::random();
    write_whole(directory, &directory.join(KEY_FILE), &[&key])?;
    Ok(key)
}

/// Writes beside the target and renames over it (POSIX rename is atomic).
fn write_whole(directory: &Path, target: &Path, parts: &[&[u8]]) -> io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let beside = directory.join(format!("{}-{count}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    fs::rename(&beside, target).inspect_err(|_| _ = fs::remove_file(&beside))
}

/// RFC 2104 over SHA-256; the key is shorter than a block.
fn hmac(key: &[u8; MAC], parts: &[&[u8]]) -> [u8; MAC] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let mut inner = Sha256::new().chain_update(padded(0x36));
    parts.iter().for_each(|part| inner.update(part));
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner.finalize()).finalize().into()
}

/// Compares in a time that does not depend on where the two differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::{Cache, hmac};
    use portcullis_core::plugin::Digest;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &std::path::Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_artefact_survives_a_restart_and_belongs_to_one_component_and_engine() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        Cache::open(directory.path()).unwrap().put(&one, 7, b"native").unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        assert_eq!(cache.get(&one, 7).unwrap(), b"native");
        assert!(cache.get(&one, 8).is_none() && cache.get(&other, 7).is_none());
        fs::rename(cache.path(&one, 7), cache.path(&other, 7)).unwrap();
        assert!(cache.get(&other, 7).is_none());
    }

    #[test]
    fn a_flipped_bit_or_a_cut_file_counts_as_absent() {
        let directory = tempfile::tempdir().unwrap();
        let (cache, digest) = (Cache::open(directory.path()).unwrap(), Digest::of(b"one"));
        for damage in [|bytes: &mut Vec<u8>| bytes[40] ^= 1, |bytes: &mut Vec<u8>| bytes.truncate(10)] {
            cache.put(&digest, 7, b"native code").unwrap();
            let mut bytes = fs::read(cache.path(&digest, 7)).unwrap();
            damage(&mut bytes);
            fs::write(cache.path(&digest, 7), bytes).unwrap();
            assert!(cache.get(&digest, 7).is_none());
        }
    }

    #[test]
    fn only_the_owner_can_read_it_and_a_key_that_others_could_read_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (folder, digest) = (directory.path().join("cache"), Digest::of(b"one"));
        Cache::open(&folder).unwrap().put(&digest, 7, b"native").unwrap();
        let key = folder.join("key");
        assert_eq!((mode(&folder), mode(&key)), (0o700, 0o600));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Cache::open(&folder).unwrap().get(&digest, 7).is_none());
        assert_eq!(mode(&key), 0o600);
    }

    #[test]
    fn what_another_user_owns_is_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        let us = super::ourselves(directory.path()).unwrap();
        assert!(super::ours(us, us, directory.path()).is_ok());
        let refused = super::ours(us + 1, us, directory.path()).unwrap_err().to_string();
        assert!(refused.contains("cacheDirectory"), "{refused}");
        let key = super::make_key(directory.path()).unwrap();
        let path = directory.path().join("key");
        assert_eq!(super::read_key(&path, us).unwrap(), Some(key));
        assert_eq!(super::read_key(&path, us + 1).unwrap(), None);
    }

    #[test]
    fn the_oldest_artefacts_go_when_there_are_too_many() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        for engine in 0..70 {
            cache.put(&Digest::of(b"one"), engine, b"native").unwrap();
        }
        assert!(cache.get(&Digest::of(b"one"), 69).is_some());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), super::ARTEFACTS_MAX + 1);
    }

    /// RFC 4231, test case 1, with its key of 20 bytes padded by zeros as RFC 2104 pads it.
    #[test]
    fn the_mac_is_hmac_sha256() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hex::encode(hmac(&key, &[b"Hi ", b"There"])), expected);
    }
}
