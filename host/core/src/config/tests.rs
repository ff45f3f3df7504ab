//! What an operator sees: whole files in, findings out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::Path;
use std::time::Duration;

use super::{Config, Endpoint, Guard, Surroundings};
use crate::finding::Finding;

pub(super) fn parse(text: &str) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    parse_beside(text, false)
}

/// `guarded`: what serves asks for tokens.
fn parse_beside(text: &str, guarded: bool) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let (base, cache) = (Path::new("/etc/portcullis"), Path::new("/var/cache"));
    Config::parse(
        text,
        Surroundings { file: "portcullis.yaml", base, cache, state: Path::new("/var/state"), scopes: None, guarded },
    )
}

pub(super) fn findings(text: &str) -> String {
    let all = parse(text).map_or_else(|findings| findings, |(_, warnings)| warnings);
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const TOKEN: &str =
    "tokens:\n- name: me\n  sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n  tools: ['*']\n";

#[test]
fn an_empty_file_is_a_loopback_host_without_plugins() {
    let (config, warnings) = parse("").unwrap();
    assert!(warnings.is_empty());
    assert_eq!(config.listeners[0].address.to_string(), "127.0.0.1:4204");
    assert_eq!(config.listeners[0].endpoints, [Endpoint::new("/mcp", Guard::None)]);
    assert_eq!(config.plugin_directory, Path::new("/etc/portcullis/plugins"));
    assert_eq!(config.cache_directory, Path::new("/var/cache"));
    assert!(config.plugins.is_empty() && config.tokens.is_empty() && config.audit.is_none());
}

#[test]
fn every_key_reaches_the_configuration() {
    let text = format!(
        "{TOKEN}  prompts: [a]\n  resources: [b]\n\
         listeners:\n- name: x\n  address: 0.0.0.0:1\n  allowedHosts: [h]\n  allowedOrigins: ['https://o']\n  maxBody: 2MiB\n  endpoints:\n  - path: /a\n  - {{path: /b, enabled: false}}\n\
         pluginDirectory: /p\ncacheDirectory: c\naudit: {{path: a.log}}\nkubernetes: {{kubeconfig: k, context: c, impersonate: true}}\n\
         maxConcurrentCalls: 7\nqueueTimeoutMs: 8\nlistTtlMs: 9\ninstructions: hi\n\
         plugins:\n  cnpg:\n    enabled: false\n    grants: {{log: true, kubernetes: {{secretValues: true, rules: [{{apiGroups: [''], resources: [pods], verbs: [get]}}]}}}}\n    settings: {{s: 1}}\n\
         \x20   limits: {{deadlineMs: 11, memory: 3MiB, tableElements: 12, output: 13KiB, logLines: 14, logLine: 100, hostCalls: 15, hostReply: 16KiB}}\n"
    );
    let (config, warnings) = parse(&text).unwrap();
    assert_eq!(warnings, []);
    let listener = &config.listeners[0];
    assert_eq!((listener.name.as_str(), listener.address.to_string().as_str(), listener.max_body), ("x", "0.0.0.0:1", 2 << 20));
    assert_eq!(
        (listener.allowed_hosts.as_slice(), listener.allowed_origins.as_slice()),
        (&["h".to_owned()][..], &["https://o".to_owned()][..])
    );
    assert_eq!(listener.endpoints.len(), 1);
    assert_eq!(listener.endpoints[0].guard, Guard::tokens());
    let rules = &config.tokens["me"].rules;
    assert_eq!((rules.tools.join(","), rules.prompts.join(","), rules.resources.join(",")), ("*".into(), "a".into(), "b".into()));
    assert_eq!(
        (config.plugin_directory.as_path(), config.cache_directory.as_path()),
        (Path::new("/p"), Path::new("/etc/portcullis/c"))
    );
    assert_eq!(config.audit.as_deref(), Some(Path::new("/etc/portcullis/a.log")));
    assert_eq!(config.kubernetes.kubeconfig.as_deref(), Some(Path::new("/etc/portcullis/k")));
    assert!(config.kubernetes.context.as_deref() == Some("c") && config.kubernetes.impersonate);
    assert_eq!(
        (config.max_concurrent_calls, config.queue_timeout, config.list_ttl),
        (7, Duration::from_millis(8), Duration::from_millis(9))
    );
    assert_eq!(config.instructions.as_deref(), Some("hi"));
    let plugin = &config.plugins["cnpg"];
    assert!(!plugin.enabled && plugin.grants.log && plugin.grants.kubernetes.as_ref().unwrap().secret_values);
    assert_eq!(plugin.settings["s"], 1);
    let limits = plugin.limits;
    assert_eq!((limits.deadline_ms, limits.memory, limits.table_elements, limits.output), (11, 3 << 20, 12, 13 << 10));
    assert_eq!((limits.log_lines, limits.log_line, limits.host_calls, limits.host_reply), (14, 100, 15, 16 << 10));
}

#[test]
fn every_wrong_shape_is_found_at_once_with_its_place() {
    insta::assert_snapshot!(findings(
        "listner: []\nlisteners:\n- name: a\n  adress: 127.0.0.1:1\n  endpoints:\n  - path: /a\n    guard: 7\nqueueTimeoutMs: soon\nlistTtlMs: -1\nplugins:\n  cnpg:\n    grants:\n      logs: true\n      kubernetes:\n        rules:\n        - apiGroups: ''\n          resources: [pods]\n    limits:\n      memory: 64MB\n"
    ), @r#"
    error: portcullis.yaml:1:1: listner: is not a known key
        did you mean `listeners`?
    error: portcullis.yaml:3:3: listeners[0].address: is missing
        IP address and port, e.g. `127.0.0.1:4204`; port 0 takes a free one.
    error: portcullis.yaml:4:3: listeners[0].adress: is not a known key
        did you mean `address`?
    error: portcullis.yaml:7:12: listeners[0].endpoints[0].guard: is a number, but must be text (in quotes if it looks like a number) or a list
        `tokens`: bearer tokens of this file; `none`: nobody is asked, only on loopback and without `allowedHosts`; the name of an auth strategy under `plugins`; or a list of up to 8 of them (but `none`), asked in this order. Default: `tokens` if there are any, else `none`; taking the last token away while the host runs leaves it at `tokens`.
    error: portcullis.yaml:8:17: queueTimeoutMs: is text, but must be a whole number
        Milliseconds that a call waits for its turn when that many run already, 0 to 60,000. Default: 1,000, then the client hears 'overloaded'.
    error: portcullis.yaml:9:12: listTtlMs: value is less than the minimum of 0
        Milliseconds for which clients may keep a list before they ask again (`ttlMs`), 0 to 86,400,000. Default: 60,000; they also hear of changes.
    error: portcullis.yaml:13:7: plugins.cnpg.grants.logs: is not a known key
        did you mean `log`?
    error: portcullis.yaml:16:11: plugins.cnpg.grants.kubernetes.rules[0].verbs: is missing
        get, list, watch, create, patch, delete; `*` is any. A server-side apply takes patch and create.
    error: portcullis.yaml:16:22: plugins.cnpg.grants.kubernetes.rules[0].apiGroups: is text, but must be a list
        `""` is the core group; `*` is any.
    error: portcullis.yaml:19:15: plugins.cnpg.limits.memory: `64MB` is not of the right form
        Bytes as a number, or a number with a unit: B, KiB, MiB or GiB, e.g. `64MiB`.
    "#);
}

#[test]
fn every_wrong_meaning_is_found_at_once_with_its_place() {
    insta::assert_snapshot!(findings(
        "maxConcurrentCalls: 0\nlisteners:\n- name: a\n  address: localhost:80\n- name: b\n  address: 127.0.0.1:1\n  maxBody: 1\n  allowedHosts: ['*']\n  allowedOrigins: [example.com]\n  endpoints:\n  - path: mcp\n  - path: /livez\n- name: b\n  address: 127.0.0.1:1\n  endpoints:\n  - {path: /a, guard: tokens}\n  - path: /a\ntokens:\n- name: Me\n  sha256: hunter2\n- name: none\n  sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n  tools: ['']\nplugins:\n  Cnpg: {}\n  b:\n    grants: {kubernetes: {rules: [{apiGroups: [], resources: ['pods/*'], verbs: [gett], namespaces: ['prod-*']}]}}\n    limits: {memory: 1GiB, tableElements: 5000000000}\n"
    ), @r#"
    error: portcullis.yaml:1:21: maxConcurrentCalls: is 0, but must be 1 to 9000
    error: portcullis.yaml:4:12: listeners[0].address: `localhost:80` is not an IP address with a port
          address: 127.0.0.1:80      # this machine only; 0.0.0.0:80 is every interface
    error: portcullis.yaml:7:12: listeners[1].maxBody: is 1, but must be 1024 to 67108864
    error: portcullis.yaml:8:18: listeners[1].allowedHosts[0]: `*` is not a host name
        a host name with or without a port, e.g. mcp.example.com
    error: portcullis.yaml:9:20: listeners[1].allowedOrigins[0]: `example.com` is not an origin
        scheme and host without a path, e.g. https://app.example.com
    error: portcullis.yaml:11:11: listeners[1].endpoints[0].path: `mcp` cannot be an endpoint's path
        begins with `/`, does not end with it; letters, digits and -_.~ between, e.g. /mcp
    error: portcullis.yaml:12:11: listeners[1].endpoints[1].path: `/livez` is answered by the host itself; choose another, e.g. /mcp
    error: portcullis.yaml:13:9: listeners[2].name: `b` is taken by another listener
    error: portcullis.yaml:14:12: listeners[2].address: `127.0.0.1:1` is taken by listener `b`
    error: portcullis.yaml:17:11: listeners[2].endpoints[1].path: `/a` is taken by another endpoint of this listener
    warning: portcullis.yaml:19:3: tokens[0]: token `Me` may do nothing
          tools: ["*"]      # or e.g. ["list_*", "get_*"]
    error: portcullis.yaml:19:9: tokens[0].name: `Me` cannot name a caller
        lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit
    error: portcullis.yaml:20:11: tokens[0].sha256: is not a SHA-256
        the token's SHA-256 as 64 hexadecimal digits: printf %s "$TOKEN" | sha256sum
    error: portcullis.yaml:22:11: tokens[1].sha256: is the SHA-256 of nothing: was $TOKEN empty?
        the token's SHA-256 as 64 hexadecimal digits: printf %s "$TOKEN" | sha256sum
    error: portcullis.yaml:23:11: tokens[1].tools[0]: is empty, and would match nothing
    error: portcullis.yaml:25:3: plugins.Cnpg: cannot be a plugin's name
        the name that the plugin gives itself; `portcullis plugin inspect FILE` prints it
    error: portcullis.yaml:27:36: plugins.b.grants.kubernetes.rules[0].apiGroups: is empty: the rule would allow nothing; `["*"]` is any
    error: portcullis.yaml:27:63: plugins.b.grants.kubernetes.rules[0].resources[0]: `pods/*` would match nothing: as in RBAC, `*` stands alone, and not in resourceNames
    error: portcullis.yaml:27:82: plugins.b.grants.kubernetes.rules[0].verbs[0]: `gett` is no verb that a plugin can use
        did you mean `get`?
    error: portcullis.yaml:27:102: plugins.b.grants.kubernetes.rules[0].namespaces[0]: `prod-*` would match nothing: as in RBAC, `*` stands alone, and not in resourceNames
    error: portcullis.yaml:28:22: plugins.b.limits.memory: 1073741824 is outside 1048576 to 268435456
    error: portcullis.yaml:28:43: plugins.b.limits.tableElements: 4294967295 is outside 1 to 1000000
    "#);
}

#[test]
fn d8_an_open_address_without_a_guard_is_refused_with_the_yaml_that_guards_it() {
    insta::assert_snapshot!(findings("listeners:\n- name: all\n  address: 0.0.0.0:4204\n"), @r#"
    error: portcullis.yaml:2:3: listeners[0].endpoints[0].guard: nobody is asked who they are on 0.0.0.0:4204, which others can reach: every tool would be theirs
        guard the endpoint:
            guard: tokens
          tokens:
            - name: me
              sha256: "…"      # printf %s "$TOKEN" | sha256sum
              tools: ["*"]
        or listen on this machine only:
            address: 127.0.0.1:4204
    "#);
    let guarded = format!("{TOKEN}listeners:\n- name: all\n  address: 0.0.0.0:4204\n");
    assert_eq!(parse(&guarded).unwrap().0.listeners[0].endpoints[0].guard, Guard::tokens());
    let opened = format!("{guarded}  endpoints: [{{path: /mcp, guard: none}}]\n");
    assert!(findings(&opened).contains("listeners[0].endpoints[0].guard: nobody is asked"), "{}", findings(&opened));
}

#[test]
fn a_guard_without_tokens_is_refused() {
    let text = "listeners:\n- name: a\n  address: 127.0.0.1:1\n  endpoints: [{path: /mcp, guard: tokens}]\n";
    assert!(findings(text).contains("nobody could call"), "{}", findings(text));
}

#[test]
fn taking_the_last_token_away_opens_nothing_and_takes_effect() {
    let auto = "listeners:\n- name: a\n  address: 127.0.0.1:1\n";
    let said = auto.to_owned() + "  endpoints: [{path: /mcp, guard: tokens}]\n";
    for text in ["", auto, &said] {
        let (config, warnings) = parse_beside(text, true).unwrap();
        assert_eq!((&config.listeners[0].endpoints[0].guard, config.tokens.len()), (&Guard::tokens(), 0), "{text}");
        assert!(config.is_guarded() && warnings[0].message.starts_with("the last token is gone"), "{text}: {warnings:?}");
        assert!(warnings[0].hint.as_ref().unwrap().contains("guard: none"));
    }
    let open = auto.to_owned() + "  endpoints: [{path: /mcp, guard: none}]\n";
    assert_eq!(parse_beside(&open, true).unwrap().0.listeners[0].endpoints[0].guard, Guard::None);
}

#[test]
fn an_unguarded_endpoint_takes_no_requests_for_other_hosts() {
    let proxied = "listeners:\n- name: a\n  address: 127.0.0.1:1\n  allowedHosts: [mcp.example.com]\n";
    for text in [proxied.to_owned(), format!("{TOKEN}{proxied}  endpoints: [{{path: /mcp, guard: none}}]\n")] {
        assert!(findings(&text).contains("listeners[0].endpoints[0].guard: nobody is asked"), "{}", findings(&text));
    }
    assert!(parse(&format!("{TOKEN}{proxied}")).is_ok());
}

/// A number with its range in the schema, and a file that has it.
type Ranged = (serde_json::Value, Box<dyn Fn(i64) -> String>);

fn ranges() -> Vec<Ranged> {
    let schema = super::json_schema();
    let at = |pointer: &str| schema.pointer(pointer).unwrap().clone();
    let mut all: Vec<Ranged> = Vec::new();
    for key in ["maxConcurrentCalls", "queueTimeoutMs", "listTtlMs"] {
        all.push((at(&format!("/properties/{key}")), Box::new(move |number| format!("{key}: {number}\n"))));
    }
    let listener = |number| format!("listeners: [{{name: a, address: '127.0.0.1:1', maxBody: {number}}}]\n");
    all.push((at("/$defs/RawListener/properties/maxBody"), Box::new(listener)));
    for (key, value) in at("/$defs/RawLimits/properties").as_object().unwrap() {
        let key = key.clone();
        all.push((value.clone(), Box::new(move |number| format!("plugins: {{p: {{limits: {{{key}: {number}}}}}}}\n"))));
    }
    all
}

#[test]
fn the_ranges_that_editors_know_are_those_that_check_enforces() {
    assert_eq!(super::json_schema().to_string().matches("\"maximum\"").count(), ranges().len(), "a range has no test");
    for (schema, file) in ranges() {
        let (low, high) = (schema["minimum"].as_i64().unwrap(), schema["maximum"].as_i64().unwrap());
        for (number, fits) in [(low - 1, false), (low, true), (high, true), (high + 1, false)] {
            assert_eq!(parse(&file(number)).is_ok(), fits, "{}", file(number));
        }
    }
}

#[test]
fn a_verb_that_no_plugin_can_use_is_a_warning_if_roles_have_it() {
    let text = "plugins: {p: {grants: {kubernetes: {rules: [{apiGroups: [''], resources: [pods], verbs: [get, update]}]}}}}\n";
    let (_, warnings) = parse(text).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].subject.ends_with("rules[0].verbs[1]") && warnings[0].message.contains("`update`"), "{warnings:?}");
}

#[test]
fn two_callers_never_share_a_token() {
    let twin = format!("{TOKEN}{}", TOKEN.replace("tokens:\n", "").replace("name: me", "name: you"));
    assert!(findings(&twin).contains("tokens[1].sha256: is the hash of token `me` too"), "{}", findings(&twin));
}

#[test]
fn a_token_that_may_do_nothing_is_a_warning_only() {
    let text = TOKEN.replace("  tools: ['*']\n", "");
    let (_, warnings) = parse(&text).unwrap();
    insta::assert_snapshot!(warnings[0], @r#"
    warning: portcullis.yaml:2:3: tokens[0]: token `me` may do nothing
          tools: ["*"]      # or e.g. ["list_*", "get_*"]
    "#);
}

#[test]
fn broken_yaml_is_one_finding_with_its_place() {
    insta::assert_snapshot!(findings("listeners:\n- name: [a\nb: 1\n"), @r#"error: portcullis.yaml:3:2: configuration: is not YAML: illegal placement of ':' indicator"#);
    insta::assert_snapshot!(findings("audit: {}\naudit: {}\n"), @r#"error: portcullis.yaml:2:1: configuration: is not YAML: duplicate mapping key: audit"#);
    insta::assert_snapshot!(findings("- a\n"), @r#"
    error: portcullis.yaml:1:1: configuration: is a list, but must be a mapping
        The configuration of Portcullis. Every key is optional; relative paths are relative to this file's folder.
    "#);
}

#[test]
fn scopes_of_the_environment_take_the_place_of_those_of_endpoints_that_a_strategy_guards() {
    let text = format!(
        "{TOKEN}plugins: {{proxy: {{}}}}\nlisteners:\n- name: x\n  address: 127.0.0.1:4204\n  endpoints:\n  - {{path: /a, guard: proxy, scopes: [read, write]}}\n  - {{path: /b, guard: [tokens, proxy]}}\n  - {{path: /c, guard: tokens}}\n"
    );
    let of = |scopes: Option<&[String]>| {
        let root = Path::new("/");
        let around = Surroundings { file: "f", base: root, cache: root, state: root, scopes, guarded: false };
        Config::parse(&text, around).unwrap().0
    };
    let advertised = |config: &Config| -> Vec<String> {
        config.listeners[0].endpoints.iter().map(|endpoint| endpoint.scopes.join(" ")).collect()
    };
    assert_eq!(advertised(&of(None)), ["read write", "", ""]);
    let mine = ["mine".to_owned(), "yours".to_owned()];
    let config = of(Some(&mine));
    assert_eq!(advertised(&config), ["mine yours", "mine yours", ""]);
    assert_eq!(crate::strategies::sites(&config)[0].2.scopes, mine, "strategies are told the same");
}
