//! `skep apps`: shows and manages the apps of the server.

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::Output;

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

#[derive(Serialize, Deserialize)]
struct App {
    name: String,
    display_name: String,
    enabled: bool,
    release: i32,
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
    active: bool,
    created_by: String,
    created_at: String,
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
                let () = client
                    .delete(&format!("{}?tables={word}", path(&app)))
                    .await?;
                Ok(output.line(&format!("{app} is deleted; {said}"))?)
            }
        }
    }
}

fn path(app: &str) -> String {
    format!("/admin/api/apps/{}", segment(app))
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
            let state = if app.enabled { "enabled" } else { "disabled" };
            [
                app.name.clone(),
                app.version.clone(),
                app.release.to_string(),
                state.to_owned(),
                app.display_name.clone(),
            ]
        })
        .collect();
    Ok(output.table(&list, ["APP", "VERSION", "RELEASE", "STATE", "TITLE"], rows)?)
}

async fn show(client: &Client, output: &mut Output, app: &str) -> anyhow::Result<()> {
    let details: Details = client.get(&path(app)).await?;
    let state = if details.app.enabled {
        "enabled"
    } else {
        "disabled"
    };
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
                if release.active { "active" } else { "" }.to_owned(),
                release.created_at.clone(),
                release.created_by.clone(),
            ]
        })
        .collect();
    output.table(
        &details,
        ["RELEASE", "VERSION", "", "DEPLOYED", "BY"],
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
