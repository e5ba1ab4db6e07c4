//! The `jobs` capability: work that runs later, and what the running job says of itself.
//!
//! The interface is `wit/jobs.wit`; what an app may ask is decided in [`policy`]. Everything goes
//! through the app's own connections, in the words of [`super::db::jobs`]: a cell reaches no table
//! of the host's.

pub(crate) mod backlog;
pub(crate) mod policy;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable, ResourceTableError};

use super::caller::Caller;
use super::db::fence::SUPERSEDED;
use super::db::jobs::QueuedJob;
use super::db::session::Database;
use super::db::{Connection, DbError};
use super::log::policy::cut;
use crate::app::JobEntry;
use crate::app::payload::{self, BadPayload};
use crate::bindings::skep::app::jobs as wit;
use crate::ids::{AppName, JobId};
use crate::services::{Clock, Entropy};
use backlog::Backlog;
use policy::{JobsGrant, Refused};

/// What one call may do with jobs, and has done.
pub(crate) struct CallJobs {
    pub(crate) app: AppName,
    pub(crate) grant: JobsGrant,
    pub(crate) backlog: Backlog,
    pub(crate) clock: Clock,
    /// How many the call has queued.
    pub(crate) queued: u32,
}

/// One call's view of the queue.
pub(crate) struct Jobs<'a> {
    pub(crate) jobs: &'a mut CallJobs,
    pub(crate) database: &'a Database,
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) table: &'a mut ResourceTable,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub enum JobsError {
    #[error("the call is no job's")]
    NotAJob,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Payload(#[from] BadPayload),
    #[error("the call has queued too many jobs, or too many of the app's wait")]
    QueueFull,
    #[error(transparent)]
    Database(#[from] DbError),
    /// A handle that the guest does not have: a broken ABI, so the cell is stopped.
    #[error(transparent)]
    Handle(#[from] ResourceTableError),
}

impl wit::Host for Jobs<'_> {
    async fn current(&mut self) -> wasmtime::Result<Option<wit::Job>> {
        Ok(self.database.fence().map(|fence| wit::Job {
            id: fence.job().to_string(),
            attempt: u32::try_from(fence.number()).unwrap_or_default(),
        }))
    }

    async fn report(
        &mut self,
        percent: Option<i32>,
        text: Option<String>,
    ) -> Result<(), JobsError> {
        if self.database.fence().is_none() {
            return Err(JobsError::NotAJob);
        }
        let text = text.map(|text| cut(&text, policy::TEXT_BYTES).replace('\0', ""));
        Ok(self.database.report(percent, text.as_deref()).await?)
    }

    async fn is_cancelled(&mut self) -> wasmtime::Result<bool> {
        Ok(self.database.is_stopped())
    }

    async fn enqueue(&mut self, request: wit::Request) -> Result<String, JobsError> {
        let job = self.admit(request).await?;
        let mut connection = Connection::autocommit(self.database.clone());
        Ok(connection.enqueue(&job).await?)
    }

    async fn enqueue_with(
        &mut self,
        connection: Resource<Connection>,
        request: wit::Request,
    ) -> Result<String, JobsError> {
        let job = self.admit(request).await?;
        Ok(self.table.get_mut(&connection)?.enqueue(&job).await?)
    }

    fn convert_error(&mut self, error: JobsError) -> wasmtime::Result<wit::Error> {
        error.for_guest()
    }
}

impl Jobs<'_> {
    async fn admit(&mut self, request: wit::Request) -> Result<QueuedJob, JobsError> {
        let entry = request.task.map_or(JobEntry::Execute, JobEntry::Task);
        self.jobs.grant.admit(&entry)?;
        let delay_ms = policy::admit(&request.payload, request.key.as_deref(), request.delay_ms)?;
        let payload = payload::admit(request.payload.as_bytes())?;
        if self.jobs.queued >= policy::QUEUED_BY_ONE_CALL {
            return Err(JobsError::QueueFull);
        }
        let backlog = self.jobs.backlog.admit(&self.jobs.app);
        if !backlog
            .await
            .map_err(|error| DbError::Unavailable(error.into()))?
        {
            return Err(JobsError::QueueFull);
        }
        self.jobs.queued += 1;
        Ok(QueuedJob {
            id: JobId(Entropy.id(&self.jobs.clock)),
            entry,
            payload,
            key: request.key,
            created_by: self.caller.and_then(|caller| caller.user_id.parse().ok()),
            priority: match request.priority {
                wit::Priority::Low => -1,
                wit::Priority::Normal => 0,
                wit::Priority::High => 1,
            },
            delay_ms,
            settings: self.jobs.grant.settings,
        })
    }
}

impl JobsError {
    /// Says what the guest may know. What it can mend arrives whole.
    fn for_guest(self) -> wasmtime::Result<wit::Error> {
        Ok(match self {
            Self::NotAJob => wit::Error::NotAJob,
            Self::Refused(refused) => wit::Error::Invalid(refused.to_string()),
            Self::Payload(bad) => wit::Error::Invalid(bad.to_string()),
            Self::QueueFull => wit::Error::QueueFull,
            Self::Database(error) => return of_database(error),
            Self::Handle(error) => return Err(error.into()),
        })
    }
}

fn of_database(error: DbError) -> wasmtime::Result<wit::Error> {
    if error.sqlstate() == Some(SUPERSEDED) {
        return Ok(wit::Error::Superseded);
    }
    Ok(match error {
        // A key of another payload, a transaction that has failed before, or a limit.
        DbError::Sql(_)
        | DbError::Refused(_)
        | DbError::NoSavepoint(_)
        | DbError::Aborted
        | DbError::OverLimit(_)
        | DbError::Invalid(_) => wit::Error::Invalid(error.to_string()),
        DbError::TimedOut => wit::Error::TimedOut,
        DbError::Lost | DbError::Unavailable(_) => {
            tracing::error!(%error, "the queue could not be reached");
            wit::Error::Unavailable
        }
        DbError::Handle(error) => return Err(error.into()),
    })
}

/// Links the interface; `view` borrows a [`Jobs`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> Jobs<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, JobsData>(linker, view)
}

#[cfg(test)]
mod tests;

struct JobsData;

impl HasData for JobsData {
    type Data<'a> = Jobs<'a>;
}
