//! The table of tools and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::catalogue;
use crate::fake::{Fake, cluster};
use crate::json::{list, texts};
use crate::needs::{PROFILES, needs, offers};
use crate::parameter::{Takes, input_schema};
use crate::settings::{MAX_INSTANCES, Settings};

fn manifest() -> Value {
    serde_saphyr::from_str(include_str!("../../plugin.yaml")).unwrap()
}

type Rules = BTreeSet<String>;

/// `group/resource verb` for each.
fn written(rules: &Value) -> Rules {
    let mut all = Rules::new();
    for rule in list(rules, "/rules") {
        for group in texts(rule, "/apiGroups") {
            for resource in texts(rule, "/resources") {
                all.extend(texts(rule, "/verbs").iter().map(|verb| format!("{group}/{resource} {verb}")));
            }
        }
    }
    all
}

fn needed(profile: &str) -> Rules {
    let tools = needs().into_iter().filter(|one| one.profiles.contains(&profile));
    let rules = tools.flat_map(|one| one.rules).chain(offers());
    rules.flat_map(|rule| rule.verbs.into_iter().map(move |verb| format!("{}/{} {verb}", rule.group, rule.resource))).collect()
}

/// The rules as plugin.yaml should have them, to paste.
fn yaml(rules: &Rules, indent: &str) -> String {
    let mut verbs: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (place, verb) in rules.iter().filter_map(|one| one.split_once(' ')) {
        verbs.entry(place.split_once('/').unwrap()).or_default().push(verb);
    }
    let mut alike: BTreeMap<(&str, Vec<&str>), Vec<&str>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs {
        alike.entry((group, verbs)).or_default().push(resource);
    }
    let line = |((group, verbs), resources): (&(&str, Vec<&str>), &Vec<&str>)| {
        let group = if group.is_empty() { "\"\"" } else { group };
        format!("{indent}- {{apiGroups: [{group}], resources: [{}], verbs: [{}]}}\n", resources.join(", "), verbs.join(", "))
    };
    alike.iter().map(line).collect()
}

#[test]
fn plugin_yaml_requests_exactly_the_rules_of_the_tools() {
    let (manifest, needed) = (manifest(), needed("admin"));
    let requested = manifest.pointer("/requests/kubernetes").unwrap();
    assert!(written(requested) == needed, "requests.kubernetes.rules should be:\n{}", yaml(&needed, "    "));
}

#[test]
fn plugin_yaml_has_the_rules_of_each_profile() {
    let manifest = manifest();
    for profile in PROFILES {
        let (have, needed) = (written(&manifest["profiles"][profile]), needed(profile));
        assert!(have == needed, "profiles.{profile} should be:\n  {profile}:\n    rules:\n{}", yaml(&needed, "    "));
    }
}

/// Fewer, and listed tools could only fail; more, and it would not be what reads and nothing else.
#[test]
fn the_example_configuration_grants_exactly_the_rules_of_its_profile() {
    let example: Value = serde_saphyr::from_str(include_str!("../../../../host/portcullis.example.yaml")).unwrap();
    let entry = &example["plugins"]["cnpg"];
    let profile = entry["settings"]["profile"].as_str().unwrap();
    assert_eq!(written(&entry["grants"]["kubernetes"]), needed(profile));
}

#[test]
fn plugin_yaml_defaults_are_those_of_the_settings() {
    let properties = manifest().pointer("/settings/properties").unwrap().as_object().unwrap().clone();
    let defaults: serde_json::Map<String, Value> =
        properties.iter().map(|(key, one)| (key.clone(), one["default"].clone())).collect();
    let settings: Settings = serde_json::from_value(Value::Object(defaults)).unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.max_instances, MAX_INSTANCES);
}

/// Each tool of the README's table with its hints. A row of several tools has hints for all of them, or for each, by semicolons.
fn documented() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut tools = BTreeMap::new();
    for row in include_str!("../../README.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (names, hints): (Vec<&str>, Vec<&str>) = (cells[1].split(", ").collect(), cells[3].split("; ").collect());
        assert!(hints.len() == 1 || hints.len() == names.len(), "{row}");
        for (index, name) in names.into_iter().enumerate() {
            let hint = hints.get(index).unwrap_or(&hints[0]);
            let hints = hint.split(", ").filter(|word| !word.is_empty()).collect();
            assert!(tools.insert(name.trim_matches('`'), hints).is_none(), "{name} is there twice");
        }
    }
    tools
}

/// The words of the README; what reads only is idempotent anyway.
fn words(hints: catalogue::Hints) -> Vec<&'static str> {
    let words = [
        ("read only", hints.read_only),
        ("destructive", hints.destructive),
        ("idempotent", hints.idempotent && !hints.read_only),
    ];
    words.into_iter().filter_map(|(word, holds)| holds.then_some(word)).collect()
}

#[test]
fn the_readme_has_every_tool_with_its_hints_and_no_other() {
    let tools: BTreeMap<_, _> = catalogue::all().map(|tool| (tool.name, words(tool.hints))).collect();
    assert_eq!(documented(), tools);
}

#[test]
fn every_schema_is_valid_and_closed_and_every_parameter_described() {
    for tool in catalogue::all() {
        let schema = input_schema(&tool.takes());
        assert!(jsonschema::meta::is_valid(&schema), "{}", tool.name);
        assert_eq!(schema["additionalProperties"], json!(false));
        for one in tool.takes() {
            assert!(one.description.len() > 10, "{}.{}", tool.name, one.name);
            assert!(!schema["properties"][one.name]["type"].is_null(), "{}.{}: not JSON", tool.name, one.name);
        }
        let output = tool.shape.schema();
        assert!(jsonschema::meta::is_valid(&output), "{}", tool.name);
        for key in tool.shape.required {
            assert!(!output["properties"][key].is_null(), "{}: {key} is required and not described", tool.name);
        }
    }
}

#[test]
fn parameters_of_the_reference_are_all_there() {
    let reference: [(&str, &[&str]); 9] = [
        ("list_postgres_clusters", &["namespace", "all_namespaces", "detail_level", "format"]),
        ("get_cluster_status", &["name", "namespace", "detail_level", "format"]),
        (
            "create_postgres_cluster",
            &[
                "name",
                "instances",
                "storage_size",
                "postgres_version",
                "container_image",
                "storage_class",
                "image_pull_policy",
                "node_selector",
                "tolerations",
                "wait",
                "timeout",
                "namespace",
                "dry_run",
            ],
        ),
        ("scale_postgres_cluster", &["name", "instances", "namespace", "dry_run"]),
        ("delete_postgres_cluster", &["name", "confirm_deletion", "namespace", "dry_run"]),
        ("promote_cluster_instance", &["name", "instance", "force", "namespace", "dry_run"]),
        ("delete_cluster_instance", &["name", "instance", "confirm_deletion", "namespace", "dry_run"]),
        (
            "resize_postgres_cluster",
            &["name", "storage_size", "extra_instances", "confirm_shrink", "restore_validation_only", "namespace", "dry_run"],
        ),
        ("get_cluster_resize_status", &["name", "namespace", "format"]),
    ];
    for (name, parameters) in reference {
        let tool = catalogue::all().find(|one| one.name == name).unwrap();
        for parameter in parameters {
            assert!(tool.takes().iter().any(|one| one.name == *parameter), "{name}.{parameter}");
        }
    }
}

/// A value that the parameter takes.
fn sample(name: &str, takes: Takes) -> Value {
    match (name, takes) {
        ("storage_size" | "wal_storage_size", _) => json!("1Gi"),
        ("container_image", _) => json!("registry/postgresql:17.5"),
        ("cursor", _) => Value::Null,
        ("size", Takes::Text(_)) => json!("1Gi"),
        ("requests" | "limits", _) => json!({"cpu": "1"}),
        ("plan_id", _) => json!("plan-00000000000000000000000000000000"),
        ("sync", _) => json!(1),
        ("backup", Takes::Json(_)) => json!({"object_store": "s3"}),
        ("connection", _) => json!({"host": "other-rw"}),
        ("postgres_version", _) => json!("17"),
        ("tolerations", _) => json!([{"key": "a"}]),
        ("plugin_parameters", _) => json!({"a": "b"}),
        ("since", _) => json!("15m"),
        ("instances", Takes::Json(_)) => json!(["db-1"]),
        ("target_time", _) => json!("2026-11-21T11:00:00Z"),
        ("target_lsn", _) => json!("0/3000060"),
        ("target_xid", _) => json!("1000"),
        ("schedule", _) => json!("0 3 * * *"),
        (_, Takes::Text(_)) => json!("db"),
        (_, Takes::Integer(..)) => json!(3),
        (_, Takes::Flag) => json!(true),
        (_, Takes::Choice(words)) => json!(words[0]),
        (_, Takes::Choices(words)) => json!([words[0]]),
        (_, Takes::Json(schema)) => sample_of(&serde_json::from_str(schema).unwrap()),
    }
}

fn sample_of(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => json!([]),
        Some("string") => json!("db"),
        Some("integer") => json!(3),
        _ => json!({}),
    }
}

#[test]
fn every_parameter_of_a_schema_is_read_by_its_tool() {
    for tool in catalogue::all() {
        for one in tool.takes() {
            let mut arguments = json!({});
            for needed in tool.takes().iter().filter(|each| each.default.is_none() || each.name == one.name) {
                arguments[needed.name] = sample(needed.name, needed.takes);
            }
            let answer = Fake::new().with("clusters", cluster("default", "db", 3)).run(tool.name, arguments);
            let text = format!("{answer:?}");
            assert!(!text.contains("the arguments do not fit"), "{}.{}: {text}", tool.name, one.name);
        }
    }
}

#[test]
fn d22_null_is_accepted_for_every_optional_parameter() {
    for tool in catalogue::all() {
        let mut arguments = json!({});
        for one in tool.takes() {
            arguments[one.name] = if one.default.is_none() { sample(one.name, one.takes) } else { Value::Null };
        }
        let outcome = Fake::new().with("clusters", cluster("default", "db", 3)).run(tool.name, arguments);
        assert!(!format!("{outcome:?}").contains("do not fit"), "{}", tool.name);
    }
}

#[test]
fn d22_annotations_tell_reading_from_destroying() {
    let hints = |name: &str| catalogue::all().find(|one| one.name == name).unwrap().hints;
    assert!(hints("list_postgres_clusters").read_only && hints("get_cluster_status").read_only);
    assert!(hints("delete_postgres_cluster").destructive && hints("scale_postgres_cluster").destructive);
    assert!(!hints("create_postgres_cluster").destructive && !hints("create_postgres_cluster").idempotent);
}

/// Who asks is the host's to know, and what the server itself does is nobody's tool.
#[test]
fn d9_no_tool_manages_the_server_or_lets_the_caller_choose_an_identity() {
    let identities = ["token", "kubeconfig", "context", "user", "as_user", "impersonate", "service_account"];
    for tool in catalogue::all() {
        assert!(!["admin_", "reload_prompts", "manifest"].iter().any(|word| tool.name.contains(word)), "{}", tool.name);
        for one in tool.takes() {
            assert!(!identities.contains(&one.name), "{}.{}", tool.name, one.name);
        }
        for rule in tool.rules {
            assert!(
                !rule.verbs.contains(&"impersonate") && !rule.kind.group.ends_with("rbac.authorization.k8s.io"),
                "{}",
                tool.name
            );
        }
    }
}

/// The reference's role reads and writes every Secret of the namespace, for whoever calls.
#[test]
fn d9_no_profile_may_read_a_secret() {
    for profile in PROFILES {
        let verbs: Vec<String> = needed(profile).into_iter().filter(|one| one.starts_with("/secrets ")).collect();
        assert!(verbs.iter().all(|one| ["/secrets create", "/secrets patch"].contains(&one.as_str())), "{profile}: {verbs:?}");
    }
}
