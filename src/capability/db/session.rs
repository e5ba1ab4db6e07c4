//! Sends the statements of one call, and cancels them when its time is over.

use std::collections::HashMap;
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
use super::policy::{self, OverLimit, ResultSize};
use super::{DbError, decode};
use crate::bindings::skep::app::db as wit;
use crate::ids::AppName;
use crate::limits::Budget;
use crate::postgres::{self, AppPools};

/// How long a cancelled statement may take to end before its connection is given up.
const CANCEL_GRACE: Duration = Duration::from_millis(30);

/// What makes a used connection as good as new, except for prepared statements.
const RESET: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// The database as one call may use it. The clones share what the call has used.
#[derive(Clone)]
pub(crate) struct Database(Arc<Shared>);

struct Shared {
    source: Source,
    deadline: Instant,
    budget: Budget,
    /// Bytes that have crossed between the cell and the host.
    moved: AtomicU64,
    statements: AtomicU32,
    connections: AtomicU32,
    host_micros: AtomicU64,
    next: AtomicU32,
    open: Mutex<HashMap<u32, Open>>,
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
    App { pools: AppPools, app: AppName },
    /// The one transaction of a deploy, as the owner of the app's tables: `load`.
    Deploy { client: Arc<Client>, app: AppName },
}

/// A connection that is in use.
pub(crate) enum Session {
    App(Box<Object>),
    Deploy(Arc<Client>),
}

impl Database {
    pub(crate) fn new(source: Source, deadline: Instant, budget: Budget) -> Self {
        Self(Arc::new(Shared {
            source,
            deadline,
            budget,
            moved: AtomicU64::new(0),
            statements: AtomicU32::new(0),
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
            Source::Deploy { .. } => Some(format!("skep_{}", self.next_id())),
        }
    }

    /// Whether a statement of a deploy asks for what the host has done already.
    pub(super) fn is_done_already(&self, sql: &str) -> bool {
        match &self.0.source {
            Source::App { .. } => false,
            Source::Deploy { app, .. } => policy::creates_own_schema(sql, app.as_str()),
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
            self.release(open.session);
        }
    }

    fn all_open(&self) -> MutexGuard<'_, HashMap<u32, Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many statements the call has sent.
    pub(crate) fn statements(&self) -> u32 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// How long the call has waited for the database.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.0.host_micros.load(Ordering::Relaxed))
    }

    /// Takes a connection, waiting for one as long as the call's time lasts.
    pub(super) async fn open(&self) -> Result<Session, DbError> {
        match &self.0.source {
            Source::App { pools, app } => {
                if self.0.connections.fetch_add(1, Ordering::Relaxed) >= policy::CONNECTIONS {
                    self.0.connections.fetch_sub(1, Ordering::Relaxed);
                    return Err(OverLimit::Connections.into());
                }
                let wait = self.0.deadline.saturating_duration_since(Instant::now());
                let object = tokio::time::timeout_at(self.0.deadline, pools.get(app, wait))
                    .await
                    .map_err(|_| DbError::TimedOut)
                    .and_then(|object| object.map_err(|error| DbError::Unavailable(error.into())));
                if object.is_err() {
                    self.0.connections.fetch_sub(1, Ordering::Relaxed);
                }
                object.map(|object| Session::App(Box::new(object)))
            }
            Source::Deploy { client, .. } => Ok(Session::Deploy(Arc::clone(client))),
        }
    }

    /// Gives a connection back. Its transaction is rolled back and its settings are reset
    /// behind the call's back; one that cannot be reset is closed.
    pub(super) fn release(&self, session: Session) {
        let Session::App(object) = session else {
            return;
        };
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let reset = tokio::time::timeout(Duration::from_secs(5), object.batch_execute(RESET));
            if !matches!(reset.await, Ok(Ok(()))) {
                drop(Object::take(*object));
            }
        });
    }

    /// Closes a connection whose state is not known; the server rolls back.
    pub(super) fn discard(&self, session: Session) {
        let Session::App(object) = session else {
            return;
        };
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        let cancel = object.cancel_token();
        drop(Object::take(*object));
        // Not awaited, and never sent for a connection that is used again: it takes effect at
        // some later time, on whatever runs there then.
        tokio::spawn(postgres::cancel(cancel));
    }

    /// Sends the host's own statement, such as BEGIN.
    pub(super) async fn control(&self, session: &Session, sql: &str) -> Result<(), DbError> {
        let client = session.client();
        self.bounded(session, async { Ok(client.batch_execute(sql).await?) })
            .await
    }

    /// Sends one statement of the app, behind the host's own statement where there is one,
    /// without waiting between the two.
    pub(super) async fn query(
        &self,
        session: &Session,
        before: Option<&str>,
        sql: &str,
        params: &[wit::Value],
    ) -> Result<wit::Outcome, DbError> {
        if self.0.statements.fetch_add(1, Ordering::Relaxed) >= self.0.budget.statements {
            return Err(OverLimit::Statements(self.0.budget.statements).into());
        }
        let params: Vec<Parameter> = params
            .iter()
            .zip(1..)
            .map(|(value, place)| Parameter::new(value, place))
            .collect::<Result<_, _>>()?;
        let parameters = params.iter().map(Parameter::len).sum();
        policy::admit_statement(sql, parameters)?;
        self.carry(sql.len() + parameters)?;
        if sql.contains('\0') {
            return Err(DbError::Invalid(
                "the statement holds a NUL character".to_owned(),
            ));
        }

        let client = session.client();
        let mut size = ResultSize::new(self.0.budget);
        let outcome = self
            .bounded(session, async {
                let Some(before) = before else {
                    return fetch(client, sql, &params, &mut size).await;
                };
                let (before, outcome) = tokio::join!(
                    client.batch_execute(before),
                    fetch(client, sql, &params, &mut size)
                );
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
    async fn bounded<T>(
        &self,
        session: &Session,
        work: impl Future<Output = Result<T, DbError>>,
    ) -> Result<T, DbError> {
        let began = Instant::now();
        let mut work = pin!(work);
        let result = match tokio::time::timeout_at(self.0.deadline, &mut work).await {
            Ok(result) => result,
            Err(_) => {
                // The server must not go on for a call that is over.
                let cancel = session.client().cancel_token();
                let cancelled = async {
                    let _ = postgres::cancel(cancel).await;
                    let _ = work.await;
                };
                let _ = tokio::time::timeout(CANCEL_GRACE, cancelled).await;
                Err(DbError::TimedOut)
            }
        };
        let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.0.host_micros.fetch_add(waited, Ordering::Relaxed);
        result
    }
}

impl Session {
    fn client(&self) -> &Client {
        match self {
            Self::App(object) => object,
            Self::Deploy(client) => client,
        }
    }
}

async fn fetch(
    client: &Client,
    sql: &str,
    params: &[Parameter],
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
        size.admit(row.len(), row.raw_size_bytes())?;
        outcome.rows.push(decode::row(&row)?);
    }
    outcome.affected = stream.rows_affected().unwrap_or(0);
    if outcome.rows.is_empty() && policy::may_have_columns(sql) {
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
