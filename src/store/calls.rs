//! The log of calls: what each used and came to.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::ids::{AppName, CallId, JobId, ReleaseId};

/// A call to write down. Times are in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct NewCall {
    pub(crate) id: CallId,
    pub(crate) app: AppName,
    pub(crate) release: ReleaseId,
    pub(crate) entry: &'static str,
    /// The job that it worked at, and which attempt it was.
    pub(crate) job: Option<(JobId, i32)>,
    pub(crate) caller: Option<String>,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) outcome: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) used: Used,
}

/// The numbers of a call's receipt. Times are in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Used {
    pub(crate) wall_micros: i64,
    pub(crate) queued_micros: i64,
    pub(crate) instantiate_micros: i64,
    pub(crate) guest_micros: i64,
    pub(crate) db_micros: i64,
    pub(crate) fuel: Option<i64>,
    pub(crate) memory_bytes: i64,
    pub(crate) statements: i64,
    pub(crate) rows: i64,
    pub(crate) db_sent_bytes: i64,
    pub(crate) db_received_bytes: i64,
    pub(crate) egress_micros: i64,
    pub(crate) egress_requests: i64,
    pub(crate) egress_sent_bytes: i64,
    pub(crate) egress_received_bytes: i64,
    pub(crate) payload_bytes: i64,
    pub(crate) answer_bytes: i64,
    pub(crate) log_lines: i64,
}

/// A call that was written down.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct CallRow {
    pub(crate) seq: i64,
    pub(crate) id: CallId,
    /// The release's number; none where its deploy failed.
    pub(crate) release: Option<i32>,
    pub(crate) entry: String,
    pub(crate) job: Option<JobId>,
    pub(crate) attempt: Option<i32>,
    pub(crate) caller: Option<String>,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) outcome: String,
    pub(crate) error: Option<String>,
    #[sqlx(flatten)]
    pub(crate) used: Used,
}

/// Which calls of an app to list.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    /// Those that were written before the call of this number.
    pub(crate) before: Option<i64>,
    pub(crate) outcome: Option<&'a str>,
    /// All that did not end well.
    pub(crate) failed: bool,
    /// Those that took at least so many microseconds.
    pub(crate) slower_than_micros: Option<i64>,
    pub(crate) limit: i64,
}

const COLUMNS: &str = "id, app, release_id, entry, caller, started_at, outcome, error, wall_micros, \
    queued_micros, instantiate_micros, guest_micros, db_micros, fuel, memory_bytes, statements, \
    rows, db_sent_bytes, db_received_bytes, egress_micros, egress_requests, \
    egress_sent_bytes, egress_received_bytes, payload_bytes, answer_bytes, log_lines, job, attempt";

/// Writes calls down. Those of an app that is gone, or is being deleted, are left out.
pub(crate) async fn insert(executor: impl PgExecutor<'_>, calls: &[NewCall]) -> sqlx::Result<()> {
    fn column<'a, T>(calls: &'a [NewCall], value: impl Fn(&'a NewCall) -> T) -> Vec<T> {
        calls.iter().map(value).collect()
    }
    // Without SKIP LOCKED, the calls of all apps would wait for one app's deletion.
    let insert = format!(
        "INSERT INTO calls ({COLUMNS})
         SELECT {COLUMNS}
         FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
                     $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                     $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[],
                     $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
                     $26::bigint[], $27::uuid[], $28::integer[])
             WITH ORDINALITY AS added ({COLUMNS}, place)
         INNER JOIN apps ON apps.name = added.app
         ORDER BY added.place
         FOR KEY SHARE OF apps SKIP LOCKED"
    );
    sqlx::query(sqlx::AssertSqlSafe(insert))
        .bind(column(calls, |call| call.id.0))
        .bind(column(calls, |call| call.app.as_str()))
        .bind(column(calls, |call| call.release.0))
        .bind(column(calls, |call| call.entry))
        .bind(column(calls, |call| call.caller.as_deref()))
        .bind(column(calls, |call| call.started_at))
        .bind(column(calls, |call| call.outcome))
        .bind(column(calls, |call| call.error.as_deref()))
        .bind(column(calls, |call| call.used.wall_micros))
        .bind(column(calls, |call| call.used.queued_micros))
        .bind(column(calls, |call| call.used.instantiate_micros))
        .bind(column(calls, |call| call.used.guest_micros))
        .bind(column(calls, |call| call.used.db_micros))
        .bind(column(calls, |call| call.used.fuel))
        .bind(column(calls, |call| call.used.memory_bytes))
        .bind(column(calls, |call| call.used.statements))
        .bind(column(calls, |call| call.used.rows))
        .bind(column(calls, |call| call.used.db_sent_bytes))
        .bind(column(calls, |call| call.used.db_received_bytes))
        .bind(column(calls, |call| call.used.egress_micros))
        .bind(column(calls, |call| call.used.egress_requests))
        .bind(column(calls, |call| call.used.egress_sent_bytes))
        .bind(column(calls, |call| call.used.egress_received_bytes))
        .bind(column(calls, |call| call.used.payload_bytes))
        .bind(column(calls, |call| call.used.answer_bytes))
        .bind(column(calls, |call| call.used.log_lines))
        .bind(column(calls, |call| call.job.map(|(job, _)| job.0)))
        .bind(column(calls, |call| call.job.map(|(_, attempt)| attempt)))
        .execute(executor)
        .await?;
    Ok(())
}

/// An app's calls, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    filter: &Filter<'_>,
) -> sqlx::Result<Vec<CallRow>> {
    sqlx::query_as(
        "SELECT calls.*, releases.number AS release
         FROM calls
         LEFT JOIN releases ON releases.id = calls.release_id
         WHERE calls.app = $1
             AND ($2::bigint IS NULL OR calls.seq < $2)
             AND ($3::text IS NULL OR calls.outcome = $3)
             AND (NOT $4 OR calls.outcome <> 'ok')
             AND ($5::bigint IS NULL OR calls.wall_micros >= $5)
         ORDER BY calls.seq DESC
         LIMIT $6",
    )
    .bind(app)
    .bind(filter.before)
    .bind(filter.outcome)
    .bind(filter.failed)
    .bind(filter.slower_than_micros)
    .bind(filter.limit)
    .fetch_all(executor)
    .await
}

/// The latest call of an app with this id.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    id: CallId,
) -> sqlx::Result<Option<CallRow>> {
    sqlx::query_as(
        "SELECT calls.*, releases.number AS release
         FROM calls
         LEFT JOIN releases ON releases.id = calls.release_id
         WHERE calls.app = $1 AND calls.id = $2
         ORDER BY calls.seq DESC
         LIMIT 1",
    )
    .bind(app)
    .bind(id)
    .fetch_optional(executor)
    .await
}

/// The newest call that is over the ceiling; none where all are within it.
pub(crate) async fn over_ceiling(
    executor: impl PgExecutor<'_>,
    ceiling: i64,
) -> sqlx::Result<Option<i64>> {
    // Rows are counted only where there can be so many at all.
    sqlx::query_scalar(
        "SELECT seq
         FROM calls
         WHERE (SELECT max(seq) - min(seq) FROM calls) >= $1
         ORDER BY seq DESC
         OFFSET $1
         LIMIT 1",
    )
    .bind(ceiling)
    .fetch_optional(executor)
    .await
}

/// Deletes some of the calls that began before a time; says how many.
pub(crate) async fn delete_older(
    executor: impl PgExecutor<'_>,
    than: OffsetDateTime,
    chunk: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM calls
         WHERE seq IN (
             SELECT seq FROM calls WHERE started_at < $1 ORDER BY started_at LIMIT $2
         )",
    )
    .bind(than)
    .bind(chunk)
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes some of the calls up to this one, the oldest first; says how many.
pub(crate) async fn delete_up_to(
    executor: impl PgExecutor<'_>,
    seq: i64,
    chunk: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM calls
         WHERE seq IN (SELECT seq FROM calls WHERE seq <= $1 ORDER BY seq LIMIT $2)",
    )
    .bind(seq)
    .bind(chunk)
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}

/// How many calls began before a time, or were written up to a number.
pub(crate) async fn count_surplus(
    executor: impl PgExecutor<'_>,
    than: OffsetDateTime,
    up_to: Option<i64>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM calls WHERE started_at < $1 OR seq <= $2")
        .bind(than)
        .bind(up_to)
        .fetch_one(executor)
        .await
}
