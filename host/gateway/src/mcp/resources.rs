//! `resources/list`, `resources/templates/list` and `resources/read` over all plugins (MCP 2026-07-28, server/resources).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use portcullis_core::audit::AuditOutcome;
use portcullis_core::policy::Action;
use portcullis_core::ports::Plugin;
use portcullis_core::resource::URI_MAX;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource,
};
use serde_json::Value;

use super::asked::Asked;
use super::turn::{Reply, Retry, Turn, quiet_context};
use super::{Context, Handler, info, tools};
use crate::convert;
use crate::entry::Entry;
use crate::respond::Trouble;

/// How long one plugin may take for one page: lists are asked for while a person waits.
const PAGE_TIME: Duration = Duration::from_secs(10);

/// Most pages that are looked at for one answer, when policy leaves nothing of them or plugins have none.
const PAGES: usize = 16;

/// Longest cursor that is looked at, in bytes.
const CURSOR_MAX: usize = 8 << 10;

/// Where a list goes on: a plugin and its own cursor.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Place(String, Option<String>);

impl Place {
    fn write(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn read(text: &str) -> Option<Self> {
        let text = (text.len() <= CURSOR_MAX).then_some(text)?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// One page of what this caller may read, plugin after plugin. A plugin that fails is left out, and the log says so.
pub(super) async fn list(
    handler: &Handler,
    request: Option<PaginatedRequestParams>,
    context: &Context,
) -> Result<ListResourcesResult, Trouble> {
    let entry = handler.entry(&context.extensions);
    let gathered = gather(&entry, request.and_then(|request| request.cursor));
    let (resources, next) = tokio::select! {
        biased;
        () = context.ct.cancelled() => return Err(Trouble::Cancelled),
        gathered = gathered => gathered?,
    };
    let mut result = ListResourcesResult::with_all_items(resources)
        .with_ttl_ms(info::ttl_ms(&entry))
        .with_cache_scope(info::cache_scope(&entry));
    result.next_cursor = next.map(|place| place.write());
    result.meta = info::stamp(info::is_modern(context));
    Ok(result)
}

async fn gather(entry: &Entry, cursor: Option<String>) -> Result<(Vec<Resource>, Option<Place>), Trouble> {
    let plugins: Vec<&Arc<dyn Plugin>> =
        entry.snapshot.catalogue.plugins().iter().filter(|plugin| plugin.descriptor().exports.resources).collect();
    let foreign =
        || Trouble::Params("the cursor is not one of this server's, or its plugin is gone: list again from the start".into());
    let place = cursor.map(|text| Place::read(&text).ok_or_else(foreign)).transpose()?;
    let mut index = match &place {
        Some(Place(plugin, _)) => plugins.iter().position(|it| name(it) == plugin).ok_or_else(foreign)?,
        None => 0,
    };
    let mut inner = place.and_then(|Place(_, inner)| inner);
    for _ in 0..PAGES {
        let Some(plugin) = plugins.get(index) else { return Ok((Vec::new(), None)) };
        let (resources, more) = page(entry, plugin, inner.take()).await;
        if more.is_none() {
            index += 1;
        }
        let next = plugins.get(index).map(|plugin| Place(name(plugin).to_owned(), more.clone()));
        if !resources.is_empty() || next.is_none() {
            return Ok((resources, next));
        }
        inner = more;
    }
    Ok((Vec::new(), plugins.get(index).map(|plugin| Place(name(plugin).to_owned(), inner))))
}

fn name(plugin: &Arc<dyn Plugin>) -> &str {
    &plugin.descriptor().manifest.name
}

/// What policy leaves of one page, and the plugin's cursor to the next one.
async fn page(entry: &Entry, plugin: &Arc<dyn Plugin>, cursor: Option<String>) -> (Vec<Resource>, Option<String>) {
    match plugin.list_resources(quiet_context(entry, PAGE_TIME), cursor).await {
        Ok(page) => {
            let (policy, principal) = (&entry.snapshot.policy, entry.principal());
            let visible = page.resources.into_iter().filter(|link| policy.shows(principal, Action::ReadResource, &link.uri));
            (visible.map(convert::resource).collect(), page.next)
        }
        Err(error) => {
            tracing::warn!(plugin = name(plugin), %error, "a plugin could not list its resources");
            (Vec::new(), None)
        }
    }
}

/// The templates of which this caller may read some member, in one page.
pub(super) fn templates(
    entry: &Entry,
    request: Option<PaginatedRequestParams>,
    context: &Context,
) -> Result<ListResourceTemplatesResult, Trouble> {
    tools::no_cursor(request)?;
    let visible =
        entry.snapshot.catalogue.templates().map(|(_, template)| template).filter(|it| may_use(entry, &it.uri_template));
    let mut result = ListResourceTemplatesResult::with_all_items(visible.map(convert::template).collect())
        .with_ttl_ms(info::ttl_ms(entry))
        .with_cache_scope(info::cache_scope(entry));
    result.meta = info::stamp(info::is_modern(context));
    Ok(result)
}

/// Whether policy allows some URI that begins like the template.
pub(super) fn may_use(entry: &Entry, template: &str) -> bool {
    let literal = template.split('{').next().unwrap_or_default();
    entry.snapshot.policy.allows_some(entry.principal(), Action::ReadResource, literal)
}

/// Reads a resource.
pub(super) async fn read(
    handler: &Handler,
    request: ReadResourceRequestParams,
    context: &Context,
) -> Result<ReadResourceResponse, Trouble> {
    let uri = request.uri;
    check_length(&uri)?;
    let retry = Retry { responses: request.input_responses, state: request.request_state };
    let asked = Asked::of(handler, context)?;
    let mut turn = Turn::new(&handler.shared, &asked, Action::ReadResource, &uri, &Value::Null)?;
    let unknown = || Trouble::UnknownResource(uri.clone());
    let permit = turn.permit().ok_or_else(unknown)?;
    let found = tokio::select! {
        biased;
        () = context.ct.cancelled() => return Err(Trouble::Cancelled),
        found = owner(&asked.entry, &uri) => found,
    };
    let Some(plugin) = found else {
        turn.record.outcome(AuditOutcome::Failed);
        return Err(unknown());
    };
    match turn.run(&plugin, permit, retry, |permit, context| plugin.read_resource(permit, context)).await? {
        // Never an empty list (T-16): a guest that returns one means that there is nothing.
        Reply::Complete(contents) if contents.is_empty() => {
            turn.record.outcome(AuditOutcome::Failed);
            Err(unknown())
        }
        Reply::Complete(contents) => {
            let mut result = ReadResourceResult::new(contents.into_iter().map(convert::contents).collect())
                .with_ttl_ms(0)
                .with_cache_scope(info::cache_scope(&asked.entry));
            result.meta = info::stamp(info::is_modern(context));
            Ok(result.into())
        }
        Reply::Ask(mut ask) => {
            ask.meta = info::stamp(info::is_modern(context));
            Ok(ask.into())
        }
    }
}

/// Before anything else looks at it.
pub(super) fn check_length(uri: &str) -> Result<(), Trouble> {
    if uri.len() <= URI_MAX { Ok(()) } else { Err(Trouble::Params(format!("the URI is over {URI_MAX} bytes"))) }
}

/// The plugin that serves a URI: one of its templates matches, or its first page lists it (portcullis:tool/resources).
pub(super) async fn owner(entry: &Entry, uri: &str) -> Option<Arc<dyn Plugin>> {
    let catalogue = &entry.snapshot.catalogue;
    if let Some(plugin) = catalogue.template_owner(uri) {
        return Some(Arc::clone(plugin));
    }
    for plugin in catalogue.plugins().iter().filter(|plugin| plugin.descriptor().exports.resources) {
        if page(entry, plugin, None).await.0.iter().any(|resource| resource.uri == uri) {
            return Some(Arc::clone(plugin));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_cursor_comes_back_and_garbage_does_not_pass() {
        for place in [Place("cnpg".into(), None), Place("cnpg".into(), Some("page 2".into()))] {
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        for garbage in ["", "x", "bm8", &"A".repeat(10_000)] {
            assert_eq!(Place::read(garbage), None);
        }
    }
}
