//! Who asks at the routes that want a bearer token (RFC 6750 §2.1): the operator's secret, or anybody.

use portcullis_plugin::auth::routes::Request;

use crate::port::Call;
use crate::secret::same;

/// Shortest secret of the operator, in bytes.
const SECRET_MIN: usize = 16;

/// What a request sends as its bearer token.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, sent) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(sent.trim())
}

/// Whether that is the secret that the settings name.
pub(crate) fn is_operator(call: Call<'_>, sent: &str) -> bool {
    let secret = call.settings.introspection_secret.as_ref().and_then(|name| call.host.secret(name));
    secret.is_some_and(|secret| secret.len() >= SECRET_MIN && same(&secret, sent))
}
