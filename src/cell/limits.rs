//! What holds a cell's memory within its budget, and the bounds that nobody sets.

use wasmtime::ResourceLimiter;

use super::scratch;
use crate::limits::MIB;

/// The longest answer of a call, in bytes.
pub(crate) const ANSWER_BYTES: usize = 16 * MIB;

/// What a guest may hand over in one host call, in bytes: the host copies it. An answer counts
/// too, so this is above the limit that has a text of its own.
pub(crate) const HOST_CALL_BYTES: usize = 40 * MIB;
/// Handles that a cell may hold: connections, streams, timers.
pub(crate) const HANDLES: usize = 10_000;
/// What a call may keep in its scratch folder, which is memory of the host beside the cell's.
pub(crate) const SCRATCH: scratch::Limits = scratch::Limits {
    bytes: 64 * MIB as u64,
    entries: 1_000,
};
/// Random bytes that a guest may ask for at once.
pub(crate) const RANDOM_BYTES: u64 = 1024 * 1024;

/// What the engine keeps for one element of a table.
const TABLE_ELEMENT_BYTES: usize = 16;

/// Counts a cell's memory over all its memories and tables, and refuses what is over.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limit: usize,
    used: usize,
    refused: bool,
}

impl MemoryLimit {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            refused: false,
        }
    }

    /// The most that the cell has had. Memories never shrink.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Whether the cell was refused memory since this was asked last.
    pub(crate) fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    fn grow(&mut self, by: usize) -> bool {
        match self.used.checked_add(by) {
            Some(used) if used <= self.limit => {
                self.used = used;
                true
            }
            _ => {
                self.refused = true;
                false
            }
        }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // What a module may not have by its own declaration is not ours to count.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        Ok(self.grow(
            desired
                .saturating_sub(current)
                .saturating_mul(TABLE_ELEMENT_BYTES),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_and_tables_count_together() {
        let mut limit = MemoryLimit::new(1_000);

        assert!(limit.memory_growing(0, 600, None).unwrap());
        assert!(limit.table_growing(0, 10, None).unwrap());
        assert!(!limit.take_refused());

        assert!(!limit.memory_growing(0, 300, None).unwrap());
        assert_eq!(limit.used(), 760);
        assert!(limit.take_refused());
        assert!(!limit.take_refused());
    }

    #[test]
    fn a_modules_own_maximum_is_not_a_refusal_of_ours() {
        let mut limit = MemoryLimit::new(1_000);

        assert!(!limit.memory_growing(0, 600, Some(500)).unwrap());
        assert!(!limit.take_refused());
    }
}
