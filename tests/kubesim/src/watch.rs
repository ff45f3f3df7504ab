//! Watches: the state or a revision to begin with, then every change, bookmarks, 410 and the end of time.
//! Must not write. Semantics: Kubernetes API concepts, "Efficient detection of changes".

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::call::{Asked, Call};
use crate::error::ApiError;
use crate::list::{select, selector, single};
use crate::object::{name, namespace};
use crate::selector::Selector;
use crate::server::Shared;
use crate::store::{Change, State};

/// How long a watch lasts if the client does not say (seconds, default 1800): the real server picks 30 to 60 minutes.
const LONGEST: u64 = 1_800;

/// One watch.
struct Watch {
    shared: Arc<Shared>,
    asked: Asked,
    call: Call,
    selector: Selector,
    seen: u64,
    ready: VecDeque<Value>,
    bell: Receiver<u64>,
    end: Instant,
    bookmark_at: Instant,
    over: bool,
}

/// Begins a watch.
pub(crate) fn watch(
    shared: &Arc<Shared>,
    asked: &Asked,
    call: &Call,
) -> Result<impl Stream<Item = io::Result<Value>> + Send + use<>, ApiError> {
    let selector = selector(asked, call)?;
    let bell = shared.store.subscribe();
    let seconds = match call.query("timeoutSeconds") {
        "" | "0" => LONGEST,
        text => text.parse().map_err(|_| ApiError::bad_request(format!("timeoutSeconds: Invalid value: \"{text}\"")))?,
    };
    let mut watch = Watch {
        shared: Arc::clone(shared),
        asked: asked.clone(),
        call: call.clone(),
        selector,
        seen: 0,
        ready: VecDeque::new(),
        bell,
        end: Instant::now() + Duration::from_secs(seconds),
        bookmark_at: Instant::now() + shared.options.bookmark_every,
        over: false,
    };
    watch.begin()?;
    Ok(futures_util::stream::unfold(watch, |mut watch| async move { watch.next().await.map(|event| (Ok(event), watch)) }))
}

impl Watch {
    fn begin(&mut self) -> Result<(), ApiError> {
        let from = match self.call.query("resourceVersion") {
            "" | "0" => None,
            text => Some(text.parse().map_err(|_| ApiError::bad_request(format!("Invalid value: \"{text}\": resourceVersion")))?),
        };
        let wants_state = self.call.is_set("sendInitialEvents");
        let shared = Arc::clone(&self.shared);
        let (revision, state) =
            shared.store.with(|state: &mut State| (state.revision(), select(state, &self.asked, &self.selector)));
        match from {
            Some(revision) if !wants_state => self.seen = revision,
            _ => {
                self.seen = revision;
                let added: Vec<Value> = state.iter().map(|object| self.event("ADDED", object)).collect();
                self.ready.extend(added);
            }
        }
        if wants_state && self.wants_bookmarks() {
            let marks = json!({"k8s.io/initial-events-end": "true"});
            let bookmark = self.bookmark(&marks);
            self.ready.push_back(bookmark);
        }
        Ok(())
    }

    fn wants_bookmarks(&self) -> bool {
        self.call.is_set("allowWatchBookmarks")
    }

    fn event(&self, kind: &str, object: &Value) -> Value {
        let object = single(&self.asked.kind, object.clone(), &self.call).unwrap_or_else(|error| error.status());
        json!({"type": kind, "object": object})
    }

    fn bookmark(&self, annotations: &Value) -> Value {
        let mut meta = json!({"resourceVersion": self.seen.to_string(), "creationTimestamp": null});
        if !annotations.is_null() {
            crate::object::put(&mut meta, &["annotations"], annotations.clone());
        }
        let object = json!({"kind": self.asked.kind.kind, "apiVersion": self.asked.kind.api_version(), "metadata": meta});
        json!({"type": "BOOKMARK", "object": object})
    }

    /// The next event, or the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            self.read_log();
            if self.ready.is_empty() && !self.over {
                self.wait().await;
            }
        }
    }

    fn read_log(&mut self) {
        let shared = Arc::clone(&self.shared);
        if let Some(fault) = shared.faults.take_watch_fault(&self.asked, &self.call) {
            return self.end_with(&fault);
        }
        match shared.store.with(|state| state.since(self.seen).ok_or_else(|| state.oldest())) {
            Ok(changes) => changes.iter().for_each(|change| self.read(change)),
            Err(oldest) => self.end_with(&ApiError::expired(format!("too old resource version: {} ({oldest})", self.seen))),
        }
    }

    fn end_with(&mut self, error: &ApiError) {
        self.ready.push_back(json!({"type": "ERROR", "object": error.status()}));
        self.over = true;
    }

    /// A change as this watch sees it: what begins or ceases to match is added or deleted.
    fn read(&mut self, change: &Change) {
        self.seen = change.revision;
        let asked = &self.asked;
        let is_ours = |object: &&Arc<Value>| {
            (asked.namespace.is_empty() || asked.namespace == namespace(object))
                && (asked.name.is_empty() || asked.name == name(object))
                && self.selector.matches(object)
        };
        if change.key.0 != asked.kind.group_resource() {
            return;
        }
        let was = change.before.as_ref().filter(is_ours).is_some();
        let is = !change.deleted && Some(&change.after).filter(is_ours).is_some();
        let kind = match (was, is) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return,
        };
        let event = self.event(kind, &change.after);
        self.ready.push_back(event);
    }

    /// Until something changed, a bookmark is due, or time is up.
    async fn wait(&mut self) {
        let stop = self.shared.stop.clone();
        let due = self.bookmark_at.min(self.end);
        tokio::select! {
            changed = self.bell.changed() => self.over = changed.is_err(),
            () = stop.cancelled() => self.over = true,
            () = self.shared.faults.changed() => {}
            () = sleep_until(due) => self.tick(),
        }
    }

    fn tick(&mut self) {
        if self.wants_bookmarks() {
            let bookmark = self.bookmark(&Value::Null);
            self.ready.push_back(bookmark);
        }
        self.bookmark_at = Instant::now() + self.shared.options.bookmark_every;
        self.over = Instant::now() >= self.end;
    }
}
