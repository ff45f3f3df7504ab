//! Every environment variable that Portcullis itself reads, each with its meaning. No other file of the host may ask the environment.
//!
//! Exceptions: `KUBERNETES_SERVICE_HOST`/`_PORT`, by which a pod finds its API server, are read in `cluster/src/pod.rs`, and `KUBECONFIG` by the
//! Kubernetes client, as in every program that uses one.

use std::ffi::OsString;
use std::path::PathBuf;

/// What is logged, as `tracing` filter directives, e.g. `debug` or `info,portcullis_sandbox=debug`. Default: `info`.
pub(crate) const LOG: &str = "PORTCULLIS_LOG";

/// The user's cache folder (XDG Base Directory Specification). Default: `$HOME/.cache`.
const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";

/// The user's state folder (XDG Base Directory Specification). Default: `$HOME/.local/state`.
const XDG_STATE_HOME: &str = "XDG_STATE_HOME";

/// OAuth scopes, with blanks or commas between, that every endpoint guarded by an auth strategy advertises in place of its `scopes`: of those
/// that the authorization server has, and never more.
const OAUTH_SCOPES: &str = "PORTCULLIS_OAUTH_SCOPES";

/// Set in a session over SSH, whose browser is on another machine: `portcullis login` opens none there.
const SSH_CONNECTION: &str = "SSH_CONNECTION";

/// The user's home folder.
const HOME: &str = "HOME";

/// The cargo that runs us, so that `plugin build` uses the same one. Default: the `cargo` of the path.
const CARGO: &str = "CARGO";

fn read(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Filter directives of the log.
pub(crate) fn log() -> Option<String> {
    read(LOG).and_then(|text| text.into_string().ok())
}

/// Where compiled plugins go unless configured; absolute if the system has any absolute place for it.
pub(crate) fn cache_directory() -> PathBuf {
    let home = || read(HOME).map(|home| PathBuf::from(home).join(".cache"));
    let base = read(XDG_CACHE_HOME).map(PathBuf::from).or_else(home).filter(|path| path.is_absolute());
    base.unwrap_or_else(std::env::temp_dir).join("portcullis")
}

/// Where the host keeps what must outlive it, unless configured; absolute if the system has any absolute place for it.
pub(crate) fn state_directory() -> PathBuf {
    own_state_directory().unwrap_or_else(|| std::env::temp_dir().join("portcullis"))
}

/// Where the user's own state goes; `None`: they have no place of their own, and a folder for everybody will not do.
pub(crate) fn own_state_directory() -> Option<PathBuf> {
    let home = || read(HOME).map(|home| PathBuf::from(home).join(".local/state"));
    let base = read(XDG_STATE_HOME).map(PathBuf::from).or_else(home).filter(|path| path.is_absolute());
    base.map(|base| base.join("portcullis"))
}

/// Whether the terminal is on another machine than the person.
pub(crate) fn is_remote() -> bool {
    read(SSH_CONNECTION).is_some()
}

/// Scopes to advertise in place of the configured ones.
pub(crate) fn oauth_scopes() -> Option<Vec<String>> {
    scopes(&read(OAUTH_SCOPES)?.into_string().ok()?)
}

/// `None` if it names none: that is no wish to advertise none.
fn scopes(text: &str) -> Option<Vec<String>> {
    let scopes: Vec<String> = text.split([' ', ',', '\t', '\n']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    (!scopes.is_empty()).then_some(scopes)
}

/// The cargo to call.
pub(crate) fn cargo() -> OsString {
    read(CARGO).unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::scopes;

    #[test]
    fn scopes_have_blanks_or_commas_between_and_none_is_no_wish() {
        assert_eq!(scopes(" read,write\tadmin\n").unwrap(), ["read", "write", "admin"]);
        assert_eq!(scopes(" , "), None);
    }
}
