//! `skep user`: manages users.

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Client, segment};
use super::output::{Output, joined};
use super::prompt::PasswordArguments;

/// Manage users
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
    /// List the users
    List,
    /// Add a user
    Add {
        username: String,
        /// A role to give; may be repeated [default: user]
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Show a user
    Show { username: String },
    /// Let a user log in again
    Enable { username: String },
    /// Keep a user out, and end the user's sessions
    Disable { username: String },
    /// Delete a user, with the user's sessions and tokens
    Delete { username: String },
    /// Give a user a new password, or change your own if no user is named
    Password {
        username: Option<String>,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Make these the user's roles; with none, take all away
    Roles {
        username: String,
        /// All the roles that the user is to have
        roles: Vec<String>,
    },
}

#[derive(Serialize, Deserialize)]
struct User {
    username: String,
    enabled: bool,
    roles: Vec<String>,
    permissions: Vec<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize, Deserialize)]
struct Users {
    users: Vec<User>,
}

const USERS: &str = "/admin/api/users";

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
            Self::Add {
                username,
                roles,
                password,
            } => {
                let password = password.ask_new(&format!("Password of {username}: "))?;
                let body = json!({
                    "username": username,
                    "password": password.expose_secret(),
                    "roles": (!roles.is_empty()).then_some(roles),
                });
                let user: User = client.post(USERS, &body).await?;
                show(&user, output)
            }
            Self::Show { username } => show(&client.get(&path(&username)).await?, output),
            Self::Enable { username } => {
                change(client, output, &username, json!({ "enabled": true })).await
            }
            Self::Disable { username } => {
                change(client, output, &username, json!({ "enabled": false })).await
            }
            Self::Roles { username, roles } => {
                change(client, output, &username, json!({ "roles": roles })).await
            }
            Self::Delete { username } => {
                let () = client.delete(&path(&username)).await?;
                output.line(&format!("deleted the user {username}"))?;
                Ok(())
            }
            Self::Password { username, password } => {
                change_password(client, output, username.as_deref(), &password).await
            }
        }
    }
}

async fn list(client: &Client, output: &mut Output) -> anyhow::Result<()> {
    let users: Users = client.get(USERS).await?;
    let rows = users
        .users
        .iter()
        .map(|user| [user.username.clone(), state(user), joined(&user.roles)])
        .collect();
    output.table(&users, ["USERNAME", "STATE", "ROLES"], rows)?;
    Ok(())
}

async fn change(
    client: &Client,
    output: &mut Output,
    username: &str,
    change: serde_json::Value,
) -> anyhow::Result<()> {
    let user: User = client.patch(&path(username), &change).await?;
    show(&user, output)
}

async fn change_password(
    client: &Client,
    output: &mut Output,
    username: Option<&str>,
    password: &PasswordArguments,
) -> anyhow::Result<()> {
    match username {
        Some(username) => {
            let new = password.ask_new(&format!("New password of {username}: "))?;
            let body = json!({ "password": new.expose_secret() });
            let path = format!("{}/password", path(username));
            let () = client.post(&path, &body).await?;
            output.line(&format!("changed the password of {username}"))?;
        }
        None => {
            let old = password.ask("Old password: ")?;
            let new = password.ask_new("New password: ")?;
            let body = json!({
                "old_password": old.expose_secret(),
                "new_password": new.expose_secret(),
            });
            let () = client.post("/api/auth/password", &body).await?;
            output.line("changed your password")?;
        }
    }
    Ok(())
}

fn show(user: &User, output: &mut Output) -> anyhow::Result<()> {
    let text = format!(
        "username     {}\nstate        {}\nroles        {}\npermissions  {}\ncreated      {}\n\
         changed      {}",
        user.username,
        state(user),
        joined(&user.roles),
        joined(&user.permissions),
        user.created_at,
        user.updated_at,
    );
    output.answer(user, &text)?;
    Ok(())
}

fn state(user: &User) -> String {
    if user.enabled { "enabled" } else { "disabled" }.to_owned()
}

fn path(username: &str) -> String {
    format!("{USERS}/{}", segment(username))
}

#[cfg(test)]
mod tests;
