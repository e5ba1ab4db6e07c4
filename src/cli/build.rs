//! `skep build`: makes the component of an app on the author's machine.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::deploy::{progress, say_what_is_left_out};
use super::output::Output;
use crate::app::{Bundle, BundlePath, COMPONENT, Description};
use crate::build::Builder;
use crate::config::Builders;

/// Build an app into a zip that any Skep server runs, with or without a builder of its own
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's folder
    path: PathBuf,
    /// The zip to write [default: NAME.zip]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut bundle = Bundle::from_folder(&self.path)?;
        let description = Description::read(&bundle)?;
        say_what_is_left_out(&bundle);
        for warning in &description.warnings {
            eprintln!("warning: {warning}");
        }
        let app = description.manifest.app_name;
        let output = self
            .output
            .unwrap_or_else(|| PathBuf::from(format!("{app}.zip")));

        if let Some(language) = description.backend.language() {
            let work = tempfile::tempdir()?;
            let progress = progress(false, &format!("building {app}"));
            let component = Builder::new(Builders::from_environment(), work.path().to_owned())
                .build(&bundle, language)
                .await?;
            progress.finish_and_clear();
            bundle.insert(BundlePath::parse(COMPONENT)?, component.into());
        }
        write(&output, &bundle.to_zip()?)?;
        let text = format!("{}: deploy it with `skep deploy {0}`", output.display());
        Ok(Output::text().line(&text)?)
    }
}

fn write(path: &Path, zip: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, zip).with_context(|| format!("cannot write `{}`", path.display()))
}
