//! What apps have logged: written in batches, read by filter, purged from the oldest.

use std::time::Duration;

use sqlx::postgres::Postgres;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, QueryBuilder};
use time::OffsetDateTime;

use crate::ids::{AppName, CallId, JobId, ReleaseId};

/// A line to write down.
#[derive(Debug, Clone)]
pub(crate) struct NewLine {
    pub(crate) at: OffsetDateTime,
    pub(crate) app: AppName,
    pub(crate) release: ReleaseId,
    pub(crate) call: CallId,
    /// The job that the call worked at, and the number of its attempt.
    pub(crate) job: Option<(JobId, i32)>,
    /// 0 to 3.
    pub(crate) level: i16,
    pub(crate) source: &'static str,
    /// Without NUL.
    pub(crate) message: String,
    /// JSON that PostgreSQL takes.
    pub(crate) detail: Option<String>,
    /// About what it takes.
    pub(crate) bytes: i32,
}

/// A line that was written down.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct LineRow {
    pub(crate) seq: i64,
    pub(crate) at: OffsetDateTime,
    pub(crate) app: AppName,
    /// The release's number; none where its deploy failed.
    pub(crate) release: Option<i32>,
    pub(crate) call_id: CallId,
    pub(crate) job_id: Option<JobId>,
    pub(crate) attempt: Option<i32>,
    pub(crate) level: i16,
    pub(crate) source: String,
    pub(crate) message: String,
    pub(crate) detail: Option<Json<serde_json::Value>>,
}

/// Which lines to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Of all apps, if not set.
    pub(crate) app: Option<AppName>,
    /// Of this level or above.
    pub(crate) level: i16,
    pub(crate) source: Option<&'static str>,
    pub(crate) call: Option<CallId>,
    pub(crate) job: Option<JobId>,
    /// Not older than this.
    pub(crate) since: Option<OffsetDateTime>,
    /// Older than this.
    pub(crate) until: Option<OffsetDateTime>,
    /// With this text in its message or detail.
    pub(crate) text: Option<String>,
}

/// A line's place in a list: its time, and its number among those of that time.
pub(crate) type Place = (OffsetDateTime, i64);

/// What an app's lines take.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SizeRow {
    pub(crate) app: AppName,
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
}

/// Writes lines down. Those of an app that is gone, or is being deleted, are left out.
pub(crate) async fn insert(executor: impl PgExecutor<'_>, lines: &[NewLine]) -> sqlx::Result<()> {
    fn column<'a, T>(lines: &'a [NewLine], value: impl Fn(&'a NewLine) -> T) -> Vec<T> {
        lines.iter().map(value).collect()
    }
    sqlx::query("SELECT put_logs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(column(lines, |line| line.at))
        .bind(column(lines, |line| line.app.as_str()))
        .bind(column(lines, |line| line.release.0))
        .bind(column(lines, |line| line.call.0))
        .bind(column(lines, |line| line.job.map(|(job, _)| job.0)))
        .bind(column(lines, |line| line.job.map(|(_, attempt)| attempt)))
        .bind(column(lines, |line| line.level))
        .bind(column(lines, |line| line.source))
        .bind(column(lines, |line| line.message.as_str()))
        .bind(column(lines, |line| line.detail.as_deref()))
        .bind(column(lines, |line| line.bytes))
        .execute(executor)
        .await?;
    Ok(())
}

/// Bounds how long the statements of a transaction may take.
pub(crate) async fn bound(connection: &mut PgConnection, time: Duration) -> sqlx::Result<()> {
    sqlx::query("SELECT set_config('statement_timeout', $1, true)")
        .bind(time.as_millis().to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Lines that fit, newest first, those before a place.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<LineRow>> {
    // App by app, because one index serves the lines of one app and those of all.
    let mut query = QueryBuilder::new(
        "SELECT lines.*, releases.number AS release
         FROM apps
         CROSS JOIN LATERAL (SELECT * FROM logs WHERE logs.app = apps.name",
    );
    fitting(&mut query, filter);
    if let Some((at, seq)) = before {
        query.push(" AND (at, seq) < (").push_bind(at);
        query.push(", ").push_bind(seq).push(")");
    }
    query
        .push(" ORDER BY at DESC, seq DESC LIMIT ")
        .push_bind(limit);
    query.push(") AS lines LEFT JOIN releases ON releases.id = lines.release_id WHERE TRUE");
    if let Some(app) = &filter.app {
        query.push(" AND apps.name = ").push_bind(app.as_str());
    }
    query
        .push(" ORDER BY lines.at DESC, lines.seq DESC LIMIT ")
        .push_bind(limit);
    query.build_query_as().fetch_all(executor).await
}

/// Lines that fit and have a number from `after`, itself left out, to `upto`, in their order.
pub(crate) async fn between(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
    (after, upto): (i64, i64),
) -> sqlx::Result<Vec<LineRow>> {
    let mut query = QueryBuilder::new(
        "SELECT logs.*, releases.number AS release
         FROM logs
         LEFT JOIN releases ON releases.id = logs.release_id
         WHERE logs.seq > ",
    );
    query.push_bind(after);
    query.push(" AND logs.seq <= ").push_bind(upto);
    if let Some(app) = &filter.app {
        query.push(" AND logs.app = ").push_bind(app.as_str());
    }
    fitting(&mut query, filter);
    query.push(" ORDER BY seq");
    query.build_query_as().fetch_all(executor).await
}

fn fitting(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    let Filter {
        app: _,
        level,
        source,
        call,
        job,
        since,
        until,
        text,
    } = filter;
    if *level > 0 {
        query.push(" AND level >= ").push_bind(*level);
    }
    if let Some(source) = source {
        query.push(" AND source = ").push_bind(*source);
    }
    if let Some(call) = call {
        query.push(" AND call_id = ").push_bind(*call);
    }
    if let Some(job) = job {
        query.push(" AND job_id = ").push_bind(*job);
    }
    if let Some(since) = since {
        query.push(" AND at >= ").push_bind(*since);
    }
    if let Some(until) = until {
        query.push(" AND at < ").push_bind(*until);
    }
    if let Some(text) = text {
        query.push(" AND (strpos(message, ").push_bind(text.clone());
        query
            .push(") > 0 OR strpos(detail::text, ")
            .push_bind(text.clone());
        query.push(") > 0)");
    }
}

/// The number of the newest line; 0 where there is none.
pub(crate) async fn newest(executor: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM logs")
        .fetch_one(executor)
        .await
}

/// What each app's lines take, the largest first.
pub(crate) async fn sizes(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<SizeRow>> {
    sqlx::query_as("SELECT app, rows, bytes FROM log_sizes ORDER BY bytes DESC, app")
        .fetch_all(executor)
        .await
}

/// Deletes some of an app's lines that are older than a time, the oldest first. What comes back
/// is how many, and what they took; none where another node is at it.
pub(crate) async fn delete_older(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    than: OffsetDateTime,
    chunk: i64,
) -> sqlx::Result<Option<(i64, i64)>> {
    sqlx::query_as("SELECT rows, bytes FROM purge_logs($1, $2, $3)")
        .bind(app)
        .bind(than)
        .bind(chunk)
        .fetch_optional(executor)
        .await
}

/// How many of an app's lines are older than a time, and what they take.
pub(crate) async fn count_older(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    than: OffsetDateTime,
) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT count(*), coalesce(sum(bytes), 0)::bigint
         FROM logs
         WHERE app = $1 AND at < $2",
    )
    .bind(app)
    .bind(than)
    .fetch_one(executor)
    .await
}
