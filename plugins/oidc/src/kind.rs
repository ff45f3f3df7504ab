//! Access tokens and their look-alikes. An issuer signs id_tokens, logout tokens and refresh tokens with the same keys, and most do not
//! say in `typ` which is which (RFC 9068 §2.1 is young): what gives them away is here. The header `typ` itself the host has checked.

use serde_json::Value;

use crate::claims::text;

/// What a token is instead of an access token; `None` if it may be one.
pub(crate) fn impostor(header: &Value, claims: &Value) -> Option<&'static str> {
    if says_access_token(header) {
        return None;
    }
    if claims.get("events").is_some() {
        return Some("a logout or security event token"); // OpenID Connect Back-Channel Logout 1.0 §2.4
    }
    // Keycloak writes what it is in the claim `typ`, Cognito in `token_use`.
    let stated = text(claims, "typ").or_else(|| text(claims, "token_use"));
    match stated.map(str::to_ascii_lowercase).as_deref() {
        Some("bearer" | "access" | "at+jwt") => return None,
        Some("id") => return Some("an id_token"),
        Some(_) => return Some("another kind of token"),
        None => {}
    }
    // OpenID Connect Core 1.0 §2 and §3.3.2.11: these bind an id_token to one login.
    ["nonce", "at_hash", "c_hash"].iter().any(|&hint| claims.get(hint).is_some()).then_some("an id_token")
}

fn says_access_token(header: &Value) -> bool {
    let typ = text(header, "typ").unwrap_or_default().to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt"
}

#[cfg(test)]
mod tests {
    use super::impostor;
    use serde_json::json;

    #[test]
    fn what_was_signed_for_something_else_is_no_access_token() {
        let plain = json!({"typ": "JWT"});
        for claims in [
            json!({"nonce": "n"}),
            json!({"at_hash": "h"}),
            json!({"c_hash": "h"}),
            json!({"typ": "ID"}),
            json!({"typ": "Refresh"}),
            json!({"token_use": "id"}),
            json!({"events": {}}),
        ] {
            assert!(impostor(&plain, &claims).is_some(), "{claims}");
        }
    }

    #[test]
    fn a_token_that_says_that_it_is_one_is_taken_whatever_else_is_in_it() {
        assert_eq!(impostor(&json!({"typ": "application/AT+JWT"}), &json!({"nonce": "n"})), None);
        // Keycloak before 24 put the nonce into access tokens, too.
        assert_eq!(impostor(&json!({"typ": "JWT"}), &json!({"typ": "Bearer", "nonce": "n"})), None);
        assert_eq!(impostor(&json!({}), &json!({"sub": "a"})), None);
    }
}
