//! `skep jobs`: shows and manages jobs.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::Output;
use super::terminal::on_one_line;

/// Show and manage jobs: calls that apps answer later
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List jobs, newest first (the default): your own, or all if you may see everything
    List(Filter),
    /// Show a job with all its attempts
    Show { job: String },
    /// Stop a job at once, or keep it from starting
    Cancel { job: String },
    /// Queue a failed job again
    Retry { job: String },
    /// Delete finished jobs of an app
    Purge {
        app: String,
        /// Those that finished longer ago than so many days
        #[arg(long, value_name = "DAYS")]
        older_than: u16,
    },
}

#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// Of this app only
    #[arg(long)]
    app: Option<String>,
    /// In this state only: pending, running, completed or failed
    #[arg(long)]
    status: Option<String>,
    /// Of this kind only: execute, task or hook; or one such as `task sync`
    #[arg(long)]
    entry: Option<String>,
    /// Your own only
    #[arg(long)]
    mine: bool,
    /// How many
    #[arg(long, default_value_t = 20)]
    limit: u16,
}

#[derive(Serialize, Deserialize)]
struct Job {
    id: String,
    app_name: String,
    entry: String,
    status: String,
    progress: i16,
    progress_text: Option<String>,
    error_message: Option<String>,
    attempt: i32,
    created_at: String,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct List {
    jobs: Vec<Job>,
}

#[derive(Serialize, Deserialize)]
struct Details {
    attempts: Vec<Attempt>,
    #[serde(flatten)]
    job: Job,
}

#[derive(Serialize, Deserialize)]
struct Attempt {
    number: i32,
    node: String,
    started_at: String,
    ended_at: Option<String>,
    outcome: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Purged {
    jobs: u64,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        let command = self.command.unwrap_or_else(|| {
            Command::List(Filter {
                limit: 20,
                ..Filter::default()
            })
        });
        match command {
            Command::List(filter) => list(client, &mut output, &filter).await,
            Command::Show { job } => show(client, &mut output, &job).await,
            Command::Cancel { job } => {
                let path = format!("/api/jobs/{}/cancel", segment(&job));
                let _: Value = client.post(&path, &json!({})).await?;
                Ok(output.line(&format!("{job} is cancelled"))?)
            }
            Command::Retry { job } => {
                let path = format!("/api/jobs/{}/retry", segment(&job));
                let _: Value = client.post(&path, &json!({})).await?;
                Ok(output.line(&format!("{job} is queued again"))?)
            }
            Command::Purge { app, older_than } => {
                let purge = json!({ "app": app, "older_than_days": older_than });
                let purged: Purged = client.post("/api/jobs/purge", &purge).await?;
                Ok(output.line(&format!("{} jobs of {app} are deleted", purged.jobs))?)
            }
        }
    }
}

async fn list(client: &Client, output: &mut Output, filter: &Filter) -> anyhow::Result<()> {
    let mut path = format!("/api/jobs?limit={}&mine={}", filter.limit, filter.mine);
    for (name, value) in [
        ("app", &filter.app),
        ("status", &filter.status),
        ("entry", &filter.entry),
    ] {
        if let Some(value) = value {
            path = format!("{path}&{name}={}", segment(value));
        }
    }
    let list: List = client.get(&path).await?;
    if list.jobs.is_empty() {
        output.line("no jobs: queue one with `skep call --async APP`")?;
    }
    let rows = list
        .jobs
        .iter()
        .map(|job| {
            [
                job.id.clone(),
                job.app_name.clone(),
                job.entry.clone(),
                job.status.clone(),
                format!("{} %", job.progress),
                job.attempt.to_string(),
                job.created_at.clone(),
                job.error_message.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        "JOB", "APP", "CALLS", "STATUS", "PROGRESS", "ATTEMPT", "QUEUED", "ERROR",
    ];
    Ok(output.table(&list, heads, rows)?)
}

async fn show(client: &Client, output: &mut Output, job: &str) -> anyhow::Result<()> {
    let details: Details = client.get(&format!("/api/jobs/{}", segment(job))).await?;
    let job = &details.job;
    output.line(&format!(
        "{} of {}, {}, {}, {} %{}",
        job.id,
        job.app_name,
        job.entry,
        job.status,
        job.progress,
        job.progress_text
            .as_deref()
            .map(|text| format!(": {}", on_one_line(text)))
            .unwrap_or_default(),
    ))?;
    if let Some(error) = &job.error_message {
        output.line(error)?;
    }
    let rows = details
        .attempts
        .iter()
        .map(|attempt| {
            [
                attempt.number.to_string(),
                attempt.outcome.clone().unwrap_or("running".to_owned()),
                attempt.node.clone(),
                attempt.started_at.clone(),
                attempt.ended_at.clone().unwrap_or_default(),
                attempt.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = ["ATTEMPT", "OUTCOME", "NODE", "STARTED", "ENDED", "ERROR"];
    Ok(output.table(&details, heads, rows)?)
}
