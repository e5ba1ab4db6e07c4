//! Cells that wait for their release's next call, where the manifest asks for reuse.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::Store;
use wasmtime::component::Instance;

use super::memory::Share;
use super::state::CellState;
use crate::bindings::App;
use crate::ids::ReleaseId;

/// Calls that one cell serves at most.
const CALLS: u32 = 10_000;
/// How long one cell serves at most.
const AGE: Duration = Duration::from_secs(600);
/// Idle cells that one release keeps.
const IDLE_OF_ONE: usize = 8;

/// A living instance.
pub(super) struct Cell {
    pub(super) store: Store<CellState>,
    pub(super) instance: Instance,
    pub(super) app: App,
    calls: u32,
    born: Instant,
    /// Of the memory for cells, what an idle cell holds. It goes last.
    held: Option<Share>,
}

impl Cell {
    pub(super) fn new(store: Store<CellState>, instance: Instance, app: App) -> Self {
        Self {
            store,
            instance,
            app,
            calls: 0,
            born: Instant::now(),
            held: None,
        }
    }

    /// The most memory that the cell has had, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.store.data().memory.used()
    }

    fn has_served_enough(&self) -> bool {
        self.calls >= CALLS || self.born.elapsed() >= AGE
    }
}

/// The idle cells of all releases, the one that was used last at the end.
pub(super) struct IdleCells {
    cells: Mutex<VecDeque<(ReleaseId, Cell)>>,
    /// Of all releases. With those that run, they fit into the engine's slots.
    most: usize,
}

impl IdleCells {
    pub(super) fn new(most: usize) -> Self {
        Self {
            cells: Mutex::default(),
            most,
        }
    }

    /// The cell of a release that was used last, whose memory is warm.
    pub(super) fn take(&self, release: ReleaseId) -> Option<Cell> {
        let mut cells = self.lock();
        let index = cells.iter().rposition(|(owner, _)| *owner == release)?;
        let (_, mut cell) = cells.remove(index)?;
        // Dropping a cell takes a while, and others must not wait for it.
        drop(cells);
        // Its call holds memory for all that it may use.
        cell.held = None;
        (!cell.has_served_enough()).then_some(cell)
    }

    /// Keeps a cell whose call went well, with the memory that it holds, unless it has served
    /// enough. Where there is no room, the cell goes that nobody has used for the longest.
    pub(super) fn keep(&self, release: ReleaseId, mut cell: Cell, held: Share) {
        cell.calls += 1;
        cell.held = Some(held);
        if cell.has_served_enough() {
            return;
        }
        let mut cells = self.lock();
        let own = cells.iter().filter(|(owner, _)| *owner == release).count();
        if own >= IDLE_OF_ONE {
            return;
        }
        cells.push_back((release, cell));
        let evicted = (cells.len() > self.most).then(|| cells.pop_front());
        drop(cells);
        drop(evicted);
    }

    /// Drops the cell that nobody has used for the longest; false if there is none.
    pub(super) fn drop_one(&self) -> bool {
        let cell = self.lock().pop_front();
        cell.is_some()
    }

    /// Drops the cells of a release that serves no more.
    pub(super) fn retire(&self, release: ReleaseId) {
        let mut cells = self.lock();
        let (retired, kept): (VecDeque<_>, VecDeque<_>) =
            cells.drain(..).partition(|(owner, _)| *owner == release);
        *cells = kept;
        drop(cells);
        drop(retired);
    }

    /// How many cells are idle.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(ReleaseId, Cell)>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
