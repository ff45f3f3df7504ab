//! Tells when files of interest may have changed: watches folders, not files, since editors and kubelet replace files by renaming (kubelet
//! moves the `..data` link of a mounted ConfigMap). Says only "look again": what changed is found by reading.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// Quiet time after the last event before it counts: a copy of a large plugin is many events, and none but the last is worth a look.
const DEBOUNCE: Duration = Duration::from_millis(250);

/// Longest time that a flood of events may put off a look.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches folders.
pub(crate) struct Watcher {
    inner: RecommendedWatcher,
    changed: Arc<Notify>,
    interest: Arc<RwLock<Interest>>,
}

/// What is worth a look. Logs and audit trails may live in the same folders, and must not wake anybody.
#[derive(Debug, Default)]
struct Interest {
    folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Interest {
    fn covers(&self, path: &Path) -> bool {
        let kubelet = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".."));
        let plugin = path.extension().is_some_and(|extension| extension == "wasm");
        kubelet || plugin || self.files.contains(path) || self.folders.contains(path)
    }

    /// An event without a path tells of lost events: everything may have changed.
    fn wakes(&self, event: &notify::Event) -> bool {
        !matches!(event.kind, EventKind::Access(_))
            && (event.paths.is_empty() || event.paths.iter().any(|path| self.covers(path)))
    }
}

impl Watcher {
    /// Watches nothing yet.
    pub(crate) fn new() -> notify::Result<Self> {
        let (changed, interest) = (Arc::new(Notify::new()), Arc::new(RwLock::new(Interest::default())));
        let (told, known) = (Arc::clone(&changed), Arc::clone(&interest));
        let inner = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let wakes = event.map_or(true, |event| known.read().map_or(true, |interest| interest.wakes(&event)));
            if wakes {
                told.notify_one();
            }
        })?;
        Ok(Self { inner, changed, interest })
    }

    /// Watches exactly this configuration file and this folder of plugins from now on. What does not exist is tried again next time.
    pub(crate) fn watch(&mut self, config: &Path, plugins: &Path) {
        let real = config.canonicalize().unwrap_or_else(|_| config.to_owned());
        let files = BTreeSet::from([config.to_owned(), real]);
        // The parent of the plugins' folder tells when that folder itself comes and goes.
        let parents = files.iter().map(PathBuf::as_path).chain([plugins]).filter_map(Path::parent).map(Path::to_owned);
        let folders: BTreeSet<PathBuf> = parents.chain([plugins.to_owned()]).collect();
        for folder in self.watched().union(&folders) {
            // A watch on a folder that was deleted and made again hears nothing: begin anew. The first time there is none to end.
            let _ = self.inner.unwatch(folder);
        }
        folders.iter().for_each(|folder| self.add(folder));
        if let Ok(mut interest) = self.interest.write() {
            *interest = Interest { folders, files };
        }
    }

    fn watched(&self) -> BTreeSet<PathBuf> {
        self.interest.read().map(|interest| interest.folders.clone()).unwrap_or_default()
    }

    fn add(&mut self, folder: &Path) {
        if let Err(error) = self.inner.watch(folder, RecursiveMode::NonRecursive) {
            tracing::debug!(folder = %folder.display(), %error, "changes here are not noticed");
        }
    }

    /// Waits for changes to come and to settle.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
        let settled = async { while tokio::time::timeout(DEBOUNCE, self.changed.notified()).await.is_ok() {} };
        // Whether it settled or patience ran out, it is time to look.
        let _ = tokio::time::timeout(PATIENCE, settled).await;
    }
}
