//! plugin.yaml and the types agree.

use serde_json::{Value, json};

use crate::settings::Settings;

fn schema() -> Value {
    let manifest: Value = serde_saphyr::from_str(include_str!("../../plugin.yaml")).unwrap();
    manifest["settings"].clone()
}

/// The members of one issuer, with each default of the schema written out.
fn defaults(properties: &Value) -> Value {
    let with_default =
        properties.as_object().unwrap().iter().filter_map(|(name, one)| Some((name.clone(), one.get("default")?.clone())));
    Value::Object(with_default.collect())
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_types() {
    let schema = schema();
    let mut issuer = defaults(&schema["properties"]["issuers"]["items"]["properties"]);
    issuer["issuer"] = json!("https://id");
    let spelled = json!({"issuers": [issuer], "leewaySeconds": schema["properties"]["leewaySeconds"]["default"]});
    let short = json!({"issuers": [{"issuer": "https://id"}]});
    let read = |settings: &Value| format!("{:?}", Settings::parse(&settings.to_string()).unwrap());
    assert_eq!(read(&spelled), read(&short));
    let keep = |members: Value| {
        format!("{:?}", Settings::parse(&json!({"issuers": [{"issuer": "https://id", "introspection": members}]}).to_string()))
    };
    let introspection = &schema["properties"]["issuers"]["items"]["properties"]["introspection"]["properties"];
    let (mut spelled, short) = (defaults(introspection), json!({"endpoint": "https://id/i"}));
    spelled["endpoint"] = json!("https://id/i");
    assert_eq!(keep(spelled), keep(short));
}

#[test]
fn the_schema_takes_what_an_operator_writes_and_refuses_slips() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let issuer = |members: Value| {
        let mut issuer = json!({"issuer": "https://dev.example.com/"});
        issuer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"issuers": [issuer]})
    };
    assert!(validator.is_valid(&issuer(
        json!({"audiences": ["https://x/mcp"], "algorithms": ["RS256"], "introspection": {"endpoint": "https://x/i"}})
    )));
    for slip in [
        json!({"algorithms": ["none"]}),
        json!({"algorithms": ["HS256"]}),
        json!({"audience": "x"}),
        json!({"scopes": ["a b"]}),
        json!({"issuer": "x"}),
    ] {
        assert!(!validator.is_valid(&issuer(slip.clone())), "{slip}");
    }
}
