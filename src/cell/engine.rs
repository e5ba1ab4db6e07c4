//! The engine that compiles and runs every cell, and its clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::limits;

/// How many cells can be alive at once: those that run, those that are idle, and a few that
/// are on their way out.
const CELLS: u32 = 128;
/// How often a running cell is looked at: whether its time is over, and to let others run.
const TICK: Duration = Duration::from_millis(10);

/// The engine for running: cells come from a pool of prepared slots.
pub(crate) fn for_running() -> anyhow::Result<Engine> {
    let mut config = settings();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CELLS)
        .total_core_instances(CELLS * 40)
        .total_memories(CELLS * 2)
        .total_tables(CELLS * 8)
        .total_stacks(CELLS)
        .max_core_instances_per_component(64)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_memory_size(limits::CEILING.memory)
        .table_elements(50_000)
        // Resetting what a call has touched by copying beats giving the pages back: see
        // `docs/performance.md`. Nothing of a call is left either way.
        .linear_memory_keep_resident(64 << 20)
        .table_keep_resident(1 << 20)
        .async_stack_keep_resident(128 << 10)
        // A page that is swapped out would escape the scan and keep what a call has left.
        .pagemap_scan(Enabled::No);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    start(&config)
}

/// The engine for compiling, in a process of its own: the same code, without the pool.
pub(crate) fn for_compiling() -> anyhow::Result<Engine> {
    start(&settings())
}

fn start(config: &Config) -> anyhow::Result<Engine> {
    Engine::new(config).map_err(|error| anyhow::anyhow!("the engine does not start: {error:#}"))
}

/// Everything that decides what the compiled code is.
fn settings() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .concurrency_support(false)
        .memory_init_cow(true)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_may_move(false)
        .table_lazy_init(true)
        .max_wasm_stack(512 << 10)
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
