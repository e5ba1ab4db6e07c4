//! `skep token`: manages API tokens.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Client, segment};
use super::output::{Output, joined};

/// Manage API tokens
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List your tokens
    List {
        /// Everybody's
        #[arg(long)]
        all: bool,
    },
    /// Make a token, and print it this once
    Create {
        /// What it is for
        name: String,
        /// A permission that it passes on, `apps:call` to call apps, or `*` for all; may be
        /// repeated
        #[arg(long = "scope", short, value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// How many days it lasts, at most 366 [default: 90]
        #[arg(long, conflicts_with = "never_expires")]
        days: Option<u16>,
        /// Let it last until it is revoked
        #[arg(long)]
        never_expires: bool,
    },
    /// Revoke a token
    Revoke {
        id: String,
        /// Even if it is somebody else's
        #[arg(long)]
        any: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct Token {
    id: String,
    username: String,
    name: String,
    scopes: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Tokens {
    tokens: Vec<Token>,
}

#[derive(Serialize, Deserialize)]
struct Created {
    token: String,
    #[serde(flatten)]
    about: Token,
}

const OWN: &str = "/api/tokens";
const EVERYBODYS: &str = "/admin/api/tokens";

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        self.command.run(client, &mut output).await
    }
}

impl Command {
    pub(crate) async fn run(self, client: &Client, output: &mut Output) -> anyhow::Result<()> {
        match self {
            Self::List { all } => list(client, output, scope(all)).await,
            Self::Create {
                name,
                scopes,
                days,
                never_expires,
            } => {
                let body = json!({
                    "name": name,
                    "scopes": scopes,
                    "expires_in_days": days,
                    "never_expires": never_expires,
                });
                let created: Created = client.post(OWN, &body).await?;
                // Alone on its line, for `$(skep token create ...)`.
                output.answer(&created, &created.token)?;
                Ok(())
            }
            Self::Revoke { id, any } => {
                let path = format!("{}/{}", scope(any), segment(&id));
                let () = client.delete(&path).await?;
                output.line(&format!("revoked the token {id}"))?;
                Ok(())
            }
        }
    }
}

fn scope(all: bool) -> &'static str {
    if all { EVERYBODYS } else { OWN }
}

async fn list(client: &Client, output: &mut Output, path: &str) -> anyhow::Result<()> {
    let tokens: Tokens = client.get(path).await?;
    let heads = [
        "ID",
        "USERNAME",
        "NAME",
        "SCOPES",
        "STATE",
        "EXPIRES",
        "LAST USED",
    ];
    let rows = tokens
        .tokens
        .iter()
        .map(|token| {
            [
                token.id.clone(),
                token.username.clone(),
                token.name.clone(),
                joined(&token.scopes),
                if token.revoked_at.is_some() {
                    "revoked"
                } else {
                    "good"
                }
                .to_owned(),
                token.expires_at.clone().unwrap_or_else(|| "never".into()),
                token.last_used_at.clone().unwrap_or_else(|| "never".into()),
            ]
        })
        .collect();
    output.table(&tokens, heads, rows)?;
    Ok(())
}
