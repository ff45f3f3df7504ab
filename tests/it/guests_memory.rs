//! Memory after 1,000 calls that went wrong. Measured in a process of its own: the other tests of this binary run beside this one.

use std::process::Command;
use std::sync::Arc;

use crate::guests_misbehave::{Culprit, culprits, rig};
use crate::guests_rig::Rig;

/// Marks the process that measures.
const ALONE: &str = "PORTCULLIS_TEST_ALONE";

/// Calls at once, as many as it takes to have every kind in flight.
const AT_ONCE: usize = 9;

/// Resident bytes of this process (proc(5), statm: the second field, in pages).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Bytes by which memory may grow in the second half. 4 MiB, some 8 KiB per call: an allocator's arenas of busy threads come and go by as
/// much, and one guest's memory or one output that was kept of each call would be many times that.
const SLACK: usize = 4 << 20;

async fn rounds(rig: &Arc<Rig>, culprits: &Arc<Vec<Culprit>>, rounds: usize) {
    for _ in 0..rounds {
        let calls = (0..AT_ONCE).map(|number| {
            let (rig, culprits) = (rig.clone(), culprits.clone());
            tokio::spawn(async move { culprits[number % culprits.len()].assert_misbehaves(&rig).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    }
}

/// Bytes that memory grew by in that many rounds.
async fn growth(rig: &Arc<Rig>, culprits: &Arc<Vec<Culprit>>, count: usize) -> usize {
    let before = resident();
    rounds(rig, culprits, count).await;
    resident().saturating_sub(before)
}

async fn measure() {
    let rig = Arc::new(rig());
    let culprits = Arc::new(culprits(&rig).await);
    let half = 500 / AT_ONCE + 1;
    rounds(&rig, &culprits, 12).await;
    let (first, second) = (growth(&rig, &culprits, half).await, growth(&rig, &culprits, half).await);
    println!("grown by {first} bytes in the first half, {second} in the second");
    // What an allocator keeps, it keeps in the first half; what leaks goes on leaking in the second.
    assert!(second <= SLACK, "{second} bytes more after the second 500 misbehaving calls, {first} after the first");
}

#[test]
fn memory_is_back_where_it_was_after_a_thousand_misbehaving_calls() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(measure());
    }
    let name = "guests_memory::memory_is_back_where_it_was_after_a_thousand_misbehaving_calls";
    let alone =
        Command::new(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    assert!(alone.status.success(), "{}\n{}", String::from_utf8_lossy(&alone.stdout), String::from_utf8_lossy(&alone.stderr));
}
