//! A component from a file, inspected; and loaded the way a person at a terminal wants it: with all that it asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use portcullis_core::config::{Config, Surroundings};
use portcullis_core::finding::Finding;
use portcullis_core::limits::Limits;
use portcullis_core::ports::{Loaded, PluginSource};
use portcullis_sandbox::{Inspection, inspect};
use serde_json::{Map, Value};

use crate::serve::{Audit, Parts};
use crate::{env, settings};

/// A component's bytes and what they say.
pub(super) struct Component {
    path: PathBuf,
    bytes: Arc<[u8]>,
    /// What it says of itself.
    pub(super) inspection: Inspection,
}

/// How a component is loaded for a command.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Loading {
    /// The plugin's settings, as a JSON object.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// A kubeconfig file. Default: as `serve` finds one.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// A context of it.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl Component {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let inspection = inspect(&bytes).with_context(|| path.display().to_string())?;
        Ok(Self { path: path.to_owned(), bytes: bytes.into(), inspection })
    }

    /// Loads it with all that it requests: the person at the terminal is the operator here.
    pub(super) async fn load(&self, loading: &Loading) -> anyhow::Result<Result<Loaded, Vec<Finding>>> {
        let written: Map<String, Value> = serde_json::from_str(&loading.settings).context("--settings is not a JSON object")?;
        let parts = Parts::start(&loading.config()?, Audit::None).await?;
        let manifest = &self.inspection.manifest;
        let source = PluginSource {
            origin: self.path.display().to_string(),
            component: Arc::clone(&self.bytes),
            granted: manifest.requests.clone(),
            settings: settings::resolve(manifest, &written),
            limits: Limits::default(),
        };
        Ok(parts.runtime.load(source).await)
    }
}

impl Loading {
    /// The configuration of an empty file, with this cluster.
    fn config(&self) -> anyhow::Result<Config> {
        let (base, cache, state) = (std::env::current_dir()?, env::cache_directory(), env::state_directory());
        let around = Surroundings { file: "", base: &base, cache: &cache, state: &state, scopes: None, guarded: false };
        let (mut config, _) =
            Config::parse("", around).map_err(|_| anyhow::anyhow!("the default configuration does not read"))?;
        config.kubernetes.kubeconfig = self.kubeconfig.as_deref().map(std::path::absolute).transpose()?;
        config.kubernetes.context.clone_from(&self.context);
        // One call at a time: no need to reserve address space for more.
        config.max_concurrent_calls = 1;
        Ok(config)
    }
}
