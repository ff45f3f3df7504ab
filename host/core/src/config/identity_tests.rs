//! What an operator sees who writes about strategies, people and secrets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use super::tests::{findings, parse};
use super::{Guard, StoreConfig, StrategyRef};
use crate::jwt::RingAlgorithm;

const PROXY: &str = "plugins: {oauth-proxy: {}, oidc: {}}\n";
const EVERYBODY: &str = "access: [{name: everybody, tools: ['*']}]\n";

#[test]
fn an_endpoint_asks_strategies_in_their_order() {
    let text = format!(
        "{PROXY}listeners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints:\n  - {{path: /mcp, guard: [tokens, oauth-proxy]}}\n  - {{path: /test, guard: oidc}}\n"
    );
    let config = parse(&text).unwrap().0;
    let plugin = |name: &str| StrategyRef::Plugin(name.to_owned());
    let endpoints = &config.listeners[0].endpoints;
    assert_eq!(endpoints[0].guard, Guard::Strategies(vec![StrategyRef::Tokens, plugin("oauth-proxy")]));
    assert_eq!(endpoints[1].guard, Guard::Strategies(vec![plugin("oidc")]));
    assert!(config.is_guarded());
}

#[test]
fn a_strategy_that_nobody_configured_is_refused() {
    let text = |guard: &str| {
        format!("{PROXY}listeners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{{path: /mcp, guard: {guard}}}]\n")
    };
    assert!(findings(&text("oauth-prox")).contains("did you mean `oauth-proxy`?"), "{}", findings(&text("oauth-prox")));
    assert!(findings(&text("[oidc, none]")).contains("guard[1]: `none` is no auth strategy here"));
    assert!(findings(&text("[oidc, oidc]")).contains("`oidc` is asked twice"));
    assert!(findings(&text("[]")).contains("names 0 strategies"));
}

#[test]
fn a_listener_beyond_this_machine_knows_its_public_url_if_a_strategy_needs_it() {
    let text = |more: &str| {
        format!("{PROXY}listeners:\n- name: a\n  address: 0.0.0.0:1\n{more}  endpoints: [{{path: /mcp, guard: oidc}}]\n")
    };
    assert!(findings(&text("")).contains("publicUrl: https://mcp.example.com"), "{}", findings(&text("")));
    let config = parse(&text("  publicUrl: https://MCP.example.com/\n")).unwrap().0;
    assert_eq!(config.listeners[0].public_url.as_deref(), Some("https://mcp.example.com"));
    for (url, said) in [
        ("https://a/mcp", "is not the URL of a host"),
        ("ftp://a", "is not the URL of a host"),
        ("https://u@a", "is not the URL of a host"),
        ("http://mcp.example.com", "in the clear"),
    ] {
        let found = findings(&text(&format!("  publicUrl: {url}\n")));
        assert!(found.contains(said), "{url}: {found}");
    }
    for url in ["http://localhost:8", "http://127.0.0.1:8", "http://[::1]:8"] {
        assert!(parse(&text(&format!("  publicUrl: '{url}'\n"))).is_ok(), "{url}");
    }
}

#[test]
fn every_key_about_people_and_secrets_reaches_the_configuration() {
    let text = "plugins: {oidc: {}}\naccess:\n- {name: dba, issuers: ['https://i'], subjects: [s], groups: [g], scopes: [x], tools: ['*'], prompts: [p], resources: [r]}\n\
                scopeHierarchy: {admin: [read]}\nsecrets: {master: {file: m}, db: {file: /d}}\nkeys: [{id: k1, secret: master}]\nrings: {login: {algorithm: EdDSA}}\n\
                store: {postgres: db}\nlisteners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{path: /mcp, guard: oidc, audiences: [api], scopes: [read]}]\n";
    let config = parse(text).unwrap().0;
    let rule = &config.access[0];
    assert_eq!((rule.name.as_str(), rule.issuers[0].as_str(), rule.subjects[0].as_str()), ("dba", "https://i", "s"));
    assert_eq!((rule.groups[0].as_str(), rule.scopes[0].as_str()), ("g", "x"));
    assert_eq!((rule.rules.tools[0].as_str(), rule.rules.prompts[0].as_str(), rule.rules.resources[0].as_str()), ("*", "p", "r"));
    assert!(config.scope_hierarchy.holds(&["admin".into()], "read"));
    assert_eq!(config.secrets["master"], Path::new("/etc/portcullis/m"));
    assert_eq!((config.keys[0].id.as_str(), config.keys[0].secret.as_str()), ("k1", "master"));
    assert_eq!(config.rings["login"], RingAlgorithm::EdDsa);
    assert_eq!(config.store, StoreConfig::Postgres { secret: "db".into() });
    let endpoint = &config.listeners[0].endpoints[0];
    assert_eq!((endpoint.audiences[0].as_str(), endpoint.scopes[0].as_str()), ("api", "read"));
    let plain = parse("").unwrap().0;
    assert_eq!(plain.store, StoreConfig::Sqlite(PathBuf::from("/var/state/portcullis.db")));
    assert_eq!(parse("store: {path: x.db}\n").unwrap().0.store, StoreConfig::Sqlite(PathBuf::from("/etc/portcullis/x.db")));
}

#[test]
fn what_is_wrong_about_people_and_secrets_is_found() {
    for (text, said) in [
        ("keys: [{id: a, secret: nope}]\n", "no secret is called `nope`"),
        ("secrets: {s: {file: f}}\nkeys: [{id: a, secret: s}, {id: a, secret: s}]\n", "taken by another key"),
        ("store: {postgres: nope}\n", "no secret is called `nope`"),
        ("secrets: {b: {file: f}}\nstore: {postgres: b}\n", "must share their keys"),
        ("listeners: [{name: a, address: '127.0.0.1:1', publicUrl: 'https://h'}]\n", "nobody is asked who they are, yet"),
        ("listeners: [{name: a, address: '127.0.0.1:1', trustedProxies: [x]}]\n", "is no IP network"),
        ("store: {path: a, postgres: b}\nsecrets: {b: {file: f}}\n", "keep one"),
        ("access: [{name: A b, tools: [x]}]\n", "cannot be a name"),
        ("access: [{name: a, tools: [x]}, {name: a, tools: [x]}]\n", "taken by another rule"),
        ("access: [{name: a, tools: [''] }]\n", "would match nothing"),
        ("access: [{name: a}]\n", "permits nothing"),
        ("access: [{name: a, tools: [x], scopes: ['a b']}]\n", "is no OAuth scope"),
        ("rings: {a: {algorithm: RS256}}\n", "RS256"),
        ("listeners: [{name: a, address: '127.0.0.1:1', endpoints: [{path: /m, scopes: [\"a\\\"b\"]}]}]\n", "is no OAuth scope"),
        ("listeners: [{name: a, address: '127.0.0.1:1', endpoints: [{path: /m, audiences: [' ']}]}]\n", "is no audience"),
    ] {
        assert!(findings(text).contains(said), "{text}: {}", findings(text));
    }
}

#[test]
fn what_only_strategies_give_a_meaning_is_found_where_there_is_none() {
    let text = |guard: &str, field: &str| {
        format!(
            "{PROXY}tokens: [{{name: me, sha256: {}, tools: ['*']}}]\nlisteners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{{path: /a, guard: {guard}, {field}}}]\n",
            "a".repeat(64)
        )
    };
    for field in ["audiences: [api]", "scopes: [read]", "authorizationDetails: ignore"] {
        let found = findings(&text("tokens", field));
        assert!(parse(&text("tokens", field)).is_err() && found.contains("means nothing here"), "{field}: {found}");
        assert_eq!(findings(&(text("[tokens, oidc]", field) + EVERYBODY)), "");
    }
    for field in ["access: [{name: a, tools: [x]}]\n", "scopeHierarchy: {admin: [read]}\n"] {
        let plain = text("tokens", "enabled: true") + field;
        assert!(parse(&plain).is_ok() && findings(&plain).contains("means nothing now"), "{field}");
        assert!(!findings(&(text("oidc", "enabled: true") + field)).contains("means nothing"), "{field}");
    }
}

/// Whoever copies an endpoint with a login out of a README would wonder where the tools are.
#[test]
fn that_nobody_who_logs_in_may_do_anything_is_found() {
    let text = |guard: &str| {
        format!(
            "{PROXY}listeners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{{path: /a, guard: {guard}}}, {{path: /b, guard: none}}]\n"
        )
    };
    let found = findings(&text("[oidc, oauth-proxy]"));
    assert!(found.contains("access: has no rule: whom `oauth-proxy` or `oidc` knows gets in and may do nothing"), "{found}");
    assert!(found.contains("    - name: everybody\n"), "{found}");
    assert!(parse(&text("oidc")).is_ok(), "a warning");
    assert_eq!(findings(&(text("oidc") + EVERYBODY)), "");
    assert_eq!(findings(&text("none")), "");
}

#[test]
fn an_endpoint_names_eight_strategies_at_most() {
    let text = |count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("s{index}")).collect();
        let plugins: Vec<String> = names.iter().map(|name| format!("{name}: {{}}")).collect();
        format!(
            "plugins: {{{}}}\n{EVERYBODY}listeners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{{path: /a, guard: [{}]}}]\n",
            plugins.join(", "),
            names.join(", ")
        )
    };
    assert_eq!(findings(&text(8)), "");
    assert!(findings(&text(9)).contains("names 9 strategies, but must name 1 to 8"), "{}", findings(&text(9)));
}

#[test]
fn an_endpoint_names_sixty_four_scopes_at_most() {
    let text = |count: usize| {
        let scopes: Vec<String> = (0..count).map(|index| format!("s{index}")).collect();
        format!(
            "{PROXY}{EVERYBODY}listeners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{{path: /a, guard: oidc, scopes: [{}]}}]\n",
            scopes.join(", ")
        )
    };
    assert_eq!(findings(&text(64)), "");
    assert!(findings(&text(65)).contains("has 65 scopes, but at most 64"), "{}", findings(&text(65)));
}

#[test]
fn a_name_is_worth_what_its_issuer_is_worth() {
    let text = |guard: &str, rule: &str| {
        format!(
            "{PROXY}access: [{{name: a, tools: [x], {rule}}}]\nlisteners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{{path: /a, guard: oidc}}, {{path: /b, guard: {guard}}}]\n"
        )
    };
    for rule in ["subjects: [s]", "groups: [g]"] {
        let warned = parse(&text("oidc", rule)).unwrap().1;
        assert!(warned.len() == 1 && warned[0].to_string().contains("from every issuer"), "{warned:?}");
        assert!(parse(&text("oauth-proxy", rule)).is_err(), "{rule}");
        assert!(findings(&text("[tokens, oauth-proxy]", rule)).contains("at one of 2 strategies"), "{rule}");
        assert_eq!(findings(&text("oauth-proxy", &format!("{rule}, issuers: ['https://i']"))), "");
    }
    assert_eq!(findings(&text("oauth-proxy", "scopes: [s]")), "");
}

#[test]
fn a_grant_that_reaches_out_names_what_exists_and_gives_no_secret_to_whom_it_does_not_name() {
    let plugin = |grants: &str| {
        format!(
            "secrets: {{idp: {{file: f}}}}\nrings: {{login: {{algorithm: EdDSA}}}}\nplugins: {{p: {{grants: {{{grants}}}}}}}\n"
        )
    };
    for (grants, said) in [
        ("http: {rules: [{host: Example.com}]}", "would match nothing"),
        ("http: {rules: [{host: 'a*.org'}]}", "would match nothing"),
        ("http: {rules: [{host: h, methods: [post]}]}", "is no HTTP method"),
        ("http: {rules: [{host: h, ports: [0]}]}", "0 is no port"),
        ("http: {rules: [{host: h, inject: {secret: nope}}]}", "no secret is called `nope`"),
        ("http: {rules: [{host: '*', inject: {secret: idp}}]}", "would be sent the secret"),
        ("http: {rules: [{host: '*.h', inject: {secret: idp}}]}", "would be sent the secret"),
        ("http: {rules: [{host: h, scheme: http, inject: {secret: idp}}]}", "in the clear"),
        ("jwt: {rings: [nope]}", "no key ring is called `nope`"),
        ("secrets: {names: [nope]}", "no secret is called `nope`"),
    ] {
        assert!(findings(&plugin(grants)).contains(said), "{grants}: {}", findings(&plugin(grants)));
    }
    let fine = "http: {rules: [{host: id.example.com, methods: [POST], inject: {secret: idp, user: me}}, {host: '*'}, {host: '*.h'}]}, jwt: {rings: [login, '*']}, secrets: {names: [idp]}";
    assert_eq!(findings(&plugin(fine)), "");
}
