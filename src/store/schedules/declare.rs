//! Brings the schedules of an app in step with its active release.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Next, Own, ScheduleRow};
use crate::app::Schedule;
use crate::ids::AppName;
use crate::store::jobs::Settings;

/// Declares the schedules of an app, in place of those of its release before. One that is not
/// declared any more goes, with what became of its firings.
///
/// What an operator has said stays. So does a firing that is due, where the times are the same.
pub(crate) async fn declare(
    connection: &mut PgConnection,
    app: &AppName,
    schedules: &[Schedule],
    jobs: Settings,
) -> sqlx::Result<()> {
    let names: Vec<&str> = schedules
        .iter()
        .map(|schedule| schedule.name.as_str())
        .collect();
    let gone = sqlx::query("DELETE FROM schedules WHERE app = $1 AND name <> ALL ($2)")
        .bind(app)
        .bind(names)
        .execute(&mut *connection)
        .await?;
    if schedules.is_empty() && gone.rows_affected() == 0 {
        return Ok(());
    }
    for schedule in schedules {
        declare_one(connection, app, schedule, jobs).await?;
    }
    super::notify(connection).await
}

async fn declare_one(
    connection: &mut PgConnection,
    app: &AppName,
    schedule: &Schedule,
    jobs: Settings,
) -> sqlx::Result<()> {
    let before = super::lock(connection, app, &schedule.name).await?;
    let now = super::now(&mut *connection).await?;
    let number = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
    let mut row = ScheduleRow {
        app: app.clone(),
        name: schedule.name.clone(),
        cron: schedule.cron.clone(),
        timezone: schedule.timezone.clone(),
        task: schedule.task.clone(),
        payload: schedule.payload.clone(),
        missed: schedule.missed,
        grace_seconds: number(schedule.grace_seconds),
        overlap: schedule.overlap,
        jitter_seconds: number(schedule.jitter_seconds),
        enabled: schedule.enabled,
        concurrency: jobs.concurrency,
        max_attempts: jobs.max_attempts,
        retries: jobs.retries,
        backoff_ms: jobs.backoff_ms,
        own: Own::default(),
        changed_by: None,
        changed_at: None,
        next_fire_at: None,
        last_error: None,
        last_fire_at: None,
        last_job: None,
    };
    if let Some(before) = &before {
        row.own = before.own.clone();
    }
    let kept = before.filter(|before| before.fires_as(&row) && before.next_fire_at.is_some());
    let next = match kept {
        Some(before) => Next {
            at: before.next_fire_at,
            error: before.last_error,
        },
        None => row.next(now),
    };
    write(connection, &row, &next, now).await
}

/// Writes down what is declared, and when it fires next. What an operator has said stays.
async fn write(
    connection: &mut PgConnection,
    row: &ScheduleRow,
    next: &Next,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO schedules (
             app, name, cron, timezone, payload, missed, grace_seconds, overlap, jitter_seconds,
             enabled, concurrency, max_attempts, retries, backoff_ms, next_fire_at, last_error,
             planned_at, task
         )
         VALUES (
             $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
         )
         ON CONFLICT (app, name) DO UPDATE SET
             cron = excluded.cron, timezone = excluded.timezone, payload = excluded.payload,
             missed = excluded.missed, grace_seconds = excluded.grace_seconds,
             overlap = excluded.overlap, jitter_seconds = excluded.jitter_seconds,
             enabled = excluded.enabled, concurrency = excluded.concurrency,
             max_attempts = excluded.max_attempts, retries = excluded.retries,
             backoff_ms = excluded.backoff_ms, next_fire_at = excluded.next_fire_at,
             last_error = excluded.last_error, planned_at = excluded.planned_at,
             task = excluded.task, retry_at = NULL",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(&row.cron)
    .bind(&row.timezone)
    .bind(&row.payload)
    .bind(row.missed.word())
    .bind(row.grace_seconds)
    .bind(row.overlap.word())
    .bind(row.jitter_seconds)
    .bind(row.enabled)
    .bind(row.concurrency)
    .bind(row.max_attempts)
    .bind(row.retries)
    .bind(row.backoff_ms)
    .bind(next.at)
    .bind(&next.error)
    .bind(now)
    .bind(&row.task)
    .execute(connection)
    .await?;
    Ok(())
}
