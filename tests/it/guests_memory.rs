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

async fn measure() {
    let rig = Arc::new(rig());
    let culprits = Arc::new(culprits(&rig).await);
    rounds(&rig, &culprits, 12).await;
    let before = resident();
    rounds(&rig, &culprits, 1_000 / AT_ONCE + 1).await;
    let grown = resident().saturating_sub(before);
    // 16 MiB: a fiftieth of what the 1,000 calls wrote, and what an allocator may keep.
    assert!(grown < 16 << 20, "{grown} bytes more than before 1,000 misbehaving calls");
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
