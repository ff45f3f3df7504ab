//! No audit trail. Must not be chosen by default: the operator leaves `audit` out of the configuration.

use portcullis_core::audit::AuditRecord;
use portcullis_core::ports::{AuditError, AuditSink};

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullAudit;

impl AuditSink for NullAudit {
    fn record(&self, _: &AuditRecord) -> Result<(), AuditError> {
        Ok(())
    }

    fn ready(&self) -> Result<(), AuditError> {
        Ok(())
    }
}
