//! Grants that reach beyond the host: rules for outgoing HTTP that can match, secrets and key rings that exist, and no secret for whoever a
//! pattern happens to cover.

use std::collections::BTreeMap;

use super::identity;
use super::path::KeyPath;
use super::raw::{RawConfig, RawRing, RawSecret};
use super::report::Report;
use super::suggest::nearest;
use crate::egress::{EgressRule, Scheme};

/// Checks those of every plugin.
pub(crate) fn check(raw: &RawConfig, report: &mut Report<'_>) {
    for (name, plugin) in &raw.plugins {
        let grants = KeyPath::root().key("plugins").key(name).key("grants");
        if let Some(grant) = &plugin.grants.http {
            let rules = grants.key("http").key("rules");
            grant.rules.iter().enumerate().for_each(|(index, rule)| check_rule(rule, &rules.index(index), &raw.secrets, report));
        }
        if let Some(grant) = &plugin.grants.jwt {
            check_rings(&grant.rings, &grants.key("jwt").key("rings"), &raw.rings, report);
        }
        if let Some(grant) = &plugin.grants.secrets {
            let path = grants.key("secrets").key("names");
            for (index, secret) in grant.names.iter().enumerate().filter(|(_, secret)| *secret != "*") {
                identity::known(secret, &raw.secrets, &path.index(index), report);
            }
        }
    }
}

fn check_rule(rule: &EgressRule, path: &KeyPath, secrets: &BTreeMap<String, RawSecret>, report: &mut Report<'_>) {
    let inner = rule.host.strip_prefix("*.").unwrap_or(&rule.host);
    let pattern = rule.host == "*" || !inner.contains('*');
    if rule.host.is_empty() || !pattern || rule.host.bytes().any(|byte| byte.is_ascii_uppercase() || b" /@?#".contains(&byte)) {
        let hint = "a host name in lower case, `*.example.com`, or `*`".to_owned();
        report.hinted(&path.key("host"), format!("`{}` would match nothing", rule.host), Some(hint));
    }
    let odd = |method: &str| method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase());
    for (index, method) in rule.methods.iter().enumerate().filter(|(_, method)| odd(method)) {
        report.error(&path.key("methods").index(index), format!("`{method}` is no HTTP method: they are in capitals"));
    }
    for (index, _) in rule.ports.iter().enumerate().filter(|(_, port)| **port == 0) {
        report.error(&path.key("ports").index(index), "0 is no port".to_owned());
    }
    let Some(injection) = &rule.inject else { return };
    identity::known(&injection.secret, secrets, &path.key("inject").key("secret"), report);
    if rule.host.contains('*') {
        let message = format!("`{}` covers hosts that you do not name: each of them would be sent the secret", rule.host);
        report.hinted(
            &path.key("inject"),
            message,
            Some("a rule of its own, with the one host that the secret is for".to_owned()),
        );
    }
    if rule.scheme == Scheme::Http && !rule.private {
        let hint = "`scheme: https`; `http` only with `private: true`".to_owned();
        report.hinted(&path.key("inject"), "the secret would be sent in the clear".to_owned(), Some(hint));
    }
}

fn check_rings(names: &[String], path: &KeyPath, rings: &BTreeMap<String, RawRing>, report: &mut Report<'_>) {
    let unknown = |name: &str| name != "*" && !rings.contains_key(name);
    for (index, name) in names.iter().enumerate().filter(|(_, name)| unknown(name)) {
        let hint = nearest(name, rings.keys().map(String::as_str))
            .map_or_else(|| format!("  rings:\n    {name}: {{algorithm: EdDSA}}"), |meant| format!("did you mean `{meant}`?"));
        report.hinted(&path.index(index), format!("no key ring is called `{name}`"), Some(hint));
    }
}
