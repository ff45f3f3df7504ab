//! A digest of JSON that does not depend on the order of keys: what binds sealed state to the arguments it was made for.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a JSON value, keys sorted, each part tagged and length-prefixed so that no two values share an encoding.
pub(super) fn of_json(value: &Value) -> [u8; 32] {
    let mut hasher = Sha256::new();
    feed(&mut hasher, value);
    hasher.finalize().into()
}

fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            tag(hasher, b'o', entries.len());
            for (key, value) in entries {
                text(hasher, b'k', key);
                feed(hasher, value);
            }
        }
        Value::Array(items) => {
            tag(hasher, b'a', items.len());
            items.iter().for_each(|item| feed(hasher, item));
        }
        Value::String(string) => text(hasher, b's', string),
        other => text(hasher, b'p', &other.to_string()),
    }
}

fn tag(hasher: &mut Sha256, kind: u8, length: usize) {
    hasher.update([kind]);
    hasher.update((length as u64).to_be_bytes());
}

fn text(hasher: &mut Sha256, kind: u8, text: &str) {
    tag(hasher, kind, text.len());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::of_json;
    use serde_json::{Value, json};

    #[test]
    fn the_order_of_keys_makes_no_difference_and_everything_else_does() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        assert_eq!(of_json(&parse(r#"{"a":1,"b":[2]}"#)), of_json(&parse(r#"{"b":[2],"a":1}"#)));
        for (one, other) in [
            (json!({"a": 1}), json!({"a": "1"})),
            (json!(["ab"]), json!(["a", "b"])),
            (json!({"a": {}}), json!({"a": []})),
            (json!([[], []]), json!([[[]]])),
        ] {
            assert_ne!(of_json(&one), of_json(&other), "{one} {other}");
        }
    }
}
