//! One audit record per decision and call. Whatever happens to the request, even if its future is dropped, the record is written.

use std::sync::Arc;
use std::time::Instant;

use portcullis_core::audit::{AuditOutcome, AuditRecord};
use portcullis_core::plugin::Descriptor;
use portcullis_core::policy::{Action, Denial, Permit};
use portcullis_core::ports::AuditSink;
use portcullis_core::principal::Principal;

use crate::auth::Challenge;
use crate::auth::step_up::ScopeDenial;
use crate::entry::Entry;
use crate::respond::{Refusal, Trouble};

/// Longest target in a record, in bytes: names have at most 128, and a URI's beginning says what it is about.
const TARGET_MAX: usize = 1 << 10;

/// A record that is still open.
pub(super) struct CallRecord {
    sink: Arc<dyn AuditSink>,
    record: AuditRecord,
    started: Instant,
}

impl CallRecord {
    /// # Errors
    /// [`Trouble::Unrecorded`]: what cannot be recorded is not decided, and does not run.
    pub(super) fn open(sink: &Arc<dyn AuditSink>, principal: &Principal, action: &str, target: &str) -> Result<Self, Trouble> {
        sink.ready().map_err(|error| {
            tracing::error!(%error, action, "refused: the audit trail cannot be written");
            Trouble::Unrecorded
        })?;
        let record = AuditRecord {
            request_id: format!("{:016x}", rand::random::<u64>()),
            principal: principal.to_string(),
            action: action.to_owned(),
            plugin: None,
            digest: None,
            target: shortened(target),
            // What is true if nobody comes back to say otherwise.
            outcome: AuditOutcome::Cancelled,
            policies: Vec::new(),
            duration: std::time::Duration::ZERO,
        };
        Ok(Self { sink: Arc::clone(sink), record, started: Instant::now() })
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

fn shortened(target: &str) -> String {
    if target.len() <= TARGET_MAX {
        return target.to_owned();
    }
    let kept = target.get(..target.floor_char_boundary(TARGET_MAX)).unwrap_or_default();
    format!("{kept}… ({} bytes)", target.len())
}

/// Decides and records whether a caller may subscribe to a resource.
///
/// # Errors
/// [`Trouble::Unrecorded`].
pub(super) fn may_subscribe(sink: &Arc<dyn AuditSink>, entry: &Entry, uri: &str) -> Result<bool, Trouble> {
    let mut record = CallRecord::open(sink, entry.principal(), "resources/subscribe", uri)?;
    Ok(match entry.snapshot.policy.decide(entry.principal(), Action::ReadResource, uri) {
        Ok(permit) => {
            record.permitted(&permit);
            record.outcome(AuditOutcome::Completed);
            true
        }
        Err(denial) => {
            record.denied(&denial);
            false
        }
    })
}

/// Records what only scopes keep from its caller, and says what HTTP answers.
pub(crate) fn refused_for_scopes(
    sink: &Arc<dyn AuditSink>,
    entry: &Entry,
    denial: ScopeDenial,
    challenge: &Challenge,
) -> Refusal {
    match CallRecord::open(sink, entry.principal(), denial.action.word(), &denial.denial.target) {
        Ok(mut record) => record.denied(&denial.denial),
        Err(_) => return Refusal::Unrecorded,
    }
    let (needed, held) = (denial.denial.scopes, entry.principal().scopes.as_deref().unwrap_or_default());
    Refusal::Scopes { challenge: challenge.insufficient(&needed, held), target: denial.denial.target, scopes: needed.join(" ") }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        self.record.duration = self.started.elapsed();
        if let Err(error) = self.sink.record(&self.record) {
            // The call has run already: refusing its result would undo nothing. The next one is refused until this record is written.
            tracing::error!(request_id = self.record.request_id, %error, "an audit record could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TARGET_MAX, shortened};

    #[test]
    fn a_long_target_is_cut_between_characters_and_says_so() {
        assert_eq!(shortened("cnpg://a/b"), "cnpg://a/b");
        let cut = shortened(&"ü".repeat(TARGET_MAX));
        assert!(cut.ends_with("… (2048 bytes)") && cut.len() < TARGET_MAX + 32, "{cut}");
    }
}
