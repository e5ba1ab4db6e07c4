//! `skep postgres`: runs a program that speaks to Skep's database, such as `pg_dump`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Overrides};
use crate::postgres::{Cluster, ClusterError, Server, Settings};
use crate::services::{Entropy, HostKey};

/// Run a program with a login to Skep's database in its environment
///
/// The embedded database is started for it if no `skep serve` is running. Examples: `skep
/// postgres -- psql`, `skep postgres -- pg_dump --format=custom --file=skep.dump`. A whole
/// backup is more than that: the roles (`pg_dumpall --roles-only`) and the host key too.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Config file
    #[arg(long, env = "SKEP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded database [default: skep-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A setting of the server, if it is started here
    #[arg(short = 'c', long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    settings: Vec<(String, String)>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

impl Arguments {
    pub(crate) fn run(self) -> ExitCode {
        let outcome = tokio::runtime::Runtime::new()
            .map_err(anyhow::Error::from)
            .and_then(|runtime| runtime.block_on(self.run_program()));
        match outcome {
            Ok(status) => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                ExitCode::from(code.unwrap_or(1))
            }
            Err(error) => {
                eprintln!("skep postgres: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    async fn run_program(self) -> anyhow::Result<ExitStatus> {
        let config = Config::load(self.config.as_deref(), Overrides::of_data(self.data))?;
        if let Some(url) = &config.database_url {
            return run(&Server::from_url(url)?, self.program).await;
        }
        std::fs::create_dir_all(&config.data)
            .with_context(|| format!("cannot make `{}`", config.data.display()))?;
        let key = HostKey::open(&config.key_file(), &Entropy)?;
        let settings = Settings {
            more: self.settings,
            ..Settings::new(&config)
        };
        match Cluster::start(settings, &key).await {
            Ok(cluster) => {
                let status = run(cluster.server(), self.program).await;
                cluster.stop().await;
                status
            }
            Err(ClusterError::Folder(error)) if error.is_in_use() => {
                run(&Cluster::running(&config.data, &key)?, self.program).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn run(server: &Server, program: Vec<OsString>) -> anyhow::Result<ExitStatus> {
    // Ctrl-C is for the program, which gets it too; `psql` only ends a statement then.
    let _interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut words = program.into_iter();
    let program = words.next().unwrap_or_default();
    let mut child = tokio::process::Command::new(&program)
        .args(words)
        .envs(server.variables())
        .spawn()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    tokio::select! {
        status = child.wait() => Ok(status?),
        _ = terminate.recv() => {
            child.start_kill()?;
            Ok(child.wait().await?)
        }
    }
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}
