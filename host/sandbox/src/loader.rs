//! From a component's bytes to a plugin that can be called: read, check against the grant, compile off the request path, link with nothing
//! but what was granted, and ask what it offers. Each step that fails is a finding on this plugin.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::finding::Finding;
use portcullis_core::manifest::Manifest;
use portcullis_core::plugin::{Descriptor, Digest};
use portcullis_core::ports::{Loaded, PluginSource};
use portcullis_core::schema::Schema;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::authenticator::Strategy;
use crate::capabilities;
use crate::guest::Guest;
use crate::inspect::{Inspection, World, inspect};
use crate::owned::Owned;
use crate::plugin;
use crate::sandbox::Inner;
use crate::state::Shared;

mod fence;

/// How long a load waits for its compilation. 120 s: ten times what a Python or JavaScript component takes on two cores.
const COMPILE_MAX: Duration = Duration::from_secs(120);

/// Identifies the engine's version, target and configuration in the cache.
pub(crate) fn engine_hash(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Loads a plugin.
pub(crate) async fn load(sandbox: &Arc<Inner>, source: PluginSource) -> Result<Loaded, Vec<Finding>> {
    let inspection = inspect(&source.component)
        .map_err(|error| vec![Finding::error(format!("plugin file {}", source.origin), error.to_string())])?;
    let manifest = &inspection.manifest;
    let effective = manifest.requests.intersect(&source.granted);
    let findings = [
        fence::imports(&inspection, &source.granted),
        fence::world(&inspection),
        fence::services(manifest, &effective, &sandbox.ports),
        settings(manifest, &source.settings),
        limits(&source, manifest),
    ]
    .concat();
    if !findings.is_empty() {
        return Err(findings);
    }
    let component = compile(sandbox, &inspection, Arc::clone(&source.component)).await?;
    let shared = Arc::new(Shared {
        name: manifest.name.clone(),
        requests: manifest.requests.clone(),
        grants: effective,
        settings: source.settings,
        limits: source.limits,
        kube: sandbox.kube.clone(),
        notices: Arc::clone(&sandbox.notices),
        ports: sandbox.ports.clone(),
        owned: Owned::default(),
        stale: tokio::sync::Notify::new(),
    });
    link(sandbox, inspection, shared, &component).await
}

pub(crate) fn subject(manifest: &Manifest) -> String {
    format!("plugin {}", manifest.name)
}

/// Settings against the manifest's schema. The binary resolves them; what runs must fit in any case.
fn settings(manifest: &Manifest, settings: &str) -> Vec<Finding> {
    let place = format!("plugins.{}.settings", manifest.name);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(settings) else {
        return vec![Finding::error(place, "the settings are not JSON")];
    };
    let Some(schema) = &manifest.settings else {
        let none = value.as_object().is_some_and(serde_json::Map::is_empty);
        let finding = Finding::error(place.clone(), "the plugin takes no settings").hint(format!("remove `{place}`"));
        return if none { Vec::new() } else { vec![finding] };
    };
    let schema = match Schema::compile(schema.clone()) {
        Ok(schema) => schema,
        Err(error) => return vec![Finding::error(subject(manifest), format!("plugin.yaml: settings: {error}"))],
    };
    let problems = schema.validate(&value).err().unwrap_or_default();
    problems.lines().map(|problem| Finding::error(place.clone(), problem)).collect()
}

fn limits(source: &PluginSource, manifest: &Manifest) -> Vec<Finding> {
    let place = |field: &str| format!("plugins.{}.limits.{field}", manifest.name);
    source.limits.problems().into_iter().map(|(field, problem)| Finding::error(place(field), problem)).collect()
}

/// Takes the compiled component from the cache, or compiles it, one at a time and on a thread of its own.
async fn compile(sandbox: &Arc<Inner>, inspection: &Inspection, wasm: Arc<[u8]>) -> Result<Component, Vec<Finding>> {
    let failed = |reason: String| vec![Finding::error(subject(&inspection.manifest), reason)];
    let digest = inspection.digest;
    if sandbox.overdue.lock().contains(&digest) {
        return Err(failed(overdue()));
    }
    let turn = Arc::clone(&sandbox.compiling).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
    // The thread keeps the turn when this future is dropped; only when it is overdue it loses it.
    let turn = Arc::new(Mutex::new(Some(turn)));
    let theirs = Arc::clone(&turn);
    let compiled = within(sandbox, digest, COMPILE_MAX, move |sandbox| {
        let _turn = theirs;
        cached(sandbox, &digest).map_or_else(|| fresh(sandbox, &digest, &wasm), Ok)
    });
    let compiled = compiled.await.inspect_err(|_| drop(turn.lock().take())).map_err(failed)?;
    compiled.map_err(|error| failed(format!("does not compile: {}", error.root_cause())))
}

/// Runs `work` on a thread of its own and waits so long for it. It cannot be stopped: after that it goes on by itself, others have their turn, and
/// what it leaves in the cache is there for the next load.
async fn within<R: Send + 'static>(
    sandbox: &Arc<Inner>,
    digest: Digest,
    most: Duration,
    work: impl FnOnce(&Inner) -> R + Send + 'static,
) -> Result<R, String> {
    let theirs = Arc::clone(sandbox);
    let (done, mut result) = tokio::sync::oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let finished = work(&theirs);
        // Under the lock: whoever gives up does so before this or finds the result.
        let mut overdue = theirs.overdue.lock();
        overdue.remove(&digest);
        // Nobody may be waiting any more.
        let _ = done.send(finished);
    });
    if let Ok(finished) = tokio::time::timeout(most, &mut result).await {
        return finished.map_err(|_| "the compiler failed: it panicked".to_owned());
    }
    let mut given_up = sandbox.overdue.lock();
    result.try_recv().map_err(|_| {
        given_up.insert(digest);
        overdue()
    })
}

fn overdue() -> String {
    format!(
        "has been compiling for more than {} s; it goes on, and the next load takes what came of it: save the file again then, or make it smaller",
        COMPILE_MAX.as_secs()
    )
}

fn cached(sandbox: &Inner, digest: &Digest) -> Option<Component> {
    let artefact = sandbox.cache.get(digest, sandbox.engine_hash)?;
    // SAFETY: `deserialize` must only see what `serialize` of the same Wasmtime wrote. The cache's MAC, under a key that only this host
    // reads, proves that the bytes are such an artefact, and its name binds them to this engine and component.
    let component = unsafe { Component::deserialize(&sandbox.engine, artefact) };
    component.inspect_err(|error| tracing::warn!(%digest, %error, "a compiled component was refused; it is compiled again")).ok()
}

fn fresh(sandbox: &Inner, digest: &Digest, wasm: &[u8]) -> wasmtime::Result<Component> {
    let component = Component::from_binary(&sandbox.engine, wasm)?;
    let kept = component
        .serialize()
        .map_err(|error| error.to_string())
        .and_then(|artefact| sandbox.cache.put(digest, sandbox.engine_hash, &artefact).map_err(|error| error.to_string()));
    if let Err(error) = kept {
        tracing::warn!(%digest, error, "the compiled component could not be kept; the next start compiles it again");
    }
    Ok(component)
}

/// Links, then lists in an instance of its own.
async fn link(
    sandbox: &Arc<Inner>,
    inspection: Inspection,
    shared: Arc<Shared>,
    component: &Component,
) -> Result<Loaded, Vec<Finding>> {
    let subject = subject(&inspection.manifest);
    let failed = |reason: String| vec![Finding::error(subject.clone(), reason)];
    let mut linker = Linker::new(&sandbox.engine);
    let linked = capabilities::link(&mut linker, &shared.grants).and_then(|()| linker.instantiate_pre(component));
    let pre = linked.map_err(|error| failed(format!("does not link: {}", error.root_cause())))?;
    let world = inspection.world;
    let descriptor = Descriptor {
        manifest: inspection.manifest,
        digest: inspection.digest,
        tools: Vec::new(),
        withheld: std::collections::BTreeMap::new(),
        prompts: Vec::new(),
        templates: Vec::new(),
        exports: inspection.exports,
    };
    let guest = Guest::new(Arc::clone(sandbox), shared, pre);
    let types =
        |error: wasmtime::Error| failed(format!("its exports do not have the types of this track: {}", error.root_cause()));
    if world == World::Authenticator {
        return Ok(Loaded::Authenticator(Arc::new(Strategy::new(guest, descriptor).map_err(types)?)));
    }
    let mut plugin = plugin::Loaded::new(guest, descriptor).map_err(types)?;
    let problems = plugin.list().await.err().unwrap_or_default();
    if problems.is_empty() { Ok(Loaded::Tool(Arc::new(plugin))) } else { Err(problems.into_iter().flat_map(failed).collect()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{COMPILE_MAX, within};
    use crate::sandbox::{Sandbox, SandboxOptions};
    use crate::testing::Notices;
    use portcullis_core::plugin::Digest;
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    #[tokio::test]
    async fn a_compilation_that_takes_too_long_is_left_behind_and_noticed_until_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let options = SandboxOptions {
            cache_directory: directory.path().join("cache"),
            max_concurrent_calls: 1,
            queue_timeout: Duration::from_millis(10),
            kube: None,
            notices: Arc::new(Notices::default()),
            ports: crate::sandbox::Ports::default(),
        };
        let (sandbox, digest) = (Sandbox::new(options).unwrap(), Digest::of(b"slow"));
        let (finish, wait) = mpsc::channel::<()>();
        let slow = within(&sandbox.inner, digest, Duration::from_millis(20), move |_| wait.recv().is_ok());
        assert!(slow.await.unwrap_err().contains("has been compiling"));
        assert!(sandbox.inner.overdue.lock().contains(&digest));
        finish.send(()).unwrap();
        while sandbox.inner.overdue.lock().contains(&digest) {
            tokio::task::yield_now().await;
        }
        assert!(within(&sandbox.inner, digest, COMPILE_MAX, |_| true).await.unwrap());
    }
}
