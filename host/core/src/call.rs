//! One call through the gate: its context, its outcome, its errors.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::ClientSink;
use crate::principal::Principal;

/// What the host tells a guest about one call. `Clone` is cheap enough for a retry after answers.
#[derive(Clone)]
pub struct CallContext {
    /// In logs, audit and error messages.
    pub request_id: String,
    /// Who calls.
    pub principal: Arc<Principal>,
    /// How long the call may take in all; the sandbox takes the smaller of this and the plugin's limit.
    pub deadline: Duration,
    /// Question methods that this client can answer.
    pub can_ask: Vec<String>,
    /// Replies to earlier questions: key and JSON text.
    pub answers: Vec<(String, String)>,
    /// The guest's own state, unsealed and verified.
    pub state: Option<Vec<u8>>,
    /// Where progress and client messages go while the call runs.
    pub client: Arc<dyn ClientSink>,
}

/// Finished, or waiting for answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The result.
    Complete(T),
    /// Ask, then call again with the answers and the state.
    InputRequired(InputRequired),
}

/// Questions and the state to bring back with their answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRequired {
    /// Keys are unique.
    pub questions: Vec<Question>,
    /// Opaque to everybody but the guest.
    pub state: Option<Vec<u8>>,
}

/// Something only the user or the client can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Names the answer.
    pub key: String,
    /// An MCP client method, e.g. `elicitation/create`.
    pub method: String,
    /// JSON text of its params.
    pub params: String,
}

/// A call that did not run to an output, in the guest's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub code: FailureCode,
    /// For the person or model at the other end.
    pub message: String,
    /// When the same call may succeed.
    pub retry_after: Option<Duration>,
}

/// Documented failure codes of `portcullis:tool/types.failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCode {
    /// No such tool.
    UnknownTool,
    /// No such prompt.
    UnknownPrompt,
    /// No such resource.
    UnknownResource,
    /// Arguments that no schema could refuse.
    InvalidArguments,
    /// The plugin refuses this caller.
    Denied,
    /// Something the plugin needs is not there now.
    Unavailable,
    /// The client cannot answer what must be asked.
    MissingCapability,
    /// Anything else.
    Internal,
}

impl FailureCode {
    /// Reads a guest's code; an unknown one is [`FailureCode::Internal`].
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "unknown-tool" => Self::UnknownTool,
            "unknown-prompt" => Self::UnknownPrompt,
            "unknown-resource" => Self::UnknownResource,
            "invalid-arguments" => Self::InvalidArguments,
            "denied" => Self::Denied,
            "unavailable" => Self::Unavailable,
            "missing-capability" => Self::MissingCapability,
            _ => Self::Internal,
        }
    }
}

/// Why a call has no outcome. Every message is safe to show: no backtrace, no address, no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The guest said so.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The guest was stopped at its deadline.
    #[error(
        "plugin `{plugin}` was stopped after {after:?}: the call's time limit; ask for less, or raise `plugins.{plugin}.limits.deadlineMs`"
    )]
    Deadline {
        /// The plugin.
        plugin: String,
        /// The limit that it ran into.
        after: Duration,
    },
    /// The guest hit a cap.
    #[error(
        "plugin `{plugin}` was stopped at its {limit} limit; raise `plugins.{plugin}.limits.{limit}` if the work is legitimate"
    )]
    Limit {
        /// The plugin.
        plugin: String,
        /// The limit's key in the configuration, e.g. `memory`.
        limit: &'static str,
    },
    /// The guest trapped.
    #[error("plugin `{plugin}` failed: {reason} (request {request_id}; the host's log has the details)")]
    Trap {
        /// The plugin.
        plugin: String,
        /// A short cause, e.g. `unreachable executed`.
        reason: String,
        /// To find it in the log.
        request_id: String,
    },
    /// The guest answered with something its contract forbids, e.g. JSON that does not parse.
    #[error("plugin `{plugin}` broke its contract: {reason} (request {request_id})")]
    Contract {
        /// The plugin.
        plugin: String,
        /// What it did.
        reason: String,
        /// To find it in the log.
        request_id: String,
    },
    /// Too many calls at once; nothing ran.
    #[error("too many calls at once; try again in {retry_after:?}")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The host's own fault; the log has the details under the request id.
    #[error("the host failed on request {request_id}; its log has the details")]
    Host {
        /// To find it in the log.
        request_id: String,
    },
}
