//! The operator's secrets: files that the configuration names, read when they are needed. Values never leave the type that hides them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use parking_lot::RwLock;
use portcullis_core::ports::SecretSource;
use portcullis_core::secret::Secret;

/// Longest secret in bytes: a PEM chain fits; a file that somebody named by mistake may be of any size.
const SECRET_MAX: u64 = 64 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SecretFiles {
    files: RwLock<Files>,
}

/// Files by the name of their secret.
#[derive(Debug, Default)]
struct Files {
    /// Of the configuration that serves.
    published: BTreeMap<String, PathBuf>,
    /// Of the one that is being put together.
    next: BTreeMap<String, PathBuf>,
}

impl SecretFiles {
    /// A configuration is being put together. Names that only it has can be read, since its plugins may need them to be loaded; what a known
    /// name means changes with [`SecretFiles::follow`], when the configuration is published.
    pub(crate) fn prepare(&self, files: &BTreeMap<String, PathBuf>) {
        if self.files.read().next != *files {
            self.files.write().next.clone_from(files);
        }
    }

    /// From now on these, and no others.
    pub(crate) fn follow(&self, files: &BTreeMap<String, PathBuf>) {
        *self.files.write() = Files { published: files.clone(), next: BTreeMap::new() };
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let files = self.files.read();
        files.published.get(name).or_else(|| files.next.get(name)).cloned()
    }

    /// Reads one.
    ///
    /// # Errors
    /// In words for the operator; they hold no part of a secret.
    pub(crate) fn read(&self, name: &str) -> Result<Secret, String> {
        let path = self.path(name).ok_or_else(|| format!("no secret is called `{name}`"))?;
        let place = || format!("the file of secret `{name}`, {}", path.display());
        let length = std::fs::metadata(&path).map_err(|error| format!("{} cannot be read: {error}", place()))?.len();
        if length > SECRET_MAX {
            return Err(format!("{} has more than {SECRET_MAX} bytes", place()));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", place()))?;
        let trimmed = text.trim_end();
        if trimmed.is_empty() {
            return Err(format!("{} is empty", place()));
        }
        Ok(Secret::new(trimmed.to_owned()))
    }
}

impl SecretSource for SecretFiles {
    fn secret(&self, name: &str) -> Option<Secret> {
        self.read(name).map_err(|reason| tracing::warn!(secret = name, reason, "a secret is not there")).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{SECRET_MAX, SecretFiles};

    #[test]
    fn a_secret_is_the_files_content_without_its_last_line_break_and_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let secrets = SecretFiles::default();
        assert!(secrets.read("s").unwrap_err().contains("no secret is called"));
        secrets.follow(&[("s".to_owned(), path.clone())].into());
        assert!(secrets.read("s").unwrap_err().contains("cannot be read"));
        for (content, value) in [("one\n", "one"), ("two \r\n", "two"), ("a\nb\n", "a\nb")] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(secrets.read("s").unwrap().reveal(), value);
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(secrets.read("s").unwrap_err().contains("is empty"));
        std::fs::write(&path, "x".repeat(usize::try_from(SECRET_MAX).unwrap() + 1)).unwrap();
        assert!(secrets.read("s").unwrap_err().contains("more than"));
    }

    #[test]
    fn a_configuration_that_is_not_published_changes_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, name).unwrap();
            path
        };
        let (old, new) =
            ([("s".to_owned(), file("old"))].into(), [("s".to_owned(), file("new")), ("t".to_owned(), file("t"))].into());
        let secrets = SecretFiles::default();
        let read = |name: &str| secrets.read(name).ok().map(|secret| secret.reveal().to_owned());
        secrets.prepare(&old);
        assert_eq!(read("s").as_deref(), Some("old"), "the first one has none before it");
        secrets.follow(&old);
        secrets.prepare(&new);
        assert_eq!((read("s").as_deref(), read("t").as_deref()), (Some("old"), Some("t")));
        secrets.prepare(&old);
        assert_eq!(read("t"), None, "it was refused");
        secrets.prepare(&new);
        secrets.follow(&new);
        assert_eq!(read("s").as_deref(), Some("new"));
    }
}
