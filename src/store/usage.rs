//! What calls of all apps came to.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::calls::CallRow;
use crate::ids::AppName;

/// A call with the app that was called.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct AppCallRow {
    pub(crate) app: AppName,
    #[sqlx(flatten)]
    pub(crate) call: CallRow,
}

/// Which calls to list.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pub(crate) app: Option<&'a AppName>,
    /// Those that began at this time or later.
    pub(crate) since: OffsetDateTime,
    /// Those that were written before the call of this number.
    pub(crate) before: Option<i64>,
    pub(crate) outcome: Option<&'a str>,
    /// All that did not end well.
    pub(crate) failed: bool,
    /// Those that took at least so many microseconds.
    pub(crate) slower_than_micros: Option<i64>,
    /// The slowest first instead of the newest.
    pub(crate) slowest: bool,
    pub(crate) limit: i64,
}

/// Calls of all apps.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter<'_>,
) -> sqlx::Result<Vec<AppCallRow>> {
    sqlx::query_as(
        "SELECT calls.*, releases.number AS release
         FROM calls
         LEFT JOIN releases ON releases.id = calls.release_id
         WHERE calls.started_at >= $1
             AND ($2::text IS NULL OR calls.app = $2)
             AND ($3::bigint IS NULL OR calls.seq < $3)
             AND ($4::text IS NULL OR calls.outcome = $4)
             AND (NOT $5 OR calls.outcome <> 'ok')
             AND ($6::bigint IS NULL OR calls.wall_micros >= $6)
         ORDER BY CASE WHEN $7 THEN calls.wall_micros END DESC, calls.seq DESC
         LIMIT $8",
    )
    .bind(filter.since)
    .bind(filter.app)
    .bind(filter.before)
    .bind(filter.outcome)
    .bind(filter.failed)
    .bind(filter.slower_than_micros)
    .bind(filter.slowest)
    .bind(filter.limit)
    .fetch_all(executor)
    .await
}

/// What the calls of one app came to. Times are in microseconds.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SummaryRow {
    pub(crate) app: AppName,
    pub(crate) calls: i64,
    pub(crate) failed: i64,
    pub(crate) median_micros: i64,
    pub(crate) p95_micros: i64,
    pub(crate) slowest_micros: i64,
    pub(crate) last_failed_at: Option<OffsetDateTime>,
    /// The text of the latest failure.
    pub(crate) last_error: Option<String>,
}

/// What the calls since a time came to, for each app that had any.
pub(crate) async fn summary(
    executor: impl PgExecutor<'_>,
    since: OffsetDateTime,
) -> sqlx::Result<Vec<SummaryRow>> {
    sqlx::query_as(
        "SELECT app, count(*) AS calls,
             count(*) FILTER (WHERE outcome <> 'ok') AS failed,
             percentile_disc(0.5) WITHIN GROUP (ORDER BY wall_micros) AS median_micros,
             percentile_disc(0.95) WITHIN GROUP (ORDER BY wall_micros) AS p95_micros,
             max(wall_micros) AS slowest_micros,
             max(started_at) FILTER (WHERE outcome <> 'ok') AS last_failed_at,
             (array_agg(coalesce(error, outcome) ORDER BY seq DESC)
                 FILTER (WHERE outcome <> 'ok'))[1] AS last_error
         FROM calls
         WHERE started_at >= $1
         GROUP BY app
         ORDER BY count(*) FILTER (WHERE outcome <> 'ok') DESC, p95_micros DESC, app",
    )
    .bind(since)
    .fetch_all(executor)
    .await
}

/// Which calls to show over time.
#[derive(Debug)]
pub(crate) struct Spell<'a> {
    pub(crate) app: Option<&'a AppName>,
    pub(crate) since: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
    /// How long each stretch is.
    pub(crate) seconds: i64,
}

/// What the calls that began in one stretch of time came to. Times are in microseconds.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct StretchRow {
    pub(crate) at: OffsetDateTime,
    pub(crate) calls: i64,
    pub(crate) failed: i64,
    pub(crate) median_micros: Option<i64>,
    pub(crate) p95_micros: Option<i64>,
}

/// What calls came to over time, also where there were none.
pub(crate) async fn timeline(
    executor: impl PgExecutor<'_>,
    spell: &Spell<'_>,
) -> sqlx::Result<Vec<StretchRow>> {
    sqlx::query_as(
        "WITH counted AS (
             SELECT date_bin(make_interval(secs => $3), started_at, 'epoch') AS at,
                 count(*) AS calls,
                 count(*) FILTER (WHERE outcome <> 'ok') AS failed,
                 percentile_disc(0.5) WITHIN GROUP (ORDER BY wall_micros) AS median_micros,
                 percentile_disc(0.95) WITHIN GROUP (ORDER BY wall_micros) AS p95_micros
             FROM calls
             WHERE started_at >= $1 AND started_at <= $2 AND ($4::text IS NULL OR app = $4)
             GROUP BY 1
         )
         SELECT stretch.at, coalesce(calls, 0) AS calls, coalesce(failed, 0) AS failed,
             median_micros, p95_micros
         FROM generate_series(
             date_bin(make_interval(secs => $3), $1, 'epoch'), $2, make_interval(secs => $3)
         ) AS stretch (at)
         LEFT JOIN counted USING (at)
         ORDER BY stretch.at",
    )
    .bind(spell.since)
    .bind(spell.until)
    // A number that a float holds exactly.
    .bind(spell.seconds as f64)
    .bind(spell.app)
    .fetch_all(executor)
    .await
}
