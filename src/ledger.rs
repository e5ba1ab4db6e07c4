//! Where the receipts of calls go: the log of calls, which all nodes share, and this node's
//! metrics.
//!
//! Neither ever keeps a call waiting.

mod journal;
mod metrics;

pub(crate) use metrics::Now;

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::capability::log::policy::{cut, single_line};
use crate::cell::{Receipt, Record, Witness};
use crate::services::Clock;
use crate::store::Store;
use crate::store::calls::{NewCall, Used};
use journal::Journal;
use metrics::Metrics;

/// The longest text of an error that is kept, in bytes.
const ERROR_BYTES: usize = 1024;
/// How often measurements that nobody asks for are summed up, so that they take no room.
const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps what calls have used. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Shared>);

struct Shared {
    clock: Clock,
    journal: Journal,
    metrics: Metrics,
}

impl Ledger {
    /// Starts the writer of the log. Needs a tokio runtime.
    pub(crate) fn start(store: Store, clock: Clock) -> Self {
        let shared = Arc::new(Shared {
            clock,
            journal: Journal::start(store, journal::CAPACITY),
            metrics: Metrics::new(),
        });
        tokio::spawn(keep_up(Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Waits until the calls that are over are in the log, for so long at most.
    pub(crate) async fn flush(&self, patience: Duration) {
        // What is not there by then comes later, or is counted as lost.
        let _ = tokio::time::timeout(patience, self.0.journal.flush()).await;
    }

    /// This node's metrics as Prometheus reads them. `now` is what is measured by looking.
    pub(crate) fn metrics(&self, now: &Now) -> String {
        self.0.metrics.render(now, self.0.journal.lost())
    }
}

impl Witness for Ledger {
    fn ended(&self, call: Record) {
        self.0.metrics.count(&call);
        let started_at = self.0.clock.now() - call.receipt.wall();
        self.0.journal.push(NewCall {
            used: used(&call.receipt),
            id: call.id,
            app: call.app,
            release: call.release,
            entry: call.entry,
            job: call.job,
            caller: call.caller.map(|caller| caller.username.clone()),
            started_at,
            outcome: call.ending.name(),
            // In a table of lines, a text must not pass for others; and PostgreSQL keeps no NUL.
            error: call
                .error
                .map(|error| cut(&single_line(&error), ERROR_BYTES).to_owned()),
        });
    }
}

async fn keep_up(shared: Weak<Shared>) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.metrics.keep_up();
    }
}

fn used(receipt: &Receipt) -> Used {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let bytes = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Used {
        wall_micros: micros(receipt.wall()),
        queued_micros: micros(receipt.queued),
        instantiate_micros: micros(receipt.instantiate),
        guest_micros: micros(receipt.guest()),
        db_micros: micros(receipt.database.waited),
        fuel: receipt.fuel.map(number),
        memory_bytes: bytes(receipt.memory),
        statements: receipt.database.statements.into(),
        rows: number(receipt.database.rows),
        db_sent_bytes: number(receipt.database.sent),
        db_received_bytes: number(receipt.database.received),
        egress_micros: micros(receipt.egress.waited),
        egress_requests: receipt.egress.requests.into(),
        egress_sent_bytes: number(receipt.egress.sent),
        egress_received_bytes: number(receipt.egress.received),
        payload_bytes: bytes(receipt.payload),
        answer_bytes: bytes(receipt.answer),
        log_lines: receipt.log_lines.into(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
