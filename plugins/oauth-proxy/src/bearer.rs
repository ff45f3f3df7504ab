//! Who asks at the routes that want a bearer token (RFC 6750 §2.1): whoever holds a secret that the settings name for that route, or anybody.

use portcullis_plugin::auth::routes::Request;

use crate::port::Call;
use crate::secret::same;

/// Shortest secret that opens anything, in bytes: 128 bits, if they are random.
pub(crate) const SECRET_MIN: usize = 16;

/// What a request sends as its bearer token.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, sent) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(sent.trim())
}

/// Whether that is the secret of this name; without a name, none is.
pub(crate) fn is_secret(call: Call<'_>, name: Option<&str>, sent: &str) -> bool {
    let secret = name.and_then(|name| call.host.secret(name));
    secret.is_some_and(|secret| secret.len() >= SECRET_MIN && same(&secret, sent))
}
