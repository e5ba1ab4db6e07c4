//! What is said of schedules, and what may be asked of them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::schedule::label;
use crate::schedules::Fired;
use crate::store::schedules::runs::RunRow;
use crate::store::schedules::{Own, ShownRow};

/// A schedule, as it counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleBody {
    app: String,
    name: String,
    /// `active`; `paused`; `failing` where it cannot fire, or could not; or `disabled` with its app.
    state: &'static str,
    cron: String,
    timezone: String,
    /// What people call the cron expression, where it is a common one.
    label: String,
    declared: Declared,
    /// What an operator has said instead; null where nobody has.
    #[serde(rename = "override")]
    own: Option<OverrideBody>,
    /// `run_once` or `skip`: what becomes of firings that nobody was there for.
    missed: &'static str,
    /// How late a firing may be and still be on time.
    grace_seconds: i32,
    /// `skip_if_running`, `queue_after` or `cancel_active`.
    overlap: &'static str,
    jitter_seconds: i32,
    /// The task that is called; `execute` where this is null.
    task: Option<String>,
    /// What the app is called with.
    #[schema(value_type = Object)]
    payload: Option<Box<RawValue>>,
    #[serde(with = "time::serde::rfc3339::option")]
    next_fire_at: Option<OffsetDateTime>,
    /// The next times; none while it is paused.
    next_times: Vec<String>,
    /// The time of the last firing that has queued a job.
    #[serde(with = "time::serde::rfc3339::option")]
    last_fire_at: Option<OffsetDateTime>,
    last_job: Option<Uuid>,
    /// When a job of it was last completed.
    #[serde(with = "time::serde::rfc3339::option")]
    last_success_at: Option<OffsetDateTime>,
    last_error: Option<String>,
    /// The newest of its jobs that wait or run.
    active_job: Option<Uuid>,
    /// `pending` or `running`.
    active_status: Option<String>,
    /// Whether a firing waits for that job's end.
    waiting: bool,
}

/// What the active release declares.
#[derive(Serialize, ToSchema)]
pub(crate) struct Declared {
    cron: String,
    timezone: String,
    /// Whether it fires before somebody resumes it.
    enabled: bool,
}

/// What an operator has said instead of what is declared.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverrideBody {
    cron: Option<String>,
    timezone: Option<String>,
    paused: Option<bool>,
    changed_by: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    changed_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleList {
    /// By app and name.
    pub(super) schedules: Vec<ScheduleBody>,
    /// What `after` must be for the next page; null on the last.
    pub(super) next: Option<String>,
}

/// A schedule with its last firings.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleDetails {
    #[serde(flatten)]
    pub(super) schedule: ScheduleBody,
    /// Newest first.
    pub(super) runs: Vec<RunBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    pub(super) runs: Vec<RunBody>,
    /// What `before` must be for the next page; null on the last.
    pub(super) next: Option<i64>,
}

/// What became of a firing.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunBody {
    id: i64,
    /// The time that it stands for.
    #[serde(with = "time::serde::rfc3339")]
    fire_at: OffsetDateTime,
    /// The oldest time that it stands for, where several were missed.
    #[serde(with = "time::serde::rfc3339::option")]
    missed_from: Option<OffsetDateTime>,
    /// Who asked for it; null where its time had come.
    requested_by: Option<String>,
    /// `queued`; `waiting` for the end of the job before; or `skipped`.
    state: String,
    /// Why it was skipped: a job was `running`, a firing `waiting`, its time was `missed`, or
    /// the app `disabled`.
    reason: Option<String>,
    job: Option<Uuid>,
    /// How the job is: `pending`, `running`, `completed`, or the reason why it failed.
    outcome: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// What to say instead of what is declared. What is absent stays as it was.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Override {
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    cron: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    timezone: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    paused: Option<Option<bool>>,
}

/// A firing that somebody has asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiredBody {
    run: i64,
    /// `queued`, or `waiting` for the end of the job before.
    state: &'static str,
    job: Option<Uuid>,
}

/// Tells null from what is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Override {
    pub(super) fn apply(self, before: &Own) -> Own {
        Own {
            cron: self.cron.unwrap_or_else(|| before.cron.clone()),
            timezone: self.timezone.unwrap_or_else(|| before.timezone.clone()),
            paused: self.paused.unwrap_or(before.paused),
        }
    }
}

impl ScheduleBody {
    pub(super) fn new(shown: ShownRow, now: OffsetDateTime, times: usize) -> Self {
        let row = shown.schedule;
        let next = match (row.next_fire_at, row.timing()) {
            (Some(_), Ok(timing)) => timing.next(now, times),
            (_, Ok(_) | Err(_)) => Vec::new(),
        };
        let own = (row.own != Own::default()).then(|| OverrideBody {
            cron: row.own.cron.clone(),
            timezone: row.own.timezone.clone(),
            paused: row.own.paused,
            changed_by: row.changed_by.clone(),
            changed_at: row.changed_at,
        });
        Self {
            state: match (shown.app_enabled, row.is_paused(), &row.last_error) {
                (false, ..) => "disabled",
                (true, true, _) => "paused",
                (true, false, Some(_)) => "failing",
                (true, false, None) => "active",
            },
            cron: row.cron().to_owned(),
            timezone: row.timezone().to_owned(),
            label: label(row.cron()).to_owned(),
            declared: Declared {
                cron: row.declared_cron().to_owned(),
                timezone: row.declared_timezone().to_owned(),
                enabled: row.enabled,
            },
            own,
            missed: row.missed.word(),
            grace_seconds: row.grace_seconds,
            overlap: row.overlap.word(),
            task: row.task,
            jitter_seconds: row.jitter_seconds,
            next_fire_at: row.next_fire_at,
            next_times: next
                .iter()
                .filter_map(|at| at.format(&Rfc3339).ok())
                .collect(),
            last_fire_at: row.last_fire_at,
            last_job: row.last_job.map(|job| job.0),
            last_success_at: shown.success_at,
            last_error: row.last_error,
            active_job: shown.active_job.map(|job| job.0),
            active_status: shown.active_status,
            waiting: shown.waiting,
            payload: RawValue::from_string(row.payload).ok(),
            app: row.app.to_string(),
            name: row.name,
        }
    }
}

impl From<RunRow> for RunBody {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            fire_at: row.fire_at,
            missed_from: row.missed_from,
            requested_by: row.requested_by,
            state: row.state,
            reason: row.reason,
            job: row.job.map(|job| job.0),
            outcome: row.outcome,
            ended_at: row.ended_at,
            created_at: row.created_at,
        }
    }
}

impl From<Fired> for FiredBody {
    fn from(fired: Fired) -> Self {
        Self {
            run: fired.run,
            state: if fired.job.is_some() {
                "queued"
            } else {
                "waiting"
            },
            job: fired.job.map(|job| job.0),
        }
    }
}
