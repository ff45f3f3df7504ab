//! Grants as the YAML that an operator pastes.

use portcullis_core::grant::Grants;
use serde_json::{Value, json};

use crate::output;

/// The entry under `plugins` that grants everything in `grants`.
pub(crate) fn entry(name: &str, grants: &Grants) -> String {
    // Serializing plain data to YAML does not fail; an empty hint would be the worst of it.
    output::yaml(&json!({"plugins": {name: {"grants": stated(grants)}}})).unwrap_or_default().trim_end().to_owned()
}

/// Grants without what is not granted.
pub(crate) fn stated(grants: &Grants) -> Value {
    match serde_json::to_value(grants) {
        Ok(Value::Object(all)) => Value::Object(all.into_iter().filter(|(_, value)| *value != Value::Bool(false)).collect()),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::grant::Grants;

    use super::entry;

    #[test]
    fn the_entry_states_only_what_is_granted() {
        let grants = Grants { log: true, ..Grants::default() };
        assert_eq!(entry("cnpg", &grants), "plugins:\n  cnpg:\n    grants:\n      log: true");
    }
}
