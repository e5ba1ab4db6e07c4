//! One entry into a cell, from its place in the queue to its receipt.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;
use wasmtime::component::{ComponentExportIndex, Instance, ResourceTableError};
use wasmtime::{AsContextMut, Store, Trap};

use super::admission::{Busy, Place};
use super::limits;
use super::memory::Share;
use super::pool::Cell;
use super::receipt::{Ending, Receipt, Record};
use super::state::{self, Binding, CellState};
use super::{Cells, Image, Providers, engine};
use crate::app::entry::{self, NotWell};
use crate::app::manifest::Instances;
use crate::app::{Hook, payload};
use crate::bindings::skep::app::types::Failure;
use crate::capability::caller::Caller;
use crate::capability::credentials::CallCredentials;
use crate::capability::db::fence::Fence;
use crate::capability::db::session::{Database, Source};
use crate::capability::egress::Egress;
use crate::capability::jobs::CallJobs;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity, detail};
use crate::capability::notify::policy::Fired;
use crate::capability::notify::{self, CallNotify};
use crate::capability::schedules::{self, CallSchedules};
use crate::capability::settings::CallSettings;
use crate::capability::settings::policy::Uses;
use crate::ids::CallId;
use crate::limits::Budget;

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

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The app's own failure, in its own words.
    #[error("{message}")]
    App {
        name: String,
        message: String,
        trace: Option<String>,
    },
    /// A hook that says by itself that it did not succeed, with all of its answer.
    #[error("{message}")]
    NotWell { message: String, answer: String },
    #[error("the call was stopped: it took longer than its {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("the call was stopped: it needed more than its {} MiB of memory", .0 / (1024 * 1024))]
    OutOfMemory(usize),
    #[error("the call was stopped: it ran more than its {} million instructions", .0 / 1_000_000)]
    OutOfFuel(u64),
    #[error("the app's answer is larger than {} MiB: send it in parts", limits::ANSWER_BYTES / (1024 * 1024))]
    AnswerTooLarge,
    /// The component did what WebAssembly forbids, or ended itself.
    #[error("the app crashed: {0}")]
    Crashed(String),
    /// The job that it works at was cancelled, or is another's now.
    #[error("the call was stopped, because its job was")]
    Stopped,
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Ours.
    #[error("the call could not be run")]
    Internal(#[source] anyhow::Error),
}

impl CallError {
    /// The same without the secrets that the call has read, as far as the log can tell.
    fn masked(self, log: &CallLog) -> Self {
        let hide = |text: String| log.masked(&text).into_owned();
        match self {
            Self::App {
                name,
                message,
                trace,
            } => Self::App {
                name: hide(name),
                message: hide(message),
                trace: trace.map(hide),
            },
            Self::NotWell { message, answer } => Self::NotWell {
                message: hide(message),
                answer: hide(answer),
            },
            other @ (Self::TimedOut(_)
            | Self::OutOfMemory(_)
            | Self::OutOfFuel(_)
            | Self::AnswerTooLarge
            | Self::Crashed(_)
            | Self::Stopped
            | Self::Busy(_)
            | Self::Internal(_)) => other,
        }
    }

    /// What the app's author reads of it.
    pub(crate) fn in_the_log(&self) -> String {
        match self {
            Self::App { name, message, .. } => format!("{name}: {message}"),
            Self::TimedOut(_)
            | Self::OutOfMemory(_)
            | Self::OutOfFuel(_)
            | Self::AnswerTooLarge
            | Self::Crashed(_)
            | Self::Stopped
            | Self::NotWell { .. }
            | Self::Busy(_)
            | Self::Internal(_) => self.to_string(),
        }
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
                let result = enter_guest(image, &mut cell, entry, deadline, budget).await;
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

    /// A call's log.
    pub(super) fn log(
        &self,
        image: &Image,
        call: CallId,
        budget: Budget,
        attempt: Option<&Fence>,
    ) -> CallLog {
        let identity = Identity {
            app: image.settings.app.clone(),
            release: image.settings.release,
            call,
            job: attempt.map(|fence| (fence.job(), fence.number())),
        };
        let most = Most {
            lines: budget.log_lines,
            bytes: budget.log_bytes,
        };
        CallLog::new(identity, most, self.0.providers.book.clone())
    }

    /// A call's way to its app's credentials.
    pub(super) fn credentials(&self, image: &Image, log: CallLog) -> CallCredentials {
        let grant = image.settings.credentials.clone();
        CallCredentials::new(self.0.providers.vault.clone(), grant, log)
    }

    /// A call's way to its app's jobs.
    pub(super) fn jobs(&self, image: &Image) -> CallJobs {
        let Providers { backlog, clock, .. } = &self.0.providers;
        CallJobs {
            app: image.settings.app.clone(),
            grant: image.settings.jobs.clone(),
            backlog: backlog.clone(),
            clock: clock.clone(),
            queued: 0,
        }
    }

    /// A call's way to its app's settings.
    pub(super) fn settings(&self, image: &Image) -> CallSettings {
        let Providers { store, clock, .. } = &self.0.providers;
        CallSettings {
            store: store.clone(),
            clock: clock.clone(),
            app: image.settings.app.clone(),
            grant: image.settings.settings.clone(),
            uses: Uses::default(),
        }
    }

    /// A call's way to the servers that its app may send requests to.
    fn egress(&self, image: &Image, log: &CallLog, deadline: Instant) -> Egress {
        Egress::new(
            self.0.providers.gateway.clone(),
            Arc::clone(&image.settings.egress),
            log.clone(),
            deadline,
        )
    }

    /// A call's way to its app's schedules.
    pub(super) fn schedules(&self, image: &Image) -> CallSchedules {
        CallSchedules {
            store: self.0.providers.store.clone(),
            app: image.settings.app.clone(),
            uses: schedules::policy::Uses::default(),
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
        let mut store = state::store(&self.0.engine, CellState::new(binding, budget.memory));
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

/// A call's way to the users who have subscribed to its app's notifications.
pub(super) fn notifications(image: &Image, budget: Budget, log: &CallLog) -> CallNotify {
    let most = notify::policy::Most {
        count: budget.notifications,
        bytes: budget.notification_bytes,
    };
    CallNotify::new(image.settings.notifications.clone(), most, log.clone())
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

async fn enter_guest(
    image: &Image,
    cell: &mut Cell,
    entry: Entry,
    deadline: Instant,
    budget: Budget,
) -> Result<String, CallError> {
    let Cell {
        store,
        instance,
        app,
        ..
    } = cell;
    let database = store.data().database().clone();
    let is_hook = matches!(entry, Entry::Hook { .. });
    let optional = &image.optional;
    let guest = async {
        match entry {
            Entry::Execute(data) => app.call_execute(store.as_context_mut(), &data).await,
            Entry::Task { name, data } => {
                let index = optional.task.as_ref();
                named(index, store, instance, (&name, &data)).await
            }
            Entry::Hook { hook, payload } => {
                let index = optional.hook.as_ref();
                named(index, store, instance, (hook.name(), &payload)).await
            }
            Entry::Load => load(image, store, instance).await,
        }
    };
    let given_up = async {
        database.stopped().await;
        tokio::time::sleep(GRACE).await;
    };
    let returned = tokio::select! {
        biased;
        returned = tokio::time::timeout_at(deadline + GRACE, guest) => {
            returned.map_err(|_| CallError::TimedOut(budget.wall))?
        }
        () = given_up => return Err(CallError::Stopped),
    };
    match returned {
        Ok(Ok(answer)) if answer.len() > limits::ANSWER_BYTES => Err(CallError::AnswerTooLarge),
        Ok(Ok(answer)) if is_hook => read_hook(answer),
        Ok(Ok(answer)) => Ok(answer),
        // What an app says about being stopped is not what happened to it.
        Ok(Err(_)) if store.data().is_stopped() => Err(CallError::Stopped),
        Ok(Err(_)) if Instant::now() >= deadline => Err(CallError::TimedOut(budget.wall)),
        Ok(Err(_)) if store.data_mut().memory.take_refused() => {
            Err(CallError::OutOfMemory(budget.memory))
        }
        Ok(Err(Failure {
            name,
            message,
            trace,
        })) => Err(CallError::App {
            name,
            message,
            trace,
        }),
        // Whatever fails inside the guest is its own doing: the ABI refused what it handed over.
        Err(error) => {
            let known = classify(store, &error, budget);
            if matches!(known, CallError::Internal(_)) {
                Err(CallError::Crashed(misuse(&error)))
            } else {
                Err(known)
            }
        }
    }
}

/// Says how a guest misused what it may import.
fn misuse(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<ResourceTableError>() {
        Some(ResourceTableError::Full) => format!("it holds more than {} handles", limits::HANDLES),
        _ => error.root_cause().to_string(),
    }
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

/// Calls one of the functions that take a name and JSON text.
async fn named(
    index: Option<&ComponentExportIndex>,
    store: &mut Store<CellState>,
    instance: &Instance,
    (name, data): (&str, &str),
) -> wasmtime::Result<Result<String, Failure>> {
    let Some(index) = index else {
        // A deploy refuses a manifest that names what the component does not have.
        return Ok(Err(Failure {
            name: "NotExported".to_owned(),
            message: format!("the component has nothing to run `{name}` with"),
            trace: None,
        }));
    };
    let function =
        instance.get_typed_func::<(&str, &str), (Result<String, Failure>,)>(&mut *store, index)?;
    let (result,) = function.call_async(store, (name, data)).await?;
    Ok(result)
}

/// Says what a hook came to by what it answered.
fn read_hook(answer: String) -> Result<String, CallError> {
    match entry::read_hook(&answer) {
        Ok(()) => Ok(answer),
        Err(NotWell::Said(message)) => Err(CallError::NotWell { message, answer }),
        Err(NotWell::Malformed) => Err(CallError::App {
            name: "TypeError".to_owned(),
            message: "a hook must answer null, or a JSON object with `ok` and `message`".to_owned(),
            trace: None,
        }),
    }
}

async fn load(
    image: &Image,
    store: &mut Store<CellState>,
    instance: &Instance,
) -> wasmtime::Result<Result<String, Failure>> {
    let Some(index) = image.optional.load else {
        return Ok(Ok(String::new()));
    };
    let function = instance.get_typed_func::<(), (Result<(), Failure>,)>(&mut *store, &index)?;
    let (result,) = function.call_async(store, ()).await?;
    Ok(result.map(|()| String::new()))
}

/// Says what a trap or a failed instantiation was.
fn classify(store: &mut Store<CellState>, error: &wasmtime::Error, budget: Budget) -> CallError {
    if store.data().is_stopped() {
        return CallError::Stopped;
    }
    if Instant::now() >= store.data().deadline() {
        return CallError::TimedOut(budget.wall);
    }
    if store.data_mut().memory.take_refused() {
        return CallError::OutOfMemory(budget.memory);
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return CallError::Crashed(format!("it ended itself with exit code {}", exit.0));
    }
    if let Some(headers) = error.downcast_ref::<wasmtime_wasi_http::FieldMapError>() {
        return CallError::Crashed(format!("the headers of a request are too large: {headers}"));
    }
    match (error.downcast_ref::<Trap>(), budget.fuel) {
        (Some(Trap::OutOfFuel), Some(fuel)) => CallError::OutOfFuel(fuel),
        (Some(Trap::StackOverflow), _) => CallError::Crashed(format!(
            "its stack is over {} KiB: too deep recursion",
            engine::STACK_BYTES / 1024
        )),
        (Some(trap), _) => CallError::Crashed(trap.to_string()),
        (None, _) => CallError::Internal(anyhow::anyhow!("{error:#}")),
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

/// Writes to the app's log what its author needs to know.
fn describe(log: &CallLog, error: &CallError) {
    match error {
        CallError::App { name, trace, .. } => {
            let detail = detail::failure(name, trace.as_deref());
            log.conclude(&error.in_the_log(), Some(&detail));
        }
        CallError::Internal(cause) => {
            tracing::error!(error = format!("{cause:#}"), "a call could not be run");
            log.conclude(&error.to_string(), None);
        }
        CallError::Busy(_) => {}
        CallError::NotWell { .. }
        | CallError::TimedOut(_)
        | CallError::OutOfMemory(_)
        | CallError::OutOfFuel(_)
        | CallError::AnswerTooLarge
        | CallError::Stopped
        | CallError::Crashed(_) => log.conclude(&error.to_string(), None),
    }
}
