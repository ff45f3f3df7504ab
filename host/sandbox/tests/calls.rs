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
use portcullis_tests::components::guest;

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
        ports: portcullis_sandbox::Ports::default(),
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
    Ok(sandbox.load(source).await?.tool().unwrap().clone())
}

#[tokio::test]
async fn a_component_is_loaded_listed_and_called() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = load(&sandbox(directory.path(), 4), source(guest("add").unwrap())).await.map_err(|f| format!("{f:?}")).unwrap();
    assert_eq!(plugin.descriptor().tools[0].name, "add");
    let outcome = call(&plugin, "add", r#"{"a":2,"b":3}"#).await.unwrap();
    assert!(text(&outcome).contains('5'), "{outcome:?}");
}

#[tokio::test]
async fn a_second_start_takes_the_compiled_component_from_the_cache_and_a_damaged_one_is_compiled_again() {
    let directory = tempfile::tempdir().unwrap();
    let artefact = || {
        let entries = std::fs::read_dir(directory.path().join("cache")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect::<Vec<_>>()
    };
    load(&sandbox(directory.path(), 1), source(guest("add").unwrap())).await.unwrap();
    let written = std::fs::metadata(&artefact()[0]).unwrap().modified().unwrap();
    load(&sandbox(directory.path(), 1), source(guest("add").unwrap())).await.unwrap();
    assert_eq!(std::fs::metadata(&artefact()[0]).unwrap().modified().unwrap(), written);
    let mut bytes = std::fs::read(&artefact()[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&artefact()[0], bytes).unwrap();
    let plugin = load(&sandbox(directory.path(), 1), source(guest("add").unwrap())).await.unwrap();
    assert!(call(&plugin, "add", r#"{"a":1,"b":1}"#).await.is_ok());
}

#[tokio::test]
async fn an_import_without_its_grant_is_a_finding_with_the_yaml_to_add() {
    let directory = tempfile::tempdir().unwrap();
    let refused = load(&sandbox(directory.path(), 1), source(guest("log_flood").unwrap())).await;
    let findings = refused.err().expect("nothing is granted");
    let text = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("portcullis:tool/log"), "{text}");
    assert!(text.contains("grants:") && text.contains("log: true"), "{text}");
}

#[tokio::test]
async fn a_guest_in_a_busy_loop_is_stopped_at_its_deadline_and_its_place_is_free_again() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path(), 1);
    let mut runaway = source(guest("infinite_loop").unwrap());
    runaway.limits.deadline_ms = 100;
    let plugin = load(&sandbox, runaway).await.unwrap();
    let tool = plugin.descriptor().tools[0].name.clone();
    let error = call(&plugin, &tool, "{}").await.unwrap_err();
    assert!(matches!(error, CallError::Deadline { .. }), "{error:?}");
    assert_eq!(sandbox.free_places(), 1);
}

#[tokio::test]
async fn a_dropped_call_ends_its_guest_and_a_full_house_answers_overloaded() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path(), 1);
    let plugin = load(&sandbox, source(guest("infinite_loop").unwrap())).await.unwrap();
    let tool = plugin.descriptor().tools[0].name.clone();
    let running = {
        let (plugin, tool) = (Arc::clone(&plugin), tool.clone());
        tokio::spawn(async move { call(&plugin, &tool, "{}").await })
    };
    while sandbox.free_places() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(call(&plugin, &tool, "{}").await, Err(CallError::Overloaded { .. })));
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(sandbox.free_places(), 1);
}

#[tokio::test]
async fn optional_exports_are_found_in_the_components_type() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path(), 1);
    let plain = load(&sandbox, source(guest("add").unwrap())).await.unwrap();
    assert!(!plain.descriptor().exports.prompts && plain.descriptor().prompts.is_empty());
    let mut everything = source(guest("prompts_resources").unwrap());
    let inspection = portcullis_sandbox::inspect(&everything.component).unwrap();
    everything.granted = inspection.manifest.requests.clone();
    let rich = load(&sandbox, everything).await.unwrap();
    assert!(rich.descriptor().exports.prompts && !rich.descriptor().prompts.is_empty());
    assert_eq!(rich.descriptor().exports, inspection.exports);
}

#[tokio::test]
async fn one_plugin_has_half_of_the_places_for_watches() {
    let directory = tempfile::tempdir().unwrap();
    // 8 calls: 2 places for watches, one of them for each plugin.
    let sandbox = sandbox(directory.path(), 8);
    let mut clock = source(guest("subscriptions").unwrap());
    clock.granted = portcullis_sandbox::inspect(&clock.component).unwrap().manifest.requests;
    let plugin = load(&sandbox, clock).await.unwrap();
    let watch = || {
        let permit = Policy::default().decide(&Arc::new(Principal::local()), Action::ReadResource, "clock://tick").unwrap();
        plugin.watch_resource(permit, context())
    };
    // Whichever has the place watches for an hour; the other is told to come again.
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::select! { one = watch() => one, other = watch() => other }
    });
    assert!(matches!(ended.await.unwrap(), Err(CallError::Overloaded { .. })));
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = sandbox(directory.path(), 1);
    for (bytes, expected) in [(b"nonsense".to_vec(), "not a WebAssembly component"), (b"\0asm\x01\0\0\0".to_vec(), "core module")]
    {
        let mut broken = source(guest("add").unwrap());
        broken.component = bytes.into();
        let findings = load(&sandbox, broken).await.err().unwrap();
        assert!(findings[0].message.contains(expected), "{findings:?}");
    }
}
