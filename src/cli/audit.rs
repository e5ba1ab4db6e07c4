//! `skep audit`: who did what.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::Output;

/// Show, check and export the audit log: who did what
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only of this app, its credentials and settings
    #[arg(long)]
    app: Option<String>,
    /// Only what this user did
    #[arg(long)]
    actor: Option<String>,
    /// Not older than this time, such as 2026-11-21T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// How many entries, the newest first
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: u16,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow the chain of the log to its end, and name the first entry that is not good
    Verify {
        /// An entry that you have noted, as this command printed it: it must still be there
        #[arg(long, value_name = "SEQ:HASH")]
        noted: Option<String>,
    },
    /// Write the whole log as JSON lines
    Export {
        /// To a new file; to standard output, if not said
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Export the whole log, and remove its oldest entries
    Cut {
        /// Entries from before this time go
        #[arg(long, value_name = "TIME")]
        before: String,
        /// The new file that the whole log is written to first
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Serialize, Deserialize)]
struct Entry {
    seq: i64,
    at: String,
    actor: String,
    action: String,
    subject_kind: String,
    subject: String,
    details: Value,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Entries {
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    seq: i64,
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct Broken {
    seq: i64,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    whole: bool,
    anchor: Place,
    good: Place,
    broken: Option<Broken>,
}

#[derive(Serialize, Deserialize)]
struct Removed {
    removed: u64,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        match &self.command {
            None => self.list(client, &mut output).await,
            Some(Command::Verify { noted }) => verify(client, &mut output, noted.as_deref()).await,
            Some(Command::Export { output: None }) => {
                let lines = client.read("/api/audit/export").await?;
                Ok(io::stdout().write_all(&lines)?)
            }
            Some(Command::Export { output: Some(file) }) => export(client, file).await,
            Some(Command::Cut {
                before,
                output: file,
            }) => {
                export(client, file).await?;
                let body = json!({ "before": before });
                let removed: Removed = client.post("/api/audit/cut", &body).await?;
                let text = format!(
                    "removed {} entries; `{}` holds the whole log",
                    removed.removed,
                    file.display()
                );
                Ok(output.answer(&removed, &text)?)
            }
        }
    }

    async fn list(&self, client: &Client, output: &mut Output) -> anyhow::Result<()> {
        let mut path = format!("/api/audit?limit={}", self.limit);
        for (key, value) in [
            ("app", &self.app),
            ("actor", &self.actor),
            ("since", &self.since),
        ] {
            if let Some(value) = value {
                path.push_str(&format!("&{key}={}", segment(value)));
            }
        }
        let list: Entries = client.get(&path).await?;
        let rows = list
            .entries
            .iter()
            .map(|entry| {
                [
                    entry.seq.to_string(),
                    entry.at.clone(),
                    entry.actor.clone(),
                    entry.action.clone(),
                    entry.subject.clone(),
                    entry.details.to_string(),
                ]
            })
            .collect();
        let heads = ["NUMBER", "TIME", "WHO", "DID", "TO", "DETAILS"];
        Ok(output.table(&list, heads, rows)?)
    }
}

async fn verify(client: &Client, output: &mut Output, noted: Option<&str>) -> anyhow::Result<()> {
    let path = match noted {
        Some(noted) => format!("/api/audit/verify?noted={}", segment(noted)),
        None => "/api/audit/verify".to_owned(),
    };
    let verdict: Verdict = client.get(&path).await?;
    let Place { seq, hash } = &verdict.good;
    output.answer(&verdict, &format!("good up to {seq}:{hash}"))?;
    match verdict.broken {
        None => Ok(()),
        Some(broken) => bail!("the audit log is broken: {}", broken.reason),
    }
}

/// Writes the whole log to a file that is not there yet.
async fn export(client: &Client, file: &Path) -> anyhow::Result<()> {
    let named = || format!("cannot write `{}`", file.display());
    let mut to = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(named)?;
    let lines = client.read("/api/audit/export").await?;
    to.write_all(&lines).with_context(named)?;
    to.sync_all().with_context(named)
}
