//! A sandbox by itself, and what tests ask of it: load a guest with some grant, call a tool, hear what it said. No gateway, no HTTP.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::call::{CallContext, CallError, Outcome};
use portcullis_core::content::{Content, ToolOutput};
use portcullis_core::finding::Finding;
use portcullis_core::grant::Grants;
use portcullis_core::kubegrant::{KubernetesGrant, KubernetesRule};
use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::policy::{Action, Permit, Policy};
use portcullis_core::ports::{ClientSink, KubeApi, Loaded, NoticeSink, Plugin, PluginSource, ToolRuntime};
use portcullis_core::principal::Principal;
use portcullis_sandbox::{Ports, Sandbox, SandboxOptions};
use tempfile::TempDir;

/// A sandbox with a compile cache of its own.
pub(crate) struct Rig {
    sandbox: Sandbox,
    pub(crate) heard: Arc<Heard>,
    _cache: TempDir,
}

/// One report of progress: how far, of how much, and what it says.
type Reported = (f64, Option<f64>, Option<String>);

/// What guests said to clients and subscribers.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) notices: Mutex<Vec<Notice>>,
    pub(crate) progress: Mutex<Vec<Reported>>,
    pub(crate) messages: Mutex<Vec<String>>,
}

impl NoticeSink for Heard {
    fn publish(&self, notice: Notice) {
        self.notices.lock().unwrap().push(notice);
    }
}

impl ClientSink for Heard {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        self.progress.lock().unwrap().push((progress, total, message));
    }

    fn message(&self, level: &str, _: Option<&str>, data: &str) {
        self.messages.lock().unwrap().push(format!("{level} {data}"));
    }
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with_kube(None)
    }

    pub(crate) fn with_kube(kube: Option<Arc<dyn KubeApi>>) -> Self {
        Self::with(kube, Ports::default())
    }

    pub(crate) fn with(kube: Option<Arc<dyn KubeApi>>, ports: Ports) -> Self {
        let (cache, heard) = (tempfile::tempdir().unwrap(), Arc::new(Heard::default()));
        let options = SandboxOptions {
            cache_directory: cache.path().join("compiled"),
            max_concurrent_calls: 64,
            queue_timeout: Duration::from_secs(20),
            kube,
            notices: heard.clone(),
            ports,
        };
        Self { sandbox: Sandbox::new(options).unwrap(), heard, _cache: cache }
    }

    /// Loads a tool plugin with exactly this grant.
    pub(crate) async fn load_with(
        &self,
        component: anyhow::Result<PathBuf>,
        granted: Grants,
        limits: Limits,
    ) -> Result<Arc<dyn Plugin>, Vec<Finding>> {
        Ok(self.load_any(component, granted, limits).await?.tool().expect("it is a strategy").clone())
    }

    /// Loads a component of any world with exactly this grant.
    pub(crate) async fn load_any(
        &self,
        component: anyhow::Result<PathBuf>,
        granted: Grants,
        limits: Limits,
    ) -> Result<Loaded, Vec<Finding>> {
        let path = component.unwrap();
        let component = Arc::from(std::fs::read(&path).unwrap());
        let (origin, settings) = (path.display().to_string(), "{}".to_owned());
        self.sandbox.load(PluginSource { origin, component, granted, settings, limits }).await
    }

    /// Loads a component with these settings and every grant.
    pub(crate) async fn load_settled(
        &self,
        component: anyhow::Result<PathBuf>,
        settings: &str,
    ) -> Result<Arc<dyn Plugin>, Vec<Finding>> {
        let path = component.unwrap();
        let component = Arc::from(std::fs::read(&path).unwrap());
        let (origin, settings) = (path.display().to_string(), settings.to_owned());
        let source = PluginSource { origin, component, granted: everything(), settings, limits: Limits::default() };
        Ok(self.sandbox.load(source).await?.tool().expect("it is a strategy").clone())
    }

    /// Loads a component that must load, granting whatever it requests.
    pub(crate) async fn load(&self, component: anyhow::Result<PathBuf>) -> Arc<dyn Plugin> {
        self.load_limited(component, Limits::default()).await
    }

    pub(crate) async fn load_limited(&self, component: anyhow::Result<PathBuf>, limits: Limits) -> Arc<dyn Plugin> {
        self.load_with(component, everything(), limits).await.unwrap_or_else(|findings| panic!("{}", words(&findings)))
    }

    /// Why a component does not load.
    pub(crate) async fn refusal(&self, component: anyhow::Result<PathBuf>, granted: Grants) -> String {
        match self.load_any(component, granted, Limits::default()).await {
            Ok(plugin) => panic!("{} loaded", plugin.descriptor().manifest.name),
            Err(findings) => words(&findings),
        }
    }

    pub(crate) fn context(&self) -> CallContext {
        CallContext {
            request_id: "req-1".to_owned(),
            principal: Arc::new(Principal::local()),
            deadline: Duration::from_secs(60),
            can_ask: Vec::new(),
            answers: Vec::new(),
            state: None,
            client: self.heard.clone(),
        }
    }

    pub(crate) async fn call(&self, plugin: &dyn Plugin, tool: &str, arguments: &str) -> Result<ToolOutput, CallError> {
        match plugin.call_tool(permit(Action::CallTool, tool), self.context(), arguments.to_owned()).await? {
            Outcome::Complete(output) => Ok(output),
            Outcome::InputRequired(required) => panic!("{tool} asks: {required:?}"),
        }
    }
}

/// Every capability of tools, and every verb on everything in the core group.
pub(crate) fn everything() -> Grants {
    let any = || vec!["*".to_owned()];
    let rule =
        KubernetesRule { api_groups: any(), resources: any(), verbs: any(), namespaces: any(), resource_names: Vec::new() };
    Grants {
        log: true,
        config: true,
        progress: true,
        notifications: true,
        clocks: true,
        random: true,
        kubernetes: Some(KubernetesGrant { rules: vec![rule], secret_values: false }),
        ..Grants::default()
    }
}

pub(crate) fn permit(action: Action, target: &str) -> Permit {
    Policy::default().decide(&Arc::new(Principal::local()), action, target).unwrap()
}

pub(crate) fn words(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// The text blocks of an output, one after the other.
pub(crate) fn text(output: &ToolOutput) -> String {
    let blocks = output.content.iter().map(|block| match block {
        Content::Text(text) => text.as_str(),
        other => panic!("not text: {other:?}"),
    });
    blocks.collect()
}
