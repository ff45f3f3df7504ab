//! From what the operator wrote to a configuration that is valid, collecting every finding on the way. `check`, start and reload all come
//! through here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::guards::{Known, Tokens};
use super::path::KeyPath;
use super::raw::RawConfig;
use super::report::Report;
use super::tree::Tree;
use super::{Config, KubernetesConfig, identity, listeners, outward, plugins, shape, tokens};
use crate::finding::{Finding, Place};
use crate::limits::CONCURRENT_CALLS_MAX;
use crate::policy::ScopeHierarchy;

/// Calls at the same time, unless configured: what one pool of instances holds, about 64 MiB if each waits in a host call.
const MAX_CONCURRENT_CALLS: u64 = 1_024;

/// Milliseconds in the queue, unless configured: long enough for a burst, short enough that a client does not give up first.
const QUEUE_TIMEOUT_MS: u64 = 1_000;

/// Milliseconds of freshness that lists announce, unless configured: subscribers hear of changes anyway, others ask once a minute.
const LIST_TTL_MS: u64 = 60_000;

/// What a configuration file is read in: names and folders that its text does not hold.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The file as the operator named it, for findings.
    pub file: &'a str,
    /// The folder that relative paths begin at; absolute.
    pub base: &'a Path,
    /// Where compiled plugins go unless configured; absolute.
    pub cache: &'a Path,
    /// Where the host keeps what must outlive it, unless configured; absolute.
    pub state: &'a Path,
    /// Scopes that take the place of those which endpoints name, if an auth strategy guards them.
    pub scopes: Option<&'a [String]>,
    /// Whether some endpoint asks for tokens at this moment: then none is opened because its tokens are gone.
    pub guarded: bool,
}

impl Config {
    /// Reads a configuration. With it come warnings: what works, but probably not as meant.
    ///
    /// # Errors
    /// All findings, errors and warnings, in the order of the file.
    pub fn parse(text: &str, around: Surroundings<'_>) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let tree = Tree::parse(text).map_err(|((line, column), message)| {
            let place = Place { file: around.file.to_owned(), line, column };
            vec![Finding::error("configuration", format!("is not YAML: {message}")).at(place)]
        })?;
        let mut report = Report::new(around.file, &tree);
        shape::check(&tree, &mut report);
        let config = read(&tree, &mut report).map(|raw| resolve(&raw, around, &mut report));
        let failed = report.has_errors();
        match config {
            Some(config) if !failed => Ok((config, report.into_findings())),
            _ => Err(report.into_findings()),
        }
    }
}

/// `None` if the shape is wrong: what the values mean cannot be asked then.
fn read(tree: &Tree, report: &mut Report<'_>) -> Option<RawConfig> {
    if report.has_errors() {
        return None;
    }
    serde_json::from_value(tree.to_value()).map_err(|error| report.error(&KeyPath::root(), error.to_string())).ok()
}

fn resolve(raw: &RawConfig, around: Surroundings<'_>, report: &mut Report<'_>) -> Config {
    let root = KeyPath::root();
    let tokens_now = match (raw.tokens.is_empty(), around.guarded) {
        (false, _) => Tokens::Some,
        (true, true) => Tokens::Gone,
        (true, false) => Tokens::Never,
    };
    let tokens = tokens::resolve(&raw.tokens, report);
    outward::check(raw, report);
    let names: Vec<&str> = raw.plugins.keys().map(String::as_str).collect();
    let known = Known { tokens: tokens_now, plugins: &names, scopes: around.scopes };
    let mut number =
        |key: &str, value: Option<u64>, default, range| within(&root.key(key), value.unwrap_or(default), range, report);
    let max_concurrent_calls =
        number("maxConcurrentCalls", raw.max_concurrent_calls, MAX_CONCURRENT_CALLS, (1, CONCURRENT_CALLS_MAX));
    let queue_timeout = number("queueTimeoutMs", raw.queue_timeout_ms, QUEUE_TIMEOUT_MS, (0, 60_000));
    let list_ttl = number("listTtlMs", raw.list_ttl_ms, LIST_TTL_MS, (0, 86_400_000));
    let listeners = listeners::resolve(&raw.listeners, known, report);
    Config {
        tokens,
        access: identity::access(raw, &listeners, report),
        listeners,
        scope_hierarchy: ScopeHierarchy(raw.scope_hierarchy.clone()),
        secrets: identity::secrets(&raw.secrets, around.base, report),
        keys: identity::keys(&raw.keys, &raw.secrets, report),
        rings: raw.rings.iter().map(|(name, ring)| (name.clone(), ring.algorithm)).collect(),
        store: identity::store(raw, (around.base, around.state), report),
        state_directory: around.state.to_owned(),
        plugin_directory: absolute(around.base, raw.plugin_directory.as_deref().unwrap_or("plugins")),
        plugins: plugins::resolve(&raw.plugins, report),
        kubernetes: KubernetesConfig {
            kubeconfig: raw.kubernetes.kubeconfig.as_deref().map(|path| absolute(around.base, path)),
            context: raw.kubernetes.context.clone(),
            impersonate: raw.kubernetes.impersonate,
        },
        audit: raw.audit.path.as_deref().map(|path| absolute(around.base, path)),
        cache_directory: raw
            .cache_directory
            .as_deref()
            .map_or_else(|| around.cache.to_owned(), |path| absolute(around.base, path)),
        max_concurrent_calls: usize::try_from(max_concurrent_calls).unwrap_or(usize::MAX),
        queue_timeout: Duration::from_millis(queue_timeout),
        list_ttl: Duration::from_millis(list_ttl),
        instructions: raw.instructions.clone(),
    }
}

/// The number, reported if it is out of its range.
pub(crate) fn within(path: &KeyPath, value: u64, (low, high): (u64, u64), report: &mut Report<'_>) -> u64 {
    if !(low..=high).contains(&value) {
        report.error(path, format!("is {value}, but must be {low} to {high}"));
    }
    value
}

fn absolute(base: &Path, path: &str) -> PathBuf {
    base.join(path)
}
