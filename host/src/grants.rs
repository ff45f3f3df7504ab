//! Grants as the YAML that an operator pastes, and what a plugin asks for beyond its grant.

use portcullis_core::grant::{Capability, Grants};
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

/// What `requested` asks beyond `granted`.
pub(crate) fn excess(requested: &Grants, granted: &Grants) -> Grants {
    let lacks = |capability| requested.has(capability) && !granted.has(capability);
    let kubernetes = match (&requested.kubernetes, &granted.kubernetes) {
        (Some(requested), Some(granted)) => {
            Some(granted.lacks(requested)).filter(|rest| !rest.rules.is_empty() || rest.secret_values)
        }
        (requested, None) => requested.clone(),
        (None, Some(_)) => None,
    };
    Grants {
        log: lacks(Capability::Log),
        config: lacks(Capability::Config),
        progress: lacks(Capability::Progress),
        notifications: lacks(Capability::Notifications),
        clocks: lacks(Capability::Clocks),
        random: lacks(Capability::Random),
        kubernetes,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::grant::{Capability, Grants};

    use super::{entry, excess};

    #[test]
    fn the_entry_states_only_what_is_granted() {
        let grants = Grants { log: true, ..Grants::default() };
        assert_eq!(entry("cnpg", &grants), "plugins:\n  cnpg:\n    grants:\n      log: true");
    }

    #[test]
    fn no_capability_is_forgotten_in_the_excess() {
        let all = Grants {
            log: true,
            config: true,
            progress: true,
            notifications: true,
            clocks: true,
            random: true,
            kubernetes: Some(portcullis_core::kubegrant::KubernetesGrant { secret_values: true, ..Default::default() }),
        };
        let rest = excess(&all, &Grants::default());
        assert!(Capability::ALL.into_iter().all(|one| rest.has(one)));
        assert_eq!(excess(&all, &all), Grants::default());
    }
}
