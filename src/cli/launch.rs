//! `skep launch`: limits this process, then becomes another program. Started by ourselves.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::Context;

use crate::launch::{Program, Restrictions};

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
    /// Becomes the program, or runs it where it is to be alone.
    pub(crate) fn run(self) -> ExitCode {
        self.run_program().unwrap_or_else(|error| {
            eprintln!("skep launch: {error:#}");
            ExitCode::from(CANNOT_RUN)
        })
    }

    fn run_program(self) -> anyhow::Result<ExitCode> {
        if self.restrictions.alone {
            return self.restrictions.run_alone(&self.program);
        }
        match self.become_program()? {}
    }

    fn become_program(self) -> anyhow::Result<Infallible> {
        let mut words = self.program.into_iter();
        let name = words.next().unwrap_or_default();
        let error = if self.restrictions.sealed {
            // As who we are still: the program's user may not be able to reach it.
            let program = Program::open(&name, self.restrictions.tools.as_deref())
                .with_context(|| format!("cannot run `{}`", name.display()))?;
            self.restrictions.apply()?;
            program.seal(&self.restrictions.read)?;
            program.become_with(words)
        } else {
            self.restrictions.apply()?;
            std::process::Command::new(&name).args(words).exec()
        };
        anyhow::bail!("cannot run `{}`: {error}", name.display())
    }
}
