//! `completion/complete` (MCP 2026-07-28, server/utilities/completion).

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::completion::{Completion, CompletionRequest, CompletionTarget, VALUES_MAX};
use portcullis_core::policy::Action;
use portcullis_core::ports::Plugin;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

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
    let completion = if plugin.descriptor().exports.completions {
        tokio::select! {
            biased;
            () = context.ct.cancelled() => return Err(Trouble::Cancelled),
            completion = plugin.complete(quiet_context(&entry, TIME), request) => completion?,
        }
    } else {
        Completion::default()
    };
    let mut result = CompleteResult::new(shortened(completion));
    result.meta = info::stamp(info::is_modern(context));
    Ok(result)
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

fn shortened(completion: Completion) -> CompletionInfo {
    let mut info = CompletionInfo::default();
    info.has_more = Some(completion.has_more || completion.values.len() > VALUES_MAX);
    info.total = completion.total;
    info.values = completion.values;
    info.values.truncate(VALUES_MAX);
    info
}
