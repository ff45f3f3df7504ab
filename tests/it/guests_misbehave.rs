//! Guests that misbehave in a call: each costs only its own call a clear error, and the calls beside it stay correct.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis_core::call::CallError;
use portcullis_core::limits::Limits;
use portcullis_core::ports::Plugin;
use portcullis_tests::guest;

use crate::guests_kube::SilentKube;
use crate::guests_rig::{Rig, text};

/// 16 MiB of memory, 1 MiB of output: small enough that the misbehaviour ends soon.
pub(crate) fn tight() -> Limits {
    Limits { memory: 16 << 20, output: 1 << 20, ..Limits::default() }
}

/// The same, and 200 ms for what never ends by itself.
fn brief() -> Limits {
    Limits { deadline_ms: 200, ..tight() }
}

/// A guest, its tool, the arguments that make it misbehave, and what the error must say.
pub(crate) struct Culprit {
    pub(crate) plugin: Arc<dyn Plugin>,
    tool: &'static str,
    arguments: &'static str,
    says: fn(&CallError) -> bool,
}

impl Culprit {
    pub(crate) async fn assert_misbehaves(&self, rig: &Rig) {
        let error = rig.call(&*self.plugin, self.tool, self.arguments).await.expect_err(self.tool);
        assert!((self.says)(&error), "{}: {error:?}", self.tool);
        let words = error.to_string();
        assert!(words.contains(&self.plugin.descriptor().manifest.name), "the plugin is not named: {words}");
        for leak in ["backtrace", "0x", "secret", ".rs:", "wasm function"] {
            assert!(!words.contains(leak), "`{leak}` reached the client: {words}");
        }
    }
}

/// All of them, loaded.
pub(crate) async fn culprits(rig: &Rig) -> Vec<Culprit> {
    let deadline: fn(&CallError) -> bool = |error| matches!(error, CallError::Deadline { .. });
    let trap: fn(&CallError) -> bool = |error| matches!(error, CallError::Trap { .. });
    let memory: fn(&CallError) -> bool = |error| matches!(error, CallError::Limit { limit: "memory", .. });
    let output: fn(&CallError) -> bool = |error| matches!(error, CallError::Limit { limit: "output", .. });
    let host_calls: fn(&CallError) -> bool = |error| matches!(error, CallError::Limit { limit: "hostCalls", .. });
    let contract: fn(&CallError) -> bool = |error| matches!(error, CallError::Contract { .. });
    let table = [
        (deadline, "spin", "{}", guest!("infinite_loop")),
        (memory, "hoard", "{}", guest!("endless_allocation")),
        (trap, "recurse", "{}", guest!("stack_overflow")),
        (trap, "fall", "{}", guest!("panic")),
        (output, "flood", r#"{"bytes":2000000}"#, guest!("huge_output")),
        (host_calls, "chatter", r#"{"lines":20000,"stream":"log"}"#, guest!("log_flood")),
        (host_calls, "call_home", "{}", guest!("host_call_flood")),
        (deadline, "wait", "{}", guest!("stuck_host_call")),
        (contract, "garble", r#"{"what":"syntax"}"#, guest!("garbage_json")),
    ];
    let mut culprits = Vec::new();
    for (says, tool, arguments, path) in table {
        let limits = if ["spin", "wait"].contains(&tool) { brief() } else { tight() };
        culprits.push(Culprit { plugin: rig.load_limited(path, limits).await, tool, arguments, says });
    }
    culprits
}

pub(crate) fn rig() -> Rig {
    Rig::with_kube(Some(Arc::new(SilentKube::default())))
}

#[tokio::test]
async fn each_misbehaviour_is_a_clear_error_of_its_own_call() {
    let rig = rig();
    for culprit in culprits(&rig).await {
        culprit.assert_misbehaves(&rig).await;
    }
}

/// Callers beside the misbehaviour.
const BESIDE: usize = 32;

/// Fails a test that would go on for ever; no result depends on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls without end until told to stop; counts the right answers.
async fn call_beside(
    rig: Arc<Rig>,
    echo: Arc<dyn Plugin>,
    number: usize,
    stop: Arc<AtomicBool>,
    answered: Arc<Vec<AtomicUsize>>,
) {
    while !stop.load(Ordering::Relaxed) {
        let said = format!("{number} in round {}", answered[number].load(Ordering::Relaxed));
        let output = rig.call(&*echo, "echo", &format!(r#"{{"text":"{said}"}}"#)).await.unwrap();
        assert_eq!(text(&output), said);
        answered[number].fetch_add(1, Ordering::Relaxed);
    }
}

/// How often each caller was answered.
fn counts(answered: &[AtomicUsize]) -> Vec<usize> {
    answered.iter().map(|count| count.load(Ordering::Relaxed)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_calls_beside_every_misbehaviour_stay_correct_and_get_on() {
    let rig = Arc::new(rig());
    let culprits = culprits(&rig).await;
    let echo = rig.load(guest!("echo")).await;
    let stop = Arc::new(AtomicBool::new(false));
    let answered: Arc<Vec<AtomicUsize>> = Arc::new((0..BESIDE).map(|_| AtomicUsize::new(0)).collect());
    let others: Vec<_> = (0..BESIDE)
        .map(|number| tokio::spawn(call_beside(rig.clone(), echo.clone(), number, stop.clone(), answered.clone())))
        .collect();
    for culprit in &culprits {
        let (before, began) = (counts(&answered), Instant::now());
        let all_got_on = || counts(&answered).iter().zip(&before).all(|(now, then)| now > then);
        // Most misbehave for less time than an answer takes: each goes on until every caller beside it was answered.
        while !all_got_on() {
            culprit.assert_misbehaves(&rig).await;
            assert!(began.elapsed() < PATIENCE, "a caller beside `{}` is not answered: {:?}", culprit.tool, counts(&answered));
        }
    }
    stop.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_guest() {
    let kube = Arc::new(SilentKube::default());
    let rig = Rig::with_kube(Some(kube.clone()));
    let waiter = rig.load(guest!("stuck_host_call")).await;
    let call = rig.call(&*waiter, "wait", "{}");
    let watching = async {
        while *kube.watches.lock().unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = call => panic!("{ended:?}"),
        () = watching => {}
    }
    assert_eq!(*kube.watches.lock().unwrap(), 0, "the watch of a dropped call is still open");
}

#[tokio::test]
async fn lines_beyond_the_log_limit_cost_nothing_but_themselves() {
    let rig = Rig::new();
    let chatterer = rig.load(guest!("log_flood")).await;
    for stream in ["log", "stderr"] {
        let output = rig.call(&*chatterer, "chatter", &format!(r#"{{"lines":3000,"stream":"{stream}"}}"#)).await.unwrap();
        assert_eq!(text(&output), "logged 3000 lines");
    }
}

#[tokio::test]
async fn output_within_the_limit_is_not_touched() {
    let rig = Rig::new();
    let flooder = rig.load_limited(guest!("huge_output"), tight()).await;
    let output = rig.call(&*flooder, "flood", r#"{"bytes":1000000}"#).await.unwrap();
    assert_eq!(text(&output).len(), 1_000_000);
}

#[tokio::test]
async fn structured_output_that_is_not_an_object_breaks_the_contract() {
    let rig = Rig::new();
    let garbler = rig.load(guest!("garbage_json")).await;
    for what in ["syntax", "array"] {
        let error = rig.call(&*garbler, "garble", &format!(r#"{{"what":"{what}"}}"#)).await.unwrap_err();
        assert!(matches!(error, CallError::Contract { .. }), "{what}: {error:?}");
    }
    rig.call(&*garbler, "garble", r#"{"what":"nothing"}"#).await.unwrap();
}
