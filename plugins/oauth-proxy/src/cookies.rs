//! Cookies that bind a login to the browser in which it began (CVE-2026-27124): a random value there, its hash in the record here. One cookie
//! per login, so that several at once do not meet.

use portcullis_plugin::auth::routes::{Request, Response};

use crate::port::Call;
use crate::secret::{digest, same};

/// A cookie of one step of one login.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookie<'a> {
    step: &'static str,
    /// A hash of the login's handle or state.
    id: &'a str,
}

impl<'a> Cookie<'a> {
    /// From the authorization request to the consent.
    pub(crate) fn request(id: &'a str) -> Self {
        Self { step: "request", id }
    }

    /// From the consent to the provider's answer: set only after consent (AS-9).
    pub(crate) fn login(id: &'a str) -> Self {
        Self { step: "login", id }
    }

    /// From the provider's answer to the person's.
    pub(crate) fn confirm(id: &'a str) -> Self {
        Self { step: "confirm", id }
    }

    /// `__Host-`: no other host and no other path can set it; it needs TLS, which a listener on this machine has not.
    fn name(self, call: Call<'_>) -> String {
        let prefix = if is_secure(call) { "__Host-" } else { "" };
        [prefix, "portcullis-", self.step, "-", self.id.get(..12).unwrap_or(self.id)].concat()
    }

    /// Sets it for so many seconds.
    pub(crate) fn set(self, call: Call<'_>, response: Response, value: &str, seconds: u64) -> Response {
        let secure = if is_secure(call) { "; Secure" } else { "" };
        let (name, age) = (self.name(call), seconds.to_string());
        response
            .header("set-cookie", [&name, "=", value, "; Path=/; Max-Age=", &age, "; HttpOnly; SameSite=Lax", secure].concat())
    }

    /// Takes it away.
    pub(crate) fn clear(self, call: Call<'_>, response: Response) -> Response {
        self.set(call, response, "", 0)
    }

    /// Whether this browser has the value of this hash, and no second one.
    pub(crate) fn is_with(self, call: Call<'_>, request: &Request, hash: &str) -> bool {
        let name = self.name(call);
        let pairs =
            request.headers_named("cookie").flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        values.next().is_some_and(|value| same(&digest(value), hash)) && values.next().is_none()
    }
}

fn is_secure(call: Call<'_>) -> bool {
    call.issuer().starts_with("https://")
}
