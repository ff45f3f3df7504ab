//! The settings that a plugin sees: what the operator wrote over the defaults of the plugin's own schema. The sandbox validates them.

use portcullis_core::manifest::Manifest;
use serde_json::{Map, Value};

/// JSON text of the settings.
pub(crate) fn resolve(manifest: &Manifest, written: &Map<String, Value>) -> String {
    let properties = manifest.settings.as_ref().and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let defaults =
        properties.into_iter().flatten().filter_map(|(name, schema)| Some((name.clone(), schema.get("default")?.clone())));
    let mut settings: Map<String, Value> = defaults.collect();
    settings.extend(written.clone());
    Value::Object(settings).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use portcullis_core::manifest::Manifest;
    use serde_json::{Map, json};

    use super::resolve;

    #[test]
    fn what_is_written_wins_over_the_default() {
        let yaml = "name: a\nversion: 0.1.0\ndescription: d\nsettings: {type: object, properties: {a: {default: 1}, b: {default: 2}, c: {}}}";
        let manifest = Manifest::parse(yaml).unwrap();
        let written: Map<_, _> = json!({"b": 3}).as_object().unwrap().clone();
        assert_eq!(resolve(&manifest, &written), r#"{"a":1,"b":3}"#);
        assert_eq!(resolve(&manifest, &Map::new()), r#"{"a":1,"b":2}"#);
    }
}
