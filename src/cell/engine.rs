//! The engine that compiles and runs every cell, and its clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

/// How often a running cell is looked at: whether its time is over, and to let others run.
const TICK: Duration = Duration::from_millis(2);
/// How large WebAssembly's stack is.
pub(super) const STACK_BYTES: usize = 512 << 10;
/// What one component may have, and so what there is for each cell: whatever the apps of
/// other authors are made of, a cell that has a place has its parts too.
const CORE_INSTANCES: u32 = 64;
const MEMORIES: u32 = 2;
const TABLES: u32 = 16;

/// How many cells the engine has room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Those that run, those that are idle, and a few that are on their way out.
    cells: u32,
    /// Of one memory, in bytes.
    memory: usize,
    /// What is kept resident of one memory that is gone, in bytes.
    kept: usize,
}

/// How many memories an engine has on which this many calls run at once.
pub(super) fn memories(calls: u32) -> usize {
    let memories = cells(calls) * MEMORIES;
    usize::try_from(memories).unwrap_or(usize::MAX)
}

fn cells(calls: u32) -> u32 {
    calls + idle(calls) + 4
}

/// How many cells may be idle on a node on which this many calls run at once.
pub(super) fn idle(calls: u32) -> u32 {
    calls.div_ceil(2)
}

impl Size {
    pub(super) fn new(calls: u32, memory: usize, kept: usize) -> Self {
        Self {
            cells: cells(calls),
            memory,
            kept,
        }
    }
}

/// The engine for running: cells come from a pool of prepared slots.
pub(super) fn for_running(size: Size, count_fuel: bool) -> anyhow::Result<Engine> {
    let Size {
        cells,
        memory,
        kept,
    } = size;
    let mut config = settings(count_fuel);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(cells)
        .total_core_instances(cells * CORE_INSTANCES)
        .total_memories(cells * MEMORIES)
        .total_tables(cells * TABLES)
        .total_stacks(cells)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(memory)
        .table_elements(50_000)
        // Resetting what a call has touched by copying beats giving the pages back: see
        // `docs/performance.md`. Nothing of a call is left either way.
        .linear_memory_keep_resident(kept)
        .table_keep_resident(128 << 10)
        .async_stack_keep_resident(128 << 10)
        // A slot that was used is used again before another one, so that no more of them
        // keep memory than there were cells at once.
        .max_unused_warm_slots(0)
        // A page that is swapped out would escape the scan and keep what a call has left.
        .pagemap_scan(Enabled::No);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    start(&config)
}

/// The engine for compiling, in a process of its own: the same code, without the pool.
pub(crate) fn for_compiling(count_fuel: bool) -> anyhow::Result<Engine> {
    start(&settings(count_fuel))
}

fn start(config: &Config) -> anyhow::Result<Engine> {
    Engine::new(config).map_err(|error| anyhow::anyhow!("the engine does not start: {error:#}"))
}

/// Everything that decides what the compiled code is.
fn settings(count_fuel: bool) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .consume_fuel(count_fuel)
        .concurrency_support(false)
        .memory_init_cow(true)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        .table_lazy_init(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(1 << 20)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_component_model(true);
    config
}

/// Makes time pass for the cells of an engine, from a thread of its own, until it is dropped.
pub(crate) struct Ticker(Arc<AtomicBool>);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let running = Arc::new(AtomicBool::new(true));
        let flag: Weak<AtomicBool> = Arc::downgrade(&running);
        let engine = engine.weak();
        std::thread::Builder::new()
            .name("skep-ticker".to_owned())
            .spawn(move || {
                while flag
                    .upgrade()
                    .is_some_and(|flag| flag.load(Ordering::Relaxed))
                {
                    std::thread::sleep(TICK);
                    let Some(engine) = engine.upgrade() else {
                        return;
                    };
                    engine.increment_epoch();
                }
            })?;
        Ok(Self(running))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
