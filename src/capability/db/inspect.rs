//! The first wall: every statement is read before it is sent. What is read, and what is
//! refused, is decided in [`crate::sql`]; here it meets one app's tables.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::Client;

use super::DbError;
use crate::ids::AppName;
use crate::postgres::Roles;
use crate::sql::{self, Ddl, Kind, Place, Scope, Verdict, Verdicts};

/// A text of more bytes takes milliseconds to read, so it is read where that delays no other
/// call.
const LONG: usize = 16 * 1024;

/// Judges the statements of an app's calls. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inspector {
    verdicts: Arc<Verdicts>,
    scope: Arc<Scope>,
}

impl Inspector {
    /// `scope` is what the app may touch from now on.
    pub(crate) fn new(verdicts: Arc<Verdicts>, scope: Scope) -> Self {
        Self {
            verdicts,
            scope: Arc::new(scope),
        }
    }

    pub(super) async fn admit(&self, sql: &str) -> Result<Arc<Verdict>, DbError> {
        let verdict = read(&self.verdicts, sql).await?;
        verdict.admit(&self.scope, Place::Call)?;
        Ok(verdict)
    }

    /// The keys of the grants that an admitted statement uses.
    pub(super) fn grants(&self, verdict: &Verdict) -> Vec<String> {
        let foreign = self.scope.foreign(verdict);
        foreign.map(|name| format!("table:{name}")).collect()
    }
}

/// Judges the statements of one deploy, which change what there is as they run.
pub(crate) struct Migration {
    client: Arc<Client>,
    app: AppName,
    roles: Roles,
    verdicts: Arc<Verdicts>,
    /// What the app may touch now; none where a statement may have changed it.
    scope: Mutex<Option<Arc<Scope>>>,
}

impl Migration {
    /// `client` is the deploy's transaction, as the owner of the app's tables.
    pub(crate) fn new(
        client: Arc<Client>,
        app: AppName,
        roles: Roles,
        verdicts: Arc<Verdicts>,
    ) -> Self {
        Self {
            client,
            app,
            roles,
            verdicts,
            scope: Mutex::default(),
        }
    }

    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Reads a statement that is about to be sent.
    pub(crate) async fn admit(&self, sql: &str) -> Result<Arc<Verdict>, DbError> {
        let verdict = read(&self.verdicts, sql).await?;
        verdict.admit(&*self.scope().await?, Place::Deploy)?;
        if matches!(verdict.kind(), Kind::Ddl(_) | Kind::RollbackTo(_)) {
            self.tables_may_change();
        }
        Ok(verdict)
    }

    /// Whether a statement asks for what the host has done already: it has made the app's own
    /// schema, which the app itself may not.
    pub(crate) fn is_done_already(verdict: &Verdict) -> bool {
        matches!(verdict.kind(), Kind::Ddl(Ddl::CreateSchema))
    }

    /// Forgets which tables there are. Also for the end of a savepoint.
    pub(super) fn tables_may_change(&self) {
        *self.known() = None;
    }

    async fn scope(&self) -> Result<Arc<Scope>, DbError> {
        if let Some(scope) = self.known().clone() {
            return Ok(scope);
        }
        let scope = self.roles.own_scope(&self.client, &self.app).await?;
        let scope = Arc::new(scope);
        *self.known() = Some(Arc::clone(&scope));
        Ok(scope)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Arc<Scope>>> {
        self.scope.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(verdicts: &Arc<Verdicts>, sql: &str) -> Result<Arc<Verdict>, DbError> {
    // What is too long to be read at all is not worth a copy.
    if sql.len() <= LONG || sql.len() > sql::TEXT_BYTES {
        return Ok(verdicts.inspect(sql)?);
    }
    let (verdicts, sql) = (Arc::clone(verdicts), sql.to_owned());
    tokio::task::spawn_blocking(move || verdicts.inspect(&sql))
        .await
        .map_err(|error| DbError::Unavailable(error.into()))?
        .map_err(DbError::from)
}
