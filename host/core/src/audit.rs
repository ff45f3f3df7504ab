//! What the audit trail records of a decision or a call. Arguments are not part of it: they may hold data.

use std::time::Duration;

use crate::plugin::Digest;

/// One record; the store adds time, sequence number and chain hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Joins the record to the log.
    pub request_id: String,
    /// `subject@issuer`.
    pub principal: String,
    /// E.g. `tools/call`.
    pub action: String,
    /// The plugin, if the name resolved.
    pub plugin: Option<String>,
    /// The component that served it.
    pub digest: Option<Digest>,
    /// Tool, prompt or resource.
    pub target: String,
    /// What happened.
    pub outcome: AuditOutcome,
    /// Ids of the policies that decided.
    pub policies: Vec<String>,
    /// From admission to result.
    pub duration: Duration,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// Refused by policy; nothing ran.
    Denied,
    /// Ran to a result.
    Completed,
    /// Ran to a result that says `isError`.
    CompletedWithError,
    /// Asked a question.
    InputRequired,
    /// Ended in an error.
    Failed,
    /// The client went away.
    Cancelled,
}

impl AuditOutcome {
    /// The word in the record.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Completed => "completed",
            Self::CompletedWithError => "completed-with-error",
            Self::InputRequired => "input-required",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
