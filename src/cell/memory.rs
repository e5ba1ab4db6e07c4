//! The memory of all cells of this node, and whose turn it is to have some.
//!
//! A call takes its whole budget before it begins, so cells that grow to their limits never
//! have more than there is. What the engine keeps resident of cells that are gone is taken off
//! first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::admission::{Busy, Leaving, WAITING};
use crate::limits::{Limits, MIB};

/// The most that the engine keeps resident of one memory that is gone, for the next cell.
const KEPT_MOST: usize = 64 * MIB;
/// What the kernel gives memory out by, and WebAssembly too.
const PAGE: usize = 64 * 1024;
/// What cells may have where nobody knows how large the machine is.
const UNKNOWN: usize = 4 << 30;

/// How the memory for cells is divided, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Division {
    /// All of it.
    pub(crate) total: usize,
    /// Of each memory that is gone, for the engine to keep.
    pub(super) kept: usize,
    /// For the calls of all apps.
    general: usize,
    /// Beside that, for apps that have few calls running.
    reserve: usize,
}

/// A total that is too small. The text says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the setting `limits.total_memory_mb` is {total}: with `limits.ceiling.memory_mb` {ceiling} it must \
     be at least {least}"
)]
pub(crate) struct TooLittle {
    total: u32,
    ceiling: u32,
    least: u32,
}

impl Division {
    /// Divides what the operator says, or half of what the machine has, over an engine with this
    /// many memories.
    ///
    /// # Errors
    ///
    /// When the operator's total is too small for one call of the ceiling.
    pub(crate) fn new(
        limits: &Limits,
        machine: Option<u64>,
        memories: usize,
    ) -> Result<Self, TooLittle> {
        let ceiling = limits.ceiling.memory_mb.get();
        // The general part is at least half: see below.
        let least = ceiling.saturating_mul(2);
        let total = match limits.total_memory_mb {
            Some(total) if total.get() < least => {
                return Err(TooLittle {
                    total: total.get(),
                    ceiling,
                    least,
                });
            }
            Some(total) => mebibytes(total.get()),
            None => {
                let half = machine.and_then(|bytes| usize::try_from(bytes / 2).ok());
                half.unwrap_or(UNKNOWN).max(mebibytes(least))
            }
        };

        let share = (total / 3).checked_div(memories).unwrap_or_default();
        let kept = share.min(KEPT_MOST) / PAGE * PAGE;
        let rest = total - kept.saturating_mul(memories);
        let reserve = rest / 4;
        Ok(Self {
            total,
            kept,
            general: rest - reserve,
            reserve,
        })
    }
}

/// The memory of all cells, as calls ask for it.
pub(super) struct NodeMemory {
    general: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Some of the memory, given back when it is dropped.
pub(super) struct Share {
    permit: OwnedSemaphorePermit,
    from: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    General,
    Reserve,
}

impl NodeMemory {
    pub(super) fn new(division: &Division) -> Self {
        let semaphore =
            |bytes: usize| Arc::new(Semaphore::new((bytes / MIB).min(Semaphore::MAX_PERMITS)));
        Self {
            general: semaphore(division.general),
            reserve: semaphore(division.reserve),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Takes some of the reserve if it is there at once.
    pub(super) fn try_reserve(&self, bytes: usize) -> Option<Share> {
        take(&self.reserve, Part::Reserve, bytes)
    }

    /// Makes of a call's share what its cell holds while it is idle; none where a call waits for
    /// memory. The reserve is for calls alone.
    pub(super) fn for_idle(&self, share: Share, bytes: usize) -> Option<Share> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let Share { mut permit, from } = share;
        match from {
            Part::Reserve => take(&self.general, Part::General, bytes),
            Part::General => {
                let wanted = usize::try_from(permits(bytes)).unwrap_or(usize::MAX);
                permit.split(wanted).map(|permit| Share { permit, from })
            }
        }
    }

    /// Takes memory for a call, in the order of asking, until the deadline. Before it waits,
    /// `make_room` is asked to drop an idle cell, until it has none.
    pub(super) async fn enter(
        &self,
        bytes: usize,
        deadline: Instant,
        mut make_room: impl FnMut() -> bool,
    ) -> Result<Share, Busy> {
        if let Some(share) = take(&self.general, Part::General, bytes) {
            return Ok(share);
        }
        // From here on no cell becomes idle that would have to make room again.
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy::QueueFull("the server"));
        }
        let _leaving = Leaving(&self.waiting);
        while make_room() {
            if let Some(share) = take(&self.general, Part::General, bytes) {
                return Ok(share);
            }
        }
        let wait = Arc::clone(&self.general).acquire_many_owned(permits(bytes));
        match tokio::time::timeout_at(deadline, wait).await {
            Ok(Ok(permit)) => Ok(Share {
                permit,
                from: Part::General,
            }),
            // The semaphore is never closed, so what is left is the deadline.
            Ok(Err(_)) | Err(_) => Err(Busy::NoMemory),
        }
    }
}

fn take(semaphore: &Arc<Semaphore>, from: Part, bytes: usize) -> Option<Share> {
    let permit = Arc::clone(semaphore)
        .try_acquire_many_owned(permits(bytes))
        .ok()?;
    Some(Share { permit, from })
}

/// One permit for each MiB, begun ones too.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX)
}

fn mebibytes(number: u32) -> usize {
    usize::try_from(number)
        .unwrap_or(usize::MAX)
        .saturating_mul(MIB)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    const GIB: usize = 1 << 30;

    fn division(total_mb: u32) -> Result<Division, TooLittle> {
        let limits = Limits {
            total_memory_mb: NonZeroU32::new(total_mb),
            ..Limits::STANDARD
        };
        Division::new(&limits, Some(64 << 30), 200)
    }

    #[test]
    fn the_parts_are_never_more_than_the_whole() {
        for total in [1_024, 2_048, 12_288, 1_000_000] {
            let parts = division(total).unwrap();

            let all = parts.kept * 200 + parts.general + parts.reserve;
            assert_eq!(all, parts.total);
            assert!(parts.general >= parts.total / 2, "{parts:?}");
            assert!(parts.kept <= KEPT_MOST);
        }
    }

    #[test]
    fn half_of_the_machine_is_for_cells_unless_the_operator_says_otherwise() {
        let of = |machine| {
            Division::new(&Limits::STANDARD, machine, 200)
                .unwrap()
                .total
        };

        assert_eq!(of(Some(24 << 30)), 12 * GIB);
        assert_eq!(of(None), 4 * GIB);
        // One call of the ceiling must fit, on whatever machine.
        assert_eq!(of(Some(1 << 30)), GIB);
        assert_eq!(division(2_048).unwrap().total, 2 * GIB);
    }

    #[test]
    fn a_total_in_which_no_call_of_the_ceiling_fits_is_refused() {
        assert_eq!(
            division(1_023).unwrap_err().to_string(),
            "the setting `limits.total_memory_mb` is 1023: with `limits.ceiling.memory_mb` 512 it \
             must be at least 1024"
        );
    }

    #[tokio::test]
    async fn a_call_waits_for_memory_until_its_deadline() {
        let memory = NodeMemory::new(&division(1_024).unwrap());
        let deadline = Instant::now() + Duration::from_millis(20);

        let first = memory.enter(300 * MIB, deadline, || false).await;
        assert!(first.is_ok());
        let second = memory.enter(300 * MIB, deadline, || false).await;
        assert_eq!(second.err(), Some(Busy::NoMemory));

        drop(first);
        assert!(memory.enter(300 * MIB, deadline, || false).await.is_ok());
    }

    #[tokio::test]
    async fn idle_cells_go_before_a_call_waits_and_none_comes_while_it_does() {
        let memory = NodeMemory::new(&division(1_024).unwrap());
        let deadline = Instant::now() + Duration::from_secs(10);
        let idle = async || {
            let call = memory.enter(256 * MIB, deadline, || false).await.unwrap();
            memory.for_idle(call, 200 * MIB).unwrap()
        };
        let mut idle = vec![idle().await, idle().await];
        let mut ends = memory.try_reserve(MIB);

        let share = memory
            .enter(500 * MIB, deadline, || {
                if let Some(call) = ends.take() {
                    assert!(memory.for_idle(call, MIB).is_none());
                }
                idle.pop().is_some()
            })
            .await;

        assert!(idle.is_empty());
        assert!(ends.is_none());
        assert!(memory.for_idle(share.unwrap(), MIB).is_some());
    }

    #[tokio::test]
    async fn idle_cells_take_nothing_of_the_reserve() {
        let memory = NodeMemory::new(&division(1_024).unwrap());
        let reserve = memory.reserve.available_permits();
        let general = memory.general.available_permits();

        let call = memory.try_reserve(100 * MIB).unwrap();
        let idle = memory.for_idle(call, 10 * MIB).unwrap();

        assert_eq!(memory.reserve.available_permits(), reserve);
        assert_eq!(memory.general.available_permits(), general - 10);
        drop(idle);
        assert_eq!(memory.general.available_permits(), general);
    }

    #[tokio::test]
    async fn a_large_call_is_not_overtaken_by_small_ones() {
        let memory = NodeMemory::new(&division(1_024).unwrap());
        let soon = Instant::now() + Duration::from_millis(20);
        let held = memory.enter(300 * MIB, soon, || false).await;

        // Polled in this order, so the large one asks first.
        let (large, small) = tokio::join!(
            memory.enter(512 * MIB, soon, || false),
            memory.enter(MIB, soon, || false)
        );

        assert_eq!(large.err(), Some(Busy::NoMemory));
        assert_eq!(small.err(), Some(Busy::NoMemory));
        drop(held);
    }
}
