//! The command line: one file a command.

mod apps;
mod assistant;
mod audit;
mod build;
mod call;
mod calls;
mod check;
mod client;
mod compile;
mod credentials;
mod deploy;
mod dev;
mod grants;
mod jobs;
mod launch;
mod licenses;
mod login;
mod logout;
mod logs;
mod new;
mod notify;
mod output;
mod postgres;
mod prompt;
mod retention;
mod role;
mod schedules;
mod serve;
mod session;
mod settings;
mod terminal;
mod test;
mod token;
mod user;
mod webhooks;
mod workbench;

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
    Prompt(assistant::Arguments),
    Check(check::Arguments),
    Dev(dev::Arguments),
    Test(test::Arguments),
    Build(build::Arguments),
    Deploy(deploy::Arguments),
    Call(call::Arguments),
    Calls(calls::Arguments),
    Logs(logs::Arguments),
    Apps(apps::Arguments),
    Grants(grants::Arguments),
    Jobs(jobs::Arguments),
    Login(login::Arguments),
    Logout(logout::Arguments),
    User(user::Arguments),
    Role(role::Arguments),
    Token(token::Arguments),
    Credentials(credentials::Arguments),
    Schedules(schedules::Arguments),
    Settings(settings::Arguments),
    Notify(notify::Arguments),
    Webhooks(webhooks::Arguments),
    Audit(audit::Arguments),
    Retention(retention::Arguments),
    Postgres(postgres::Arguments),
    /// Print the licences of the libraries that Skep serves to browsers
    Licenses,
    #[command(hide = true)]
    Launch(launch::Arguments),
    #[command(hide = true)]
    Compile(compile::Arguments),
    #[command(hide = true)]
    CheckSources(check::SourcesArguments),
    /// Print which walls stand around this process. Started by ourselves
    #[command(hide = true)]
    Walls,
}

/// Runs the command that the arguments name, and says how it went.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Launch(arguments) => return arguments.run(),
        Command::Postgres(arguments) => return arguments.run(),
        Command::Compile(arguments) => done(arguments.run()),
        Command::Licenses => done(licenses::run()),
        Command::Walls => done(crate::launch::show_walls()),
        Command::Serve(arguments) => done(arguments.run()),
        Command::New(arguments) => done(new::run(&arguments)),
        Command::Prompt(arguments) => done(arguments.run()),
        Command::Check(arguments) => wait_for(arguments.run()),
        Command::CheckSources(arguments) => done(arguments.run()),
        Command::Dev(arguments) => done(with_server(arguments.run())),
        Command::Test(arguments) => with_server(arguments.run()),
        Command::Build(arguments) => done(wait_for(arguments.run())),
        Command::Login(arguments) => done(wait_for(
            arguments.run(&ClientConfig::load(), &mut Output::text()),
        )),
        Command::Logout(arguments) => done(wait_for(
            arguments.run(&ClientConfig::load(), &mut Output::text()),
        )),
        Command::Deploy(arguments) => call(async |client| arguments.run(client).await),
        Command::Call(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Calls(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Logs(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Apps(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Jobs(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Grants(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::User(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Role(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Token(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Credentials(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Schedules(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Settings(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Webhooks(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Notify(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Audit(arguments) => done(call(async |client| arguments.run(client).await)),
        Command::Retention(arguments) => done(call(async |client| arguments.run(client).await)),
    };
    match outcome {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // The words may be an app's.
            eprintln!("error: {}", terminal::harmless(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// The exit code of a command that has either done what it was asked to, or failed.
fn done(outcome: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Runs a command that calls the server that is logged in to.
fn call<T>(command: impl AsyncFnOnce(&Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
    wait_for(async {
        let client = Client::from_session(&ClientConfig::load())?;
        command(&client).await
    })
}

fn wait_for<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

/// Runs a command that has a server in its own process.
fn with_server<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("skep")
        .build()?;
    let ended = runtime.block_on(command);
    // What is still running has had its time.
    runtime.shutdown_background();
    ended
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
