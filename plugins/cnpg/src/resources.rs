//! Clusters as resources: which there are, what one says, and when it changes. MCP's shapes are in `component`.

use std::collections::BTreeSet;

use portcullis_plugin::kubernetes::{METADATA, Watch};
use serde_json::Value;

use crate::call::{Call, parse};
use crate::cluster::Cluster;
use crate::explain::{Action, explain};
use crate::gitops;
use crate::json::{json, list, text};
use crate::kind::CLUSTERS;
use crate::problem::Problem;
use crate::tools::clusters::status_of;
use crate::uri::{Uri, View};
use crate::yaml;

/// Clusters per page.
const PAGE: u32 = 250;
/// Seconds that the server keeps one watch open; then the host asks again.
const WATCH_SECONDS: u32 = 1_800;

/// A page of clusters, and the cursor of the next.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    /// Namespace and name.
    pub(crate) clusters: Vec<(String, String)>,
    pub(crate) next: Option<String>,
}

/// Clusters of all namespaces; where the identity may not list those, of the default one.
pub(crate) fn page(call: &Call<'_>, cursor: Option<&str>) -> Result<Page, Problem> {
    let request = CLUSTERS.everywhere().list().limit(PAGE).form(METADATA).after(cursor.map(str::to_owned));
    let found = match call.list(&request) {
        Err(problem) if problem.code == 403 => {
            let request = CLUSTERS.within(call.namespace(None)).list().limit(PAGE).form(METADATA);
            call.list(&request.after(cursor.map(str::to_owned)))?
        }
        other => other?,
    };
    let pair = |one: &Value| (Cluster(one).namespace().to_owned(), Cluster(one).name().to_owned());
    Ok(Page {
        clusters: list(&found, "/items").iter().map(pair).collect(),
        next: text(&found, "/metadata/continue").map(Into::into),
    })
}

/// The namespaces that have clusters.
pub(crate) fn namespaces(call: &Call<'_>) -> Result<BTreeSet<String>, Problem> {
    Ok(page(call, None)?.clusters.into_iter().map(|(namespace, _)| namespace).collect())
}

/// The media type of a view.
pub(crate) fn media_type(view: View) -> &'static str {
    match view {
        View::Status => "text/markdown",
        View::Manifest => "application/yaml",
    }
}

/// What a resource says now.
pub(crate) fn read(call: &Call<'_>, uri: &Uri<'_>) -> Result<String, Problem> {
    match uri.view {
        View::Status => status_of(call, uri.namespace, uri.name).map(|answer| answer.text),
        View::Manifest => {
            let object = call.get(&CLUSTERS.within(uri.namespace).named(uri.name))?;
            Ok(yaml::block(&gitops::shown(&object)))
        }
    }
}

/// Calls `changed` whenever the cluster does, until the server closes the watch: in good order, or because it is too old.
pub(crate) fn follow(call: &Call<'_>, uri: &Uri<'_>, changed: &mut dyn FnMut()) -> Result<(), Problem> {
    let target = CLUSTERS.within(uri.namespace).named(uri.name);
    let now = call.get(&target)?;
    let options = CLUSTERS.within(uri.namespace).list().fields(format!("metadata.name={}", uri.name)).options;
    let options =
        portcullis_plugin::kubernetes::ListOptions { resource_version: Some(Cluster(&now).resource_version().into()), ..options };
    let all = CLUSTERS.within(uri.namespace);
    let action = Action::new("watch", &all);
    let opened = call.api.watch(&all, &options, portcullis_plugin::kubernetes::OBJECT, WATCH_SECONDS);
    let mut watcher = opened.map_err(|status| explain(status, &action))?;
    let mut seen = shown(&now, uri.view);
    while let Some(object) = next(&mut *watcher, &action)? {
        let now = shown(&object, uri.view);
        if now != seen {
            seen = now;
            changed();
        }
    }
    Ok(())
}

/// The object of the next event; `None` at the end of the watch. A deleted object is `null`.
fn next(watcher: &mut dyn Watch, action: &Action<'_>) -> Result<Option<Value>, Problem> {
    loop {
        match watcher.next(WATCH_SECONDS.saturating_mul(1_000)) {
            Ok(Some(event)) if event.kind == "BOOKMARK" => {}
            Ok(Some(event)) if event.kind == "DELETED" => return Ok(Some(Value::Null)),
            Ok(Some(event)) => return parse(&event.object).map(Some),
            Ok(None) if watcher.ended() => return Ok(None),
            Ok(None) => {}
            Err(status) if status.code == 410 => return Ok(None),
            Err(status) => return Err(explain(status, action)),
        }
    }
}

/// What of an object makes a reader look again: the bookkeeping alone does not.
fn shown(object: &Value, view: View) -> Value {
    let manifest = gitops::manifest(object);
    match view {
        View::Manifest => manifest,
        View::Status => json!([manifest, object.get("status")]),
    }
}
