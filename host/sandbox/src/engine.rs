//! The Wasmtime engine and the ticker that drives its epochs. Configuration only: measured, with the reason beside each choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use portcullis_core::limits::Limits;
use wasmtime::{Config, Enabled, Engine, EngineWeak, PoolingAllocationConfig};

use crate::sandbox::SandboxError;

/// Time between two epochs. 1 ms: a call in a busy loop gives its thread back that often, so short calls beside it wait no longer than that,
/// and it is stopped at most that long after its deadline.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a call after which the ticker sleeps until the next one: an idle host must not wake up a thousand times a second.
const IDLE_TICKS: u32 = 100;

/// Bytes of wasm stack. 512 KiB: half of the fiber's stack, the rest is for host functions.
const WASM_STACK: usize = 512 << 10;

/// Bytes of a fiber's stack; only touched pages cost memory.
const FIBER_STACK: usize = 1 << 20;

/// Core instances per component. 64: JavaScript and Python components bring a dozen adapters each. The pool only counts them, so there is room
/// for every place to hold this many: no component can take places from others.
const CORE_INSTANCES: u32 = 64;

/// Linear memories per component: the guest's own and an adapter's.
const MEMORIES: u32 = 2;

/// Tables per component; those of adapters are counted. 8: real ones have two or three. Again every place has room for this many.
const TABLES: u32 = 8;

/// Elements of the largest table: the upper end of `limits.tableElements`. Address space only.
const TABLE_ELEMENTS: usize = 1_000_000;

/// Bytes of a linear memory that are cleared in place rather than given back to the kernel: no madvise per call.
const KEEP_RESIDENT: usize = 1 << 20;

/// Most slots of the pool: beyond it the address space of 47 bits is used up (8 GiB for each).
pub(crate) const SLOTS_MAX: usize = 12_000;

/// An engine with `slots` places for instances.
pub(crate) fn build(slots: u32) -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(false)
        .async_stack_zeroing(false)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        .allocation_strategy(pool(slots));
    Engine::new(&config).map_err(|error| SandboxError::Engine(format!("{error:#}")))
}

fn pool(slots: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_memories(slots.saturating_mul(MEMORIES))
        .max_memories_per_component(MEMORIES)
        .total_tables(slots.saturating_mul(TABLES))
        .max_tables_per_component(TABLES)
        .total_stacks(slots)
        .total_gc_heaps(slots)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(usize::try_from(Limits::MEMORY_MAX).unwrap_or(usize::MAX));
    pool
}

/// Advances the engine's epoch while calls run. Ends with its owner.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    begun: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// While it lives, epochs advance.
#[derive(Debug)]
pub(crate) struct Ticking(Arc<Shared>);

impl Ticking {
    /// Reads how many calls have begun so far; it may wrap, and only tells whether there was another one.
    pub(crate) fn begun(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let shared = Arc::clone(&self.0);
        move || shared.begun.load(Ordering::Relaxed)
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> Result<Self, SandboxError> {
        let shared = Arc::new(Shared::default());
        let (weak, theirs) = (engine.weak(), Arc::clone(&shared));
        let handle = std::thread::Builder::new()
            .name("epoch-ticker".into())
            .spawn(move || tick(&weak, &theirs))
            .map_err(|error| SandboxError::Engine(format!("the epoch ticker did not start: {error}")))?;
        Ok(Self { shared, thread: handle.thread().clone(), handle: Some(handle) })
    }

    /// A call begins. Costs three atomic operations while the ticker is awake.
    pub(crate) fn ticking(&self) -> Ticking {
        self.shared.begun.fetch_add(1, Ordering::Relaxed);
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(Arc::clone(&self.shared))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
        if let Some(Err(_)) = self.handle.take().map(JoinHandle::join) {
            tracing::error!("the epoch ticker panicked");
        }
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    let mut idle = 0;
    while !shared.stopped.load(Ordering::SeqCst) {
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        drop(engine);
        idle = if shared.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle < IDLE_TICKS {
            std::thread::sleep(TICK);
        } else {
            sleep_until_called(shared);
            idle = 0;
        }
    }
}

/// `asleep` is set before `running` is read, and a call does it the other way round: one of the two sees the other.
fn sleep_until_called(shared: &Shared) {
    shared.asleep.store(true, Ordering::SeqCst);
    while shared.running.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst) {
        std::thread::park();
    }
    shared.asleep.store(false, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{CORE_INSTANCES, TABLES, Ticker, build};
    use wasmtime::component::Component;

    /// A component of one core module, instantiated `count` times.
    fn instances_of(module: &[u8], count: u32) -> Vec<u8> {
        let leb = |number: u32| [(number & 0x7f) as u8 | 0x80, (number >> 7) as u8];
        let instances = [0_u8, 0, 0].repeat(count as usize);
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        component.push(1);
        component.extend(leb(module.len() as u32));
        component.extend(module);
        component.push(2);
        component.extend(leb(instances.len() as u32 + 2));
        component.extend(leb(count));
        component.extend(instances);
        component
    }

    #[test]
    fn a_component_with_more_instances_or_tables_than_its_place_holds_is_refused_when_it_is_loaded() {
        let engine = build(4).unwrap();
        let (empty, table) = (b"\0asm\x01\0\0\0", b"\0asm\x01\0\0\0\x04\x04\x01\x70\x00\x01");
        for (module, most, what) in [(&empty[..], CORE_INSTANCES, "core module instances"), (&table[..], TABLES, "tables")] {
            assert!(Component::from_binary(&engine, &instances_of(module, most)).is_ok(), "{what}");
            let refused = Component::from_binary(&engine, &instances_of(module, most + 1)).err().unwrap();
            assert!(refused.root_cause().to_string().contains(&format!("{} {what}", most + 1)), "{refused:?}");
        }
    }

    #[test]
    fn an_idle_ticker_wakes_for_a_call_and_ends_with_its_owner() {
        let engine = build(4).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        while !ticker.shared.asleep.load(std::sync::atomic::Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let ticking = ticker.ticking();
        while ticker.shared.asleep.load(std::sync::atomic::Ordering::SeqCst) {
            std::thread::yield_now();
        }
        drop(ticking);
        drop(ticker);
    }
}
