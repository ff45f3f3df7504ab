//! What is kept: the audit trail as an append-only, hash-chained file, and what plugins keep, encrypted, in SQLite or PostgreSQL.
//!
//! Must not know MCP, plugins or Kubernetes: records and entries arrive as nouns of the core.
#![cfg_attr(not(test), warn(clippy::missing_errors_doc))]

mod audit;
mod chain;
mod database;
mod entries;
mod keyvalue;
mod null;
mod revocations;
mod room;
mod sealing;
mod tail;
mod verify;

pub use audit::{AuditLog, OpenError};
pub use database::{StoreError, StoreLocation};
pub use keyvalue::{PluginKeyValue, StoreOptions};
pub use null::NullAudit;
pub use verify::{Broken, Verified, verify, verify_since};
