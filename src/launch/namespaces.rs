//! Namespaces: without a network, and alone with one's own processes.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal};
use rustix::thread::UnshareFlags;

use super::{DeathSignal, Restrictions};

/// What a shell answers for a command that ended by a signal, less the signal.
const BY_SIGNAL: i32 = 128;

/// Moves into a network namespace that has no interface, not even loopback's address.
///
/// A machine without user namespaces is no reason not to go on, so it may do nothing.
pub(super) fn leave_network() {
    let _ = leave(UnshareFlags::NEWNET);
}

impl Restrictions {
    /// Runs a program as the first of processes of its own, inside what else is asked for, and
    /// ends them all when it ends.
    ///
    /// A process cannot move into a namespace of processes, only its children can. So this
    /// one stays outside and waits, and we start ourselves once more inside.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub(crate) fn run_alone(&self, program: &[std::ffi::OsString]) -> anyhow::Result<ExitCode> {
        let mut flags = UnshareFlags::NEWPID | UnshareFlags::NEWIPC;
        if self.no_network {
            flags |= UnshareFlags::NEWNET;
        }
        let own_processes = leave(flags).is_ok();
        self.follow_parent()?;

        let inner = Self {
            alone: false,
            no_network: self.no_network && !own_processes,
            // Its parent is outside of its world, and has no number there.
            parent: None,
            die_with_parent: Some(DeathSignal::Kill),
            ..self.clone()
        };
        let mut child = Command::new("/proc/self/exe")
            .arg("launch")
            .args(inner.arguments())
            .arg("--")
            .args(program)
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        let status = child.wait()?;
        // Where it had no namespace, what it started is in its group at least.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
        Ok(exit_code(status))
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .unwrap_or_else(|| BY_SIGNAL + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Leaves these namespaces for new ones: as root, or as the one user of a new user namespace.
fn leave(flags: UnshareFlags) -> io::Result<()> {
    let uid = rustix::process::geteuid();
    let gid = rustix::process::getegid();
    if uid.is_root() && unshare(flags).is_ok() {
        return Ok(());
    }
    unshare(UnshareFlags::NEWUSER | flags)?;
    // Without a mapping we would be nobody, and own none of our files.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    #[expect(
        deprecated,
        reason = "only sharing no files would be unsafe, and that is never asked for"
    )]
    rustix::thread::unshare(flags).map_err(io::Error::from)
}
