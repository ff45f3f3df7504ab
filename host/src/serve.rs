//! The composition root: the only file that knows all libraries. Configuration, cluster, sandbox, plugins, snapshot, gateway, in this order.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use portcullis_cluster::{Cluster, Unconfigured};
use portcullis_core::config::Config;
use portcullis_core::finding::Finding;
use portcullis_core::ports::{AuditSink, KubeApi, PluginStore, ToolRuntime};
use portcullis_gateway::{Gateway, GatewayParts, KubernetesProbe, Notices};
use portcullis_sandbox::{Ports, Sandbox, SandboxOptions};
use portcullis_store::{AuditLog, NullAudit};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::assembly::{Assembly, assemble};
use crate::backing::Backing;
use crate::reload::{Reloader, tell};
use crate::secrets::SecretFiles;
use crate::sockets::Sockets;
use crate::{configuration, output, signals};

/// What is made once and outlives every snapshot.
pub(crate) struct Parts {
    /// Loads plugins.
    pub(crate) runtime: Arc<dyn ToolRuntime>,
    /// What is wrong with the surroundings.
    pub(crate) findings: Vec<Finding>,
    backing: Arc<Backing>,
    secrets: Arc<SecretFiles>,
    kubernetes: Arc<dyn KubeApi>,
    notices: Notices,
    audit: Arc<dyn AuditSink>,
    began_with: Config,
}

/// Whether calls are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audit {
    /// As configured.
    Configured,
    /// Not: nothing is served.
    None,
}

impl Parts {
    /// Makes them. Needs no cluster that answers: plugins that use none run without.
    pub(crate) async fn start(config: &Config, audit: Audit) -> anyhow::Result<Self> {
        let (kubernetes, findings) = connect(config).await;
        let notices = Notices::new();
        let secrets = Arc::new(SecretFiles::default());
        let backing = Backing::new(config, Arc::clone(&secrets));
        let sandbox = Sandbox::new(SandboxOptions {
            cache_directory: config.cache_directory.clone(),
            max_concurrent_calls: config.max_concurrent_calls,
            queue_timeout: config.queue_timeout,
            kube: Some(Arc::clone(&kubernetes)),
            notices: Arc::new(notices.clone()),
            ports: ports(&backing, &secrets),
        })?;
        let audit: Arc<dyn AuditSink> = match config.audit.as_deref() {
            Some(path) if audit == Audit::Configured => {
                Arc::new(AuditLog::open(path).with_context(|| format!("audit.path: {}", path.display()))?)
            }
            _ => Arc::new(NullAudit),
        };
        let began_with = config.clone();
        Ok(Self { runtime: Arc::new(sandbox), findings, backing, secrets, kubernetes, notices, audit, began_with })
    }

    /// The next snapshot, with what its strategies need.
    pub(crate) async fn assemble(&self, config: Arc<Config>, mut findings: Vec<Finding>, live: Option<&Assembly>) -> Assembly {
        self.secrets.prepare(&config.secrets);
        findings.extend(self.backing.prepare(&config).await);
        assemble(self.runtime.as_ref(), config, findings, live).await
    }

    /// What must not change before a snapshot serves.
    pub(crate) fn published(&self, config: &Config) {
        self.secrets.follow(&config.secrets);
    }

    /// Whether something that plugins need could not be made, and may be soon.
    pub(crate) fn lacks_something(&self, config: &Config) -> bool {
        self.backing.lacks_store(config)
    }

    /// Keys that were read once, at the start.
    pub(crate) fn needs_restart(&self, config: &Config) -> Vec<Finding> {
        let old = &self.began_with;
        let changed = [
            ("kubernetes", config.kubernetes != old.kubernetes),
            ("audit", config.audit != old.audit),
            ("cacheDirectory", config.cache_directory != old.cache_directory),
            ("maxConcurrentCalls", config.max_concurrent_calls != old.max_concurrent_calls),
            ("queueTimeoutMs", config.queue_timeout != old.queue_timeout),
            ("keys", config.keys != old.keys),
            ("rings", config.rings != old.rings),
            ("store", config.store != old.store),
        ];
        let finding = |key| Finding::warning(key, "has changed, and takes effect at the next start").hint("restart the host");
        changed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| finding(key)).collect()
    }

    fn gateway(&self, snapshots: watch::Receiver<Arc<portcullis_core::snapshot::Snapshot>>) -> Gateway {
        let kubernetes = Arc::clone(&self.kubernetes);
        let probe: KubernetesProbe = Arc::new(move |within| {
            let kubernetes = Arc::clone(&kubernetes);
            Box::pin(async move { kubernetes.reachable(within).await })
        });
        let parts = GatewayParts {
            audit: Arc::clone(&self.audit),
            notices: self.notices.clone(),
            store: Some(Arc::clone(&self.backing) as Arc<dyn PluginStore>),
            kubernetes: Some(probe),
        };
        Gateway::new(snapshots, parts)
    }
}

fn ports(backing: &Arc<Backing>, secrets: &Arc<SecretFiles>) -> Ports {
    Ports {
        tokens: Some(Arc::clone(backing) as _),
        discovery: Some(Arc::clone(backing) as _),
        egress: Some(Arc::clone(backing) as _),
        secrets: Some(Arc::clone(secrets) as _),
        store: Some(Arc::clone(backing) as _),
    }
}

/// The cluster, or what stands for none. That there is none matters only to plugins that may use one.
async fn connect(config: &Config) -> (Arc<dyn KubeApi>, Vec<Finding>) {
    match Cluster::connect(&config.kubernetes).await {
        Ok(cluster) => (Arc::new(cluster), Vec::new()),
        Err(error) => {
            let needed = config.plugins.values().any(|plugin| plugin.enabled && plugin.grants.kubernetes.is_some());
            let finding = Finding::error("kubernetes", error.to_string());
            (Arc::new(Unconfigured::new(error.to_string())), if needed { vec![finding] } else { Vec::new() })
        }
    }
}

/// The first snapshot, and the channel that carries all of them.
struct Beginning {
    parts: Parts,
    first: Assembly,
    snapshots: watch::Sender<Arc<portcullis_core::snapshot::Snapshot>>,
    gateway: Gateway,
}

/// # Errors
/// The configuration has errors, or the host cannot run at all. Broken plugins are no reason.
async fn begin(file: &Path) -> anyhow::Result<Beginning> {
    let (config, mut findings) = configuration::read(file, None).await.map_err(|findings| {
        tell(&findings, &[]);
        anyhow::anyhow!("{} has errors; `portcullis check --config {0}` shows them", file.display())
    })?;
    let parts = Parts::start(&config, Audit::Configured).await?;
    findings.extend(parts.findings.iter().cloned());
    let first = parts.assemble(Arc::new(config), findings, None).await;
    tell(&first.snapshot.findings, &[]);
    parts.published(&first.snapshot.config);
    let (snapshots, receiver) = watch::channel(Arc::clone(&first.snapshot));
    let gateway = parts.gateway(receiver);
    Ok(Beginning { parts, first, snapshots, gateway })
}

/// `portcullis serve`: until a signal.
pub(crate) async fn run(file: &Path) -> anyhow::Result<()> {
    let shutdown = signals::shutdown()?;
    let Beginning { parts, first, snapshots, gateway } = begin(file).await?;
    let mut sockets = Sockets::new(gateway, shutdown.clone());
    let config = Arc::clone(&first.snapshot.config);
    let bound = sockets.bind(&config).await.map_err(|findings| {
        tell(&findings, &[]);
        anyhow::anyhow!("not every listener could be bound")
    })?;
    sockets.follow(&config, bound);
    let urls = sockets.urls(&config);
    output::write(&urls.iter().map(|url| format!("{url}\n")).collect::<String>())?;
    let mut reloader = Reloader { file: std::path::absolute(file)?, parts, live: first, snapshots, sockets: Some(sockets) };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = reloader.run() => {}
    }
    if let Some(sockets) = reloader.sockets.take() {
        sockets.closed().await;
    }
    Ok(())
}

/// `portcullis stdio`: until the client closes stdin, or a signal.
pub(crate) async fn stdio(file: &Path) -> anyhow::Result<()> {
    let shutdown: CancellationToken = signals::shutdown()?;
    let Beginning { parts, first, snapshots, gateway } = begin(file).await?;
    let mut reloader = Reloader { file: std::path::absolute(file)?, parts, live: first, snapshots, sockets: None };
    tokio::select! {
        served = gateway.serve_stdio(shutdown.clone()) => Ok(served?),
        () = reloader.run() => Ok(()),
    }
}
