//! The sandbox as the binary sees it: options in, a `ToolRuntime` out. Owns the engine, the ticker, the cache and the places for calls.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::finding::Finding;
use portcullis_core::limits::{CONCURRENT_CALLS_MAX, STRATEGY_SHARE, WATCH_SHARE};
use portcullis_core::plugin::Digest;
use portcullis_core::ports::{
    BoxFuture, Discovery, Egress, KubeApi, Loaded, NoticeSink, PluginSource, PluginStore, SecretSource, Tokens, ToolRuntime,
};
use tokio::sync::Semaphore;
use wasmtime::Engine;

use crate::cache::Cache;
use crate::engine::{self, SLOTS_MAX, Ticker};
use crate::loader;

/// Most places for auth strategies: a verdict takes a fraction of a millisecond, and one that waits for a provider has its deadline.
const STRATEGIES_MAX: usize = 256;

/// Places for loading plugins, besides those for calls: one lists its offers while another compiles.
const LOADING: usize = 4;

/// What plugins reach through the host besides the API server. What is not there cannot be granted.
#[derive(Clone, Default)]
pub struct Ports {
    /// For the capability `jwt`.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// For the capability `discovery`.
    pub discovery: Option<Arc<dyn Discovery>>,
    /// For the capability `http`.
    pub egress: Option<Arc<dyn Egress>>,
    /// For the capability `secrets`, and for what egress rules inject.
    pub secrets: Option<Arc<dyn SecretSource>>,
    /// For the capability `keyvalue`.
    pub store: Option<Arc<dyn PluginStore>>,
}

/// What a sandbox is made of.
pub struct SandboxOptions {
    /// Where compiled components are kept; only the host writes there.
    pub cache_directory: PathBuf,
    /// Calls that run at the same time. Each takes address space (8 GiB) and, while it runs, 50 KiB and more.
    pub max_concurrent_calls: usize,
    /// How long a call may wait for its turn.
    pub queue_timeout: Duration,
    /// The API server; `None`: none is configured.
    pub kube: Option<Arc<dyn KubeApi>>,
    /// Where changes are announced.
    pub notices: Arc<dyn NoticeSink>,
    /// The host's other services.
    pub ports: Ports,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine did not come up.
    #[error("the WebAssembly engine did not start: {0}")]
    Engine(String),
    /// The cache directory cannot be used.
    #[error("the cache directory `{directory}` cannot be used: {error}; name another one as `cacheDirectory`", directory = directory.display())]
    Cache {
        /// Which.
        directory: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// More places than there is address space.
    #[error("{0} concurrent calls are outside 1 to {max}: set `maxConcurrentCalls` within it", max = places_max())]
    Places(usize),
}

/// Runs components. `Clone` is cheap.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) inner: Arc<Inner>,
}

/// What the sandbox and its plugins share.
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) engine_hash: u64,
    pub(crate) ticker: Ticker,
    pub(crate) cache: Cache,
    /// Places for auth strategies: strangers take them, and must not take those of calls.
    pub(crate) strategies: Arc<Semaphore>,
    /// Those of them in which credentials may be judged.
    pub(crate) judging: Arc<Semaphore>,
    /// Places for calls.
    pub(crate) calls: Arc<Semaphore>,
    /// Places for watches.
    pub(crate) watches: Arc<Semaphore>,
    /// How many of them one plugin may have.
    pub(crate) watch_share: usize,
    /// Places for loads.
    pub(crate) loads: Arc<Semaphore>,
    /// One compilation at a time: each uses all cores.
    pub(crate) compiling: Arc<Semaphore>,
    /// Components whose compilation was given up and goes on: they are not compiled twice.
    pub(crate) overdue: Mutex<HashSet<Digest>>,
    pub(crate) queue_timeout: Duration,
    pub(crate) kube: Option<Arc<dyn KubeApi>>,
    pub(crate) notices: Arc<dyn NoticeSink>,
    pub(crate) ports: Ports,
}

const fn places_max() -> usize {
    (SLOTS_MAX - LOADING - STRATEGIES_MAX) / (WATCH_SHARE + 1) * WATCH_SHARE
}

// Whatever a configuration may say has its place.
const _: () = assert!(places_max() as u64 >= CONCURRENT_CALLS_MAX);

/// Strategies that may judge or answer beside `calls` calls.
fn strategies(calls: usize) -> usize {
    calls.div_ceil(STRATEGY_SHARE).min(STRATEGIES_MAX)
}

/// Credentials that may be judged in these places. A quarter stays for routes and descriptions: whoever sends credentials that a slow provider is
/// asked about must not keep others from logging in.
fn judging(strategies: usize) -> usize {
    (strategies - strategies.div_ceil(4)).max(1)
}

/// Watches that may run beside `calls` calls.
fn watches(calls: usize) -> usize {
    calls.div_ceil(WATCH_SHARE)
}

/// Half, so that no plugin's watches shut out all others'; one plugin alone has the other half to spare for its next version.
fn watch_share(watches: usize) -> usize {
    watches.div_ceil(2)
}

impl Sandbox {
    /// Starts the engine.
    ///
    /// # Errors
    /// [`SandboxError`]: the host cannot run without it.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let calls = options.max_concurrent_calls;
        if !(1..=places_max()).contains(&calls) {
            return Err(SandboxError::Places(calls));
        }
        let slots =
            u32::try_from(calls + watches(calls) + strategies(calls) + LOADING).map_err(|_| SandboxError::Places(calls))?;
        let engine = engine::build(slots)?;
        let cache = Cache::open(&options.cache_directory)
            .map_err(|error| SandboxError::Cache { directory: options.cache_directory, error })?;
        let inner = Inner {
            engine_hash: loader::engine_hash(&engine),
            ticker: Ticker::start(&engine)?,
            engine,
            cache,
            strategies: Arc::new(Semaphore::new(strategies(calls))),
            judging: Arc::new(Semaphore::new(judging(strategies(calls)))),
            calls: Arc::new(Semaphore::new(calls)),
            watches: Arc::new(Semaphore::new(watches(calls))),
            watch_share: watch_share(watches(calls)),
            loads: Arc::new(Semaphore::new(LOADING)),
            compiling: Arc::new(Semaphore::new(1)),
            overdue: Mutex::default(),
            queue_timeout: options.queue_timeout,
            kube: options.kube,
            notices: options.notices,
            ports: options.ports,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Calls that could start now.
    #[must_use]
    pub fn free_places(&self) -> usize {
        self.inner.calls.available_permits()
    }
}

impl ToolRuntime for Sandbox {
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Loaded, Vec<Finding>>> {
        Box::pin(loader::load(&self.inner, source))
    }
}

#[cfg(test)]
mod tests {
    use super::judging;

    #[test]
    fn credentials_leave_a_place_to_routes_wherever_there_are_two() {
        for (places, most) in [(1, 1), (2, 1), (3, 2), (4, 3), (16, 12), (256, 192)] {
            assert_eq!(judging(places), most);
        }
    }
}
