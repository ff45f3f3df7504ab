//! The sandbox from outside: load a component, call it, be refused. Guests that misbehave are in the workspace's `tests/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::call::{CallContext, CallError, Outcome};
use portcullis_core::content::{Content, ToolOutput};
use portcullis_core::finding::Finding;
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::policy::{Action, Policy};
use portcullis_core::ports::{ClientSink, NoticeSink, Plugin, PluginSource, ToolRuntime};
use portcullis_core::principal::Principal;
use portcullis_sandbox::{Sandbox, SandboxOptions};
use portcullis_tests::guest;

struct Silent;

impl ClientSink for Silent {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<String>) {}
    fn message(&self, _: &str, _: Option<&str>, _: &str) {}
}

impl NoticeSink for Silent {
    fn publish(&self, _: Notice) {}
}

fn sandbox(directory: &std::path::Path, calls: usize) -> Sandbox {
    let options = SandboxOptions {
        cache_directory: directory.join("cache"),
        max_concurrent_calls: calls,
        queue_timeout: Duration::from_millis(50),
        kube: None,
        notices: Arc::new(Silent),
    };
    Sandbox::new(options).unwrap()
}

fn source(path: std::path::PathBuf) -> PluginSource {
    PluginSource {
        origin: path.display().to_string(),
        component: std::fs::read(path).unwrap().into(),
        granted: Grants::default(),
        settings: "{}".into(),
        limits: Limits { deadline_ms: 2_000, ..Limits::default() },
    }
}

fn context() -> CallContext {
    CallContext {
        request_id: "r-1".into(),
        principal: Arc::new(Principal::local()),
        deadline: Duration::from_secs(60),
        can_ask: vec![],
        answers: vec![],
        state: None,
        client: Arc::new(Silent),
    }
}

async fn call(plugin: &Arc<dyn Plugin>, tool: &str, arguments: &str) -> Result<Outcome<ToolOutput>, CallError> {
    let permit = Policy::default().decide(&Arc::new(Principal::local()), Action::CallTool, tool).unwrap();
    plugin.call_tool(permit, context(), arguments.into()).await
}

fn text(outcome: &Outcome<ToolOutput>) -> String {
    match outcome {
        Outcome::Complete(output) => match output.content.first() {
            Some(Content::Text(text)) => text.clone(),
            _ => output.structured.clone().unwrap_or_default(),
        },
        Outcome::InputRequired(_) => panic!("no question was expected"),
    }
}

async fn load(sandbox: &Sandbox, source: PluginSource) -> Result<Arc<dyn Plugin>, Vec<Finding>> {
    sandbox.load(source).await
}

#[tokio::test]
async fn a_component_is_loaded_listed_and_called() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = load(&sandbox(directory.path(), 4), source(guest!("add").unwrap())).await.map_err(|f| format!("{f:?}")).unwrap();
    assert_eq!(plugin.descriptor().tools[0].name, "add");
    let outcome = call(&plugin, "add", r#"{"a":2,"b":3}"#).await.unwrap();
    assert!(text(&outcome).contains('5'), "{outcome:?}");
}
