//! `completion/complete` (MCP 2026-07-28, server/utilities/completion).
//!
//! A completion runs a guest and shows names: it is recorded like a call, and shows no value of a template that would lead the caller to a
//! resource that it may not read.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::audit::AuditOutcome;
use portcullis_core::completion::{Completion, CompletionRequest, CompletionTarget, VALUES_MAX};
use portcullis_core::policy::Action;
use portcullis_core::ports::Plugin;
use portcullis_core::resource::{ANY_VALUE, Expansion, expand};
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::record::CallRecord;
use super::turn::quiet_context;
use super::{Context, Handler, info, resources};
use crate::entry::Entry;
use crate::respond::Trouble;

/// People type on: a completion that takes longer is of no use.
const TIME: Duration = Duration::from_secs(5);

/// Completes an argument of a prompt or a template that this caller may use.
pub(super) async fn complete(
    handler: &Handler,
    request: CompleteRequestParams,
    context: &Context,
) -> Result<CompleteResult, Trouble> {
    let entry = handler.entry(&context.extensions);
    let (plugin, target) = target(&entry, &request.r#ref)?;
    let known = request.context.and_then(|context| context.arguments).unwrap_or_default();
    let request = CompletionRequest {
        target,
        argument: request.argument.name,
        value: request.argument.value,
        known: known.into_iter().collect(),
    };
    let mut result = CompleteResult::new(CompletionInfo::default());
    if plugin.descriptor().exports.completions {
        let completion = ask(handler, context, &entry, &plugin, &request).await?;
        result.completion = shortened(visible(&entry, &request, completion));
    }
    result.meta = info::stamp(info::is_modern(context));
    Ok(result)
}

/// The guest's answer, recorded.
async fn ask(
    handler: &Handler,
    context: &Context,
    entry: &Entry,
    plugin: &Arc<dyn Plugin>,
    request: &CompletionRequest,
) -> Result<Completion, Trouble> {
    let (CompletionTarget::Prompt(name) | CompletionTarget::ResourceTemplate(name)) = &request.target;
    let mut record = CallRecord::open(&handler.shared.audit, entry.principal(), "completion/complete", name)?;
    record.found(plugin.descriptor());
    let completion = tokio::select! {
        biased;
        () = context.ct.cancelled() => return Err(Trouble::Cancelled),
        completion = plugin.complete(quiet_context(entry, TIME), request.clone()) => completion,
    };
    record.outcome(if completion.is_ok() { AuditOutcome::Completed } else { AuditOutcome::Failed });
    Ok(completion?)
}

fn target(entry: &Entry, reference: &Reference) -> Result<(Arc<dyn Plugin>, CompletionTarget), Trouble> {
    let catalogue = &entry.snapshot.catalogue;
    match reference {
        Reference::Prompt(prompt) => {
            let allowed = entry.snapshot.policy.allows(entry.principal(), Action::GetPrompt, &prompt.name);
            let found = catalogue.prompt(&prompt.name).filter(|_| allowed);
            let (plugin, _) = found.ok_or_else(|| Trouble::UnknownPrompt(prompt.name.clone()))?;
            Ok((Arc::clone(plugin), CompletionTarget::Prompt(prompt.name.clone())))
        }
        Reference::Resource(resource) => {
            let template = &resource.uri;
            let found = catalogue.templates().find(|(_, it)| it.uri_template == *template);
            let found = found.filter(|_| resources::may_use(entry, template));
            let (plugin, _) = found.ok_or_else(|| Trouble::Params(format!("Unknown resource template: {template}")))?;
            Ok((Arc::clone(plugin), CompletionTarget::ResourceTemplate(template.clone())))
        }
        _ => Err(Trouble::Params("ref must be a ref/prompt or a ref/resource".to_owned())),
    }
}

/// What policy leaves of the values.
fn visible(entry: &Entry, request: &CompletionRequest, mut completion: Completion) -> Completion {
    let CompletionTarget::ResourceTemplate(template) = &request.target else { return completion };
    let found = completion.values.len();
    completion.values.retain(|value| leads_somewhere(entry, request, template, value));
    if completion.values.len() < found {
        // The guest counted what this caller must not know of.
        completion.total = None;
    }
    completion
}

/// Whether the caller may read some resource that has the value, and those that were filled in before it.
fn leads_somewhere(entry: &Entry, request: &CompletionRequest, template: &str, value: &str) -> bool {
    let (policy, principal) = (&entry.snapshot.policy, entry.principal());
    let place = |name: &str| template.find(&format!("{{{name}}}"));
    let Some(here) = place(&request.argument) else { return false };
    let filled = |name: &str| match request.known.iter().find(|(known, _)| known == name) {
        _ if name == request.argument => Some(value),
        Some((_, known)) => Some(known.as_str()),
        // What stands before must hold whatever it will be; what stands behind is completed later.
        None => place(name).is_some_and(|there| there < here).then_some(ANY_VALUE),
    };
    match expand(template, filled) {
        Expansion::Whole(uri) => policy.allows(principal, Action::ReadResource, &uri),
        Expansion::Beginning(prefix) => policy.allows_some(principal, Action::ReadResource, &prefix),
    }
}

fn shortened(completion: Completion) -> CompletionInfo {
    let mut info = CompletionInfo::default();
    info.has_more = Some(completion.has_more || completion.values.len() > VALUES_MAX);
    info.total = completion.total;
    info.values = completion.values;
    info.values.truncate(VALUES_MAX);
    info
}
