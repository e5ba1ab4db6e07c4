//! What a job's attempt does in the app's own transactions: commit, complete, report, enqueue.

use tokio_postgres::types::{ToSql, Type};

use super::DbError;
use super::session::{Database, Open, Session, Transaction};
use crate::app::JobEntry;
use crate::capability::notify::policy::Fired;
use crate::ids::{JobId, UserId};
use crate::store::jobs::Settings;

/// A job that a call queues, of its own app.
#[derive(Debug, Clone)]
pub(crate) struct QueuedJob {
    pub(crate) id: JobId,
    pub(crate) entry: JobEntry,
    pub(crate) payload: String,
    pub(crate) key: Option<String>,
    /// Who stands behind the call.
    pub(crate) created_by: Option<UserId>,
    pub(crate) priority: i32,
    pub(crate) delay_ms: i64,
    pub(crate) settings: Settings,
}

impl Database {
    pub(super) fn is_fenced(&self) -> bool {
        self.fence().is_some()
    }

    /// Whether a transaction waits for the call's answer.
    pub(crate) fn commits_on_return(&self) -> bool {
        self.last().is_some()
    }

    /// The statement that begins a transaction, saying which attempt it belongs to.
    pub(super) fn marked(&self, begin: &str) -> String {
        match self.fence() {
            Some(fence) => format!("{begin}; {}", fence.mark(self.wall())),
            None => begin.to_owned(),
        }
    }

    /// Commits a transaction; that of a superseded attempt is refused, and rolled back.
    pub(super) async fn commit(&self, session: &Session) -> Result<(), DbError> {
        let Some(fence) = self.fence() else {
            return self.control(session, "COMMIT").await;
        };
        let client = session.client()?;
        let committed = self.bounded(session, async {
            // Both are sent at once: a process that is stopped here must not keep the attempt's
            // row locked. After an error COMMIT rolls back.
            let (held, committed) =
                tokio::join!(biased; fence.hold(client), client.batch_execute("COMMIT"));
            match held {
                // As PostgreSQL takes the COMMIT of a transaction that has failed.
                Err(error) if error.sqlstate() == DbError::Aborted.sqlstate() => {}
                held => held?,
            }
            Ok(committed?)
        });
        let committed = committed.await;
        fence.note_refusal(&committed);
        committed
    }

    /// Ends the call's part in the database, after an answer: commits what it left for that, and
    /// completes its job, and sends what it fired, in the same transaction. What a call that is no
    /// job's has fired is not sent here.
    pub(crate) async fn conclude(&self, result: &str, fired: &[Fired]) -> Result<(), DbError> {
        let Some(id) = self.last().take() else {
            return Ok(());
        };
        let Some(open) = self.take(id) else {
            return Ok(());
        };
        if !matches!(open.transaction, Transaction::Begun) {
            self.release(open);
            return Ok(());
        }
        let ended = match self.fence() {
            Some(_) => self.complete(&open.session, result, fired).await,
            None => self.commit(&open.session).await,
        };
        match &ended {
            Err(error) if error.loses_the_session() => self.discard(open.session),
            // Where it was refused, the transaction may be open still.
            Err(_) => self.release(open),
            Ok(()) => self.release(Open {
                transaction: Transaction::None,
                ..open
            }),
        }
        ended
    }

    async fn complete(
        &self,
        session: &Session,
        result: &str,
        fired: &[Fired],
    ) -> Result<(), DbError> {
        let Some(fence) = self.fence() else {
            return Ok(());
        };
        let client = session.client()?;
        let completed = self.bounded(session, async {
            // What the app's own constraints have to check at the end is checked before: nobody
            // else sends notifications between that and the COMMIT.
            let checks = async {
                if fired.is_empty() {
                    return Ok(());
                }
                client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await
            };
            let (checked, completed, committed) = tokio::join!(
                biased;
                checks,
                fence.complete(client, result, fired),
                client.batch_execute("COMMIT")
            );
            checked?;
            completed?;
            Ok(committed?)
        });
        let completed = completed.await;
        fence.note_refusal(&completed);
        if completed.is_ok() {
            fence.note_completed();
        }
        completed
    }

    /// Shows how far the call's job is, at once. Secrets that the call has read are left out.
    pub(crate) async fn report(
        &self,
        percent: Option<i32>,
        text: Option<&str>,
    ) -> Result<(), DbError> {
        let Some(fence) = self.fence() else {
            return Ok(());
        };
        let text = text.map(|text| self.log().masked(text));
        let session = self.open().await?;
        let client = session.client()?;
        let reported = self
            .bounded(&session, fence.report(client, percent, text.as_deref()))
            .await;
        fence.note_refusal(&reported);
        match &reported {
            Err(error) if error.loses_the_session() => self.discard(session),
            Ok(()) | Err(_) => self.release(Open {
                session,
                transaction: Transaction::None,
            }),
        }
        reported
    }

    /// Queues a job in the session's transaction, or in one of its own.
    pub(super) async fn enqueue(
        &self,
        session: &Session,
        before: Option<&str>,
        job: &QueuedJob,
    ) -> Result<String, DbError> {
        let client = session.client()?;
        let id = job.id.to_string();
        let owner = job.created_by.map(|user| user.to_string());
        let settings = job.settings;
        let entry = job.entry.to_string();
        let secret = self.queue_secret();
        let params: [(&(dyn ToSql + Sync), Type); 12] = [
            (&id, Type::TEXT),
            (&job.payload, Type::TEXT),
            (&job.key, Type::TEXT),
            (&owner, Type::TEXT),
            (&job.priority, Type::INT4),
            (&job.delay_ms, Type::INT8),
            (&settings.concurrency, Type::INT4),
            (&settings.max_attempts, Type::INT4),
            (&settings.retries, Type::INT4),
            (&settings.backoff_ms, Type::INT4),
            (&entry, Type::TEXT),
            (&secret, Type::BYTEA),
        ];
        let sql = "SELECT skep_jobs.enqueue($1::pg_catalog.uuid, $2, $3, $4::pg_catalog.uuid, \
                   $5, $6, $7, $8, $9, $10, $11, $12)::pg_catalog.text";
        let rows = self
            .bounded(session, async {
                let Some(before) = before else {
                    return Ok(client.query_typed(sql, &params).await?);
                };
                let (before, rows) = tokio::join!(
                    biased;
                    client.batch_execute(before),
                    client.query_typed(sql, &params)
                );
                before?;
                Ok(rows?)
            })
            .await?;
        let row = rows.first().ok_or_else(|| {
            DbError::Unavailable(anyhow::anyhow!("a job was queued without an id"))
        })?;
        Ok(row.try_get(0)?)
    }
}
