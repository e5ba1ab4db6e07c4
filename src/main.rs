//! The `skep` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    skep::run()
}
