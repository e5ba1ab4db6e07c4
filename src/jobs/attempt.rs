//! One try at a job: a call in a cell, the heartbeats beside it, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Acquire, PgConnection};

use super::Jobs;
use super::policy::{self, Ending};
use crate::app::{JobEntry, payload};
use crate::capability::caller::Caller;
use crate::capability::db::fence::{Fence, Secret};
use crate::capability::db::session::Source;
use crate::capability::notify::policy::Fired;
use crate::cell::{self, Call, CallError, Entry};
use crate::deploy::{App, NotServing};
use crate::ids::{CallId, UserId};
use crate::limits::Budget;
use crate::store::jobs::attempts::{self, Claimed, Said};
use crate::store::{notifications, users};

/// How long a node tries to write down how an attempt ended. After that the attempt's lease ends
/// by itself.
const WRITING_DOWN: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// What an attempt came to.
enum Outcome {
    /// The job is completed, with all that the attempt did.
    Completed,
    /// The app has answered, and what it did is committed already. What it fired is not sent yet.
    Answered(String, Vec<Fired>),
    Ended(Ending, String),
    /// A hook has answered that it did not succeed.
    NotWell {
        message: String,
        answer: String,
    },
}

impl Jobs {
    /// Runs a job once, and writes down what came of it.
    pub(super) async fn attempt(&self, claimed: Claimed, secret: Secret) {
        let fence = Fence::new(claimed.job, claimed.number, secret);
        self.running().insert(claimed.job, fence.clone());
        let attempt = async {
            let outcome = self.call(&claimed, &fence).await;
            self.write_down(&fence, outcome).await;
        };
        // The heart beats while this attempt's own future is alive, and no longer.
        tokio::select! {
            () = attempt => {}
            () = self.beat(&fence) => {}
        }
        // A later attempt of the job may run here already.
        let mut running = self.running();
        if running
            .get(&claimed.job)
            .is_some_and(|current| current.number() == claimed.number)
        {
            running.remove(&claimed.job);
        }
    }

    /// Extends the lease again and again, and stops the cell of an attempt that is over.
    async fn beat(&self, fence: &Fence) {
        let parts = &self.0.parts;
        let lease = parts.settings.lease;
        loop {
            tokio::time::sleep(lease / 3).await;
            let beat = attempts::beat(parts.store.pool(), fence.job(), fence.number(), lease);
            match beat.await {
                Ok(true) => {}
                Ok(false) => fence.stop().cancel(),
                // The database decides whether the lease has ended meanwhile.
                Err(error) => tracing::warn!(job = %fence.job(), %error, "a heartbeat was missed"),
            }
        }
    }

    async fn call(&self, claimed: &Claimed, fence: &Fence) -> Outcome {
        let parts = &self.0.parts;
        let app = match self.release(claimed).await {
            Ok(app) => app,
            Err(error) => return Outcome::Ended(Ending::Returned, error),
        };
        let caller = match claimed.created_by {
            None => None,
            Some(user) => match self.caller(user).await {
                Ok(caller) => caller,
                Err(error) => return Outcome::Ended(Ending::Lost, error.to_string()),
            },
        };
        let settings = app.image.settings();
        let call = Call {
            id: CallId(parts.entropy.id(&parts.clock)),
            entry: entry(claimed),
            caller,
            database: Source::App {
                pools: parts.pools.clone(),
                app: claimed.app.clone(),
                inspector: app.inspector.clone(),
            },
            budget: Budget {
                wall: settings.jobs.wall_of(&claimed.entry),
                ..settings.budget
            },
            attempt: Some(fence.clone()),
        };
        let outcome = parts.cells.run(&app.image, call).await;
        parts
            .uses
            .note_job(parts.cells.limits(), settings, &outcome.receipt);
        judge(outcome, fence)
    }

    /// What a job runs on: the app as calls find it.
    ///
    /// A hook tells of what was changed a moment ago, maybe on another node, and an app is told
    /// that it is disabled when it is.
    async fn release(&self, claimed: &Claimed) -> Result<App, String> {
        let parts = &self.0.parts;
        if !claimed.entry.is_hook() {
            return parts
                .serving
                .find(&claimed.app)
                .map_err(|error| error.to_string());
        }
        let followed = parts.deployer.follow(&claimed.app).await;
        followed.map_err(|error| error.to_string())?;
        parts
            .serving
            .find_even_disabled(&claimed.app)
            .ok_or_else(|| NotServing::NotFound(claimed.app.clone()).to_string())
    }

    /// The user behind a job, with the rights of now; none where they may do nothing any more.
    async fn caller(&self, user: UserId) -> sqlx::Result<Option<Arc<Caller>>> {
        let found = users::find_by_id(self.0.parts.store.pool(), user).await?;
        Ok(found.filter(|user| user.enabled).map(|user| {
            Arc::new(Caller {
                user_id: user.id.to_string(),
                username: user.username,
                roles: user.roles,
                permissions: user.permissions,
            })
        }))
    }

    /// Writes down how an attempt ended, through a database that comes and goes.
    async fn write_down(&self, fence: &Fence, outcome: Outcome) {
        let written = async {
            loop {
                match self.try_write_down(fence, &outcome).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::warn!(job = %fence.job(), %error, "a job's end is not written yet");
                    }
                }
                tokio::time::sleep(TRY_AGAIN).await;
            }
        };
        if tokio::time::timeout(WRITING_DOWN, written).await.is_err() {
            tracing::error!(job = %fence.job(), "a job's end could not be written: it is run again");
        }
    }

    async fn try_write_down(&self, fence: &Fence, outcome: &Outcome) -> sqlx::Result<()> {
        if let Outcome::Completed = outcome {
            return Ok(());
        }
        let (job, number) = (fence.job(), fence.number());
        let mut connection = self.0.parts.store.pool().acquire().await?;
        let mut tx = connection.begin().await?;
        match outcome {
            Outcome::Completed => {}
            Outcome::Answered(result, fired) => {
                if attempts::complete(&mut tx, job, number, result).await? {
                    let fired = fired.iter();
                    let fired = fired.map(|one| (one.action.as_str(), one.payload.as_str()));
                    notifications::put_of_job(&mut *tx, job, fired).await?;
                } else {
                    tracing::info!(%job, number, "an attempt that was superseded is left out");
                }
            }
            Outcome::Ended(ending, error) => {
                self.settle(&mut tx, fence, *ending, Said::error(error))
                    .await?;
            }
            Outcome::NotWell { message, answer } => {
                let said = Said {
                    error: message,
                    result: Some(answer),
                };
                self.settle(&mut tx, fence, Ending::Failed, said).await?;
            }
        }
        tx.commit().await
    }
}

impl Jobs {
    /// Ends an attempt that did not complete its job, and decides what becomes of the job.
    async fn settle(
        &self,
        connection: &mut PgConnection,
        fence: &Fence,
        ending: Ending,
        said: Said<'_>,
    ) -> sqlx::Result<()> {
        let (job, number) = (fence.job(), fence.number());
        let ended = attempts::give_up(connection, job, number, ending.word(), said.error).await?;
        if let Some(counts) = ended {
            let chance = u32::from_le_bytes(self.0.parts.entropy.bytes());
            let (counts, next) = policy::next(ending, counts, chance);
            attempts::settle(connection, job, counts, next, said).await?;
        }
        Ok(())
    }
}

/// What of the app a job calls.
fn entry(claimed: &Claimed) -> Entry {
    let data = || payload::with_job_id(&claimed.payload, claimed.job);
    match &claimed.entry {
        JobEntry::Execute => Entry::Execute(data()),
        JobEntry::Task(name) => Entry::Task {
            name: name.clone(),
            data: data(),
        },
        JobEntry::Hook(hook) => Entry::Hook {
            hook: *hook,
            payload: claimed.payload.clone(),
        },
    }
}

/// Says what an attempt came to.
fn judge(outcome: cell::Outcome, fence: &Fence) -> Outcome {
    let error = match outcome.result {
        _ if fence.is_completed() => return Outcome::Completed,
        Ok(answer) => match payload::result(&answer) {
            Some(kept) => return Outcome::Answered(kept, outcome.notifications),
            None => {
                let text = "response serialization failed".to_owned();
                return Outcome::Ended(Ending::Failed, text);
            }
        },
        Err(error) => error,
    };
    // PostgreSQL keeps no such character in a text.
    let text = error.to_string().replace('\0', "");
    match error {
        CallError::NotWell { answer, .. } => Outcome::NotWell {
            message: text,
            answer: payload::result(&answer)
                .unwrap_or_default()
                .replace('\0', ""),
        },
        CallError::Stopped | CallError::Busy(_) => Outcome::Ended(Ending::Returned, text),
        CallError::Internal(_) => Outcome::Ended(Ending::Lost, text),
        CallError::TimedOut(wall) => Outcome::Ended(
            Ending::TimedOut,
            format!("job timed out after {} s", wall.as_secs_f32()),
        ),
        // What an app makes of a database that went away is not its own failure.
        CallError::App { .. } if fence.has_lost_the_database() => {
            Outcome::Ended(Ending::Lost, text)
        }
        CallError::App { .. }
        | CallError::OutOfMemory(_)
        | CallError::OutOfFuel(_)
        | CallError::AnswerTooLarge
        | CallError::Crashed(_) => Outcome::Ended(Ending::Failed, text),
    }
}
