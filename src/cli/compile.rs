//! `skep compile`: compiles a component. Started by ourselves, inside limits.

use std::path::PathBuf;

use crate::cell::compile::compile_file;

/// Compile a component to this machine's code
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
    /// Count instructions
    #[arg(long)]
    count_fuel: bool,
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        compile_file(&self.input, &self.output, self.count_fuel)
    }
}
