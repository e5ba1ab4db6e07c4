//! What keeps a superseded attempt of a job from committing anything.
//!
//! The host sends these statements on the app's own connection, behind whatever the app did and
//! before the COMMIT, so that both are one transaction. The secret that proves them to be the
//! attempt's is a parameter: no cell and no text of a statement ever holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::DbError;
use crate::capability::notify::policy::Fired;
use crate::ids::JobId;

/// What the functions of `skep_jobs` raise for an attempt that is not the current one.
pub(crate) const SUPERSEDED: &str = "SK001";

/// What the server gives any session of an app by itself covers calls up to this long.
const SHORT: Duration = Duration::from_secs(600);

/// What proves a statement to be an attempt's: random, and nobody else's.
pub(crate) type Secret = Zeroizing<[u8; 16]>;

/// One attempt of a job, as its call proves it to the database. The clones share one state.
#[derive(Clone)]
pub(crate) struct Fence(Arc<Shared>);

struct Shared {
    job: JobId,
    number: i32,
    secret: Secret,
    stop: CancellationToken,
    completed: AtomicBool,
    lost: AtomicBool,
}

impl Fence {
    pub(crate) fn new(job: JobId, number: i32, secret: Secret) -> Self {
        Self(Arc::new(Shared {
            job,
            number,
            secret,
            stop: CancellationToken::new(),
            completed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }))
    }

    pub(crate) fn job(&self) -> JobId {
        self.0.job
    }

    /// The attempt's number: 1 for the first.
    pub(crate) fn number(&self) -> i32 {
        self.0.number
    }

    /// Cancelled when the attempt is over and its cell must stop.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Whether the job was completed in the transaction of what it did.
    pub(crate) fn is_completed(&self) -> bool {
        self.0.completed.load(Ordering::Acquire)
    }

    /// Whether the database was lost meanwhile, which is not the app's doing.
    pub(crate) fn has_lost_the_database(&self) -> bool {
        self.0.lost.load(Ordering::Acquire)
    }

    /// What tells the views of `noderouter_core` which attempt a transaction belongs to, and the
    /// server how long it may take one that runs for `wall`.
    pub(super) fn mark(&self, wall: Duration) -> String {
        let mark = format!(
            "SET LOCAL skep.attempt = '{}:{}'",
            self.0.job, self.0.number
        );
        if wall <= SHORT {
            return mark;
        }
        let patience = (wall + SHORT).as_secs();
        format!(
            "{mark}; SET LOCAL statement_timeout = '{patience}s'; \
             SET LOCAL idle_in_transaction_session_timeout = '{patience}s'"
        )
    }

    /// Fails the transaction of a superseded attempt; else keeps the attempt current until the
    /// transaction ends.
    pub(super) async fn hold(&self, client: &Client) -> Result<(), DbError> {
        self.ask(
            client,
            "SELECT skep_jobs.fence($1::pg_catalog.uuid, $2, $3)",
            &[],
        )
        .await
    }

    /// Completes the job in the transaction, and sends what it fired.
    pub(super) async fn complete(
        &self,
        client: &Client,
        result: &str,
        fired: &[Fired],
    ) -> Result<(), DbError> {
        if fired.is_empty() {
            let sql = "SELECT skep_jobs.complete($1::pg_catalog.uuid, $2, $3, $4)";
            return self.ask(client, sql, &[(&result, Type::TEXT)]).await;
        }
        let actions: Vec<&str> = fired.iter().map(|one| one.action.as_str()).collect();
        let payloads: Vec<&str> = fired.iter().map(|one| one.payload.as_str()).collect();
        let sql = "SELECT skep_jobs.complete($1::pg_catalog.uuid, $2, $3, $4, $5, $6)";
        let more: [(&(dyn ToSql + Sync), Type); 3] = [
            (&result, Type::TEXT),
            (&actions, Type::TEXT_ARRAY),
            (&payloads, Type::TEXT_ARRAY),
        ];
        self.ask(client, sql, &more).await
    }

    /// Shows how far the job is.
    pub(super) async fn report(
        &self,
        client: &Client,
        percent: Option<i32>,
        text: Option<&str>,
    ) -> Result<(), DbError> {
        let sql = "SELECT skep_jobs.report($1::pg_catalog.uuid, $2, $3, $4, $5)";
        self.ask(client, sql, &[(&percent, Type::INT4), (&text, Type::TEXT)])
            .await
    }

    async fn ask(
        &self,
        client: &Client,
        sql: &str,
        more: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<(), DbError> {
        let job = self.0.job.to_string();
        let secret = self.0.secret.as_slice();
        let mut params: Vec<(&(dyn ToSql + Sync), Type)> = vec![
            (&job, Type::TEXT),
            (&self.0.number, Type::INT4),
            (&secret, Type::BYTEA),
        ];
        params.extend(more.iter().cloned());
        client.query_typed(sql, &params).await?;
        Ok(())
    }

    pub(super) fn note_completed(&self) {
        self.0.completed.store(true, Ordering::Release);
    }

    /// Remembers that the database went away.
    pub(super) fn note_loss<T>(&self, result: &Result<T, DbError>) {
        if let Err(DbError::Unavailable(_) | DbError::Lost) = result {
            self.0.lost.store(true, Ordering::Release);
        }
    }

    /// Stops the cell of an attempt that the database has refused.
    pub(super) fn note_refusal<T>(&self, result: &Result<T, DbError>) {
        if let Err(error) = result
            && error.sqlstate() == Some(SUPERSEDED)
        {
            self.0.stop.cancel();
        }
    }
}

/// What the database keeps of an attempt's secret.
pub(crate) fn token(secret: &Secret) -> [u8; 32] {
    Sha256::digest(secret.as_slice()).into()
}
