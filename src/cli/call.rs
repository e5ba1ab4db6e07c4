//! `skep call`: calls an app.

use anyhow::Context;
use serde_json::Value;

use super::client::{Client, segment};
use super::output::Output;

/// Call an app and print its answer
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's name
    app: String,
    /// A JSON object for the app
    #[arg(default_value = "{}")]
    data: String,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let data: Value = serde_json::from_str(&self.data)
            .with_context(|| format!("`{}` is not valid JSON", self.data))?;
        let path = format!("/api/sync/{}", segment(&self.app));
        let answer: Value = client.post(&path, &data).await?;
        Ok(Output::text().line(&serde_json::to_string_pretty(&answer)?)?)
    }
}
