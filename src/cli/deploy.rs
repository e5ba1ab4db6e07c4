//! `skep deploy`: hands an app to the server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Client;
use super::output::Output;
use crate::app::{Bundle, Description};

/// Deploy an app
///
/// PATH is the app's folder or zip. The command ends when the app serves; if anything fails,
/// the release before goes on serving and the error says what to mend.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's folder or zip
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize, Deserialize)]
struct Report {
    app: String,
    number: i32,
    version: String,
    digest: String,
    warnings: Vec<Warning>,
    timings: Value,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Warning {
    rule: String,
    text: String,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let zip = read(&self.path)?;
        let progress = progress(self.json, &format!("deploying {}", self.path.display()));
        let form = Form::new().part("file", Part::bytes(zip).file_name("app.zip"));
        let report: Report = client.upload("/admin/api/apps/deploy", form).await?;
        progress.finish_and_clear();

        let mut output = Output::new(self.json);
        for warning in &report.warnings {
            output.line(&format!("warning: {} ({})", warning.text, warning.rule))?;
        }
        let took: u64 = report
            .timings
            .as_object()
            .map(|stages| stages.values().filter_map(Value::as_u64).sum())
            .unwrap_or_default();
        let Report {
            app,
            number,
            version,
            ..
        } = &report;
        let text = format!(
            "{app} {version} serves as release {number} ({:.1} s)\ntry it: skep call {app} '{{}}'",
            Duration::from_millis(took).as_secs_f64()
        );
        output.answer(&report, &text)?;
        Ok(())
    }
}

/// The app as a zip. A folder is checked here, so that its author reads what is wrong before
/// anything is sent.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if !path.is_dir() {
        return std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    }
    let bundle = Bundle::from_folder(path)?;
    let description = Description::read(&bundle)?;
    // Only the folder shows its name; whatever else there is to warn of, the server sees too.
    for warning in &description.warnings {
        if warning.rule == "NR-B05" {
            eprintln!("warning: {warning}");
        }
    }
    say_what_is_left_out(&bundle);
    Ok(bundle.to_zip()?)
}

/// Tells an author which files of the folder do not go along.
pub(super) fn say_what_is_left_out(bundle: &Bundle) {
    if !bundle.skipped().is_empty() {
        eprintln!("left out: {}", bundle.skipped().join(", "));
    }
}

/// Shows on a terminal that something is going on, and for how long.
pub(super) fn progress(quiet: bool, what: &str) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
