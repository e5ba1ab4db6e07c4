//! One run of the server: started, awaited, stopped.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::Child;
use tokio::time::Instant;

use super::super::account::Account;
use super::super::binaries::Binaries;
use super::super::folder::{DataFolder, Hold, at};
use super::super::leftovers;
use super::{ClusterError, identity};
use crate::launch::{self, DeathSignal, Restrictions};

/// Recovery after a crash of the machine may have to read a lot.
const READY_LIMIT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(5);
/// How long sessions get to end, and then the server itself.
const FAST: Duration = Duration::from_secs(20);
const IMMEDIATE: Duration = Duration::from_secs(10);

/// The memory of its own that each process of the server may have, in bytes. A statement that
/// wants more fails, and nothing else with it; `work_mem` bounds only a part of what one takes.
const PROCESS_MEMORY: u64 = 512 * 1024 * 1024;

/// All that it takes to start the server. Holds the data folder.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub(super) folder: DataFolder,
    pub(super) _hold: Hold,
    pub(super) skep: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) account: Account,
    pub(super) socket: PathBuf,
    pub(super) max_connections: u16,
    pub(super) more: Vec<(String, String)>,
}

impl Postmaster {
    /// Starts the server and waits until it says that it is ready.
    pub(super) async fn start(&self) -> Result<Child, ClusterError> {
        let cluster = self.folder.cluster();
        let name = self.folder.cluster_name();
        leftovers::clear(&cluster, &self.socket, &name, self.account).await?;

        let log = self.folder.open_log()?;
        let begin = log.metadata().map_or(0, |metadata| metadata.len());
        let again = log.try_clone().map_err(at(&self.folder.log()))?;
        let restrictions = Restrictions {
            umask: Some(0o077),
            chdir: Some(PathBuf::from("/")),
            limit_data: Some(PROCESS_MEMORY),
            ..identity(self.account)
        }
        .dying_with_us(DeathSignal::Int);
        let mut command = restrictions.command(&self.skep, self.binaries.folder.join("postgres"));
        command.arg("-D").arg(&cluster);
        for (name, value) in self.settings() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(again)
            // Ctrl-C in a terminal goes to the whole group; ours to pass on, in order.
            .process_group(0);
        let mut child = launch::spawn(command).await.map_err(ClusterError::Launch)?;
        self.ready(&mut child, begin).await?;
        Ok(child)
    }

    fn settings(&self) -> Vec<(String, String)> {
        // The setting is a list, in which a quoted folder may have any character.
        let socket = self.socket.display().to_string().replace('"', "\"\"");
        let mut settings = Vec::from(
            [
                ("listen_addresses", String::new()),
                ("port", "5432".to_owned()),
                ("unix_socket_directories", format!("\"{socket}\"")),
                ("unix_socket_permissions", "0700".to_owned()),
                ("cluster_name", self.folder.cluster_name()),
                ("max_connections", self.max_connections.to_string()),
                // Our standard error is the log.
                ("logging_collector", "off".to_owned()),
                ("log_destination", "stderr".to_owned()),
                // Of all sorts and joins of one session, on disk.
                ("temp_file_limit", "1GB".to_owned()),
                // Errors of statements are the apps', who get them; a flood of them would fill
                // the log, and their texts hold values.
                ("log_min_messages", "log".to_owned()),
                ("log_min_error_statement", "panic".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        settings.extend(self.more.iter().cloned());
        settings
    }

    async fn ready(&self, child: &mut Child, begin: u64) -> Result<(), ClusterError> {
        let deadline = Instant::now() + READY_LIMIT;
        while !self.says_ready(child) {
            if let Some(status) = child.try_wait().map_err(ClusterError::Launch)? {
                let words = self.folder.log_since(begin);
                return Err(ClusterError::Ended { status, words });
            }
            if Instant::now() > deadline {
                let words = self.folder.log_since(begin);
                self.stop(child).await;
                let limit = READY_LIMIT;
                return Err(ClusterError::NotReady { limit, words });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Whether the pid file says so, in its eighth line, and is this process's own.
    fn says_ready(&self, child: &Child) -> bool {
        let path = self.folder.cluster().join("postmaster.pid");
        let Ok(text) = fs::read_to_string(path) else {
            return false;
        };
        let mut lines = text.lines().map(str::trim);
        lines.next().and_then(|pid| pid.parse().ok()) == child.id() && lines.nth(6) == Some("ready")
    }

    /// Ends every session and shuts down; a server that hangs is made to.
    pub(super) async fn stop(&self, child: &mut Child) {
        self.end(child).await;
        self.folder.clear_socket(&self.socket);
    }

    async fn end(&self, child: &mut Child) {
        for (signal, limit) in [
            (Signal::INT, FAST),
            (Signal::QUIT, IMMEDIATE),
            (Signal::KILL, IMMEDIATE),
        ] {
            let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
            let Some(pid) = pid.and_then(Pid::from_raw) else {
                return;
            };
            // Until it is reaped, which only we can do, the number is its own.
            let _ = rustix::process::kill_process(pid, signal);
            if tokio::time::timeout(limit, child.wait()).await.is_ok() {
                return;
            }
            tracing::error!(?signal, "the database server does not shut down");
        }
    }
}
