//! The command line: one file a command.

mod apps;
mod audit;
mod build;
mod call;
mod client;
mod compile;
mod credentials;
mod deploy;
mod launch;
mod login;
mod logout;
mod new;
mod output;
mod postgres;
mod prompt;
mod role;
mod serve;
mod session;
mod settings;
mod token;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::client::Client;
use self::output::Output;
use crate::config::ClientConfig;

/// Runs a company's mini-apps, each sealed in a WebAssembly cell.
#[derive(Debug, Parser)]
#[command(name = "skep", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    /// Make a folder with an app that works, to begin from
    New(new::NewArguments),
    Build(build::Arguments),
    Deploy(deploy::Arguments),
    Call(call::Arguments),
    Apps(apps::Arguments),
    Login(login::Arguments),
    Logout(logout::Arguments),
    User(user::Arguments),
    Role(role::Arguments),
    Token(token::Arguments),
    Credentials(credentials::Arguments),
    Settings(settings::Arguments),
    Audit(audit::Arguments),
    Postgres(postgres::Arguments),
    #[command(hide = true)]
    Launch(launch::Arguments),
    #[command(hide = true)]
    Compile(compile::Arguments),
}

/// Runs the command that the arguments name, and says how it went.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Launch(arguments) => return arguments.run(),
        Command::Postgres(arguments) => return arguments.run(),
        Command::Compile(arguments) => arguments.run(),
        Command::Serve(arguments) => arguments.run(),
        Command::New(arguments) => new::run(&arguments),
        Command::Build(arguments) => wait_for(arguments.run()),
        Command::Login(arguments) => {
            wait_for(arguments.run(&ClientConfig::load(), &mut Output::text()))
        }
        Command::Logout(arguments) => {
            wait_for(arguments.run(&ClientConfig::load(), &mut Output::text()))
        }
        Command::Deploy(arguments) => call(async |client| arguments.run(client).await),
        Command::Call(arguments) => call(async |client| arguments.run(client).await),
        Command::Apps(arguments) => call(async |client| arguments.run(client).await),
        Command::User(arguments) => call(async |client| arguments.run(client).await),
        Command::Role(arguments) => call(async |client| arguments.run(client).await),
        Command::Token(arguments) => call(async |client| arguments.run(client).await),
        Command::Credentials(arguments) => call(async |client| arguments.run(client).await),
        Command::Settings(arguments) => call(async |client| arguments.run(client).await),
        Command::Audit(arguments) => call(async |client| arguments.run(client).await),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Runs a command that calls the server that is logged in to.
fn call(command: impl AsyncFnOnce(&Client) -> anyhow::Result<()>) -> anyhow::Result<()> {
    wait_for(async {
        let client = Client::from_session(&ClientConfig::load())?;
        command(&client).await
    })
}

fn wait_for(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
