//! What the authorization server needs besides the SDK's capabilities, and what every request carries along.

use portcullis_plugin::auth::{AuthHost, Site};

use crate::settings::Settings;

/// The host.
pub(crate) trait Host: AuthHost {
    /// Lets time pass.
    fn pause(&self, milliseconds: u64);
}

impl Host for portcullis_plugin::auth::Host {
    fn pause(&self, milliseconds: u64) {
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    }
}

/// What every request carries along.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) site: &'a Site,
    pub(crate) settings: &'a Settings,
    /// IP address of the client, for rate limits.
    pub(crate) client: &'a str,
}

impl Call<'_> {
    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.host.now()
    }

    /// Our issuer identifier (RFC 8414 §2): the origin, so that it has neither path nor trailing slash. A text, never a parsed URL: clients
    /// compare it byte for byte.
    pub(crate) fn issuer(&self) -> &str {
        &self.site.origin
    }

    /// The URL of a route.
    pub(crate) fn url(&self, path: &str) -> String {
        [self.site.origin.as_str(), path].concat()
    }

    /// Scopes that can be granted here, in the operator's order.
    pub(crate) fn scopes(&self) -> &[String] {
        if self.settings.scopes.is_empty() { &self.site.scopes } else { &self.settings.scopes }
    }

    /// The scope that opens all logins of a person. None while it is one of [`scopes`](Self::scopes): those are advertised, and clients ask for
    /// what is, so that it would be every client's.
    pub(crate) fn logins_scope(&self) -> Option<&String> {
        self.settings.logins_scope.as_ref().filter(|one| !self.scopes().contains(one))
    }

    /// Whether it may be granted at all.
    pub(crate) fn has_scope(&self, scope: &String) -> bool {
        self.scopes().contains(scope) || self.logins_scope() == Some(scope)
    }
}
