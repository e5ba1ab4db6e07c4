//! `skep prompt`: everything that a coding assistant needs to write an app.

use super::output::Output;
use crate::starter::assistant;
use crate::starter::templates::Template;

/// Print what a coding assistant needs to know to write an app, with an app to begin from
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app at the end
    #[arg(long, short, value_enum, default_value_t)]
    template: Template,
}

impl Arguments {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        Ok(Output::text().line(assistant::text(self.template)?.trim_end())?)
    }
}
