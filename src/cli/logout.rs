//! `skep logout`: ends the session that `skep login` began.

use super::client::{self, Client, ClientError};
use super::output::Output;
use super::session;
use crate::config::ClientConfig;

/// End the session, on the server and here
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

impl Arguments {
    pub(crate) async fn run(
        self,
        config: &ClientConfig,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let (Some(path), Some(kept)) = (&config.session_file, client::kept(config)?) else {
            output.line("not logged in")?;
            return Ok(());
        };
        // What is ended is what was kept, whatever the environment says.
        let client = Client::from_session(&ClientConfig {
            url: None,
            token: None,
            session_file: config.session_file.clone(),
        })?;
        let ended: Result<(), ClientError> = client.post("/api/auth/logout", &()).await;
        // Forgotten here even if the server cannot be told.
        session::forget(path)?;
        match ended {
            Ok(()) | Err(ClientError::NotLoggedIn(_)) => {
                output.line(&format!("logged out of {}", kept.url))?;
                Ok(())
            }
            Err(error) => Err(anyhow::Error::from(error)
                .context("the login is forgotten here, but lasts on the server until it expires")),
        }
    }
}
