//! The command line: one file a command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs a company's mini-apps, each sealed in a WebAssembly cell.
#[derive(Debug, Parser)]
#[command(name = "skep", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {}

/// Runs the command that the arguments name, and says how it went.
pub fn run() -> ExitCode {
    match Arguments::parse().command {}
}
