//! What the count says of schemas, kind and unkind.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::{CHAIN_MAX, Extent, PARTS_MAX, of};
use serde_json::{Map, Value, json};

/// `$defs` in which each of `count` refers to the next one twice, by `applicator`.
pub(in super::super) fn doubling(count: usize, twice: impl Fn(Value) -> Value) -> Value {
    let mut defs = Map::new();
    for index in 0..count {
        defs.insert(format!("a{index}"), twice(json!({"$ref": format!("#/$defs/a{}", index + 1)})));
    }
    defs.insert(format!("a{count}"), json!({"type": "string"}));
    json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/a0"}}, "$defs": defs})
}

fn refusal(schema: &Value) -> String {
    of(schema).unwrap_err().to_string()
}

fn parts(schema: &Value) -> u64 {
    of(schema).unwrap().parts
}

#[test]
fn each_subschema_counts_once_for_each_way_that_leads_to_it() {
    assert_eq!(parts(&json!({"type": "object"})), 1);
    assert_eq!(parts(&json!({"properties": {"a": {}, "b": {"items": {}}}, "$defs": {"unused": {}}, "default": {"$ref": 1}})), 4);
    let shared = json!({"properties": {"a": {"$ref": "#/$defs/s"}, "b": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"not": {}}}});
    assert_eq!(parts(&shared), 7);
}

#[test]
fn references_that_double_are_refused_whatever_carries_them() {
    for twice in [
        (|next| json!({"allOf": [next, next]})) as fn(Value) -> Value,
        |next| json!({"anyOf": [next, next]}),
        |next| json!({"properties": {"a": next, "b": next}}),
        |next| json!({"items": next, "contains": next}),
        |next| json!({"if": next, "then": next}),
        |next| json!({"dependentSchemas": {"a": next, "b": next}}),
    ] {
        let refusal = refusal(&doubling(14, twice));
        assert!(refusal.contains(&PARTS_MAX.to_string()), "{refusal}");
        assert!(of(&doubling(5, twice)).is_ok());
    }
}

#[test]
fn looking_for_what_is_unevaluated_counts_as_looking_twice() {
    let nest = |schema: Value, _| json!({"unevaluatedProperties": false, "anyOf": [schema]});
    assert!(of(&(0..3).fold(json!({}), nest)).is_ok());
    assert!(of(&(0..20).fold(json!({}), nest)).is_err());
}

#[test]
fn recursion_into_the_value_counts_once_and_is_noticed() {
    let list = json!({"properties": {"next": {"$ref": "#"}}});
    assert_eq!(of(&list).unwrap(), Extent { parts: 3, returns: 1 });
    let tree = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
    assert_eq!(of(&tree).unwrap().returns, 2);
    let typebox = json!({"properties": {"node": {"$id": "T0", "properties": {"next": {"$ref": "T0"}}}}});
    assert_eq!(of(&typebox).unwrap().returns, 1);
}

#[test]
fn recursion_that_stays_on_the_value_is_refused() {
    for schema in [
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}}),
        json!({"properties": {"x": {"$dynamicAnchor": "me", "anyOf": [{"$dynamicRef": "#me"}]}}}),
    ] {
        assert!(refusal(&schema).contains("back to its own"), "{schema}");
    }
}

#[test]
fn an_order_that_hides_a_doubling_behind_a_recursion_does_not_help() {
    let mut defs = Map::new();
    for index in 0..30 {
        let next = json!({"$ref": format!("#/$defs/a{}", index + 1)});
        let down = json!({"$ref": format!("#/$defs/a{}", (index + 29) % 30)});
        defs.insert(format!("a{index}"), json!({"properties": {"x": down}, "allOf": [next, next]}));
    }
    defs.insert("a30".into(), json!({}));
    let schema = json!({"properties": {"x": {"$ref": "#/$defs/a29"}}, "$defs": defs});
    assert!(of(&schema).is_err());
}

#[test]
fn a_chain_of_references_ends_where_the_stack_would() {
    let chain = |count: usize| doubling(count, |next| next);
    assert!(of(&chain(CHAIN_MAX - 2)).is_ok());
    assert!(refusal(&chain(CHAIN_MAX)).contains("follow one another"));
    assert!(refusal(&doubling(200, |next| json!({"properties": {"x": next}}))).contains("deep"));
}

#[test]
fn references_are_found_however_they_are_written() {
    let twice = |reference: &str| json!({"allOf": [{"$ref": reference}, {"$ref": reference}]});
    let defs = json!({"a b": {"$anchor": "here", "properties": {"x": {}, "y": {}}}, "c": {"$id": "https://x.test/c", "not": {}}});
    let of_reference = |reference: &str| parts(&json!({"properties": {"p": twice(reference)}, "$defs": defs}));
    assert_eq!(of_reference("#/$defs/a%20b"), 10);
    assert_eq!(of_reference("#/%24defs/a b"), 10);
    assert_eq!(of_reference("#here"), 10);
    assert_eq!(of_reference("https://x.test/c"), 8);
    assert!(of(&json!({"$ref": "#/$defs/none"})).is_err());
    assert!(of(&json!({"$ref": "elsewhere.json"})).is_err());
    assert!(of(&json!({"properties": {"x": {"$ref": "http://json-schema.org/draft-07/schema#"}}})).is_ok());
}
