//! `skep role`: manages roles, the named sets of permissions.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Client, segment};
use super::output::{Output, joined};

/// Manage roles
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
    /// List the roles
    List,
    /// Add a role, or replace the one of this name
    Set {
        name: String,
        /// A permission, such as `sales:read`; all that the role is to give, each with its
        /// own `--permission`
        #[arg(long = "permission", short, value_name = "PERMISSION")]
        permissions: Vec<String>,
        /// What the role is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Delete a role that nobody holds
    Delete { name: String },
}

#[derive(Serialize, Deserialize)]
struct Role {
    name: String,
    description: String,
    permissions: Vec<String>,
    built_in: bool,
}

#[derive(Serialize, Deserialize)]
struct Roles {
    roles: Vec<Role>,
}

const ROLES: &str = "/admin/api/roles";

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        self.command.run(client, &mut output).await
    }
}

impl Command {
    pub(crate) async fn run(self, client: &Client, output: &mut Output) -> anyhow::Result<()> {
        match self {
            Self::List => list(client, output).await,
            Self::Set {
                name,
                permissions,
                description,
            } => {
                let body = json!({ "description": description, "permissions": permissions });
                let role: Role = client.put(&path(&name), &body).await?;
                let text = format!("{} gives {}", role.name, joined(&role.permissions));
                output.answer(&role, &text)?;
                Ok(())
            }
            Self::Delete { name } => {
                let () = client.delete(&path(&name)).await?;
                output.line(&format!("deleted the role {name}"))?;
                Ok(())
            }
        }
    }
}

async fn list(client: &Client, output: &mut Output) -> anyhow::Result<()> {
    let roles: Roles = client.get(ROLES).await?;
    let rows = roles
        .roles
        .iter()
        .map(|role| {
            [
                role.name.clone(),
                joined(&role.permissions),
                role.description.clone(),
            ]
        })
        .collect();
    output.table(&roles, ["NAME", "PERMISSIONS", "DESCRIPTION"], rows)?;
    Ok(())
}

fn path(name: &str) -> String {
    format!("{ROLES}/{}", segment(name))
}
