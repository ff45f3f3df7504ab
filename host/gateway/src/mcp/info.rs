//! What the server says of itself, and of methods that it does not know.
#![expect(deprecated, reason = "log messages are deprecated in MCP, and still asked for")]

use std::sync::LazyLock;

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, DiscoverResult, ErrorCode, Implementation, MetaObject, ProtocolVersion, ServerCapabilities, ServerConfig,
};

use super::Context;
use crate::entry::Entry;

/// Key of the server's identity in a result's `_meta` (MCP 2026-07-28, basic: T-8).
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// Methods that a client can only miss by wrong params: rmcp hands requests that do not parse on as unknown ones.
const KNOWN: [&str; 14] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
    "subscriptions/listen",
];

/// Of these, what 2026-07-28 removed (SEP-2575).
const REMOVED: [&str; 4] = ["initialize", "ping", "resources/subscribe", "resources/unsubscribe"];

/// Everything is declared always: plugins come and go while clients stay, and an empty list is an honest answer.
pub(super) fn config(entry: &Entry) -> ServerConfig {
    let capabilities = ServerCapabilities::builder()
        .enable_logging()
        .enable_completions()
        .enable_prompts()
        .enable_prompts_list_changed()
        .enable_resources()
        .enable_resources_list_changed()
        .enable_resources_subscribe()
        .enable_tools()
        .enable_tool_list_changed()
        .build();
    let mut config = ServerConfig::new(capabilities).with_server_info(implementation());
    config.instructions.clone_from(&entry.snapshot.config.instructions);
    config
}

/// `server/discover`.
pub(super) fn discover(entry: &Entry, versions: Vec<ProtocolVersion>) -> DiscoverResult {
    DiscoverResult::from_server_info(versions, config(entry)).with_ttl_ms(ttl_ms(entry)).with_cache_scope(cache_scope(entry))
}

fn implementation() -> Implementation {
    Implementation::new("portcullis", env!("CARGO_PKG_VERSION")).with_title("Portcullis")
}

/// Made once: every result of 2026-07-28 carries it.
static SERVER: LazyLock<MetaObject> = LazyLock::new(|| {
    let mut meta = MetaObject::new();
    meta.insert(SERVER_INFO.to_owned(), serde_json::to_value(implementation()).unwrap_or_default());
    meta
});

/// What results of 2026-07-28 carry, and older ones do not.
pub(super) fn stamp(modern: bool) -> Option<MetaObject> {
    modern.then(|| SERVER.clone())
}

/// Whether the request speaks 2026-07-28 or newer. Versions are dates: they compare as text.
pub(super) fn is_modern(context: &Context) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// `ttlMs` of lists.
pub(super) fn ttl_ms(entry: &Entry) -> u64 {
    u64::try_from(entry.snapshot.config.list_ttl.as_millis()).unwrap_or(u64::MAX)
}

/// Private as soon as callers differ (T-13).
pub(super) fn cache_scope(entry: &Entry) -> CacheScope {
    if entry.caller.is_everybody() { CacheScope::Public } else { CacheScope::Private }
}

/// A request that rmcp could not read: a method that is not there (any more, on the current wire), or params that are not its.
pub(super) fn not_understood(method: &str, context: &Context) -> ErrorData {
    let gone = REMOVED.contains(&method) && is_modern(context);
    if KNOWN.contains(&method) && !gone {
        return ErrorData::invalid_params(format!("the params of {method} do not have the form that MCP gives them"), None);
    }
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method.to_owned(), None)
}
