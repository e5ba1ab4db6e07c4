//! What one cell's store holds: the `T` of `Store<T>`.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView};

use super::limits::{self, MemoryLimit};
use super::scratch::{self, Scratch, ScratchView};
use crate::capability::caller::{self, Caller, CallerView};
use crate::capability::credentials::{self, CallCredentials};
use crate::capability::db::session::Database;
use crate::capability::db::{self, Db};
use crate::capability::egress::{self, Egress};
use crate::capability::jobs::{self, CallJobs, Jobs};
use crate::capability::log::stdio::Lines;
use crate::capability::log::{self, CallLog};
use crate::capability::notify::policy::Fired;
use crate::capability::notify::{self, CallNotify};
use crate::capability::schedules::{self, CallSchedules};
use crate::capability::settings::{self, CallSettings};
use crate::ids::CallId;
use crate::services::Clock;

/// What the host binds to one call. Nothing that a guest says changes it.
pub(crate) struct Binding {
    pub(crate) call: CallId,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) database: Database,
    pub(crate) egress: Egress,
    pub(crate) credentials: CallCredentials,
    pub(crate) settings: CallSettings,
    pub(crate) notify: CallNotify,
    pub(crate) jobs: CallJobs,
    pub(crate) schedules: CallSchedules,
    pub(crate) log: CallLog,
    pub(crate) deadline: Instant,
}

/// The state of a cell: what belongs to the call, and what belongs to the instance.
pub(crate) struct CellState {
    binding: Binding,
    pub(super) memory: MemoryLimit,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    scratch: Scratch,
    sources: Option<Scratch>,
    stdout: Lines,
    stderr: Lines,
}

impl CellState {
    /// `sources` is the folder that an app reads its own files from, if it does.
    pub(super) fn new(binding: Binding, memory: usize, sources: Option<Scratch>) -> Self {
        let stdout = Lines::stdout(binding.log.clone());
        let stderr = Lines::stderr(binding.log.clone());
        // A cell reads the system's clock by itself, and its files tell the same time.
        let scratch = Scratch::new(limits::SCRATCH, Clock::system(), binding.log.clone());
        // No arguments, environment, folders or sockets: what is not given is not there.
        let wasi = WasiCtxBuilder::new()
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .max_random_size(limits::RANDOM_BYTES)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES);
        Self {
            binding,
            memory: MemoryLimit::new(memory),
            wasi,
            http: egress::context(),
            table,
            scratch,
            sources,
            stdout,
            stderr,
        }
    }

    /// Gives a reused cell to its next call.
    pub(super) fn rebind(&mut self, binding: Binding) {
        self.stdout.redirect(binding.log.clone());
        self.stderr.redirect(binding.log.clone());
        self.scratch.rebind(binding.log.clone());
        self.binding = binding;
    }

    /// Ends a call: writes what it printed last, empties its scratch folder, and closes the
    /// connections that it left open, which rolls back those to the database.
    ///
    /// What comes back are the keys of the grants of credentials that the call has used.
    pub(super) fn finish(&mut self) -> BTreeSet<String> {
        self.stdout.finish();
        self.stderr.finish();
        self.scratch.clear();
        self.binding.database.finish();
        self.binding.egress.finish();
        // An idle cell keeps no secret.
        self.binding.credentials.finish()
    }

    /// What a call that succeeded has fired.
    pub(super) fn fired(&mut self, answer: &str) -> Vec<Fired> {
        self.binding.notify.conclude(answer)
    }

    pub(super) fn deadline(&self) -> Instant {
        self.binding.deadline
    }

    pub(super) fn database(&self) -> &Database {
        &self.binding.database
    }

    fn db(&mut self) -> Db<'_> {
        Db {
            database: &self.binding.database,
            table: &mut self.table,
        }
    }

    fn scratch(&mut self) -> ScratchView<'_> {
        ScratchView {
            scratch: &self.scratch,
            sources: self.sources.as_ref(),
            table: &mut self.table,
        }
    }

    fn egress(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.binding.egress,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }

    /// Whether the call is over before its deadline, because its job must stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.binding.database.is_stopped()
    }

    fn jobs(&mut self) -> Jobs<'_> {
        Jobs {
            jobs: &mut self.binding.jobs,
            database: &self.binding.database,
            caller: self.binding.caller.as_deref(),
            table: &mut self.table,
        }
    }

    fn caller(&mut self) -> CallerView<'_> {
        CallerView {
            call: self.binding.call,
            caller: self.binding.caller.as_ref(),
        }
    }

    fn credentials(&mut self) -> &mut CallCredentials {
        &mut self.binding.credentials
    }

    fn settings(&mut self) -> &mut CallSettings {
        &mut self.binding.settings
    }

    fn notify(&mut self) -> &mut CallNotify {
        &mut self.binding.notify
    }

    fn schedules(&mut self) -> &mut CallSchedules {
        &mut self.binding.schedules
    }

    fn log(&mut self) -> &CallLog {
        &self.binding.log
    }
}

impl WasiView for CellState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Everything that a cell can import. A component that imports more does not link.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CellState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    scratch::add_to_linker(&mut linker, CellState::scratch)?;
    log::add_to_linker(&mut linker, CellState::log)?;
    caller::add_to_linker(&mut linker, CellState::caller)?;
    db::add_to_linker(&mut linker, CellState::db)?;
    egress::add_to_linker(&mut linker, CellState::egress)?;
    credentials::add_to_linker(&mut linker, CellState::credentials)?;
    settings::add_to_linker(&mut linker, CellState::settings)?;
    notify::add_to_linker(&mut linker, CellState::notify)?;
    jobs::add_to_linker(&mut linker, CellState::jobs)?;
    schedules::add_to_linker(&mut linker, CellState::schedules)?;
    Ok(linker)
}

/// A store whose guest is stopped at its call's deadline and lets others run meanwhile.
///
/// Where instructions are counted it has none yet.
pub(super) fn store(engine: &Engine, state: CellState) -> Store<CellState> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits::HOST_CALL_BYTES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        if Instant::now() >= context.data().deadline() || context.data().is_stopped() {
            Ok(UpdateDeadline::Interrupt)
        } else {
            Ok(UpdateDeadline::Yield(1))
        }
    });
    store
}
