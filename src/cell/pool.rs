//! Cells that wait for their release's next call, where the manifest asks for reuse.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::Store;
use wasmtime::component::Instance;

use super::state::CellState;
use crate::app::manifest::Instances;
use crate::bindings::App;

/// Calls that one cell serves at most.
const CALLS: u32 = 10_000;
/// How long one cell serves at most.
const AGE: Duration = Duration::from_secs(600);
/// Idle cells that one release keeps.
const IDLE: usize = 8;

/// A living instance.
pub(super) struct Cell {
    pub(super) store: Store<CellState>,
    pub(super) instance: Instance,
    pub(super) app: App,
    calls: u32,
    born: Instant,
}

impl Cell {
    pub(super) fn new(store: Store<CellState>, instance: Instance, app: App) -> Self {
        Self {
            store,
            instance,
            app,
            calls: 0,
            born: Instant::now(),
        }
    }
}

/// The idle cells of one release.
pub(super) struct IdleCells {
    instances: Instances,
    cells: Mutex<Vec<Cell>>,
}

impl IdleCells {
    pub(super) fn new(instances: Instances) -> Self {
        Self {
            instances,
            cells: Mutex::new(Vec::new()),
        }
    }

    /// The cell that was used last, whose memory is warm.
    pub(super) fn take(&self) -> Option<Cell> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(cell) = cells.pop() {
            if cell.born.elapsed() < AGE {
                return Some(cell);
            }
        }
        None
    }

    /// Keeps a cell whose call went well, unless it has served enough.
    pub(super) fn keep(&self, mut cell: Cell) {
        cell.calls += 1;
        if self.instances == Instances::Fresh || cell.calls >= CALLS || cell.born.elapsed() >= AGE {
            return;
        }
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() < IDLE {
            cells.push(cell);
        }
    }
}
