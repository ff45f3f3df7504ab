//! From a configuration and a folder of plugins to the next snapshot, beside the live one. A plugin that did not change is taken over; one
//! whose file broke keeps its last good version, as long as its grants are still the same.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use portcullis_core::catalogue::Catalogue;
use portcullis_core::config::{Config, PluginConfig};
use portcullis_core::finding::{Finding, Place};
use portcullis_core::grant::Grants;
use portcullis_core::manifest::Manifest;
use portcullis_core::plugin::Digest;
use portcullis_core::policy::Policy;
use portcullis_core::ports::{Loaded, PluginSource, ToolRuntime};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::Strategies;
use portcullis_sandbox::inspect;

use crate::directory::{self, PluginFile};
use crate::{describing, grants, settings};

/// How long a plugin may go on saying that its offers changed before it is asked for them, as long as files may settle.
const QUIET: Duration = Duration::from_millis(250);

/// A snapshot, and how its plugins came to be.
pub(crate) struct Assembly {
    /// What is published.
    pub(crate) snapshot: Arc<Snapshot>,
    kept: Vec<Kept>,
}

/// A loaded plugin with everything that decided it.
#[derive(Clone)]
struct Kept {
    path: PathBuf,
    digest: Digest,
    config: PluginConfig,
    loaded: Loaded,
    /// Why its offers could not be asked for again, if they could not.
    stale: Vec<Finding>,
}

impl Kept {
    fn manifest(&self) -> &Manifest {
        &self.loaded.descriptor().manifest
    }
}

impl Assembly {
    /// Whether both serve the same and find the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let same = |(one, other): (&Kept, &Kept)| one.loaded.is(&other.loaded);
        let published =
            |one: &Self| one.snapshot.catalogue.plugins().iter().map(|it| Arc::as_ptr(it).cast::<()>()).collect::<Vec<_>>();
        *self.snapshot.config == *other.snapshot.config
            && self.snapshot.findings == other.snapshot.findings
            && self.kept.len() == other.kept.len()
            && self.kept.iter().zip(&other.kept).all(same)
            && self.snapshot.strategies.described() == other.snapshot.strategies.described()
            && published(self) == published(other)
    }

    /// Waits until a plugin says that its offers changed, and asks for them. The next assembly publishes what came of it.
    pub(crate) async fn follow_offers(&mut self) {
        let index = self.offers_changed().await;
        let Some(one) = self.kept.get_mut(index) else { return };
        tokio::time::sleep(QUIET).await;
        // Whatever was said meanwhile is covered by asking now.
        let Some(plugin) = one.loaded.tool() else { return };
        let _ = tokio::time::timeout(Duration::ZERO, plugin.offers_changed()).await;
        let listed = plugin.list_again().await;
        match listed {
            Ok(None) => one.stale.clear(),
            Ok(Some(next)) => (one.loaded, one.stale) = (Loaded::Tool(next), Vec::new()),
            Err(findings) => one.stale = findings,
        }
    }

    /// Names of the plugins that are being served.
    fn served(&self) -> impl Iterator<Item = &str> {
        self.snapshot.catalogue.plugins().iter().map(|plugin| plugin.descriptor().manifest.name.as_str())
    }

    async fn offers_changed(&self) -> usize {
        let tools = self.kept.iter().enumerate().filter_map(|(index, one)| Some((index, one.loaded.tool()?)));
        let mut waiting: Vec<_> = tools.map(|(index, plugin)| (index, plugin.offers_changed())).collect();
        poll_fn(|context| {
            let ready = waiting.iter_mut().find_map(|(index, one)| one.as_mut().poll(context).is_ready().then_some(*index));
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Builds the next snapshot. Never fails: what is wrong with a plugin is a finding, and the others serve on.
pub(crate) async fn assemble(
    runtime: &dyn ToolRuntime,
    config: Arc<Config>,
    findings: Vec<Finding>,
    previous: Option<&Assembly>,
) -> Assembly {
    let before = previous.map(|one| one.kept.as_slice()).unwrap_or_default();
    let mut bench = Bench { runtime, config: &config, before, kept: Vec::new(), present: BTreeSet::new(), findings };
    bench.fill().await;
    let Bench { kept, mut findings, .. } = bench;
    findings.extend(kept.iter().flat_map(|one| one.stale.iter().cloned()));
    let served: BTreeSet<&str> = previous.into_iter().flat_map(Assembly::served).collect();
    let plugins = kept.iter().filter_map(|one| one.loaded.tool().cloned()).collect();
    let (catalogue, conflicts) = Catalogue::build(plugins, |name| served.contains(name));
    findings.extend(conflicts);
    let authenticators: BTreeMap<_, _> =
        kept.iter().filter_map(|one| Some((one.manifest().name.clone(), Arc::clone(one.loaded.authenticator()?)))).collect();
    let (described, silent) = describing::describe(&config, &authenticators, previous.map(|one| &one.snapshot.strategies)).await;
    findings.extend(silent);
    let (strategies, refused) = Strategies::build(&config, authenticators, described);
    findings.extend(refused);
    let scopes = tool_scopes(&catalogue);
    findings.extend(strategies.out_of_reach(&config, &scopes));
    let generation = previous.map_or(1, |one| one.snapshot.generation + 1);
    let policy = policy(&config, scopes);
    let snapshot = Snapshot { generation, config, catalogue, strategies, policy, findings };
    Assembly { snapshot: Arc::new(snapshot), kept }
}

/// Tools that need scopes.
fn tool_scopes(catalogue: &Catalogue) -> BTreeMap<String, Vec<String>> {
    let tools = catalogue.tools().filter(|tool| !tool.scopes.is_empty());
    tools.map(|tool| (tool.name.clone(), tool.scopes.clone())).collect()
}

fn policy(config: &Config, tool_scopes: BTreeMap<String, Vec<String>>) -> Policy {
    let rules = config.tokens.iter().map(|(name, token)| (name.clone(), token.rules.clone())).collect();
    Policy::new(rules).with_access(config.access.clone(), config.scope_hierarchy.clone()).with_tool_scopes(tool_scopes)
}

/// One assembly in progress.
struct Bench<'a> {
    runtime: &'a dyn ToolRuntime,
    config: &'a Config,
    before: &'a [Kept],
    kept: Vec<Kept>,
    /// Names that some file carries, loaded or not.
    present: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Bench<'_> {
    async fn fill(&mut self) {
        match directory::read(&self.config.plugin_directory).await {
            Ok(mut files) => {
                // What serves already comes first: a second file of the same name must not displace it.
                files.sort_by_key(|file| !self.before.iter().any(|one| one.path == file.path));
                for file in files {
                    self.take(file).await;
                }
                self.absent();
            }
            Err(error) => self.unreadable(&error),
        }
    }

    /// Without its folder, every plugin keeps its last good version: a volume that is being remounted must not stop the service.
    fn unreadable(&mut self, error: &std::io::Error) {
        let directory = self.config.plugin_directory.display();
        let hint = "`pluginDirectory` names another folder";
        self.findings.push(Finding::error("pluginDirectory", format!("`{directory}` cannot be read: {error}")).hint(hint));
        self.kept = self.before.iter().filter(|one| self.still_granted(one)).cloned().collect();
    }

    async fn take(&mut self, file: PluginFile) {
        let path = file.path.clone();
        let component = file.content.as_ref().ok().map(|(component, _)| Arc::clone(component));
        match self.load(file).await {
            Ok(Some(kept)) => self.add(kept),
            Ok(None) => {}
            Err(findings) => {
                let name = component.and_then(|component| inspect(&component).ok()).map(|found| found.manifest.name);
                self.broken(&path, name.as_deref(), findings);
            }
        }
    }

    /// `None`: nothing to load, and nothing wrong with the file.
    async fn load(&mut self, file: PluginFile) -> Result<Option<Kept>, Vec<Finding>> {
        let origin = file.path.display().to_string();
        let place = || Place { file: origin.clone(), line: 0, column: 0 };
        let whole = |message: String| vec![Finding::error("plugin file", message).at(place())];
        let (component, digest) = file.content.map_err(whole)?;
        if let Some(same) =
            self.before.iter().find(|one| one.path == file.path && one.digest == digest && self.still_granted(one))
        {
            self.present.insert(same.manifest().name.clone());
            return Ok(Some(same.clone()));
        }
        let manifest = inspect(&component).map_err(|error| whole(error.to_string()))?.manifest;
        self.present.insert(manifest.name.clone());
        let Some(config) = self.config.plugins.get(&manifest.name) else {
            self.findings.push(unlisted(&manifest).at(place()));
            return Ok(None);
        };
        if !config.enabled {
            return Ok(None);
        }
        self.held(&manifest, digest, config).map_err(|finding| vec![finding.at(place())])?;
        let settings = settings::resolve(&manifest, &config.settings);
        let (granted, limits) = (config.grants.clone(), config.limits);
        let source = PluginSource { origin: origin.clone(), component, granted, settings, limits };
        let loaded = self
            .runtime
            .load(source)
            .await
            .map_err(|findings| findings.into_iter().map(|one| one.at(place())).collect::<Vec<_>>())?;
        tracing::info!(plugin = manifest.name, version = %manifest.version, %digest, "loaded");
        Ok(Some(Kept { path: file.path, digest, config: config.clone(), loaded, stale: Vec::new() }))
    }

    /// A new version that asks for more than it was granted waits for approval if an old one can serve meanwhile.
    fn held(&self, manifest: &Manifest, digest: Digest, config: &PluginConfig) -> Result<(), Finding> {
        let Some(old) = self.before.iter().find(|one| one.manifest().name == manifest.name && one.digest != digest) else {
            return Ok(());
        };
        let more = config.grants.lacks(&manifest.requests);
        let news = config.grants.lacks(&old.manifest().requests).lacks(&more);
        if !self.still_granted(old) || news == Grants::default() {
            return Ok(());
        }
        let yaml = grants::entry(&manifest.name, &more);
        Err(Finding::error(
            format!("plugin {}", manifest.name),
            format!("version {} asks for more than it is granted, and waits for approval", manifest.version),
        )
        .hint(format!("to approve, add to its grants:\n{yaml}\nor restrict them: any change of its grants is a decision too")))
    }

    /// Whether what was loaded is still what the configuration wants. Revoking a grant ends it even if the file is broken.
    fn still_granted(&self, one: &Kept) -> bool {
        self.config.plugins.get(&one.manifest().name).is_some_and(|config| config.enabled && *config == one.config)
    }

    /// `name` is the plugin's, if the file still says so: a version that waits may come under another file name.
    fn broken(&mut self, path: &std::path::Path, name: Option<&str>, findings: Vec<Finding>) {
        let same = |one: &&Kept| one.path == path || name == Some(one.manifest().name.as_str());
        let last = self.before.iter().find(|one| same(one) && self.still_granted(one)).cloned();
        let serving = last.as_ref().map(|one| {
            let manifest = one.manifest();
            format!("version {} ({}) serves on until this is mended", manifest.version, one.digest)
        });
        self.findings.extend(findings.into_iter().map(|finding| match (&serving, &finding.hint) {
            (None, _) => finding,
            (Some(serving), None) => finding.hint(serving.clone()),
            (Some(serving), Some(hint)) => {
                let both = format!("{hint}\n{serving}");
                finding.hint(both)
            }
        }));
        if let Some(last) = last {
            self.present.insert(last.manifest().name.clone());
            self.add(last);
        }
    }

    fn add(&mut self, next: Kept) {
        match self.kept.iter().find(|one| one.manifest().name == next.manifest().name) {
            None => self.kept.push(next),
            // The last good version, found again by another of its files.
            Some(first) if first.loaded.is(&next.loaded) => {}
            Some(first) => {
                let message =
                    format!("`{}` and `{}` are both this plugin; the first serves", first.path.display(), next.path.display());
                self.findings
                    .push(Finding::error(format!("plugin {}", next.manifest().name), message).hint("remove one of the files"));
            }
        }
    }

    /// Plugins that the configuration names and no file carries.
    fn absent(&mut self) {
        let directory = self.config.plugin_directory.display();
        let enabled = self.config.plugins.iter().filter(|(name, config)| config.enabled && !self.present.contains(*name));
        let missing = enabled.map(|(name, _)| {
            Finding::error(format!("plugins.{name}"), format!("no file in `{directory}` carries this plugin"))
                .hint(format!("copy its .wasm there, or set `plugins.{name}.enabled: false`"))
        });
        self.findings.extend(missing.collect::<Vec<_>>());
    }
}

fn unlisted(manifest: &Manifest) -> Finding {
    let yaml = grants::entry(&manifest.name, &manifest.requests);
    Finding::warning(format!("plugin {}", manifest.name), "has no entry under `plugins`, so it is not loaded")
        .hint(format!("to load it with all that it asks for, add to the configuration:\n{yaml}"))
}
