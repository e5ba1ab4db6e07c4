//! `skep login`: begins a session and keeps it for the other commands.

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::client::{self, Client};
use super::output::Output;
use super::prompt::{self, PasswordArguments};
use super::session::{Session, SessionError};
use crate::config::ClientConfig;

/// Log in to a server, for the commands that call it
///
/// SKEP_URL and SKEP_TOKEN override what is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The server [default: the last one, or http://127.0.0.1:3000]
    url: Option<String>,
    /// Who to log in as; asked for if not given
    #[arg(long, short)]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
}

#[derive(Deserialize)]
struct Answer {
    token: SecretString,
}

impl Arguments {
    pub(crate) async fn run(
        self,
        config: &ClientConfig,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let url = match self.url {
            Some(url) => url,
            // What is kept may be unreadable; logging in mends that.
            None => client::address(config, client::kept(config).ok().flatten().as_ref()),
        };
        let client = Client::anonymous(&url)?;
        let username = match self.username {
            Some(username) => username,
            None => prompt::ask("Username: ")?,
        };
        let password = self.password.ask(&format!("Password of {username}: "))?;
        log_in(config, &client, &username, &password).await?;
        output.line(&format!("logged in to {} as {username}", client.url()))?;
        Ok(())
    }
}

/// Begins a session and keeps it.
pub(crate) async fn log_in(
    config: &ClientConfig,
    client: &Client,
    username: &str,
    password: &SecretString,
) -> anyhow::Result<()> {
    // Before the session begins: one that cannot be kept would only be lost.
    let path = config.session_file.as_ref().ok_or(SessionError::NoHome)?;
    let body = json!({ "username": username, "password": password.expose_secret() });
    let answer: Answer = client
        .post("/api/auth/login", &body)
        .await
        .context("cannot log in")?;
    let session = Session {
        url: client.url().to_owned(),
        token: answer.token,
    };
    session.save(path)?;
    Ok(())
}
