//! What policies let through, by tokens, rules and scopes.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::{AccessRule, Action, Policy, ScopeHierarchy, TokenRules, glob};
use crate::principal::Principal;
use std::collections::BTreeMap;
use std::sync::Arc;

fn token(name: &str) -> Arc<Principal> {
    Arc::new(Principal { subject: name.into(), issuer: Principal::CONFIG_ISSUER.into(), ..Principal::local() })
}

fn reader() -> Policy {
    let rules = TokenRules { tools: vec!["list_*".into()], prompts: vec![], resources: vec!["cnpg://a/*".into()] };
    Policy::new(BTreeMap::from([("reader".to_owned(), rules)]))
}

#[test]
fn a_token_may_do_what_its_patterns_say_and_nothing_else() {
    let (policy, reader) = (reader(), token("reader"));
    assert_eq!(policy.decide(&reader, Action::CallTool, "list_clusters").unwrap().policy(), "token:reader");
    assert_eq!(policy.decide(&reader, Action::CallTool, "delete_cluster").unwrap_err().policy, "default-deny");
    assert!(!policy.allows(&reader, Action::GetPrompt, "list_clusters"));
    assert!(policy.allows(&reader, Action::ReadResource, "cnpg://a/b"));
    assert!(!policy.allows(&reader, Action::ReadResource, "cnpg://b/b"));
}

#[test]
fn a_template_shows_if_some_member_could_be_read() {
    let (policy, reader) = (reader(), token("reader"));
    for (prefix, expected) in [("cnpg://", true), ("cnpg://a/clusters/", true), ("cnpg://b/", false), ("test://", false)] {
        assert_eq!(policy.allows_some(&reader, Action::ReadResource, prefix), expected, "{prefix}");
    }
    assert!(!policy.allows_some(&token("unknown"), Action::ReadResource, ""));
}

#[test]
fn a_subject_of_another_issuer_is_nobody() {
    let stranger = Principal { issuer: "https://elsewhere".into(), ..token("reader").as_ref().clone() };
    assert!(!reader().allows(&stranger, Action::CallTool, "list_clusters"));
    assert!(!reader().allows(&token("unknown"), Action::CallTool, "list_clusters"));
    assert!(reader().allows(&Principal::local(), Action::CallTool, "delete_cluster"));
}

fn person(scopes: &[&str], groups: &[&str]) -> Arc<Principal> {
    let list = |values: &[&str]| values.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    Arc::new(Principal {
        issuer: "https://id.example".into(),
        groups: list(groups),
        scopes: Some(list(scopes)),
        ..Principal::local()
    })
}

fn team() -> Policy {
    let rules = TokenRules { tools: vec!["*_cluster".into()], ..TokenRules::default() };
    let rule = AccessRule {
        name: "team".into(),
        issuers: vec!["https://id.example".into()],
        groups: vec!["dba-*".into()],
        scopes: vec!["db".into()],
        rules,
        ..AccessRule::default()
    };
    let hierarchy = ScopeHierarchy([("admin".into(), vec!["db".into(), "danger".into()])].into());
    Policy::new(BTreeMap::new())
        .with_access(vec![rule], hierarchy)
        .with_tool_scopes([("delete_cluster".into(), vec!["danger".into()])].into())
}

#[test]
fn a_person_may_do_what_an_access_rule_says_for_issuer_group_and_scope() {
    let policy = team();
    let permit = policy.decide(&person(&["db"], &["dba-1"]), Action::CallTool, "get_cluster").unwrap();
    assert_eq!(permit.policy(), "access:team");
    let denied = |who: &Arc<Principal>, tool| policy.decide(who, Action::CallTool, tool).unwrap_err().policy;
    assert_eq!(denied(&person(&["db"], &["sales"]), "get_cluster"), "default-deny");
    assert_eq!(denied(&person(&["db"], &["dba-1"]), "list_roles"), "default-deny");
    let elsewhere = Principal { issuer: "https://evil".into(), ..person(&["db"], &["dba-1"]).as_ref().clone() };
    assert_eq!(denied(&Arc::new(elsewhere), "get_cluster"), "default-deny");
    let forged = Principal { issuer: Principal::CONFIG_ISSUER.into(), ..person(&["db"], &["dba-1"]).as_ref().clone() };
    assert_eq!(denied(&Arc::new(forged), "get_cluster"), "default-deny");
}

#[test]
fn who_lacks_scopes_only_is_told_all_that_the_operation_needs() {
    let (policy, bare) = (team(), person(&[], &["dba-1"]));
    let denial = policy.decide(&bare, Action::CallTool, "delete_cluster").unwrap_err();
    assert_eq!((denial.policy.as_str(), denial.scopes), ("scopes", vec!["danger".to_owned(), "db".to_owned()]));
    assert!(policy.shows(&bare, Action::CallTool, "delete_cluster"), "lists show what a scope would allow");
    assert!(!policy.allows(&bare, Action::CallTool, "delete_cluster") && !policy.shows(&bare, Action::CallTool, "list_roles"));
    assert!(policy.decide(&person(&["admin"], &["dba-1"]), Action::CallTool, "delete_cluster").is_ok());
}

#[test]
fn a_broader_scope_stands_for_narrower_ones_and_circles_end() {
    let circle = ScopeHierarchy([("a".into(), vec!["b".into()]), ("b".into(), vec!["a".into(), "c".into()])].into());
    assert!(circle.holds(&["a".into()], "c") && !circle.holds(&["c".into()], "a") && !circle.holds(&["a".into()], "d"));
}

#[test]
fn a_star_stands_for_any_characters() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c", "abc", true),
        ("a*c", "ab", false),
        ("a*a", "a", false),
        ("*b*d", "abcd", true),
        ("ab", "abc", false),
    ] {
        assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
    }
}
