//! `skep deploy`: hands an app to the server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Client;
use super::output::Output;
use crate::app::{Bundle, Description};
use crate::deploy::Plan;

/// Deploy an app
///
/// PATH is the app's folder or zip. The command ends when the app serves; if anything fails,
/// the release before goes on serving and the error says what to mend. A deploy that asks for
/// more than the release before waits for consent, and the command ends with exit code 3.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's folder or zip
    path: PathBuf,
    /// Consent to the plan with this digest, see `--plan`
    #[arg(long, value_name = "DIGEST", conflicts_with = "plan")]
    accept: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    plan: bool,
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
    state: String,
    plan: Plan,
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

/// What the command ends with where the release waits for consent.
const WAITING: u8 = 3;

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<ExitCode> {
        let zip = read(&self.path)?;
        let progress = progress(self.json, &format!("deploying {}", self.path.display()));
        let mut form = Form::new().part("file", Part::bytes(zip).file_name("app.zip"));
        if let Some(digest) = self.accept {
            form = form.text("accept", digest);
        }
        let mut output = Output::new(self.json);
        if self.plan {
            let path = "/admin/api/apps/deploy?plan=true";
            let plan: Plan = client.upload(path, form).await?;
            progress.finish_and_clear();
            output.answer(&plan, plan.text().trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        let report: Report = client.upload("/admin/api/apps/deploy", form).await?;
        progress.finish_and_clear();
        report.print(&mut output)
    }
}

impl Report {
    fn print(&self, output: &mut Output) -> anyhow::Result<ExitCode> {
        for warning in &self.warnings {
            output.line(&format!("warning: {} ({})", warning.text, warning.rule))?;
        }
        let Self {
            app,
            number,
            version,
            plan,
            ..
        } = self;
        if self.state == "waiting" {
            let text = format!(
                "{}\n{app} {version} waits for consent as release {number}; accept it with\n  \
                 skep apps accept {app} {number} --digest {}",
                plan.text(),
                plan.digest
            );
            output.answer(self, &text)?;
            return Ok(ExitCode::from(WAITING));
        }
        let took: u64 = self
            .timings
            .as_object()
            .map(|stages| stages.values().filter_map(Value::as_u64).sum())
            .unwrap_or_default();
        let text = format!(
            "{app} {version} serves as release {number} ({:.1} s)\ntry it: skep call {app} '{{}}'",
            Duration::from_millis(took).as_secs_f64()
        );
        output.answer(self, &text)?;
        Ok(ExitCode::SUCCESS)
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
