//! What is kept: the audit trail as an append-only, hash-chained file.
//!
//! Must not know MCP, plugins or Kubernetes: records arrive as nouns of the core.
#![cfg_attr(not(test), warn(clippy::missing_errors_doc))]

mod audit;
mod chain;
mod null;
mod room;
mod tail;
mod verify;

pub use audit::{AuditLog, OpenError};
pub use null::NullAudit;
pub use verify::{Broken, Verified, verify, verify_since};
