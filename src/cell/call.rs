//! One entry into a cell, from its place in the queue to its receipt.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::Instance;
use wasmtime::{AsContextMut, Store, Trap};

use super::admission::{Busy, Place};
use super::limits::{self, Budget};
use super::pool::Cell;
use super::state::{self, Binding, CellState};
use super::{Cells, Image, Providers, Settings};
use crate::app::manifest::Instances;
use crate::bindings::skep::app::types::Failure;
use crate::capability::caller::Caller;
use crate::capability::credentials::CallCredentials;
use crate::capability::db::session::{Database, Source};
use crate::capability::log::{CallLog, Level};
use crate::capability::settings::CallSettings;
use crate::capability::settings::policy::Uses;
use crate::ids::CallId;

/// How long after its deadline a cell is given up that did not stop by itself, because it
/// waits for something of the host.
const GRACE: Duration = Duration::from_millis(40);

/// What is called.
#[derive(Debug)]
pub(crate) enum Entry {
    /// The app's own function, with JSON text.
    Execute(String),
    /// The preparation of a release.
    Load,
}

/// What the host decides about one call.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) entry: Entry,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) database: Source,
    pub(crate) budget: Budget,
}

/// What a call came to, and what it used.
pub(crate) struct Outcome {
    /// The app's JSON text; empty for `load`.
    pub(crate) result: Result<String, CallError>,
    pub(crate) receipt: Receipt,
}

/// What one call really used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Receipt {
    /// Waiting for a place.
    pub(crate) queued: Duration,
    /// Making the cell; nothing where one was reused.
    pub(crate) instantiate: Duration,
    /// Inside the cell, waiting for the host included.
    pub(crate) run: Duration,
    /// Waiting for the database.
    pub(crate) database: Duration,
    pub(crate) statements: u32,
    /// The most memory the cell has had, in bytes.
    pub(crate) memory: usize,
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
    #[error("the call was stopped: it took longer than its {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("the call was stopped: it needed more than its {} MiB of memory", .0 / (1024 * 1024))]
    OutOfMemory(usize),
    #[error("the app's answer is larger than {} MiB: send it in parts", limits::ANSWER_BYTES / (1024 * 1024))]
    AnswerTooLarge,
    /// The component did what WebAssembly forbids, or ended itself.
    #[error("the app crashed: {0}")]
    Crashed(String),
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Ours.
    #[error("the call could not be run")]
    Internal(#[source] anyhow::Error),
}

impl Cells {
    /// Runs one call of a release to its end, whatever becomes of who asked for it.
    pub(crate) async fn run(&self, image: &Arc<Image>, call: Call) -> Outcome {
        let cells = self.clone();
        let image = Arc::clone(image);
        // A task of its own: a caller who goes away must not leave a statement running or a
        // transaction open.
        match tokio::spawn(async move { cells.admit_and_run(&image, call).await }).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome {
                result: Err(CallError::Internal(error.into())),
                receipt: Receipt::default(),
            },
        }
    }

    async fn admit_and_run(&self, image: &Image, call: Call) -> Outcome {
        let began = Instant::now();
        let deadline = began + call.budget.wall;
        let mut receipt = Receipt::default();

        let places = self.enter(image, deadline).await;
        receipt.queued = began.elapsed();
        let result = match places {
            Ok(_places) => self.run_admitted(image, call, deadline, &mut receipt).await,
            Err(busy) => Err(busy.into()),
        };
        Outcome { result, receipt }
    }

    /// A place among the app's calls, then among all.
    async fn enter(&self, image: &Image, deadline: Instant) -> Result<(Place, Place), Busy> {
        let own = image.admission.enter(deadline).await?;
        // Busy apps must not keep the others waiting until their own calls are over.
        if image.admission.has_few()
            && let Some(reserved) = self.0.reserve.try_enter()
        {
            return Ok((own, reserved));
        }
        let all = self.0.admission.enter(deadline).await?;
        Ok((own, all))
    }

    async fn run_admitted(
        &self,
        image: &Image,
        call: Call,
        deadline: Instant,
        receipt: &mut Receipt,
    ) -> Result<String, CallError> {
        let Call {
            id,
            entry,
            caller,
            database,
            budget,
        } = call;
        let log = CallLog::new(image.settings.app.clone(), image.settings.release, id);
        let database = Database::new(database, deadline);
        let binding = Binding {
            call: id,
            caller,
            database: database.clone(),
            credentials: self.credentials(image, id),
            settings: self.settings(image),
            log: log.clone(),
            deadline,
        };

        let began = Instant::now();
        let result = match self.cell(image, binding, budget).await {
            Ok(mut cell) => {
                receipt.instantiate = began.elapsed();
                let result = enter_guest(image, &mut cell, entry, deadline, budget).await;
                receipt.run = began.elapsed().saturating_sub(receipt.instantiate);
                receipt.memory = cell.store.data().memory.used();
                cell.store.data_mut().finish();
                // An exception is the app's own business; anything else that went wrong may have
                // left anything behind.
                let sound = matches!(result, Ok(_) | Err(CallError::App { .. }));
                if sound && image.settings.instances == Instances::Reused {
                    image.idle.keep(image.settings.release, cell);
                }
                result
            }
            Err(error) => Err(error),
        };
        database.finish();
        receipt.database = database.waited();
        receipt.statements = database.statements();
        if let Err(error) = &result {
            describe(&log, error);
        }
        result
    }

    /// A call's way to its app's credentials.
    fn credentials(&self, image: &Image, call: CallId) -> CallCredentials {
        let Settings {
            app,
            release,
            credentials,
            ..
        } = &image.settings;
        let vault = self.0.providers.vault.clone();
        CallCredentials::new(vault, app.clone(), *release, call, credentials.clone())
    }

    /// A call's way to its app's settings.
    fn settings(&self, image: &Image) -> CallSettings {
        let Providers { store, clock, .. } = &self.0.providers;
        CallSettings {
            store: store.clone(),
            clock: clock.clone(),
            app: image.settings.app.clone(),
            grant: image.settings.settings.clone(),
            uses: Uses::default(),
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
            return Ok(cell);
        }
        let deadline = binding.deadline;
        let mut store = state::store(&self.0.engine, CellState::new(binding, budget.memory));
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
    let guest = async {
        match entry {
            Entry::Execute(data) => app.call_execute(store.as_context_mut(), &data).await,
            Entry::Load => load(image, store, instance).await,
        }
    };
    let Ok(returned) = tokio::time::timeout_at(deadline + GRACE, guest).await else {
        return Err(CallError::TimedOut(budget.wall));
    };
    match returned {
        Ok(Ok(answer)) if answer.len() > limits::ANSWER_BYTES => Err(CallError::AnswerTooLarge),
        Ok(Ok(answer)) => Ok(answer),
        // What an app says about being stopped is not what happened to it.
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
        Err(error) => Err(classify(store, &error, budget)),
    }
}

async fn load(
    image: &Image,
    store: &mut Store<CellState>,
    instance: &Instance,
) -> wasmtime::Result<Result<String, Failure>> {
    let Some(index) = image.load else {
        return Ok(Ok(String::new()));
    };
    let function = instance.get_typed_func::<(), (Result<(), Failure>,)>(&mut *store, &index)?;
    let (result,) = function.call_async(store, ()).await?;
    Ok(result.map(|()| String::new()))
}

/// Says what a trap or a failed instantiation was.
fn classify(store: &mut Store<CellState>, error: &wasmtime::Error, budget: Budget) -> CallError {
    if Instant::now() >= store.data().deadline() {
        return CallError::TimedOut(budget.wall);
    }
    if store.data_mut().memory.take_refused() {
        return CallError::OutOfMemory(budget.memory);
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return CallError::Crashed(format!("it ended itself with exit code {}", exit.0));
    }
    match error.downcast_ref::<Trap>() {
        Some(trap) => CallError::Crashed(trap.to_string()),
        None => CallError::Internal(anyhow::anyhow!("{error:#}")),
    }
}

/// Writes to the app's log what its author needs to know.
fn describe(log: &CallLog, error: &CallError) {
    match error {
        CallError::App {
            name,
            message,
            trace,
        } => {
            log.write(
                Level::Error,
                "call",
                &format!("{name}: {message}"),
                trace.as_deref(),
            );
        }
        CallError::Internal(cause) => {
            tracing::error!(error = format!("{cause:#}"), "a call could not be run");
        }
        CallError::Busy(_) => {}
        CallError::TimedOut(_)
        | CallError::OutOfMemory(_)
        | CallError::AnswerTooLarge
        | CallError::Crashed(_) => log.write(Level::Error, "call", &error.to_string(), None),
    }
}
