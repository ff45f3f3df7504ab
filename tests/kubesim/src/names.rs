//! What a name may look like, by kind, and the write-only half of a Secret.
//! Must not know other rules of a kind; CNPG's own are `admission.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::kind::ResourceType;
use crate::object::{put, remove};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character";

/// Refuses a missing or malformed name.
pub(crate) fn check(kind: &ResourceType, name: &str) -> Result<(), ApiError> {
    let cause = match name {
        "" => Cause::required("metadata.name", "name or generateName is required"),
        name if name.len() > 253 => Cause::invalid("metadata.name", &json!(name), "must be no more than 253 characters"),
        name if !is_subdomain(name) => Cause::invalid("metadata.name", &json!(name), SUBDOMAIN),
        _ => return Ok(()),
    };
    Err(ApiError::invalid(&kind.kind, &kind.group, name, &[cause]))
}

fn is_subdomain(name: &str) -> bool {
    let is_end = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    let is_label = |label: &str| {
        let body = label.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        body && is_end(label.chars().next()) && is_end(label.chars().last())
    };
    name.split('.').all(is_label)
}

/// Moves `stringData` into `data`, as the API server does.
pub(crate) fn encode_secret(secret: &mut Value) {
    if let Some(Value::Object(plain)) = remove(secret, &["stringData"]) {
        for (key, value) in plain {
            put(secret, &["data", &key], json!(STANDARD.encode(value.as_str().unwrap_or_default())));
        }
    }
    if secret.get("type").is_none() {
        put(secret, &["type"], json!("Opaque"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_subdomains() {
        assert!(["db", "db-1", "a.b-c.d1"].into_iter().all(is_subdomain));
        assert!(!["", "-db", "db-", "Db", "a..b", "a_b"].into_iter().any(is_subdomain));
    }

    #[test]
    fn string_data_becomes_data() {
        let mut secret = json!({"stringData": {"a": "b"}});
        encode_secret(&mut secret);
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "Yg=="}}));
    }
}
