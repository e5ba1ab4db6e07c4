//! `skep call`: calls an app.

use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, ClientError, segment};
use super::output::Output;

/// How often a job is asked after.
const POLL: Duration = Duration::from_millis(250);

/// How long a server may be away while it restarts.
const RESTART: Duration = Duration::from_secs(60);

/// Call an app and print its answer
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Queue the call as a job, and wait until it is done
    #[arg(long = "async")]
    queue: bool,
    /// Queue this task of the app's manifest instead, and wait until it is done
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// The app's name
    app: String,
    /// A JSON object for the app
    #[arg(default_value = "{}")]
    data: String,
}

#[derive(Deserialize)]
struct Queued {
    job_id: String,
}

#[derive(Deserialize)]
struct Job {
    status: String,
    progress: u64,
    progress_text: Option<String>,
    result: Value,
    error_message: Option<String>,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let data: Value = serde_json::from_str(&self.data)
            .with_context(|| format!("`{}` is not valid JSON", self.data))?;
        let answer = if self.queue || self.task.is_some() {
            queue(client, &self.app, self.task.as_deref(), &data).await?
        } else {
            let path = format!("/api/sync/{}", segment(&self.app));
            client.post(&path, &data).await?
        };
        Ok(Output::text().line(&serde_json::to_string_pretty(&answer)?)?)
    }
}

/// Queues a call or a task as a job, and waits until it is done.
///
/// # Errors
///
/// When it is refused or fails.
pub(super) async fn queue(
    client: &Client,
    app: &str,
    task: Option<&str>,
    data: &Value,
) -> anyhow::Result<Value> {
    let mut path = format!("/api/async/{}", segment(app));
    if let Some(task) = task {
        path = format!("{path}?task={}", segment(task));
    }
    let queued: Queued = client.post(&path, data).await?;
    wait(client, &queued.job_id).await
}

/// Waits for a job, and shows on a terminal how far it is.
async fn wait(client: &Client, id: &str) -> anyhow::Result<Value> {
    let bar = ProgressBar::new(100).with_message("waiting");
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent} % {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(POLL);
    let path = format!("/api/async/jobs/{}", segment(id));
    let mut lost: Option<Instant> = None;
    loop {
        let job: Job = match client.get(&path).await {
            // The server restarts, and the job outlives that.
            Err(ClientError::Unreachable { .. } | ClientError::Broken { .. })
                if lost.get_or_insert_with(Instant::now).elapsed() < RESTART =>
            {
                bar.set_message("the server cannot be reached; asking again");
                tokio::time::sleep(POLL).await;
                continue;
            }
            answer => answer.with_context(|| {
                format!("job {id} is queued; ask after it with `skep jobs show {id}`")
            })?,
        };
        lost = None;
        match job.status.as_str() {
            "completed" => {
                bar.finish_and_clear();
                return Ok(job.result);
            }
            "failed" => {
                bar.finish_and_clear();
                let error = job.error_message.unwrap_or_default();
                anyhow::bail!("job {id} failed: {error}");
            }
            status => {
                bar.set_position(job.progress);
                bar.set_message(job.progress_text.unwrap_or(status.to_owned()));
            }
        }
        tokio::time::sleep(POLL).await;
    }
}
