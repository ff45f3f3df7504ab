//! What the operator hears when the strategy is asked what it is.

use portcullis_plugin::testing::{self, Heard};
use serde_json::{Value, json};

use super::world::World;
use crate::routes::describe;

/// The lines about settings, with a ring of this algorithm.
fn told(settings: Value, algorithm: &'static str) -> Vec<String> {
    let world = World::with(settings);
    world.host.algorithm.set(algorithm);
    drop(testing::take());
    drop(describe(world.call()));
    let error = |heard| match heard {
        Heard::Log { level, message } if level == "error" => message,
        other => panic!("{other:?}"),
    };
    testing::take().into_iter().map(error).collect()
}

#[test]
fn settings_that_hold_are_no_news() {
    let secrets = json!({"upstream": {"clientSecret": "known"}, "introspectionSecret": "known", "operatorSecret": "operator"});
    for settings in [json!({}), secrets, json!({"loginsScope": null, "scopes": ["logins"]})] {
        assert_eq!(told(settings, "HS256"), [""; 0]);
    }
    assert_eq!(told(json!({"upstream": {"authentication": "privateKey"}}), "ES256"), [""; 0]);
}

#[test]
fn a_secret_that_cannot_be_read_or_is_too_short_is_named_with_what_to_do() {
    for (setting, settings) in [
        ("`upstream.clientSecret`", json!({"upstream": {"clientSecret": "absent"}})),
        ("`introspectionSecret`", json!({"introspectionSecret": "absent"})),
        ("`operatorSecret`", json!({"operatorSecret": "absent"})),
    ] {
        let lines = told(settings, "ES256");
        assert!(
            matches!(&*lines, [line] if line.contains(setting) && line.contains("`absent`") && line.contains("`secrets.names`"))
        );
    }
    for name in ["introspectionSecret", "operatorSecret"] {
        let lines = told(json!({name: "short"}), "ES256");
        assert!(
            matches!(&*lines, [line] if line.contains(name) && line.contains("16 bytes") && !line.contains("fifteen")),
            "{lines:?}"
        );
    }
}

#[test]
fn a_ring_that_cannot_do_what_it_is_for_is_named_with_what_to_do() {
    let private = json!({"upstream": {"authentication": "privateKey"}, "ring": "ours"});
    let lines = told(private, "HS256");
    assert!(matches!(&*lines, [line] if line.contains("`algorithm: ES256` at `rings.ours`")), "{lines:?}");
    let lines = told(json!({"ring": "absent"}), "ES256");
    assert!(matches!(&*lines, [line] if line.contains("absent") && line.contains("not granted")), "{lines:?}");
}

#[test]
fn a_scope_for_all_logins_that_every_client_would_have_is_named() {
    for settings in [json!({"scopes": ["read", "logins"]}), json!({"loginsScope": "write"})] {
        let lines = told(settings, "ES256");
        assert!(matches!(&*lines, [line] if line.contains("`loginsScope`")), "{lines:?}");
    }
}
