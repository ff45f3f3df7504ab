//! Reading claims that issuers write in different ways: text or list, flat or nested. What they mean is `identity`'s business.

use serde_json::Value;

/// The claim of this name, or at this JSON pointer (RFC 6901) if it begins with "/". Namespaced claims are URLs, so that the two do not meet.
pub(crate) fn find<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) }
}

/// A text that is not empty.
pub(crate) fn text<'a>(claims: &'a Value, name: &str) -> Option<&'a str> {
    find(claims, name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A text alone, or the texts of a list; other values in it are left out.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Scopes: words of a text (RFC 6749 §3.3) or of a list. What is no scope-token is left out, so that it can break no header.
pub(crate) fn scopes(value: Option<&Value>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for text in texts(value) {
        for word in text.split(' ').filter(|word| is_scope(word)) {
            if !scopes.iter().any(|one| one == word) {
                scopes.push(word.to_owned());
            }
        }
    }
    scopes
}

/// scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Seconds since 1970; fractions are cut off (RFC 7519 §2, NumericDate).
pub(crate) fn seconds(claims: &Value, name: &str) -> Option<u64> {
    let value = claims.get(name)?;
    value.as_u64().or_else(|| value.as_number()?.to_string().split('.').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{find, scopes, seconds, texts};
    use serde_json::json;

    #[test]
    fn scopes_come_as_a_text_or_a_list_and_only_tokens_of_the_grammar_count() {
        assert_eq!(scopes(Some(&json!("a b  a"))), ["a", "b"]);
        assert_eq!(scopes(Some(&json!(["a", "b c", 7]))), ["a", "b", "c"]);
        assert_eq!(scopes(Some(&json!("ok quo\"te ctl\r\nx ä"))), ["ok"]);
        assert!(scopes(None).is_empty());
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_by_a_pointer() {
        let claims = json!({"https://x/groups": ["a"], "realm_access": {"roles": ["b"]}});
        assert_eq!(texts(find(&claims, "https://x/groups")), ["a"]);
        assert_eq!(texts(find(&claims, "/realm_access/roles")), ["b"]);
        assert_eq!(find(&claims, "realm_access/roles"), None);
    }

    #[test]
    fn dates_may_have_fractions_and_must_be_numbers() {
        assert_eq!(seconds(&json!({"exp": 12}), "exp"), Some(12));
        assert_eq!(seconds(&json!({"exp": 12.9}), "exp"), Some(12));
        assert_eq!(seconds(&json!({"exp": "12"}), "exp"), None);
        assert_eq!(seconds(&json!({"exp": -1}), "exp"), None);
    }
}
