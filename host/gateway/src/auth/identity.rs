//! From what a strategy says to a principal: the checks that are the host's own, whatever the strategy did.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_core::config::Endpoint;
use portcullis_core::principal::Principal;
use portcullis_core::strategy::{Identity, Rejection, RejectionCode};

use super::stranger::Stranger;

/// Issuers of this form are the host's own: a strategy that named one would make somebody into a caller whom policy trusts without it.
const RESERVED: &str = "portcullis:";

/// Checks audience (RS-7), end and issuer.
///
/// # Errors
/// [`Stranger`]: the identity gets nobody in here.
pub(crate) fn check(identity: &Identity, endpoint: &Endpoint, resource: &str) -> Result<(), Stranger> {
    let reject = |code, message: &str| Stranger::Rejected(Rejection { code, message: message.to_owned() });
    // No issuer has a fragment (RFC 8414 §2): with one, `ISSUER#SUBJECT` would not tell two callers apart towards Kubernetes.
    let odd = identity.issuer.starts_with(RESERVED) || identity.issuer.is_empty() || identity.issuer.contains('#');
    if odd || identity.subject.is_empty() {
        return Err(reject(RejectionCode::Invalid, "the token names no issuer and subject that this host can accept"));
    }
    if identity.expires_at <= now() {
        return Err(reject(RejectionCode::Expired, "the token has expired"));
    }
    // Nothing here enforces what they narrow the token to, so that it must not be taken for a whole one.
    let narrowed = identity.authorization_details.as_deref().is_some_and(|details| !matches!(details.trim(), "" | "[]" | "null"));
    if narrowed && !endpoint.ignores_authorization_details {
        return Err(reject(
            RejectionCode::Invalid,
            "the token is limited by authorization_details, which this endpoint does not enforce",
        ));
    }
    let ours = |audience: &String| same_resource(audience, resource) || endpoint.audiences.contains(audience);
    if identity.audience.iter().any(ours) { Ok(()) } else { Err(Stranger::Audience(resource.to_owned())) }
}

/// Clients add a slash, or write the host in capitals (RS-10).
fn same_resource(audience: &str, resource: &str) -> bool {
    let bare = audience.strip_suffix('/').unwrap_or(audience);
    bare == resource || {
        let split = |url: &str| {
            let at = url.find("://").map(|it| it + 3).unwrap_or(0);
            let end = url.get(at..).and_then(|rest| rest.find('/')).map_or(url.len(), |it| at + it);
            url.get(..end).map(str::to_ascii_lowercase).zip(url.get(end..).map(str::to_owned))
        };
        split(bare).is_some_and(|parts| Some(parts) == split(resource))
    }
}

/// The caller as policy knows it.
pub(crate) fn principal(identity: &Identity) -> Principal {
    Principal {
        subject: identity.subject.clone(),
        issuer: identity.issuer.clone(),
        name: identity.name.clone(),
        groups: identity.groups.clone(),
        project: None,
        scopes: Some(identity.scopes.clone()),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{check, now};
    use crate::auth::stranger::Stranger;
    use portcullis_core::config::{Endpoint, Guard};
    use portcullis_core::strategy::Identity;

    fn identity(issuer: &str, audience: &str, expires_at: u64) -> Identity {
        Identity {
            subject: "s".into(),
            issuer: issuer.into(),
            name: None,
            groups: Vec::new(),
            scopes: Vec::new(),
            audience: vec![audience.into()],
            expires_at,
            client: None,
            grant: None,
            authorization_details: None,
        }
    }

    const HERE: &str = "https://mcp.example.com/mcp";

    fn judged(identity: &Identity) -> Result<(), Stranger> {
        let mut endpoint = Endpoint::new("/mcp", Guard::tokens());
        endpoint.audiences = vec!["api".into()];
        check(identity, &endpoint, HERE)
    }

    #[test]
    fn a_token_for_this_resource_or_an_audience_of_the_operators_gets_in() {
        for audience in [HERE, "https://mcp.example.com/mcp/", "HTTPS://MCP.example.com/mcp", "api"] {
            assert_eq!(judged(&identity("https://id", audience, now() + 9)), Ok(()), "{audience}");
        }
    }

    #[test]
    fn a_token_for_another_resource_does_not() {
        for audience in [
            "https://mcp.example.com",
            "https://mcp.example.com/MCP",
            "https://evil/mcp",
            "https://mcp.example.com/mcp/x",
            "",
            "API",
        ] {
            assert!(matches!(judged(&identity("https://id", audience, now() + 9)), Err(Stranger::Audience(_))), "{audience}");
        }
    }

    #[test]
    fn a_token_that_details_narrow_is_refused_unless_the_operator_says_that_they_do_not_matter_here() {
        let mut narrowed = identity("https://id", HERE, now() + 9);
        narrowed.authorization_details = Some(r#"[{"type":"namespace","name":"a"}]"#.into());
        assert!(matches!(judged(&narrowed), Err(Stranger::Rejected(_))));
        let mut endpoint = Endpoint::new("/mcp", Guard::tokens());
        endpoint.ignores_authorization_details = true;
        assert_eq!(check(&narrowed, &endpoint, HERE), Ok(()));
        narrowed.authorization_details = Some("[]".into());
        assert_eq!(judged(&narrowed), Ok(()));
    }

    #[test]
    fn nobody_outlives_the_token_and_no_strategy_speaks_for_the_host() {
        for (issuer, left) in [("https://id", 0), ("portcullis:local", 9), ("portcullis:config", 9), ("", 9), ("https://id#a", 9)]
        {
            let expires_at = now() + left;
            assert!(matches!(judged(&identity(issuer, HERE, expires_at)), Err(Stranger::Rejected(_))), "{issuer}");
        }
    }
}
