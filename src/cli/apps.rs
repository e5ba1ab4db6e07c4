//! `skep apps`: shows and manages the apps of the server.

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::Output;
use crate::app::plain;
use crate::deploy::Plan;

/// Show and manage apps
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
    /// List the apps (the default)
    List,
    /// Show an app with its releases and tables
    Show { app: String },
    /// Make an earlier release of an app serve again; tables stay as they are
    Rollback {
        app: String,
        /// The release's number, see `skep apps show`
        release: i32,
    },
    /// Show what a release changed or would change; without a number, of the one that waits
    /// for consent, else of the active one
    Plan {
        app: String,
        /// The release's number, see `skep apps show`
        release: Option<i32>,
    },
    /// Consent to a release that waits, so that it serves
    Accept {
        app: String,
        /// The release's number, see `skep apps show`
        release: i32,
        /// The digest of the plan that you looked at
        #[arg(long)]
        digest: String,
    },
    /// Refuse a release that waits for consent
    Refuse {
        app: String,
        /// The release's number, see `skep apps show`
        release: i32,
        /// Why, for the deployer to read
        #[arg(long)]
        reason: String,
    },
    /// Let a disabled app be called again
    Enable { app: String },
    /// Refuse an app's calls
    Disable { app: String },
    /// Delete an app with its releases
    Delete {
        app: String,
        /// What becomes of its tables: kept for a later app of that name, or dropped
        #[arg(long)]
        tables: Tables,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tables {
    Keep,
    Drop,
}

#[derive(Deserialize)]
struct Deleted {
    on_uninstall: Farewell,
}

#[derive(Deserialize)]
struct Farewell {
    ok: bool,
    message: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct App {
    name: String,
    display_name: String,
    enabled: bool,
    release: Option<i32>,
    waiting: Option<i32>,
    version: String,
    updated_at: String,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct List {
    apps: Vec<App>,
}

#[derive(Serialize, Deserialize)]
struct Details {
    releases: Vec<Release>,
    tables: Vec<Table>,
    #[serde(flatten)]
    app: App,
}

#[derive(Serialize, Deserialize)]
struct Release {
    number: i32,
    version: String,
    state: String,
    active: bool,
    created_by: String,
    created_at: String,
    decided_by: Option<String>,
    reason: Option<String>,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Table {
    schema: String,
    name: String,
    rows: Option<i64>,
    bytes: i64,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        match self.command.unwrap_or(Command::List) {
            Command::List => list(client, &mut output).await,
            Command::Show { app } => show(client, &mut output, &app).await,
            Command::Rollback { app, release } => {
                let path = format!("{}/rollback", path(&app));
                let () = client.post(&path, &json!({ "release": release })).await?;
                Ok(output.line(&format!("{app} serves release {release} again"))?)
            }
            Command::Plan { app, release } => plan(client, &mut output, &app, release).await,
            Command::Accept {
                app,
                release,
                digest,
            } => {
                let path = format!("{}/releases/{release}/accept", path(&app));
                let () = client.post(&path, &json!({ "digest": digest })).await?;
                Ok(output.line(&format!("{app} serves release {release}"))?)
            }
            Command::Refuse {
                app,
                release,
                reason,
            } => {
                let path = format!("{}/releases/{release}/refuse", path(&app));
                let () = client.post(&path, &json!({ "reason": reason })).await?;
                Ok(output.line(&format!("release {release} of {app} is refused"))?)
            }
            Command::Enable { app } => {
                let () = client
                    .post(&format!("{}/enable", path(&app)), &json!({}))
                    .await?;
                Ok(output.line(&format!("{app} can be called"))?)
            }
            Command::Disable { app } => {
                let () = client
                    .post(&format!("{}/disable", path(&app)), &json!({}))
                    .await?;
                Ok(output.line(&format!("{app} cannot be called any more"))?)
            }
            Command::Delete { app, tables } => {
                let (word, said) = match tables {
                    Tables::Keep => ("keep", "its tables are kept"),
                    Tables::Drop => ("drop", "its tables are dropped"),
                };
                let deleted: Option<Deleted> = client
                    .delete(&format!("{}?tables={word}", path(&app)))
                    .await?;
                if let Some(Deleted { on_uninstall }) = deleted {
                    output.line(&on_uninstall.said())?;
                }
                Ok(output.line(&format!("{app} is deleted; {said}"))?)
            }
        }
    }
}

impl Farewell {
    fn said(&self) -> String {
        let word = if self.ok { "succeeded" } else { "failed" };
        match &self.message {
            Some(message) => format!("its hook on_uninstall {word}: {message}"),
            None => format!("its hook on_uninstall {word}"),
        }
    }
}

fn path(app: &str) -> String {
    format!("/admin/api/apps/{}", segment(app))
}

impl App {
    fn state(&self) -> &'static str {
        match (self.release, self.enabled) {
            (None, _) if self.waiting.is_some() => "waiting",
            (None, _) => "refused",
            (Some(_), true) => "enabled",
            (Some(_), false) => "disabled",
        }
    }

    /// The active release, and the one that waits to be.
    fn releases(&self) -> String {
        match (self.release, self.waiting) {
            (None, _) => "-".to_owned(),
            (Some(active), None) => active.to_string(),
            (Some(active), Some(waiting)) => format!("{active} ({waiting} waits)"),
        }
    }
}

impl Release {
    /// What became of it, and by whom.
    fn state(&self) -> String {
        let by = self.decided_by.as_deref().unwrap_or("?");
        match (self.state.as_str(), &self.reason) {
            (_, _) if self.active => "active".to_owned(),
            ("ready", _) => String::new(),
            ("refused", Some(reason)) => format!("refused by {by}: {}", plain(reason)),
            (state, _) => state.to_owned(),
        }
    }
}

async fn plan(
    client: &Client,
    output: &mut Output,
    app: &str,
    release: Option<i32>,
) -> anyhow::Result<()> {
    let number = match release {
        Some(number) => number,
        None => {
            let shown: App = client.get(&path(app)).await?;
            shown.waiting.or(shown.release).ok_or_else(|| {
                anyhow::anyhow!("no release of {app} waits or serves: see `skep apps show {app}`")
            })?
        }
    };
    let plan: Plan = client
        .get(&format!("{}/releases/{number}/plan", path(app)))
        .await?;
    Ok(output.answer(&plan, plan.text().trim_end())?)
}

async fn list(client: &Client, output: &mut Output) -> anyhow::Result<()> {
    let list: List = client.get("/admin/api/apps").await?;
    if list.apps.is_empty() {
        output.line("no apps yet: make one with `skep new NAME`, then `skep deploy NAME`")?;
    }
    let rows = list
        .apps
        .iter()
        .map(|app| {
            [
                app.name.clone(),
                app.version.clone(),
                app.releases(),
                app.state().to_owned(),
                app.display_name.clone(),
            ]
        })
        .collect();
    Ok(output.table(&list, ["APP", "VERSION", "RELEASE", "STATE", "TITLE"], rows)?)
}

async fn show(client: &Client, output: &mut Output, app: &str) -> anyhow::Result<()> {
    let details: Details = client.get(&path(app)).await?;
    let state = details.app.state();
    output.line(&format!(
        "{} ({}), {state}",
        details.app.name, details.app.display_name
    ))?;
    let releases = details
        .releases
        .iter()
        .map(|release| {
            [
                release.number.to_string(),
                release.version.clone(),
                release.created_at.clone(),
                release.created_by.clone(),
                release.state(),
            ]
        })
        .collect();
    output.table(
        &details,
        ["RELEASE", "VERSION", "DEPLOYED", "BY", ""],
        releases,
    )?;
    for table in &details.tables {
        let rows = table.rows.map_or("not counted yet".to_owned(), |rows| {
            format!("about {rows} rows")
        });
        output.line(&format!(
            "table {}.{}: {rows}, {} bytes",
            table.schema, table.name, table.bytes
        ))?;
    }
    Ok(())
}
