//! `skep launch`: limits this process, then becomes another program. Started by ourselves.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use crate::launch::Restrictions;

/// What a shell answers for a command that cannot be run.
const CANNOT_RUN: u8 = 126;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    restrictions: Restrictions,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

impl Arguments {
    /// Becomes the program; comes back only if that fails.
    pub(crate) fn run(self) -> ExitCode {
        match self.become_program() {
            Ok(never) => match never {},
            Err(error) => {
                eprintln!("skep launch: {error}");
                ExitCode::from(CANNOT_RUN)
            }
        }
    }

    fn become_program(self) -> anyhow::Result<Infallible> {
        self.restrictions.apply()?;
        let mut words = self.program.into_iter();
        let program = words.next().unwrap_or_default();
        let error = std::process::Command::new(&program).args(words).exec();
        anyhow::bail!("cannot run `{}`: {error}", program.display())
    }
}
