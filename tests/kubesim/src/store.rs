//! The objects, their one revision counter and the log of changes that watches read.
//! Must not judge a write: `write.rs` and `delete.rs` do, under the one lock that is here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::error::ApiError;
use crate::kind::ResourceType;
use crate::object::{name, namespace, put};

/// Which object: `group_resource`, namespace (empty for cluster scope), name.
pub(crate) type Key = (String, String, String);

/// The key of an object of a kind.
pub(crate) fn key(kind: &ResourceType, namespace: &str, name: &str) -> Key {
    (kind.group_resource(), namespace.to_owned(), name.to_owned())
}

/// One entry of the log.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Revision that it made.
    pub(crate) revision: u64,
    /// Which object.
    pub(crate) key: Key,
    /// The object before; `None` if it was created.
    pub(crate) before: Option<Arc<Value>>,
    /// The object after, or as it was deleted.
    pub(crate) after: Arc<Value>,
    /// True if the object is gone.
    pub(crate) deleted: bool,
}

/// A list that was cut at a limit, kept so that its next page shows the same revision.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Continue token that asks for it.
    pub(crate) token: String,
    /// Revision of the list.
    pub(crate) revision: u64,
    /// What is left.
    pub(crate) rest: Vec<Arc<Value>>,
}

/// Pages kept at once (count, default 64): more than any test walks at a time; the oldest expires.
const PAGES: usize = 64;

/// Everything the server knows.
#[derive(Debug)]
pub(crate) struct State {
    kinds: Vec<Arc<ResourceType>>,
    objects: BTreeMap<Key, Arc<Value>>,
    revision: u64,
    log: VecDeque<Change>,
    window: usize,
    compacted: u64,
    pages: VecDeque<Page>,
    serial: u64,
}

impl State {
    /// Every served resource.
    pub(crate) fn kinds(&self) -> &[Arc<ResourceType>] {
        &self.kinds
    }

    /// The resource served under a group, version and plural name.
    pub(crate) fn kind(&self, group: &str, version: &str, plural: &str) -> Option<Arc<ResourceType>> {
        let is = |kind: &&Arc<ResourceType>| kind.group == group && kind.version == version && kind.plural == plural;
        self.kinds.iter().find(is).cloned()
    }

    /// The resource by the kind that objects name.
    pub(crate) fn kind_named(&self, kind: &str) -> Option<Arc<ResourceType>> {
        self.kinds.iter().find(|known| known.kind == kind).cloned()
    }

    /// The resource by its `group_resource`.
    pub(crate) fn kind_of(&self, group_resource: &str) -> Option<Arc<ResourceType>> {
        self.kinds.iter().find(|known| known.group_resource() == group_resource).cloned()
    }

    /// Serves one more resource, or a newer form of one.
    pub(crate) fn serve(&mut self, kind: ResourceType) {
        self.stop_serving(&kind.group_resource());
        self.kinds.push(Arc::new(kind));
    }

    /// Stops serving a resource.
    pub(crate) fn stop_serving(&mut self, group_resource: &str) {
        self.kinds.retain(|known| known.group_resource() != group_resource);
    }

    /// The revision of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// A uid that nothing else has; shaped like the real ones, and countable when debugging.
    pub(crate) fn new_uid(&mut self) -> String {
        self.serial += 1;
        format!("{:08x}-6b75-4265-b573-{:012x}", std::process::id(), self.serial)
    }

    /// One object.
    pub(crate) fn get(&self, kind: &ResourceType, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.objects.get(&key(kind, namespace, name)).cloned()
    }

    /// One object, or 404.
    pub(crate) fn find(&self, kind: &ResourceType, namespace: &str, name: &str) -> Result<Arc<Value>, ApiError> {
        self.get(kind, namespace, name).ok_or_else(|| ApiError::not_found(kind, name))
    }

    /// Every object of a kind in name order, in one namespace or (empty) in all.
    pub(crate) fn list(&self, kind: &ResourceType, namespace: &str) -> Vec<Arc<Value>> {
        let resource = kind.group_resource();
        let from = (resource.clone(), namespace.to_owned(), String::new());
        let of_kind = self.objects.range(from..).take_while(|(key, _)| key.0 == resource);
        of_kind.filter(|(key, _)| namespace.is_empty() || key.1 == namespace).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// Every object there is, with its key.
    pub(crate) fn everything(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    /// Stores an object under the next revision.
    pub(crate) fn commit(&mut self, kind: &ResourceType, mut object: Value) -> Arc<Value> {
        let key = key(kind, namespace(&object), name(&object));
        self.revision += 1;
        put(&mut object, &["metadata", "resourceVersion"], json!(self.revision.to_string()));
        let after = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&after));
        self.remember(Change { revision: self.revision, key, before, after: Arc::clone(&after), deleted: false });
        after
    }

    /// Removes an object under the next revision.
    pub(crate) fn erase(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.revision += 1;
        let mut last = Value::clone(&before);
        put(&mut last, &["metadata", "resourceVersion"], json!(self.revision.to_string()));
        let after = Arc::new(last);
        let change =
            Change { revision: self.revision, key: key.clone(), before: Some(before), after: Arc::clone(&after), deleted: true };
        self.remember(change);
        Some(after)
    }

    fn remember(&mut self, change: Change) {
        self.log.push_back(change);
        while self.log.len() > self.window {
            self.compacted = self.log.pop_front().map_or(self.compacted, |change| change.revision);
        }
    }

    /// The changes after a revision, or `None` if some of them are forgotten.
    pub(crate) fn since(&self, revision: u64) -> Option<Vec<Change>> {
        (revision >= self.compacted).then(|| self.log.iter().filter(|change| change.revision > revision).cloned().collect())
    }

    /// The oldest revision that a watch can begin at.
    pub(crate) fn oldest(&self) -> u64 {
        self.compacted
    }

    /// Forgets the log and every cut list, as etcd's compaction does.
    pub(crate) fn compact(&mut self) {
        self.compacted = self.revision;
        self.log.clear();
        self.pages.clear();
    }

    /// Keeps the rest of a list for its next page.
    pub(crate) fn keep(&mut self, page: Page) {
        self.pages.push_back(page);
        if self.pages.len() > PAGES {
            self.pages.pop_front();
        }
    }

    /// The rest of a list, by its token; asking twice gives the same.
    pub(crate) fn page(&self, token: &str) -> Option<Page> {
        self.pages.iter().find(|page| page.token == token).cloned()
    }
}

/// The state behind its lock, and the bell that wakes watches.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    bell: watch::Sender<u64>,
}

impl Store {
    /// An empty store whose log holds `window` changes.
    pub(crate) fn new(window: usize) -> Self {
        let kinds = crate::kind::built_in().into_iter().map(Arc::new).collect();
        let state = State {
            kinds,
            objects: BTreeMap::new(),
            revision: 1,
            log: VecDeque::new(),
            window,
            compacted: 0,
            pages: VecDeque::new(),
            serial: 0,
        };
        Self { state: Mutex::new(state), bell: watch::Sender::new(1) }
    }

    /// Reads or changes the state; wakes the watches if it moved.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let result = act(&mut state);
        let revision = state.revision;
        drop(state);
        self.bell.send_if_modified(|seen| std::mem::replace(seen, revision.max(*seen)) < revision);
        result
    }

    /// Tells of each new revision.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}
