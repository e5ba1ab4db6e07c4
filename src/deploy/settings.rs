//! What a release's cells may use: its wishes, as far as it was granted them.

use std::sync::Arc;
use std::time::Duration;

use crate::app::grants::{Amounts, Bounds};
use crate::app::{Grants, Manifest};
use crate::cell;
use crate::cell::limits::{Budget, CEILING, CONCURRENCY, CONCURRENCY_CEILING, DEFAULT, MIB};
use crate::ids::ReleaseId;

/// What an app may use without asking, and the most that it can be granted.
pub(super) fn bounds() -> Bounds {
    let amounts = |budget: Budget, concurrency: usize| Amounts {
        wall_ms: u32::try_from(budget.wall.as_millis()).unwrap_or(u32::MAX),
        memory_mb: u32::try_from(budget.memory / MIB).unwrap_or(u32::MAX),
        concurrency: u32::try_from(concurrency).unwrap_or(u32::MAX),
    };
    Bounds {
        default: amounts(DEFAULT, CONCURRENCY),
        ceiling: amounts(CEILING, CONCURRENCY_CEILING),
    }
}

/// What a release's cells are, from its manifest and what it was granted.
pub(super) fn settings(
    manifest: &Manifest,
    granted: Arc<Grants>,
    release: ReleaseId,
) -> cell::Settings {
    let amounts = bounds().amounts(&manifest.limits, &granted);
    let size = |amount: u32| usize::try_from(amount).unwrap_or(usize::MAX);
    cell::Settings {
        app: manifest.app_name.clone(),
        release,
        instances: manifest.instances,
        budget: Budget {
            wall: Duration::from_millis(amounts.wall_ms.into()),
            memory: size(amounts.memory_mb).saturating_mul(MIB),
        },
        concurrency: size(amounts.concurrency),
        granted,
    }
}
