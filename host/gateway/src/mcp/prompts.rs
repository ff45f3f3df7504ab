//! `prompts/list` and `prompts/get` (MCP 2026-07-28, server/prompts).

use portcullis_core::audit::AuditOutcome;
use portcullis_core::policy::Action;
use portcullis_core::prompt::PromptSpec;
use portcullis_core::tool::is_valid_name;
use rmcp::model::{GetPromptRequestParams, GetPromptResponse, JsonObject, ListPromptsResult, PaginatedRequestParams};
use serde_json::Value;

use super::asked::Asked;
use super::turn::{Reply, Retry, Turn};
use super::{Context, Handler, info, tools};
use crate::convert;
use crate::entry::Entry;
use crate::respond::Trouble;

/// Everything that this caller may use, by name, in one page.
pub(super) fn list(
    entry: &Entry,
    request: Option<PaginatedRequestParams>,
    context: &Context,
) -> Result<ListPromptsResult, Trouble> {
    tools::no_cursor(request)?;
    let (policy, principal) = (&entry.snapshot.policy, entry.principal());
    let visible = entry.wire.prompts.iter().filter(|(name, _)| policy.shows(principal, Action::GetPrompt, name));
    let mut result = ListPromptsResult::with_all_items(visible.map(|(_, prompt)| prompt.clone()).collect())
        .with_ttl_ms(info::ttl_ms(entry))
        .with_cache_scope(info::cache_scope(entry));
    result.meta = info::stamp(info::is_modern(context));
    Ok(result)
}

/// Expands a prompt.
pub(super) async fn get(
    handler: &Handler,
    request: GetPromptRequestParams,
    context: &Context,
) -> Result<GetPromptResponse, Trouble> {
    let name = request.name;
    if !is_valid_name(&name) {
        return Err(Trouble::UnknownPrompt(name));
    }
    let arguments = request.arguments.unwrap_or_default();
    let bound = Value::Object(arguments.clone());
    let retry = Retry { responses: request.input_responses, state: request.request_state };
    let asked = Asked::of(handler, context)?;
    let mut turn = Turn::new(&handler.shared, &asked, Action::GetPrompt, &name, &bound)?;
    let unknown = || Trouble::UnknownPrompt(name.clone());
    let permit = turn.permit().ok_or_else(unknown)?;
    let Some((plugin, spec)) = asked.entry.snapshot.catalogue.prompt(&name) else {
        turn.record.outcome(AuditOutcome::Failed);
        return Err(unknown());
    };
    turn.record.found(plugin.descriptor());
    let arguments = checked(spec, arguments).inspect_err(|_| turn.record.outcome(AuditOutcome::Failed))?;
    let reply = turn.run(plugin, permit, retry, |permit, context| plugin.get_prompt(permit, context, arguments.clone())).await?;
    Ok(match reply {
        Reply::Complete(expansion) => {
            let mut result = convert::expansion(expansion);
            result.meta = info::stamp(info::is_modern(context));
            result.into()
        }
        Reply::Ask(mut ask) => {
            ask.meta = info::stamp(info::is_modern(context));
            ask.into()
        }
    })
}

/// Arguments are text, known, and complete.
fn checked(spec: &PromptSpec, arguments: JsonObject) -> Result<Vec<(String, String)>, Trouble> {
    let prompt = &spec.name;
    if let Some(missing) = spec.arguments.iter().find(|argument| argument.required && !arguments.contains_key(&argument.name)) {
        return Err(Trouble::Params(format!("the prompt `{prompt}` needs the argument `{}`", missing.name)));
    }
    let convert = |(name, value): (String, Value)| {
        if !spec.arguments.iter().any(|argument| argument.name == name) {
            return Err(Trouble::Params(format!("the prompt `{prompt}` has no argument `{name}`")));
        }
        match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(Trouble::Params(format!("the argument `{name}` of the prompt `{prompt}` must be a string"))),
        }
    };
    arguments.into_iter().map(convert).collect()
}
