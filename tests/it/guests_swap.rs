//! Two versions of one plugin, swapped while they serve: at the level of the sandbox a call belongs to the plugin it was made on, and
//! what nobody holds any more is gone. The whole path, with files and connections, is the binary's test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_core::ports::Plugin;
use portcullis_tests::guest;

use crate::guests_rig::{Rig, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_never_answered_by_a_mixture_while_versions_change() {
    let rig = Arc::new(Rig::new());
    let first = rig.load(guest!("version_a")).await;
    let (publish, live) = tokio::sync::watch::channel(first);
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (rig, live, stop) = (rig.clone(), live.clone(), stop.clone());
            tokio::spawn(async move {
                let mut seen = std::collections::BTreeSet::new();
                while !stop.load(Ordering::Relaxed) || seen.is_empty() {
                    let plugin: Arc<dyn Plugin> = live.borrow().clone();
                    let output = rig.call(&*plugin, "version", "{}").await.unwrap();
                    let version = text(&output);
                    assert_eq!(output.structured, Some(format!(r#"{{"version":"{version}"}}"#)));
                    assert!(plugin.descriptor().tools.len() == 1 && ["a", "b"].contains(&version.as_str()), "{version}");
                    seen.insert(version);
                }
                seen
            })
        })
        .collect();
    for round in 0..60 {
        let component = if round % 2 == 0 { guest!("version_b") } else { guest!("version_a") };
        publish.send_replace(rig.load(component).await);
    }
    stop.store(true, Ordering::Relaxed);
    let mut seen = std::collections::BTreeSet::new();
    for caller in callers {
        seen.append(&mut caller.await.unwrap());
    }
    assert_eq!(seen.into_iter().collect::<String>(), "ab");
}

#[tokio::test]
async fn the_compile_cache_knows_versions_apart() {
    let rig = Rig::new();
    let (a, b) = (rig.load(guest!("version_a")).await, rig.load(guest!("version_b")).await);
    assert_ne!(a.descriptor().digest, b.descriptor().digest);
    let again = rig.load(guest!("version_a")).await;
    assert_eq!(again.descriptor().digest, a.descriptor().digest);
    for (plugin, version) in [(a, "a"), (b, "b"), (again, "a")] {
        assert_eq!(text(&rig.call(&*plugin, "version", "{}").await.unwrap()), version);
    }
}
