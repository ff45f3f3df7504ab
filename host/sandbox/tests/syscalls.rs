//! No mmap, munmap, mprotect or madvise per call, and one ioctl (PAGEMAP_SCAN, Linux 6.7): counted by strace, since a count does not wobble.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::call::CallContext;
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::policy::{Action, Policy};
use portcullis_core::ports::{ClientSink, NoticeSink, PluginSource, ToolRuntime};
use portcullis_core::principal::Principal;
use portcullis_sandbox::{Sandbox, SandboxOptions};
use portcullis_tests::components::guest;

/// Set in the child that strace watches: how many calls it makes.
const CALLS: &str = "PORTCULLIS_TEST_CALLS";

/// Counted; everything that maps memory.
const TRACED: [&str; 6] = ["ioctl", "mmap", "munmap", "mprotect", "madvise", "mremap"];

struct Silent;

impl ClientSink for Silent {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<String>) {}
    fn message(&self, _: &str, _: Option<&str>, _: &str) {}
}

impl NoticeSink for Silent {
    fn publish(&self, _: Notice) {}
}

#[tokio::main(flavor = "current_thread")]
async fn make_calls(calls: usize) {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(SandboxOptions {
        cache_directory: directory.path().to_owned(),
        max_concurrent_calls: 8,
        queue_timeout: Duration::from_secs(1),
        kube: None,
        notices: Arc::new(Silent),
        ports: portcullis_sandbox::Ports::default(),
    });
    let source = PluginSource {
        origin: "add".into(),
        component: std::fs::read(guest("add").unwrap()).unwrap().into(),
        granted: Grants::default(),
        settings: "{}".into(),
        limits: Limits::default(),
    };
    let plugin = sandbox.unwrap().load(source).await.unwrap();
    let plugin = plugin.tool().unwrap();
    let principal = Arc::new(Principal::local());
    for _ in 0..calls {
        let context = CallContext {
            request_id: "r".into(),
            principal: Arc::clone(&principal),
            deadline: Duration::from_secs(60),
            can_ask: vec![],
            answers: vec![],
            state: None,
            client: Arc::new(Silent),
        };
        let permit = Policy::default().decide(&principal, Action::CallTool, "add").unwrap();
        plugin.call_tool(permit, context, r#"{"a":1,"b":2}"#.into()).await.unwrap();
    }
}

/// Counts of [`TRACED`] in a child that makes so many calls.
fn traced(calls: usize) -> [i64; TRACED.len()] {
    let output = tempfile::NamedTempFile::new().unwrap();
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", &format!("trace={}", TRACED.join(",")), "-o"])
        .arg(output.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_call_maps_no_memory"])
        .env(CALLS, calls.to_string())
        .status();
    assert!(status.unwrap().success());
    let trace = std::fs::read_to_string(output.path()).unwrap();
    TRACED.map(|name| trace.lines().filter(|line| line.contains(&format!(" {name}("))).count() as i64)
}

#[test]
fn a_call_maps_no_memory() {
    if let Ok(calls) = std::env::var(CALLS) {
        return make_calls(calls.parse().unwrap());
    }
    if Command::new("strace").arg("--version").output().is_err() {
        eprintln!("skipped: strace is not installed (`apt-get install strace`), so system calls cannot be counted");
        return;
    }
    // The difference of two runs leaves out what start, compiler and warm-up do. What is left over wobbles: the C allocator's arenas, cargo.
    // One call per instance would be 1,000.
    let (few, many) = (traced(200), traced(1_200));
    let per_thousand: Vec<i64> = many.iter().zip(few).map(|(many, few)| many - few).collect();
    assert!(per_thousand[0] <= 1_100, "ioctl per 1,000 calls: {per_thousand:?}");
    assert!(per_thousand[1..].iter().all(|&count| count <= 200), "{TRACED:?} per 1,000 calls: {per_thousand:?}");
}
