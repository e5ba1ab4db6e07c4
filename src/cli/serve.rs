//! `skep serve`: runs the server.

pub(super) mod log;

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::with_server;
use crate::config::{Config, Overrides};
use crate::serve;
use crate::services::Services;

/// Run the server
///
/// Every setting can also stand in the config file, or in the environment in capitals behind
/// `SKEP_`: `--data` is `data` in the file and `SKEP_DATA`. The command line wins, then the
/// environment. SIGTERM or Ctrl-C lets running calls come to their end first; a second one does not wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Config file (TOML)
    #[arg(long, env = "SKEP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = Config::load(self.config.as_deref(), self.overrides)?;
        let _written_at_the_end = log::start(&config)?;
        with_server(async {
            let stop = CancellationToken::new();
            stop_on_signals(&stop)?;
            let ready = |_: &Services, address| println!("skep is ready on http://{address}");
            serve::run(config, stop, ready).await
        })
    }
}

/// Cancels `stop` on the first SIGTERM or SIGINT, and ends the process on the second.
fn stop_on_signals(stop: &CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Somebody is in a hurry. The embedded database stops when this process is gone.
        std::process::exit(130);
    });
    Ok(())
}
