//! What an earlier host left running when it was killed.
//!
//! A postmaster outlives a host that is killed by the moment it needs to shut down, and a
//! backend outlives a postmaster that is killed until its statement ends. Both hold the
//! folder. They are known by the cluster's name, which is in their command lines; those
//! can be read even where a container may not look deeper into other processes.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::time::timeout;

use super::account::Account;

/// How long a server may take to shut down before it is made to.
const FAST: Duration = Duration::from_secs(20);
const IMMEDIATE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Processes that neither end by themselves nor when told to.
#[derive(Debug, thiserror::Error)]
#[error("an earlier database server still holds `{folder}` and does not end: stop process {pid}")]
pub(crate) struct Stuck {
    folder: String,
    pid: i32,
}

/// Ends every process of this cluster that still runs, and removes the lock files that
/// would keep the server from starting. The caller holds the data folder.
pub(super) async fn clear(
    cluster: &Path,
    socket: &Path,
    name: &str,
    account: Account,
) -> Result<(), Stuck> {
    for (signal, limit) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
        for (pid, handle) in find(name, account) {
            tracing::warn!(pid = pid.as_raw_pid(), "ending an earlier database server");
            // It may have ended by itself in the meantime.
            let _ = rustix::process::pidfd_send_signal(handle, signal);
        }
        if timeout(limit, gone(name, account)).await.is_ok() {
            remove_if_stale(&cluster.join("postmaster.pid"));
            remove_if_stale(&socket.join(".s.PGSQL.5432.lock"));
            return Ok(());
        }
    }
    let pid = find(name, account)
        .first()
        .map_or(0, |(pid, _)| pid.as_raw_pid());
    let folder = cluster.display().to_string();
    Err(Stuck { folder, pid })
}

/// Waits until no process of this cluster is left.
pub(super) async fn gone(name: &str, account: Account) {
    while !find(name, account).is_empty() {
        // They are not our children: nothing would tell us of their end.
        tokio::time::sleep(POLL).await;
    }
}

fn find(name: &str, account: Account) -> Vec<(Pid, OwnedFd)> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            // The handle comes first, so that what is looked at is what will be signalled.
            let handle = rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()?;
            is_of(&entry.path(), name, account).then_some((pid, handle))
        })
        .collect()
}

fn is_of(process: &Path, name: &str, account: Account) -> bool {
    process
        .metadata()
        .is_ok_and(|owner| owner.uid() == account.uid)
        && server_line(process).is_some_and(|line| line.contains(name))
}

/// The command line of a process that is a PostgreSQL server. One that has ended, and that
/// nobody has reaped, has none any more.
fn server_line(process: &Path) -> Option<String> {
    let comm = fs::read_to_string(process.join("comm")).ok()?;
    let line = fs::read(process.join("cmdline")).ok()?;
    (comm.trim_end() == "postgres" && !line.is_empty())
        .then(|| String::from_utf8_lossy(&line).into_owned())
}

/// Removes a lock file whose number belongs to no server: the next one would take some
/// other program, or a dead process that nobody reaps, for the one before it. A server
/// that somebody started by hand in this folder keeps its files.
fn remove_if_stale(path: &Path) {
    let Ok(text) = fs::read_to_string(path) else {
        return;
    };
    let number = text.lines().next().unwrap_or_default();
    if server_line(&Path::new("/proc").join(number)).is_none() {
        let _ = fs::remove_file(path);
    }
}
