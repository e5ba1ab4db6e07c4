//! Jobs as clients see them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::AppName;
use crate::store::jobs::{AttemptRow, JobRow};

/// A job that was queued.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueuedBody {
    pub(super) job_id: Uuid,
    /// `pending`, or how the job is that has the idempotency key already.
    pub(super) status: String,
    /// The node that took it in; any node may run it.
    pub(super) node: String,
}

/// A job, in the shape of the NodeRouter contract and with more.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobBody {
    id: Uuid,
    app_name: String,
    /// What it calls: `execute`, `task NAME` or `hook NAME`.
    entry: String,
    /// `pending`, `running`, `completed` or `failed`.
    status: String,
    /// 0 to 99 while it runs, 100 once it is completed.
    progress: i16,
    /// What the app returned, without `_actions`. Lists leave it out.
    #[schema(value_type = Object)]
    result: Option<Box<RawValue>>,
    error_message: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Why it failed for good: `failed` by the app, `timed_out`, `cancelled`, or `lost` with the
    /// nodes that ran it.
    reason: Option<String>,
    /// What the app says beside its progress.
    progress_text: Option<String>,
    /// -1, 0 or 1.
    priority: i16,
    /// The number of the newest attempt; 0 before the first.
    attempt: i32,
    /// When it may be tried at the earliest.
    #[serde(with = "time::serde::rfc3339")]
    run_after: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// The user who queued it.
    created_by: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct JobList {
    pub(super) jobs: Vec<JobBody>,
}

/// A job with its history.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobDetails {
    #[serde(flatten)]
    pub(super) job: JobBody,
    pub(super) attempts: Vec<AttemptBody>,
}

/// One try at a job.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptBody {
    number: i32,
    node: String,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// `completed`, `failed`, `timed_out`, `cancelled`, `lost`, or `returned` untouched; null
    /// while it runs.
    outcome: Option<String>,
    error: Option<String>,
}

/// Which finished jobs to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Purge {
    #[schema(value_type = String)]
    pub(super) app: AppName,
    /// Those that finished longer ago than this.
    pub(super) older_than_days: u16,
}

/// How many were deleted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Purged {
    pub(super) jobs: u64,
}

impl From<JobRow> for JobBody {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.0,
            app_name: row.app.to_string(),
            entry: row.entry,
            status: row.status,
            progress: row.progress_now,
            result: row.result.and_then(|text| RawValue::from_string(text).ok()),
            error_message: row.error,
            created_at: row.created_at,
            updated_at: row.updated_at,
            reason: row.reason,
            progress_text: row.progress_text_now,
            priority: row.priority,
            attempt: row.attempt,
            run_after: row.run_after,
            finished_at: row.finished_at,
            created_by: row.created_by.map(|user| user.0),
        }
    }
}

impl From<AttemptRow> for AttemptBody {
    fn from(row: AttemptRow) -> Self {
        Self {
            number: row.number,
            node: row.node,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: row.outcome,
            error: row.error,
        }
    }
}
