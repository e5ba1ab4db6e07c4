//! `skep webhooks`: where notifications are sent by HTTP.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::Output;

/// Have notifications of apps sent to other servers
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List webhooks
    List {
        /// Only of this app
        #[arg(long)]
        app: Option<String>,
    },
    /// Send an app's notifications to an address that `webhook_origins` allows, and print the
    /// secret that they are signed with, this once
    Add {
        app: String,
        url: String,
        /// Only notifications of this name
        #[arg(long)]
        action: Option<String>,
    },
    /// Send nothing more, and forget what was sent
    Remove { id: String },
    /// Send a test
    Test { id: String },
    /// List what was sent and what waits, newest first
    Deliveries {
        id: String,
        /// Only those: pending, delivered or failed
        #[arg(long)]
        state: Option<String>,
        /// How many
        #[arg(short = 'n', long = "number", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        number: u16,
    },
}

#[derive(Serialize, Deserialize)]
struct Webhook {
    id: String,
    app: String,
    action: Option<String>,
    url: String,
    allowed: bool,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Webhooks {
    webhooks: Vec<Webhook>,
}

#[derive(Serialize, Deserialize)]
struct Added {
    id: String,
    secret: String,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Delivery {
    action: String,
    state: String,
    attempts: i32,
    status: Option<i32>,
    error: Option<String>,
    created_at: String,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Deliveries {
    deliveries: Vec<Delivery>,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        let one = |id: &str| format!("/api/webhooks/{}", segment(id));
        match self.command {
            Command::List { app } => list(client, &mut output, app).await,
            Command::Add { app, url, action } => {
                let body = json!({ "app": app, "url": url, "action": action });
                let added: Added = client.post("/api/webhooks", &body).await?;
                let text = format!(
                    "webhook {} was made; its messages are signed with\n{}\nwhich is shown this \
                     once: give it to the receiver",
                    added.id, added.secret
                );
                Ok(output.answer(&added, &text)?)
            }
            Command::Remove { id } => {
                let () = client.delete(&one(&id)).await?;
                Ok(output.line("nothing more is sent by it")?)
            }
            Command::Test { id } => {
                let path = format!("{}/test", one(&id));
                let answer: Value = client.post(&path, &json!({})).await?;
                let text = format!("a test is sent: see `skep webhooks deliveries {id}`");
                Ok(output.answer(&answer, &text)?)
            }
            Command::Deliveries { id, state, number } => {
                let mut path = format!("{}/deliveries?limit={number}", one(&id));
                if let Some(state) = state {
                    path.push_str(&format!("&state={}", segment(&state)));
                }
                deliveries(client, &mut output, &path).await
            }
        }
    }
}

async fn list(client: &Client, output: &mut Output, app: Option<String>) -> anyhow::Result<()> {
    let app = app.map(|app| format!("&app={}", segment(&app)));
    let path = format!("/api/webhooks?limit=1000{}", app.unwrap_or_default());
    let found: Webhooks = client.get(&path).await?;
    if found.webhooks.is_empty() {
        output.line("there are no webhooks")?;
    }
    let rows = found.webhooks.iter().map(|webhook| {
        let state = if webhook.allowed { "yes" } else { "no" };
        [
            webhook.id.clone(),
            webhook.app.clone(),
            webhook.action.clone().unwrap_or_else(|| "(all)".to_owned()),
            state.to_owned(),
            webhook.url.clone(),
        ]
    });
    let rows = rows.collect();
    Ok(output.table(
        &found,
        ["ID", "APP", "NOTIFICATION", "ALLOWED", "URL"],
        rows,
    )?)
}

async fn deliveries(client: &Client, output: &mut Output, path: &str) -> anyhow::Result<()> {
    let found: Deliveries = client.get(path).await?;
    if found.deliveries.is_empty() {
        output.line("nothing was sent by it")?;
    }
    let rows = found.deliveries.iter().map(|delivery| {
        let status = delivery.status.map(|status| status.to_string());
        [
            delivery.created_at.clone(),
            delivery.action.clone(),
            delivery.state.clone(),
            delivery.attempts.to_string(),
            status.unwrap_or_else(|| "-".to_owned()),
            delivery.error.clone().unwrap_or_default(),
        ]
    });
    let rows = rows.collect();
    let heads = ["TIME", "NOTIFICATION", "STATE", "TRIES", "STATUS", "ERROR"];
    Ok(output.table(&found, heads, rows)?)
}
