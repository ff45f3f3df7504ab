//! Logins that outlive the command: `tokens.json` in the person's state folder, for nobody else to read. Written whole or not at all, and under a
//! lock: of two commands that refresh at once, the second finds what the first one got.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use portcullis_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::exchange::Tokens;
use super::fault::{Fault, Result};

/// Largest file that is read, in bytes (4 MiB): a login has a few KiB.
const FILE_MAX: u64 = 4 << 20;

/// How long before its end a token counts as ended (30 s): it must live as long as what it is used for next.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a token is used whose end is unknown (an hour): servers that do not tell often give that much.
const UNKNOWN: SignedDuration = SignedDuration::from_hours(1);

/// A login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Login {
    /// The resource's identifier, byte for byte.
    pub(super) resource: String,
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) client: Client,
    #[serde(with = "revealed")]
    pub(super) access_token: Secret,
    #[serde(default, with = "revealed::optional", skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<Secret>,
    pub(super) scope: String,
    pub(super) obtained_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    /// Whether the token endpoint may have an address that is not the internet's.
    #[serde(default)]
    pub(super) private: bool,
}

impl Login {
    /// Takes tokens that came just now. A server that gives no new refresh token lets the old one live.
    pub(super) fn take(&mut self, tokens: Tokens) {
        self.obtained_at = Timestamp::now();
        self.expires_at = tokens
            .lifetime
            .and_then(|seconds| self.obtained_at.checked_add(SignedDuration::from_secs(seconds.try_into().ok()?)).ok());
        self.access_token = tokens.access;
        self.refresh_token = tokens.refresh.or(self.refresh_token.take());
        self.scope = tokens.scope.unwrap_or(std::mem::take(&mut self.scope));
    }

    /// Whether the token can be used now.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        match self.expires_at {
            Some(end) => end.duration_since(now) > MARGIN,
            None => now.duration_since(self.obtained_at) < UNKNOWN,
        }
    }
}

/// The file, as long as it is locked.
pub(super) struct Kept {
    path: PathBuf,
    logins: BTreeMap<String, Login>,
    /// Unlocked when it is closed.
    _lock: File,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents<T> {
    /// By endpoint.
    tokens: T,
}

impl Kept {
    /// Locks and reads; waits while another command has the lock, which is as long as one refresh takes. Makes the folder if there is none.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("tokens.json");
        let fault =
            |error: io::Error| Fault::Kept { path: path.display().to_string(), reason: format!("cannot be used: {error}") };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fault)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join("tokens.lock"));
        let lock = lock.map_err(fault)?;
        lock.lock().map_err(fault)?;
        let logins = match read(&path) {
            Ok(logins) => logins,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(fault(error)),
        };
        Ok(Self { path, logins, _lock: lock })
    }

    /// The login to an endpoint.
    pub(super) fn find(&self, endpoint: &str) -> Option<&Login> {
        self.logins.get(endpoint)
    }

    /// Keeps a login in place of the one before it; `None`: forgets it.
    pub(super) fn put(&mut self, endpoint: &str, login: Option<Login>) -> Result<()> {
        match login {
            Some(login) => self.logins.insert(endpoint.to_owned(), login),
            None => self.logins.remove(endpoint),
        };
        self.write()
            .map_err(|error| Fault::Kept { path: self.path.display().to_string(), reason: format!("cannot be written: {error}") })
    }

    fn write(&self) -> io::Result<()> {
        let text = Secret::new(serde_json::to_string_pretty(&Contents { tokens: &self.logins })?);
        let beside = self.path.with_extension("new");
        // What a command left behind that was killed here may be anything, a link for example.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(text.reveal().as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

fn read(path: &Path) -> io::Result<BTreeMap<String, Login>> {
    let metadata = fs::metadata(path)?;
    let refuse = |reason: &str| Err(io::Error::other(reason.to_owned()));
    if metadata.len() > FILE_MAX {
        return refuse("it has more than 4 MiB");
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return refuse("others may read or write it, so that its tokens must be thought of as known");
    }
    let text = Secret::new(fs::read_to_string(path)?);
    match serde_json::from_str::<Contents<_>>(text.reveal()) {
        Ok(contents) => Ok(contents.tokens),
        // The reader's own words could quote a token.
        Err(error) => refuse(&format!("it is not what `portcullis login` writes, in line {}", error.line())),
    }
}

/// Secrets as text, in this file only.
pub(super) mod revealed {
    use portcullis_core::secret::Secret;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        secret.reveal().serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }

    /// Those that may be absent.
    pub(in super::super) mod optional {
        use portcullis_core::secret::Secret;
        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

        pub(in super::super::super) fn serialize<S: Serializer>(
            secret: &Option<Secret>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            secret.as_ref().map(Secret::reveal).serialize(serializer)
        }

        pub(in super::super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Secret>, D::Error> {
            Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use jiff::{SignedDuration, Timestamp};
    use portcullis_core::secret::Secret;

    use super::super::client::Client;
    use super::super::exchange::Tokens;
    use super::{Fault, Kept, Login};

    const URL: &str = "https://h/mcp";

    fn login(token: &str) -> Login {
        Login {
            resource: URL.into(),
            issuer: "https://as".into(),
            token_endpoint: "https://as/t".into(),
            client: Client::public("c"),
            access_token: Secret::new(token.into()),
            refresh_token: Some(Secret::new("r".into())),
            scope: "a".into(),
            obtained_at: Timestamp::now(),
            expires_at: None,
            private: false,
        }
    }

    fn token(folder: &std::path::Path, url: &str) -> Option<String> {
        Kept::open(folder).unwrap().find(url).map(|login| login.access_token.reveal().to_owned())
    }

    #[test]
    fn logins_are_kept_by_endpoint_and_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("state/portcullis");
        assert_eq!(token(&own, URL), None);
        Kept::open(&own).unwrap().put(URL, Some(login("one"))).unwrap();
        Kept::open(&own).unwrap().put("https://other/", Some(login("two"))).unwrap();
        assert_eq!((token(&own, URL).as_deref(), token(&own, "https://other/").as_deref()), (Some("one"), Some("two")));
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&own), mode(&own.join("tokens.json")), mode(&own.join("tokens.lock"))), (0o700, 0o600, 0o600));
        Kept::open(&own).unwrap().put(URL, None).unwrap();
        assert_eq!((token(&own, URL), token(&own, "https://other/").as_deref()), (None, Some("two")));
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_broken_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let reason = || match Kept::open(folder.path()) {
            Err(Fault::Kept { reason, .. }) => reason,
            _ => String::new(),
        };
        Kept::open(folder.path()).unwrap().put(URL, Some(login("hunter2"))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(reason().contains("others may read"), "{}", reason());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, r#"{"tokens": {"a": "hunter2"}}"#).unwrap();
        assert!(reason().contains("in line 1") && !reason().contains("hunter2"), "{}", reason());
        fs::write(&path, " ".repeat(5 << 20)).unwrap();
        assert!(reason().contains("more than 4 MiB"), "{}", reason());
    }

    #[test]
    fn a_link_that_stands_where_the_new_file_goes_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("tokens.new")).unwrap();
        Kept::open(folder.path()).unwrap().put(URL, Some(login("one"))).unwrap();
        assert_eq!(
            (fs::read_to_string(&victim).unwrap().as_str(), token(folder.path(), URL).as_deref()),
            ("untouched", Some("one"))
        );
    }

    #[test]
    fn a_token_is_good_until_shortly_before_its_end_or_for_an_hour() {
        let mut login = login("one");
        let after = |login: &Login, seconds: i64| login.is_good(login.obtained_at + SignedDuration::from_secs(seconds));
        assert!(after(&login, 3599) && !after(&login, 3600));
        login.expires_at = Some(login.obtained_at + SignedDuration::from_secs(100));
        assert!(after(&login, 69) && !after(&login, 70));
    }

    #[test]
    fn a_refresh_keeps_what_the_server_does_not_replace() {
        let mut login = login("one");
        login.take(Tokens { access: Secret::new("two".into()), refresh: None, scope: None, lifetime: Some(60) });
        assert_eq!((login.access_token.reveal(), login.scope.as_str()), ("two", "a"));
        assert_eq!(login.refresh_token.as_ref().unwrap().reveal(), "r");
        assert_eq!(login.expires_at, Some(login.obtained_at + SignedDuration::from_secs(60)));
        login.take(Tokens {
            access: Secret::new("three".into()),
            refresh: Some(Secret::new("s".into())),
            scope: Some("b".into()),
            lifetime: None,
        });
        assert_eq!((login.refresh_token.unwrap().reveal(), login.scope.as_str(), login.expires_at), ("s", "b", None));
    }
}
