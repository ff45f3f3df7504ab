//! One audit record per decision and call. Whatever happens to the request, even if its future is dropped, the record is written.

use std::sync::Arc;
use std::time::Instant;

use portcullis_core::audit::{AuditOutcome, AuditRecord};
use portcullis_core::plugin::Descriptor;
use portcullis_core::policy::{Action, Denial, Permit};
use portcullis_core::ports::AuditSink;
use portcullis_core::principal::Principal;

use crate::entry::Entry;

/// A record that is still open.
pub(super) struct CallRecord {
    sink: Arc<dyn AuditSink>,
    record: AuditRecord,
    started: Instant,
}

impl CallRecord {
    pub(super) fn open(sink: &Arc<dyn AuditSink>, principal: &Principal, action: &str, target: &str) -> Self {
        let record = AuditRecord {
            request_id: format!("{:016x}", rand::random::<u64>()),
            principal: principal.to_string(),
            action: action.to_owned(),
            plugin: None,
            digest: None,
            target: target.to_owned(),
            // What is true if nobody comes back to say otherwise.
            outcome: AuditOutcome::Cancelled,
            policies: Vec::new(),
            duration: std::time::Duration::ZERO,
        };
        Self { sink: Arc::clone(sink), record, started: Instant::now() }
    }

    pub(super) fn request_id(&self) -> &str {
        &self.record.request_id
    }

    /// The plugin's name; empty until it is found.
    pub(super) fn plugin(&self) -> String {
        self.record.plugin.clone().unwrap_or_default()
    }

    /// The name resolved.
    pub(super) fn found(&mut self, descriptor: &Descriptor) {
        self.record.plugin = Some(descriptor.manifest.name.clone());
        self.record.digest = Some(descriptor.digest);
    }

    /// Policy said yes.
    pub(super) fn permitted(&mut self, permit: &Permit) {
        self.record.policies = vec![permit.policy().to_owned()];
    }

    /// Policy said no.
    pub(super) fn denied(&mut self, denial: &Denial) {
        self.record.policies = vec![denial.policy.clone()];
        self.outcome(AuditOutcome::Denied);
    }

    /// What happened; the last word counts.
    pub(super) fn outcome(&mut self, outcome: AuditOutcome) {
        self.record.outcome = outcome;
    }
}

/// Decides and records whether a caller may subscribe to a resource.
pub(super) fn may_subscribe(sink: &Arc<dyn AuditSink>, entry: &Entry, uri: &str) -> bool {
    let mut record = CallRecord::open(sink, entry.principal(), "resources/subscribe", uri);
    match entry.snapshot.policy.decide(entry.principal(), Action::ReadResource, uri) {
        Ok(permit) => {
            record.permitted(&permit);
            record.outcome(AuditOutcome::Completed);
            true
        }
        Err(denial) => {
            record.denied(&denial);
            false
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.record.duration = self.started.elapsed();
        if let Err(error) = self.sink.record(&self.record) {
            // The call has run already: refusing its result would undo nothing.
            tracing::error!(request_id = self.record.request_id, %error, "an audit record was lost");
        }
    }
}
