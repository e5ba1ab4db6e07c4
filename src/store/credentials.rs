//! Credentials of apps, sealed, and who read them.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::{AppName, CallId, ReleaseId};
use crate::services::Sealed;

/// A credential as lists show it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct CredentialRow {
    pub(crate) name: String,
    pub(crate) key_id: String,
    pub(crate) size: i32,
    pub(crate) updated_by: String,
    pub(crate) updated_at: OffsetDateTime,
    /// When a call was given it last, as far as that is kept.
    pub(crate) last_read_at: Option<OffsetDateTime>,
}

/// A credential as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SealedRow {
    pub(crate) app: AppName,
    pub(crate) name: String,
    pub(crate) version: i64,
    key_id: String,
    nonce: Vec<u8>,
    sealed: Vec<u8>,
}

impl SealedRow {
    pub(crate) fn sealed(self) -> Sealed {
        Sealed {
            key_id: self.key_id,
            // The table holds nothing but 24 bytes; anything else opens nothing.
            nonce: self.nonce.try_into().unwrap_or([0; 24]),
            bytes: self.sealed,
        }
    }
}

/// A credential to keep.
#[derive(Debug)]
pub(crate) struct NewCredential<'a> {
    pub(crate) app: &'a AppName,
    pub(crate) name: &'a str,
    pub(crate) version: i64,
    pub(crate) sealed: &'a Sealed,
    pub(crate) size: i32,
    pub(crate) by: &'a str,
    pub(crate) now: OffsetDateTime,
}

/// How a read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    Given,
    /// The manifest does not declare the name.
    Undeclared,
    NotSet,
    Failed,
}

impl ReadOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Undeclared => "undeclared",
            Self::NotSet => "not_set",
            Self::Failed => "failed",
        }
    }
}

/// One read of one call.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) app: AppName,
    pub(crate) release: ReleaseId,
    pub(crate) call: CallId,
    pub(crate) name: String,
    pub(crate) outcome: ReadOutcome,
    pub(crate) at: OffsetDateTime,
}

/// A read as lists show it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ReadRow {
    pub(crate) name: String,
    pub(crate) release: ReleaseId,
    pub(crate) call: CallId,
    pub(crate) outcome: String,
    pub(crate) at: OffsetDateTime,
}

/// A version that no credential has had.
pub(crate) async fn next_version(executor: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT nextval('credential_versions')")
        .fetch_one(executor)
        .await
}

/// Keeps a credential, in place of an older one of its name.
pub(crate) async fn put(
    executor: impl PgExecutor<'_>,
    new: &NewCredential<'_>,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO credentials
            (app, name, version, key_id, nonce, sealed, size, updated_by, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (app, name) DO UPDATE SET
             version = excluded.version,
             key_id = excluded.key_id,
             nonce = excluded.nonce,
             sealed = excluded.sealed,
             size = excluded.size,
             updated_by = excluded.updated_by,
             updated_at = excluded.updated_at",
    )
    .bind(new.app)
    .bind(new.name)
    .bind(new.version)
    .bind(&new.sealed.key_id)
    .bind(new.sealed.nonce.as_slice())
    .bind(&new.sealed.bytes)
    .bind(new.size)
    .bind(new.by)
    .bind(new.now)
    .execute(executor)
    .await?;
    Ok(())
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    name: &str,
) -> sqlx::Result<Option<SealedRow>> {
    sqlx::query_as(
        "SELECT app, name, version, key_id, nonce, sealed
         FROM credentials
         WHERE app = $1 AND name = $2",
    )
    .bind(app)
    .bind(name)
    .fetch_optional(executor)
    .await
}

/// The credentials of an app, by name.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Vec<CredentialRow>> {
    sqlx::query_as(
        "SELECT name, key_id, size, updated_by, updated_at,
             (SELECT max(at) FROM credential_reads
              WHERE credential_reads.app = credentials.app
                AND credential_reads.name = credentials.name
                AND outcome = 'given') AS last_read_at
         FROM credentials
         -- The names of the host's own have a colon.
         WHERE app = $1 AND strpos(name, ':') = 0
         ORDER BY name",
    )
    .bind(app)
    .fetch_all(executor)
    .await
}

/// Forgets a credential. False where there is none.
pub(crate) async fn delete(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    name: &str,
) -> sqlx::Result<bool> {
    let gone = sqlx::query("DELETE FROM credentials WHERE app = $1 AND name = $2")
        .bind(app)
        .bind(name)
        .execute(executor)
        .await?;
    Ok(gone.rows_affected() > 0)
}

/// The ids of the keys that credentials are sealed with, and how many with each.
pub(crate) async fn keys(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT key_id, count(*) FROM credentials GROUP BY key_id ORDER BY key_id")
        .fetch_all(executor)
        .await
}

/// The next credentials behind a place that are sealed with another key, locked.
pub(crate) async fn lock_next(
    connection: &mut PgConnection,
    key_id: &str,
    after: (&str, &str),
    limit: i64,
) -> sqlx::Result<Vec<SealedRow>> {
    sqlx::query_as(
        "SELECT app, name, version, key_id, nonce, sealed
         FROM credentials
         WHERE key_id <> $1 AND (app, name) > ($2, $3)
         ORDER BY app, name
         LIMIT $4
         FOR UPDATE",
    )
    .bind(key_id)
    .bind(after.0)
    .bind(after.1)
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// Puts the same secret, sealed anew, in the place of the old one.
pub(crate) async fn reseal(
    connection: &mut PgConnection,
    app: &AppName,
    name: &str,
    sealed: &Sealed,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE credentials SET key_id = $3, nonce = $4, sealed = $5
         WHERE app = $1 AND name = $2",
    )
    .bind(app)
    .bind(name)
    .bind(&sealed.key_id)
    .bind(sealed.nonce.as_slice())
    .bind(&sealed.bytes)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds reads, in one statement.
pub(crate) async fn add_reads(executor: impl PgExecutor<'_>, reads: &[Read]) -> sqlx::Result<()> {
    let apps: Vec<&str> = reads.iter().map(|read| read.app.as_str()).collect();
    let releases: Vec<Uuid> = reads.iter().map(|read| read.release.0).collect();
    let calls: Vec<Uuid> = reads.iter().map(|read| read.call.0).collect();
    let names: Vec<&str> = reads.iter().map(|read| read.name.as_str()).collect();
    let outcomes: Vec<&str> = reads.iter().map(|read| read.outcome.as_str()).collect();
    let times: Vec<OffsetDateTime> = reads.iter().map(|read| read.at).collect();
    sqlx::query(
        "INSERT INTO credential_reads (app, release, call, name, outcome, at)
         SELECT *
         FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])",
    )
    .bind(apps)
    .bind(releases)
    .bind(calls)
    .bind(names)
    .bind(outcomes)
    .bind(times)
    .execute(executor)
    .await?;
    Ok(())
}

/// The reads of an app, newest first.
pub(crate) async fn reads(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    limit: i64,
) -> sqlx::Result<Vec<ReadRow>> {
    sqlx::query_as(
        "SELECT name, release, call, outcome, at
         FROM credential_reads
         WHERE app = $1
         ORDER BY at DESC, id DESC
         LIMIT $2",
    )
    .bind(app)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// Removes reads from before a time, at most so many at once.
pub(crate) async fn forget_reads(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query(
        "DELETE FROM credential_reads
         WHERE id IN (SELECT id FROM credential_reads WHERE at < $1 ORDER BY at LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(gone.rows_affected())
}

/// How many reads are from before a time.
pub(crate) async fn count_reads(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM credential_reads WHERE at < $1")
        .bind(before)
        .fetch_one(executor)
        .await
}
