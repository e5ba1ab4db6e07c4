//! Sends the statements of one call, and cancels them when its time is over.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::StreamExt;
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::encode::Parameter;
use super::fence::Fence;
use super::policy::{self, OverLimit, ResultSize};
use super::{DbError, Inspector, Migration, decode};
use crate::bindings::skep::app::db as wit;
use crate::capability::log::{CallLog, Level, Origin};
use crate::ids::AppName;
use crate::limits::Budget;
use crate::postgres::{self, AppPools};
use crate::sql::Verdict;

/// How long a cancelled statement may take to end before its connection is given up.
const CANCEL_GRACE: Duration = Duration::from_millis(30);

/// How long a transaction that a call left open may take to be rolled back.
const ROLLBACK_TIME: Duration = Duration::from_secs(5);

/// The database as one call may use it. The clones share what the call has used.
#[derive(Clone)]
pub(crate) struct Database(Arc<Shared>);

struct Shared {
    source: Source,
    deadline: Instant,
    /// Of a job's attempt: whatever it commits is fenced.
    fence: Option<Fence>,
    /// The connection whose transaction is committed with the answer.
    last: Mutex<Option<u32>>,
    log: CallLog,
    used: Mutex<BTreeSet<String>>,
    budget: Budget,
    /// Bytes that have crossed between the cell and the host.
    moved: AtomicU64,
    statements: AtomicU32,
    sent: AtomicU64,
    read: Read,
    connections: AtomicU32,
    host_micros: AtomicU64,
    next: AtomicU32,
    open: Mutex<HashMap<u32, Open>>,
}

/// What the call has read, also of results that it did not get.
#[derive(Default)]
struct Read {
    rows: AtomicU64,
    bytes: AtomicU64,
}

/// What a call has used of the database so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Waiting for a connection and for answers.
    pub(crate) waited: Duration,
    /// Statements that the app asked for, refused ones included.
    pub(crate) statements: u32,
    /// Rows of all results.
    pub(crate) rows: u64,
    /// Bytes of statements and parameters.
    pub(crate) sent: u64,
    /// Bytes of results, as the server sends them.
    pub(crate) received: u64,
}

/// Counts the time from its making to its end as waiting, however it ends.
struct Waiting<'a> {
    total: &'a AtomicU64,
    began: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waited = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.total.fetch_add(waited, Ordering::Relaxed);
    }
}

/// What a connection of the guest holds from its first statement on.
///
/// The session outlives its transactions, because settings, temporary tables and cursors
/// `WITH HOLD` do.
pub(super) struct Open {
    pub(super) session: Session,
    pub(super) transaction: Transaction,
}

/// The transaction of a session.
pub(super) enum Transaction {
    None,
    Begun,
    /// In a deploy all connections share one transaction, so each of theirs is a savepoint.
    Savepoint(String),
}

/// Where connections come from.
#[derive(Clone)]
pub(crate) enum Source {
    /// The app's own pool: a call.
    App {
        pools: AppPools,
        app: AppName,
        inspector: Inspector,
    },
    /// The one transaction of a deploy, as the owner of the app's tables: `load`.
    Deploy(Arc<Migration>),
}

/// A connection that is in use.
pub(crate) enum Session {
    App(Borrowed),
    Deploy(Arc<Client>),
}

/// A connection of an app's pool.
///
/// Whoever has it gives it back or closes it. Where it is dropped instead, because its call was
/// given up in the middle of a statement, the statement is cancelled and the connection closed.
pub(crate) struct Borrowed(Option<Box<Object>>);

impl Borrowed {
    fn take(mut self) -> Option<Box<Object>> {
        self.0.take()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            close(*object);
        }
    }
}

/// Closes a connection whatever it is doing; the server rolls back.
fn close(object: Object) {
    let cancel = object.cancel_token();
    drop(Object::take(object));
    // Not awaited, and never sent for a connection that is used again: it takes effect at some
    // later time, on whatever runs there then.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(postgres::cancel(cancel));
    }
}

impl Database {
    /// Where what the call says is kept.
    pub(super) fn log(&self) -> &CallLog {
        &self.0.log
    }

    pub(crate) fn new(
        source: Source,
        deadline: Instant,
        budget: Budget,
        log: CallLog,
        fence: Option<Fence>,
    ) -> Self {
        Self(Arc::new(Shared {
            source,
            deadline,
            fence,
            last: Mutex::new(None),
            log,
            used: Mutex::default(),
            budget,
            moved: AtomicU64::new(0),
            statements: AtomicU32::new(0),
            sent: AtomicU64::new(0),
            read: Read::default(),
            connections: AtomicU32::new(0),
            host_micros: AtomicU64::new(0),
            next: AtomicU32::new(0),
            open: Mutex::new(HashMap::new()),
        }))
    }

    /// A new savepoint's name, where every connection is part of a deploy's transaction.
    pub(super) fn savepoint(&self) -> Option<String> {
        match self.0.source {
            Source::App { .. } => None,
            Source::Deploy(_) => Some(format!("skep_{}", self.next_id())),
        }
    }

    /// Reads a statement before it is sent. What is refused never reaches the server, and is
    /// noted without its text, which may hold anything.
    pub(super) async fn admit(&self, sql: &str) -> Result<Arc<Verdict>, DbError> {
        // Reading costs time too, so what is refused counts.
        if self.0.statements.fetch_add(1, Ordering::Relaxed) >= self.0.budget.statements {
            return Err(OverLimit::Statements(self.0.budget.statements).into());
        }
        let verdict = match &self.0.source {
            Source::App { inspector, .. } => inspector.admit(sql).await,
            Source::Deploy(migration) => migration.admit(sql).await,
        };
        if let Err(DbError::Refused(refusal)) = &verdict {
            let statement = policy::digest(sql);
            let code = refusal.code().sqlstate();
            let place = refusal
                .spot()
                .map_or(String::new(), |spot| format!(", {spot}"));
            let text = format!("the statement {statement} was refused: {code}{place}");
            let origin = Origin::Host("sql");
            self.0.log.write(Level::Warn, origin, &text, None);
        }
        if let (Ok(verdict), Source::App { inspector, .. }) = (&verdict, &self.0.source) {
            let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.extend(inspector.grants(verdict));
        }
        verdict
    }

    /// The keys of the grants that the call has used.
    pub(crate) fn used(&self) -> BTreeSet<String> {
        let used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.clone()
    }

    /// Whether a statement of a deploy asks for what the host has done already.
    pub(super) fn is_done_already(&self, verdict: &Verdict) -> bool {
        match &self.0.source {
            Source::App { .. } => false,
            Source::Deploy(_) => Migration::is_done_already(verdict),
        }
    }

    /// What proves to the database that the host queues a job; a deploy queues none.
    pub(super) fn queue_secret(&self) -> Vec<u8> {
        match &self.0.source {
            Source::App { pools, app, .. } => pools.queue_secret(app),
            Source::Deploy(_) => Vec::new(),
        }
    }

    /// Notes that what a savepoint of a deploy made may be gone.
    pub(super) fn undone(&self) {
        if let Source::Deploy(migration) = &self.0.source {
            migration.tables_may_change();
        }
    }

    /// An id for one more connection of the call.
    pub(super) fn next_id(&self) -> u32 {
        self.0.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes what a connection holds, to work with it or to end it.
    pub(super) fn take(&self, id: u32) -> Option<Open> {
        self.all_open().remove(&id)
    }

    /// Keeps what a connection holds for its next statement.
    pub(super) fn keep(&self, id: u32, open: Open) {
        self.all_open().insert(id, open);
    }

    /// Rolls back whatever the call has left open, however it ended.
    pub(crate) fn finish(&self) {
        let open: Vec<Open> = self.all_open().drain().map(|(_, open)| open).collect();
        for open in open {
            self.release(open);
        }
    }

    fn all_open(&self) -> MutexGuard<'_, HashMap<u32, Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the call has used so far.
    pub(crate) fn usage(&self) -> Usage {
        let shared = &*self.0;
        Usage {
            waited: Duration::from_micros(shared.host_micros.load(Ordering::Relaxed)),
            statements: shared.statements.load(Ordering::Relaxed),
            rows: shared.read.rows.load(Ordering::Relaxed),
            sent: shared.sent.load(Ordering::Relaxed),
            received: shared.read.bytes.load(Ordering::Relaxed),
        }
    }

    fn waiting(&self) -> Waiting<'_> {
        Waiting {
            total: &self.0.host_micros,
            began: Instant::now(),
        }
    }

    /// Takes a connection, waiting for one as long as the call's time lasts.
    pub(super) async fn open(&self) -> Result<Session, DbError> {
        let _waiting = self.waiting();
        match &self.0.source {
            Source::App { pools, app, .. } => {
                if self.0.connections.fetch_add(1, Ordering::Relaxed) >= policy::CONNECTIONS {
                    self.0.connections.fetch_sub(1, Ordering::Relaxed);
                    return Err(OverLimit::Connections.into());
                }
                let wait = self.0.deadline.saturating_duration_since(Instant::now());
                let object = tokio::time::timeout_at(self.0.deadline, pools.get(app, wait))
                    .await
                    .map_err(|_| DbError::TimedOut)
                    .and_then(|object| object.map_err(|error| DbError::Unavailable(error.into())));
                if let Some(fence) = &self.0.fence {
                    fence.note_loss(&object);
                }
                if object.is_err() {
                    self.0.connections.fetch_sub(1, Ordering::Relaxed);
                }
                object.map(|object| Session::App(Borrowed(Some(Box::new(object)))))
            }
            Source::Deploy(migration) => Ok(Session::Deploy(Arc::clone(migration.client()))),
        }
    }

    /// Gives a connection back. A transaction that is still open is rolled back behind the
    /// call's back; where that fails, the connection is closed.
    ///
    /// Nothing else needs to be reset: no statement passes the inspection that would change
    /// the session beyond its transaction.
    pub(super) fn release(&self, open: Open) {
        let Session::App(borrowed) = open.session else {
            return;
        };
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        let Some(object) = borrowed.take() else {
            return;
        };
        if matches!(open.transaction, Transaction::None) {
            return;
        }
        tokio::spawn(async move {
            let ended = tokio::time::timeout(ROLLBACK_TIME, object.batch_execute("ROLLBACK"));
            if !matches!(ended.await, Ok(Ok(()))) {
                drop(Object::take(*object));
            }
        });
    }

    /// Closes a connection whose state is not known; the server rolls back.
    pub(super) fn discard(&self, session: Session) {
        let Session::App(borrowed) = session else {
            return;
        };
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        if let Some(object) = borrowed.take() {
            close(*object);
        }
    }

    /// Ends when the call's time is over, or its job is stopped.
    async fn over(&self) {
        let deadline = tokio::time::sleep_until(self.0.deadline);
        match &self.0.fence {
            Some(fence) => tokio::select! {
                () = deadline => {}
                () = fence.stop().cancelled() => {}
            },
            None => deadline.await,
        }
    }

    /// Whether the job that the call works at must stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.fence()
            .is_some_and(|fence| fence.stop().is_cancelled())
    }

    /// Ends when the job that the call works at must stop; for any other call, never.
    pub(crate) async fn stopped(&self) {
        match self.fence() {
            Some(fence) => fence.stop().cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// How long the call may take.
    pub(super) fn wall(&self) -> Duration {
        self.0.budget.wall
    }

    pub(crate) fn fence(&self) -> Option<&Fence> {
        self.0.fence.as_ref()
    }

    /// Makes a connection's transaction the one that is committed with the answer.
    pub(super) fn commit_on_return(&self, id: u32) {
        *self.last() = Some(id);
    }

    pub(super) fn is_kept_for_return(&self, id: u32) -> bool {
        *self.last() == Some(id)
    }

    pub(super) fn last(&self) -> MutexGuard<'_, Option<u32>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the host's own statement, such as BEGIN.
    pub(super) async fn control(&self, session: &Session, sql: &str) -> Result<(), DbError> {
        let client = session.client()?;
        self.bounded(session, async { Ok(client.batch_execute(sql).await?) })
            .await
    }

    /// Sends one statement of the app, behind the host's own statement where there is one,
    /// without waiting between the two.
    pub(super) async fn query(
        &self,
        session: &Session,
        before: Option<&str>,
        statement: Statement<'_>,
    ) -> Result<wit::Outcome, DbError> {
        let Statement {
            sql,
            params,
            verdict,
        } = statement;
        let params: Vec<Parameter> = params
            .iter()
            .zip(1..)
            .map(|(value, place)| Parameter::new(value, place))
            .collect::<Result<_, _>>()?;
        let parameters = params.iter().map(Parameter::len).sum();
        policy::admit_parameters(parameters)?;
        self.carry(sql.len() + parameters)?;
        let sent = u64::try_from(sql.len() + parameters).unwrap_or(u64::MAX);
        self.0.sent.fetch_add(sent, Ordering::Relaxed);
        let client = session.client()?;
        let mut size = ResultSize::new(self.0.budget);
        let fetch = fetch(client, sql, &params, verdict, &self.0.read, &mut size);
        let outcome = self
            .bounded(session, async {
                let Some(before) = before else {
                    return fetch.await;
                };
                let (before, outcome) = tokio::join!(client.batch_execute(before), fetch);
                before?;
                outcome
            })
            .await?;
        self.carry(size.bytes())?;
        Ok(outcome)
    }

    /// Counts bytes that cross between the cell and the host, whichever way.
    pub(crate) fn carry(&self, bytes: usize) -> Result<(), OverLimit> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.0.moved.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.0.budget.transfer {
            return Err(OverLimit::Transfer(self.0.budget.transfer));
        }
        Ok(())
    }

    /// Waits for the server as long as the call's time lasts, then cancels.
    pub(super) async fn bounded<T>(
        &self,
        session: &Session,
        work: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        let _waiting = self.waiting();
        let mut work = pin!(work);
        let result = tokio::select! {
            biased;
            result = &mut work => result,
            () = self.over() => {
                // The server must not go on for a call that is over.
                let cancel = session.client()?.cancel_token();
                let cancelled = async {
                    let _ = postgres::cancel(cancel).await;
                    let _ = work.await;
                };
                let _ = tokio::time::timeout(CANCEL_GRACE, cancelled).await;
                Err(DbError::TimedOut)
            }
        };
        if let Some(fence) = &self.0.fence {
            fence.note_loss(&result);
        }
        result
    }
}

/// A statement that was read and may be sent.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    pub(super) sql: &'a str,
    pub(super) params: &'a [wit::Value],
    pub(super) verdict: &'a Verdict,
}

impl Session {
    pub(super) fn client(&self) -> Result<&Client, DbError> {
        match self {
            // It is there until the session is given back or closed.
            Self::App(Borrowed(object)) => Ok(object.as_deref().ok_or(DbError::Lost)?),
            Self::Deploy(client) => Ok(client),
        }
    }
}

async fn fetch(
    client: &Client,
    sql: &str,
    params: &[Parameter],
    verdict: &Verdict,
    read: &Read,
    size: &mut ResultSize,
) -> Result<wit::Outcome, DbError> {
    // `unknown` leaves the type of each parameter to the server.
    let typed = params.iter().map(|param| (param, Type::UNKNOWN));
    let mut stream = pin!(client.query_typed_raw(sql, typed).await?);

    let mut outcome = wit::Outcome {
        columns: Vec::new(),
        rows: Vec::new(),
        affected: 0,
    };
    while let Some(row) = stream.next().await {
        let row = row?;
        if outcome.rows.is_empty() {
            outcome.columns = row.columns().iter().map(column).collect();
        }
        let bytes = row.raw_size_bytes();
        read.rows.fetch_add(1, Ordering::Relaxed);
        read.bytes
            .fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        size.admit(row.len(), bytes)?;
        outcome.rows.push(decode::row(&row)?);
    }
    outcome.affected = stream.rows_affected().unwrap_or(0);
    if outcome.rows.is_empty() && verdict.returns_rows() {
        // An empty result has columns too, which only the statement's description names.
        let types = vec![Type::UNKNOWN; params.len()];
        let statement = client.prepare_typed(sql, &types).await?;
        outcome.columns = statement.columns().iter().map(column).collect();
    }
    Ok(outcome)
}

fn column(column: &tokio_postgres::Column) -> wit::Column {
    wit::Column {
        name: column.name().to_owned(),
        type_name: decode::type_name(column.type_()),
    }
}
