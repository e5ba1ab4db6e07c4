//! One entry into a cell, from its place in the queue to its receipt.

mod error;
mod guest;
mod ways;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use wasmtime::Store;

use super::admission::{Busy, Place};
use super::memory::Share;
use super::pool::Cell;
use super::receipt::{Ending, Receipt, Record};
use super::state::{self, Binding, CellState};
use super::{Cells, Image};
use crate::app::manifest::Instances;
use crate::app::{Hook, payload};
use crate::capability::caller::Caller;
use crate::capability::db::fence::Fence;
use crate::capability::db::session::{Database, Source};
use crate::capability::egress::Egress;
use crate::capability::log::CallLog;
use crate::capability::notify::policy::Fired;
use crate::ids::CallId;
use crate::limits::Budget;

pub(crate) use self::error::CallError;
pub(super) use self::ways::notifications;

use self::error::{classify, describe};

/// How long after its deadline a cell is given up that did not stop by itself, because it
/// waits for something of the host.
const GRACE: Duration = Duration::from_millis(40);

/// How long a job's call waits for a place. It gives its turn back then, and loses nothing.
const JOB_WAIT: Duration = Duration::from_secs(60);

/// What is called.
#[derive(Debug)]
pub(crate) enum Entry {
    /// The app's own function, with JSON text.
    Execute(String),
    /// One of the app's tasks, with JSON text.
    Task { name: String, data: String },
    /// One of the app's hooks, with JSON text.
    Hook { hook: Hook, payload: String },
    /// The preparation of a release.
    Load,
}

impl Entry {
    fn name(&self) -> &'static str {
        match self {
            Self::Execute(_) => "execute",
            Self::Task { .. } => "task",
            Self::Hook { .. } => "hook",
            Self::Load => "load",
        }
    }

    /// Bytes of the data that the call is given.
    fn size(&self) -> usize {
        match self {
            Self::Execute(data) | Self::Task { data, .. } => data.len(),
            Self::Hook { payload, .. } => payload.len(),
            Self::Load => 0,
        }
    }
}

/// What the host decides about one call.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) entry: Entry,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) database: Source,
    pub(crate) budget: Budget,
    /// Of a job: waiting for a place does not count as its time, and what it commits is fenced.
    pub(crate) attempt: Option<Fence>,
}

/// What a call came to, and what it used.
pub(crate) struct Outcome {
    /// The app's JSON text; empty for `load`.
    pub(crate) result: Result<String, CallError>,
    /// The notifications of a call that succeeded, to be sent now.
    pub(crate) notifications: Vec<Fired>,
    pub(crate) receipt: Receipt,
}

impl Outcome {
    /// What the app's author reads of a failure.
    fn told(&self) -> Option<String> {
        let error = self.result.as_ref().err()?;
        let told = self.receipt.error.clone();
        Some(told.unwrap_or_else(|| error.in_the_log()))
    }
}

impl Cells {
    /// Runs one call of a release to its end, whatever becomes of who asked for it.
    pub(crate) async fn run(&self, image: &Arc<Image>, call: Call) -> Outcome {
        let cells = self.clone();
        let image = Arc::clone(image);
        // A task of its own: a caller who goes away must not leave a statement running or a
        // transaction open.
        let run = async move {
            let lane = cells.clone();
            let call = async move { cells.run_witnessed(&image, call).await };
            lane.0.slow.run(call).await
        };
        match tokio::spawn(run).await.flatten() {
            Ok(outcome) => outcome,
            Err(error) => Outcome {
                result: Err(CallError::Internal(error.into())),
                notifications: Vec::new(),
                receipt: Receipt::default(),
            },
        }
    }

    async fn run_witnessed(&self, image: &Image, call: Call) -> Outcome {
        let (id, caller) = (call.id, call.caller.clone());
        let job = call
            .attempt
            .as_ref()
            .map(|fence| (fence.job(), fence.number()));
        let entry = match (&call.entry, &job) {
            (Entry::Execute(_), Some(_)) => "job",
            (entry, _) => entry.name(),
        };
        // Whatever becomes of a call, it is told.
        let running = AssertUnwindSafe(self.admit_and_run(image, call)).catch_unwind();
        let outcome = running.await.unwrap_or_else(|_| Outcome {
            result: Err(CallError::Internal(anyhow::anyhow!("the call panicked"))),
            notifications: Vec::new(),
            receipt: Receipt::default(),
        });
        self.0.witness.ended(Record {
            id,
            app: image.settings.app.clone(),
            release: image.settings.release,
            entry,
            job,
            caller,
            ending: Ending::of(&outcome.result),
            error: outcome.told(),
            receipt: outcome.receipt.clone(),
        });
        outcome
    }

    async fn admit_and_run(&self, image: &Image, call: Call) -> Outcome {
        let began = Instant::now();
        let mut deadline = began + call.budget.wall;
        let mut receipt = Receipt {
            payload: call.entry.size(),
            ..Receipt::default()
        };

        let is_job = call.attempt.is_some();
        let patience = if is_job { began + JOB_WAIT } else { deadline };
        let places = self.enter(image, &call, patience).await;
        receipt.queued = began.elapsed();
        if is_job {
            deadline += receipt.queued;
        }
        let result = match places {
            Ok((_own, share, _all)) => {
                let call = (call, share);
                self.run_admitted(image, call, deadline, &mut receipt).await
            }
            Err(busy) => Err(busy.into()),
        };
        let (result, notifications) = match result {
            Ok((answer, notifications)) => (Ok(answer), notifications),
            Err(error) => (Err(error), Vec::new()),
        };
        Outcome {
            result,
            notifications,
            receipt,
        }
    }

    /// A place among the app's calls, memory, and a place among all calls.
    async fn enter(
        &self,
        image: &Image,
        call: &Call,
        deadline: Instant,
    ) -> Result<(Place, Share, Place), Busy> {
        let _waiting = self.0.waiting.hold(call.entry.size())?;
        let memory = call.budget.memory;
        let own = image.admission.enter(deadline).await?;
        // Busy apps must not keep the others waiting until their own calls are over.
        if image.admission.has_few()
            && let Some(reserved) = self.0.reserve.try_enter()
            && let Some(share) = self.0.memory.try_reserve(memory)
        {
            return Ok((own, share, reserved));
        }
        let make_room = || self.0.idle.drop_one();
        let share = self.0.memory.enter(memory, deadline, make_room).await?;
        let all = self.0.admission.enter(deadline).await?;
        Ok((own, share, all))
    }

    async fn run_admitted(
        &self,
        image: &Image,
        (call, share): (Call, Share),
        deadline: Instant,
        receipt: &mut Receipt,
    ) -> Result<(String, Vec<Fired>), CallError> {
        let Call {
            id,
            entry,
            caller,
            database,
            budget,
            attempt,
        } = call;
        let of_job = attempt.is_some();
        let log = self.log(image, id, budget, attempt.as_ref());
        let database = Database::new(database, deadline, budget, log.clone(), attempt);
        // Where this alone is too much, the first statement is told.
        let _ = database.carry(entry.size());
        let egress = self.egress(image, &log, deadline);
        // However the call ends, a panic of ours included.
        let _cut = egress.cut_on_drop();
        let binding = Binding {
            call: id,
            caller,
            database: database.clone(),
            egress: egress.clone(),
            credentials: self.credentials(image, log.clone()),
            settings: self.settings(image),
            notify: notifications(image, budget, &log),
            jobs: self.jobs(image),
            schedules: self.schedules(image),
            log: log.clone(),
            deadline,
        };

        let began = Instant::now();
        let mut fired = Vec::new();
        let result = match self.cell(image, binding, budget).await {
            Ok(mut cell) => {
                receipt.instantiate = began.elapsed();
                let result = guest::enter(image, &mut cell, entry, deadline, budget).await;
                let result = match result {
                    Ok(answer) => {
                        fired = cell.store.data_mut().fired(&answer);
                        conclude(&database, answer, &fired).await
                    }
                    Err(error) => Err(error),
                };
                receipt.run = began.elapsed().saturating_sub(receipt.instantiate);
                receipt.memory = cell.memory();
                receipt.fuel = fuel_used(&cell.store, budget);
                receipt.grants = cell.store.data_mut().finish();
                self.keep_for_the_next(image, cell, share, &result);
                result
            }
            Err(error) => Err(error),
        };
        database.finish();
        add_use(receipt, &database, &egress, &log);
        match &result {
            Ok(answer) => receipt.answer = answer.len(),
            Err(error) => {
                describe(&log, error);
                receipt.error = Some(log.masked(&error.in_the_log()).into_owned());
            }
        }
        // What a job's failure says is kept for others to read.
        let result = result.map_err(|error| if of_job { error.masked(&log) } else { error });
        log.close();
        result.map(|answer| (answer, fired))
    }

    /// Keeps a cell for its release's next call, where that may use it.
    fn keep_for_the_next(
        &self,
        image: &Image,
        cell: Cell,
        share: Share,
        result: &Result<String, CallError>,
    ) {
        if is_sound(result)
            && image.settings.instances == Instances::Reused
            && let Some(held) = self.0.memory.for_idle(share, cell.memory())
        {
            image.idle.keep(image.settings.release, cell, held);
        }
    }

    /// A cell that is bound to the call: an idle one, or a new one.
    async fn cell(
        &self,
        image: &Image,
        binding: Binding,
        budget: Budget,
    ) -> Result<Cell, CallError> {
        if let Some(mut cell) = image.idle.take(image.settings.release) {
            cell.store.data_mut().rebind(binding);
            cell.store.set_epoch_deadline(1);
            fill(&mut cell.store, budget)?;
            return Ok(cell);
        }
        let deadline = binding.deadline;
        let mut store = state::store(
            &self.0.engine,
            CellState::new(binding, budget.memory, image.sources.clone()),
        );
        fill(&mut store, budget)?;
        let made = async {
            let instance = image.component.instantiate_async(&mut store).await?;
            let app = image.exports.load(&mut store, &instance)?;
            Ok((instance, app))
        };
        match tokio::time::timeout_at(deadline + GRACE, made).await {
            Ok(Ok((instance, app))) => Ok(Cell::new(store, instance, app)),
            Ok(Err(error)) => Err(classify(&mut store, &error, budget)),
            Err(_) => Err(CallError::TimedOut(budget.wall)),
        }
    }
}

/// Whether a cell can serve another call. An exception is the app's own business; anything else
/// that went wrong may have left anything behind.
fn is_sound(result: &Result<String, CallError>) -> bool {
    matches!(
        result,
        Ok(_) | Err(CallError::App { .. } | CallError::NotWell { .. })
    )
}

/// Gives a cell the instructions of its call, where they are counted.
fn fill(store: &mut Store<CellState>, budget: Budget) -> Result<(), CallError> {
    let Some(fuel) = budget.fuel else {
        return Ok(());
    };
    let filled = store.set_fuel(fuel);
    filled.map_err(|error| CallError::Internal(anyhow::anyhow!("{error:#}")))
}

/// How many instructions a call has run, where they are counted.
fn fuel_used(store: &Store<CellState>, budget: Budget) -> Option<u64> {
    Some(budget.fuel?.saturating_sub(store.get_fuel().ok()?))
}

/// Commits what an answer was to be committed with.
async fn conclude(
    database: &Database,
    answer: String,
    fired: &[Fired],
) -> Result<String, CallError> {
    if !database.commits_on_return() {
        return Ok(answer);
    }
    let failed = |name: &str, message: String| CallError::App {
        name: name.to_owned(),
        message,
        trace: None,
    };
    let kept = payload::result(&answer)
        .ok_or_else(|| failed("TypeError", "response serialization failed".to_owned()))?;
    match database.conclude(&kept, fired).await {
        Ok(()) => Ok(answer),
        Err(_) if database.is_stopped() => Err(CallError::Stopped),
        Err(error) => Err(failed("DatabaseError", error.to_string())),
    }
}

/// Adds what a call has used beside its cell.
fn add_use(receipt: &mut Receipt, database: &Database, egress: &Egress, log: &CallLog) {
    receipt.database = database.usage();
    receipt.egress = egress.usage();
    receipt.grants.extend(database.used());
    receipt.grants.extend(egress.used());
    receipt.log_lines = log.lines();
}
