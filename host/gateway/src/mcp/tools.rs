//! `tools/list` and `tools/call` (MCP 2026-07-28, server/tools).

use portcullis_core::audit::AuditOutcome;
use portcullis_core::call::CallError;
use portcullis_core::content::ToolOutput;
use portcullis_core::policy::Action;
use portcullis_core::tool::{ToolSpec, is_valid_name};
use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ListToolsResult, PaginatedRequestParams, ResultType};
use serde_json::Value;

use super::asked::Asked;
use super::turn::{Reply, Retry, Turn};
use super::{Context, info};
use crate::convert;
use crate::entry::Entry;
use crate::gateway::Shared;
use crate::respond::{self, Trouble};

/// Everything that this caller may call, by name, in one page.
pub(super) fn list(
    entry: &Entry,
    request: Option<PaginatedRequestParams>,
    context: &Context,
) -> Result<ListToolsResult, Trouble> {
    no_cursor(request)?;
    let (policy, principal) = (&entry.snapshot.policy, entry.principal());
    let visible = entry.wire.tools.iter().filter(|(name, _)| policy.shows(principal, Action::CallTool, name));
    let mut result = ListToolsResult::with_all_items(visible.map(|(_, tool)| tool.clone()).collect())
        .with_ttl_ms(info::ttl_ms(entry))
        .with_cache_scope(info::cache_scope(entry));
    result.meta = info::stamp(info::is_modern(context));
    Ok(result)
}

/// Lists of one page hand out no cursors: one that comes is none of ours.
pub(super) fn no_cursor(request: Option<PaginatedRequestParams>) -> Result<(), Trouble> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(Trouble::Params("the cursor is not one of this server's".to_owned())),
    }
}

/// Calls a tool.
pub(crate) async fn call(shared: &Shared, asked: Asked, request: CallToolRequestParams) -> Result<CallToolResponse, ErrorData> {
    let modern = asked.modern;
    match attempt(shared, &asked, request).await {
        Ok(Reply::Ask(mut ask)) => {
            ask.meta = info::stamp(modern);
            Ok(ask.into())
        }
        Ok(Reply::Complete(result)) => Ok(stamped(result, modern).into()),
        Err(trouble) => respond::tool(trouble).map(|result| stamped(result, modern).into()),
    }
}

fn stamped(mut result: CallToolResult, modern: bool) -> CallToolResult {
    result.meta = info::stamp(modern);
    result.result_type = Some(ResultType::COMPLETE);
    result
}

async fn attempt(shared: &Shared, asked: &Asked, request: CallToolRequestParams) -> Result<Reply<CallToolResult>, Trouble> {
    let name = request.name.into_owned();
    // No tool has such a name: what a stranger makes up must not fill the audit trail.
    if !is_valid_name(&name) {
        return Err(Trouble::UnknownTool(name));
    }
    let arguments = Value::Object(request.arguments.unwrap_or_default());
    let retry = Retry { responses: request.input_responses, state: request.request_state };
    let mut turn = Turn::new(shared, asked, Action::CallTool, &name, &arguments)?;
    let permit = turn.permit().ok_or_else(|| Trouble::UnknownTool(name.clone()))?;
    let Some((plugin, spec)) = asked.entry.snapshot.catalogue.tool(&name) else {
        return Err(not_offered(&mut turn, &name));
    };
    turn.record.found(plugin.descriptor());
    if let Err(violations) = spec.input_schema.validate(&arguments) {
        turn.record.outcome(AuditOutcome::Failed);
        return Err(Trouble::Arguments { tool: name.clone(), violations });
    }
    let text = arguments.to_string();
    let reply = turn.run(plugin, permit, retry, |permit, context| plugin.call_tool(permit, context, text.clone())).await?;
    let reply = match reply {
        Reply::Ask(ask) => Reply::Ask(ask),
        Reply::Complete(output) => Reply::Complete(finish(&mut turn, spec, output)?),
    };
    Ok(reply)
}

/// A name that the caller may call and that no plugin offers: one of them may say why.
fn not_offered(turn: &mut Turn<'_>, name: &str) -> Trouble {
    turn.record.outcome(AuditOutcome::Failed);
    match turn.asked.entry.snapshot.catalogue.withheld(name) {
        Some((plugin, reason)) => {
            turn.record.found(plugin.descriptor());
            Trouble::Withheld { tool: name.to_owned(), reason: reason.to_owned() }
        }
        None => Trouble::UnknownTool(name.to_owned()),
    }
}

/// The output as the client may see it.
fn finish(turn: &mut Turn<'_>, spec: &ToolSpec, output: ToolOutput) -> Result<CallToolResult, Trouble> {
    match checked(spec, &output) {
        Ok(structured) => {
            if output.is_error {
                turn.record.outcome(AuditOutcome::CompletedWithError);
            }
            Ok(convert::output(output, structured))
        }
        Err(reason) => {
            turn.record.outcome(AuditOutcome::Failed);
            let (plugin, request_id) = (turn.record.plugin(), turn.record.request_id().to_owned());
            tracing::warn!(request_id, plugin, tool = spec.name, reason, "a result breaks the tool's output schema");
            Err(CallError::Contract { plugin, reason, request_id }.into())
        }
    }
}

/// The structured part, if it is what the schema promises. An output that tells of an error need not keep the promise.
fn checked(spec: &ToolSpec, output: &ToolOutput) -> Result<Option<Value>, String> {
    let structured = match &output.structured {
        Some(text) => Some(serde_json::from_str(text).map_err(|error| format!("its structured output is not JSON: {error}"))?),
        None => None,
    };
    match (&spec.output_schema, &structured) {
        (Some(_), None) if !output.is_error => Err("it declares an output schema and returned no structured output".to_owned()),
        (Some(schema), Some(value)) if !output.is_error => {
            schema
                .validate(value)
                .map_err(|violations| format!("its structured output does not fit its schema:\n{violations}"))?;
            Ok(structured)
        }
        _ => Ok(structured),
    }
}
