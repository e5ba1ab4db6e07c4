//! `skep check`: says what an author should mend, before anything is deployed.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;

use super::output::Output;
use crate::app::{Bundle, BundleError};
use crate::check::report::Report;
use crate::check::{self, Severity};

/// Check an app for what would break, or break others
///
/// PATH is the app's folder or zip. Nothing of it is run, and no server is needed. Errors refuse a
/// deploy; warnings are shown in its plan. The rules are listed in docs/authors.md.
///
/// The command ends with 0 where there are no errors, with 1 where there are, and with 2 where
/// PATH cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's folder or zip
    path: PathBuf,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON, as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// End with 1 where there are warnings too
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people, with the lines of the sources
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for editors and code hosts
    Sarif,
}

/// What the command ends with where it found errors.
const FOUND: u8 = 1;
/// What the command ends with where there was nothing to check.
const UNREADABLE: u8 = 2;

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let read = match read(&self.path) {
            Ok(read) => read,
            Err(error) => {
                eprintln!("error: {error:#}");
                return Ok(ExitCode::from(UNREADABLE));
            }
        };
        let (report, bundle) = checked(&self.path, read).await?;
        self.print(&report, bundle.as_ref())?;
        let is_bad = report.count(Severity::Error) > 0
            || (self.deny_warnings && report.count(Severity::Warning) > 0);
        Ok(if is_bad {
            ExitCode::from(FOUND)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn print(&self, report: &Report, bundle: Option<&Bundle>) -> anyhow::Result<()> {
        let format = if self.json { Format::Json } else { self.format };
        let whole: Value = match format {
            Format::Text => {
                let colours = std::io::stdout().is_terminal();
                let text = report.text(bundle, colours);
                // Nothing in it acts on a terminal but its own colours.
                return Ok(Output::text().event(&Value::Null, text.trim_end())?);
            }
            Format::Json => report.json(),
            Format::Sarif => report.sarif(),
        };
        Ok(Output::new(true).answer(&whole, "")?)
    }
}

/// The bundle at a path, or why the files there are none.
fn read(path: &Path) -> anyhow::Result<Result<Bundle, BundleError>> {
    let read = if path.is_dir() {
        Bundle::from_folder(path)
    } else {
        let zip = std::fs::read(path);
        Bundle::from_zip(&zip.with_context(|| format!("cannot read `{}`", path.display()))?)
    };
    match read {
        Err(error @ (BundleError::Read(..) | BundleError::NotAZip)) => Err(error.into()),
        read => Ok(read),
    }
}

async fn checked(
    path: &Path,
    read: Result<Bundle, BundleError>,
) -> anyhow::Result<(Report, Option<Bundle>)> {
    let shown = path.display().to_string();
    let bundle = match read {
        Ok(bundle) => bundle,
        Err(error) => return Ok((Report::new(shown, vec![check::refused(&error)]), None)),
    };
    let mut problems = check::describe(&bundle);
    let work = tempfile::tempdir()?;
    problems.extend(check::apart::sources(work.path(), &bundle).await?);
    Ok((Report::new(shown, problems), Some(bundle)))
}

/// Check the sources of a zip. Started by ourselves, inside limits
#[derive(Debug, clap::Args)]
pub(crate) struct SourcesArguments {
    input: PathBuf,
    output: PathBuf,
}

impl SourcesArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        check::apart::check_file(&self.input, &self.output)
    }
}
