//! People and secrets: access rules with names of their own, secrets that exist, keys and rings, the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::path::KeyPath;
use super::raw::{RawAccess, RawConfig, RawKey, RawSecret};
use super::report::Report;
use super::site::check_scopes;
use super::suggest::nearest;
use super::{Guard, KeyRef, Listener, StoreConfig, StrategyRef};
use crate::manifest::is_dns_label;
use crate::policy::{AccessRule, TokenRules};

/// The database unless configured, in the state folder.
const DATABASE: &str = "portcullis.db";

/// Resolves all access rules.
pub(crate) fn access(raw: &RawConfig, listeners: &[Listener], report: &mut Report<'_>) -> Vec<AccessRule> {
    let strategies = strategies(listeners);
    if strategies.is_empty() {
        unused(raw, report);
    } else if raw.access.is_empty() {
        nobody(&strategies, report);
    }
    let raw = &raw.access;
    let mut names = BTreeSet::new();
    for (index, rule) in raw.iter().enumerate() {
        let path = KeyPath::root().key("access").index(index);
        label(&rule.name, &path.key("name"), report);
        if !names.insert(&rule.name) {
            report.error(&path.key("name"), format!("`{}` is taken by another rule", rule.name));
        }
        check_scopes(&rule.scopes, &path.key("scopes"), report);
        check_rule(rule, &path, report);
        check_issuers(rule, strategies.len(), &path, report);
    }
    raw.iter().map(rule).collect()
}

/// No error: whoever switches the endpoint off that asks a strategy need not rewrite the file.
fn unused(raw: &RawConfig, report: &mut Report<'_>) {
    for (key, there) in [("access", !raw.access.is_empty()), ("scopeHierarchy", !raw.scope_hierarchy.is_empty())] {
        if there {
            let message = "means nothing now: no endpoint asks an auth strategy of a plugin".to_owned();
            let hint = "name one at an endpoint:\n    guard: [tokens, oidc]".to_owned();
            report.warning(&KeyPath::root().key(key), message, hint);
        }
    }
}

/// No error: the endpoint's tokens, if it asks for them, need no rule.
fn nobody(strategies: &BTreeSet<&str>, report: &mut Report<'_>) {
    let names: Vec<String> = strategies.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("has no rule: whom {} knows gets in and may do nothing", names.join(" or "));
    let hint =
        "add one:\n  access:\n    - name: everybody\n      tools: [\"*\"]      # or e.g. [\"list_*\", \"get_*\"]".to_owned();
    report.warning(&KeyPath::root().key("access"), message, hint);
}

/// Plugins that some endpoint asks.
fn strategies(listeners: &[Listener]) -> BTreeSet<&str> {
    let guards = listeners.iter().flat_map(|listener| &listener.endpoints).map(|endpoint| &endpoint.guard);
    let mut names = BTreeSet::new();
    for strategy in guards.flat_map(Guard::strategies) {
        if let StrategyRef::Plugin(name) = strategy {
            names.insert(name.as_str());
        }
    }
    names
}

/// Each issuer gives the names that it likes: `admins` of a test issuer must not be those of the company's.
fn check_issuers(rule: &RawAccess, strategies: usize, path: &KeyPath, report: &mut Report<'_>) {
    let named = [("subjects", &rule.subjects), ("groups", &rule.groups)].into_iter().find(|(_, names)| !names.is_empty());
    let Some((key, _)) = named.filter(|_| rule.issuers.is_empty()) else { return };
    let message = format!("rule `{}` takes these {key} from every issuer, as it names none", rule.name);
    let hint = "the `iss` of their tokens, beside it:
    issuers: [\"https://id.example.com\"]"
        .to_owned();
    if strategies > 1 {
        let message = format!("{message}: whoever can choose a name at one of {strategies} strategies gets in");
        report.hinted(&path.key(key), message, Some(hint));
    } else {
        report.warning(&path.key(key), message, hint);
    }
}

fn check_rule(rule: &RawAccess, path: &KeyPath, report: &mut Report<'_>) {
    if [&rule.tools, &rule.prompts, &rule.resources].iter().all(|list| list.is_empty()) {
        let hint = "  tools: [\"*\"]      # or e.g. [\"list_*\", \"get_*\"]".to_owned();
        report.warning(path, format!("rule `{}` permits nothing", rule.name), hint);
    }
    let lists = [
        ("issuers", &rule.issuers),
        ("subjects", &rule.subjects),
        ("groups", &rule.groups),
        ("tools", &rule.tools),
        ("prompts", &rule.prompts),
        ("resources", &rule.resources),
    ];
    for (key, list) in lists {
        for (index, _) in list.iter().enumerate().filter(|(_, value)| value.is_empty()) {
            report.error(&path.key(key).index(index), "is empty, and would match nothing".to_owned());
        }
    }
}

fn rule(raw: &RawAccess) -> AccessRule {
    AccessRule {
        name: raw.name.clone(),
        issuers: raw.issuers.clone(),
        subjects: raw.subjects.clone(),
        groups: raw.groups.clone(),
        scopes: raw.scopes.clone(),
        rules: TokenRules { tools: raw.tools.clone(), prompts: raw.prompts.clone(), resources: raw.resources.clone() },
    }
}

fn label(name: &str, path: &KeyPath, report: &mut Report<'_>) {
    if !is_dns_label(name) {
        let hint = "lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter or digit".to_owned();
        report.hinted(path, format!("`{name}` cannot be a name"), Some(hint));
    }
}

/// Resolves all secrets to their files.
pub(crate) fn secrets(raw: &BTreeMap<String, RawSecret>, base: &Path, report: &mut Report<'_>) -> BTreeMap<String, PathBuf> {
    for name in raw.keys().filter(|name| !is_dns_label(name)) {
        let hint = "lower-case letters, digits and hyphens, at most 63".to_owned();
        report.about_key(&KeyPath::root().key("secrets").key(name), "cannot be a secret's name".to_owned(), hint);
    }
    raw.iter().map(|(name, secret)| (name.clone(), base.join(&secret.file))).collect()
}

/// Resolves the master keys.
pub(crate) fn keys(raw: &[RawKey], secrets: &BTreeMap<String, RawSecret>, report: &mut Report<'_>) -> Vec<KeyRef> {
    let mut ids = BTreeSet::new();
    for (index, key) in raw.iter().enumerate() {
        let path = KeyPath::root().key("keys").index(index);
        label(&key.id, &path.key("id"), report);
        if !ids.insert(&key.id) {
            report.error(&path.key("id"), format!("`{}` is taken by another key", key.id));
        }
        known(&key.secret, secrets, &path.key("secret"), report);
    }
    raw.iter().map(|key| KeyRef { id: key.id.clone(), secret: key.secret.clone() }).collect()
}

/// A secret that something names.
pub(crate) fn known(name: &str, secrets: &BTreeMap<String, RawSecret>, path: &KeyPath, report: &mut Report<'_>) {
    if secrets.contains_key(name) {
        return;
    }
    let hint = nearest(name, secrets.keys().map(String::as_str)).map_or_else(
        || format!("  secrets:\n    {name}: {{file: /etc/portcullis/{name}}}"),
        |meant| format!("did you mean `{meant}`?"),
    );
    report.hinted(path, format!("no secret is called `{name}`"), Some(hint));
}

/// Resolves where the host keeps things.
pub(crate) fn store(raw: &RawConfig, (base, state): (&Path, &Path), report: &mut Report<'_>) -> StoreConfig {
    let path = KeyPath::root().key("store");
    match (&raw.store.path, &raw.store.postgres) {
        (Some(_), Some(_)) => {
            report.error(&path, "names both an SQLite file and a PostgreSQL database: keep one".to_owned());
            StoreConfig::Sqlite(state.join(DATABASE))
        }
        (_, Some(secret)) => {
            known(secret, &raw.secrets, &path.key("postgres"), report);
            if raw.keys.is_empty() {
                let hint = "  secrets:\n    master: {file: /etc/portcullis/master}      # openssl rand -base64 48\n  keys:\n    - {id: first, secret: master}";
                let message = "replicas that share a database must share their keys, and there are none".to_owned();
                report.hinted(&path.key("postgres"), message, Some(hint.to_owned()));
            }
            StoreConfig::Postgres { secret: secret.clone() }
        }
        (file, None) => StoreConfig::Sqlite(file.as_deref().map_or_else(|| state.join(DATABASE), |file| base.join(file))),
    }
}
