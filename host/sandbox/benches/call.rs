//! A fresh instance, one call, and its end, for the reference guest: criterion's estimate, then percentiles and the ratio of two threads to
//! one, all in one run. `cargo bench -p portcullis-sandbox`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking; criterion's macros make items"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use portcullis_core::call::CallContext;
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::policy::{Action, Policy};
use portcullis_core::ports::{ClientSink, NoticeSink, Plugin, PluginSource, ToolRuntime};
use portcullis_core::principal::Principal;
use portcullis_sandbox::{Sandbox, SandboxOptions};
use portcullis_tests::components::guest;

/// Calls that percentiles are taken of.
const SAMPLES: usize = 50_000;

struct Silent;

impl ClientSink for Silent {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<String>) {}
    fn message(&self, _: &str, _: Option<&str>, _: &str) {}
}

impl NoticeSink for Silent {
    fn publish(&self, _: Notice) {}
}

struct Bench {
    plugin: Arc<dyn Plugin>,
    principal: Arc<Principal>,
    client: Arc<dyn ClientSink>,
    _cache: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let cache = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new(SandboxOptions {
            cache_directory: cache.path().to_owned(),
            max_concurrent_calls: 1_000,
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
        let plugin = runtime().block_on(sandbox.unwrap().load(source)).unwrap().tool().unwrap().clone();
        Self { plugin, principal: Arc::new(Principal::local()), client: Arc::new(Silent), _cache: cache }
    }

    async fn call(&self) {
        let context = CallContext {
            request_id: String::from("bench"),
            principal: Arc::clone(&self.principal),
            deadline: Duration::from_secs(30),
            can_ask: Vec::new(),
            answers: Vec::new(),
            state: None,
            client: Arc::clone(&self.client),
        };
        let permit = Policy::default().decide(&self.principal, Action::CallTool, "add").unwrap();
        self.plugin.call_tool(permit, context, String::from(r#"{"a":1,"b":2}"#)).await.unwrap();
    }

    /// Calls per second of one thread.
    fn throughput(&self, calls: usize) -> f64 {
        let begin = Instant::now();
        runtime().block_on(async {
            for _ in 0..calls {
                self.call().await;
            }
        });
        calls as f64 / begin.elapsed().as_secs_f64()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn fresh_call(criterion: &mut Criterion) {
    let (bench, runtime) = (Bench::new(), runtime());
    criterion.bench_function("fresh instance, call, drop", |bencher| {
        bencher.iter_custom(|iterations| {
            runtime.block_on(async {
                let begin = Instant::now();
                for _ in 0..iterations {
                    bench.call().await;
                }
                begin.elapsed()
            })
        });
    });
}

fn report(bench: &Bench) {
    let mut samples: Vec<Duration> = runtime().block_on(async {
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let begin = Instant::now();
            bench.call().await;
            samples.push(begin.elapsed());
        }
        samples
    });
    samples.sort();
    println!("fresh call: p50 {:?} (aim 10µs), p99 {:?} (aim 25µs)", samples[SAMPLES / 2], samples[SAMPLES * 99 / 100]);
    let one = bench.throughput(SAMPLES);
    let two: f64 = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| bench.throughput(SAMPLES)));
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    println!("one thread {one:.0} calls/s, two threads {two:.0} calls/s: ratio {:.2} (aim 1.3)", two / one);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = fresh_call
}

fn main() {
    report(&Bench::new());
    benches();
}
