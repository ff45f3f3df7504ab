//! What a tool is, before any wire format: the host's own `ToolSpec`, mirrored from `portcullis:tool/types`.
//! MCP's JSON shape belongs to the gateway.

use crate::schema::Schema;

/// Longest tool or prompt name, in bytes (MCP 2026-07-28, server/tools: 1 to 128 characters).
pub const NAME_MAX: usize = 128;

/// Most OAuth scopes of one tool: all of them go into one challenge.
pub const SCOPES_MAX: usize = 16;

/// One tool that a plugin offers, with its schemas compiled once.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// `[A-Za-z0-9_.-]{1,128}`, unique over all plugins of a snapshot.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For the model.
    pub description: String,
    /// Validates arguments before the guest sees them.
    pub input_schema: Schema,
    /// Validates structured results before the client sees them.
    pub output_schema: Option<Schema>,
    /// Hints for clients.
    pub annotations: Annotations,
    /// OAuth scopes that a caller with an OAuth token needs, all of them, besides what policy says.
    pub scopes: Vec<String>,
}

/// Hints about a tool; `None` means that the plugin did not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Does not modify anything.
    pub read_only: Option<bool>,
    /// May destroy.
    pub destructive: Option<bool>,
    /// Calling twice is calling once.
    pub idempotent: Option<bool>,
    /// Talks to an open world.
    pub open_world: Option<bool>,
}

/// Whether `scope` is an OAuth scope (RFC 6749 §3.3): visible ASCII but the quote and the backslash.
#[must_use]
pub fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// Whether `name` may name a tool or a prompt: `[A-Za-z0-9_.-]{1,128}`.
#[must_use]
pub fn is_valid_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}
