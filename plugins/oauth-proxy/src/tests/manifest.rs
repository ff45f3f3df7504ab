//! plugin.yaml and the types agree.

use serde_json::{Map, Value, json};

use crate::settings::Settings;

fn schema() -> Value {
    let manifest: Value = serde_saphyr::from_str(include_str!("../../plugin.yaml")).unwrap();
    manifest["settings"].clone()
}

/// Every default of the schema, written out, those of members included.
fn defaults(schema: &Value) -> Value {
    let mut all = Map::new();
    for (name, one) in schema["properties"].as_object().unwrap() {
        match one.get("properties") {
            Some(_) => drop(all.insert(name.clone(), defaults(one))),
            None => drop(one.get("default").map(|value| all.insert(name.clone(), value.clone()))),
        }
    }
    Value::Object(all)
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_types() {
    let needed = json!({"issuer": "https://id", "clientId": "c"});
    let mut spelled = defaults(&schema());
    spelled["upstream"].as_object_mut().unwrap().extend(needed.as_object().unwrap().clone());
    assert!(jsonschema::validator_for(&schema()).unwrap().is_valid(&spelled));
    let read = |settings: &Value| format!("{:?}", Settings::parse(&settings.to_string()).unwrap());
    assert_eq!(read(&spelled), read(&json!({"upstream": needed})));
}

#[test]
fn resource_servers_and_the_operator_have_secrets_of_their_own() {
    let with = |operator: &str| {
        let settings = json!({
            "upstream": {"issuer": "https://id", "clientId": "c"}, "introspectionSecret": "s", "operatorSecret": operator,
        });
        Settings::parse(&settings.to_string()).map(drop)
    };
    assert!(with("s").unwrap_err().contains("operatorSecret"));
    assert_eq!(with("other"), Ok(()));
}

#[test]
fn the_schema_refuses_slips() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let with = |name: &str, value: Value| {
        let mut settings = json!({"upstream": {"issuer": "https://id", "clientId": "c"}});
        settings[name] = value;
        settings
    };
    assert!(validator.is_valid(&with("scopes", json!(["a:b"]))));
    for (name, value) in [
        ("scopes", json!(["a b"])),
        ("upstream", json!({"issuer": "https://id"})),
        ("upstream", json!({"issuer": "id", "clientId": "c"})),
        ("upstream", json!({"issuer": "https://id", "clientId": "c", "algorithms": ["none"]})),
        ("lifetimes", json!({"accessSeconds": 86_400})),
        ("clientDocuments", json!({"hosts": ["*.*"]})),
        ("consent", json!(false)),
    ] {
        assert!(!validator.is_valid(&with(name, value.clone())), "{name}: {value}");
    }
}
