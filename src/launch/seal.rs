//! The seal: which files a program may reach, by Landlock, where the kernel has it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, PathBeneath, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};
use rustix::fs::{Mode, OFlags};
use rustix::io::FdFlags;

/// The newest rules that are asked for; an older kernel takes those it knows.
const NEWEST: ABI = ABI::V9;

/// Libraries, and the loader that runs programs with them.
const LIBRARIES: [&str; 8] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
];
/// What libraries look at when they start: which others there are, how many processors, their
/// own process; and chance.
const READABLE: [&str; 8] = [
    "/etc/ld.so.cache",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
];

/// A program that is open, so that it can be run by a user who cannot reach it by its path.
pub(crate) struct Program {
    file: OwnedFd,
    name: OsString,
    /// A folder that it works with, open for the same reason.
    tools: Option<OwnedFd>,
}

impl Program {
    /// # Errors
    ///
    /// When there is none of that name, or no folder `tools`.
    pub(crate) fn open(name: &OsStr, tools: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            // A script's interpreter opens it once more by its number.
            file: hold(name, OFlags::empty())?,
            name: name.to_owned(),
            tools: tools
                .map(|path| hold(path, OFlags::DIRECTORY))
                .transpose()?,
        })
    }

    /// Restricts this thread, and whatever it executes next, to the files of the program.
    ///
    /// # Errors
    ///
    /// When the kernel has Landlock and refuses these rules.
    pub(crate) fn seal(&self, more: &[PathBuf]) -> Result<(), RulesetError> {
        let run = AccessFs::from_read(NEWEST);
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        // Files and folders, but nothing to run, and nothing that leads or blocks others.
        let work = AccessFs::from_all(NEWEST)
            & !(AccessFs::Execute
                | AccessFs::MakeSym
                | AccessFs::MakeChar
                | AccessFs::MakeBlock
                | AccessFs::MakeFifo
                | AccessFs::MakeSock);
        let mut rules = ruleset()?.create()?;
        rules = rules.add_rule(PathBeneath::new(
            &self.file,
            AccessFs::Execute | AccessFs::ReadFile,
        ))?;
        for (paths, access) in [
            (paths(LIBRARIES), run),
            (more.to_vec(), run),
            (paths(READABLE), read),
            (paths(["/dev/null"]), read | AccessFs::WriteFile),
            (paths(["."]), work),
        ] {
            rules = rules.add_rules(landlock::path_beneath_rules(paths, access))?;
        }
        if let Some(tools) = &self.tools {
            rules = rules.add_rule(PathBeneath::new(tools, run))?;
        }
        rules.restrict_self().map(|_| ())
    }

    /// Becomes the program; what comes back is why not.
    pub(crate) fn become_with(self, arguments: impl Iterator<Item = OsString>) -> io::Error {
        let by_number = |file: &OwnedFd| format!("/proc/self/fd/{}", file.as_raw_fd());
        Command::new(by_number(&self.file))
            .arg0(self.name)
            .args(arguments)
            .envs(self.tools.as_ref().map(|tools| ("TOOLS", by_number(tools))))
            .exec()
    }
}

/// Opens a file or folder for its place alone, and keeps it open in what is executed next.
fn hold(path: impl AsRef<Path>, more: OFlags) -> io::Result<OwnedFd> {
    let file = rustix::fs::open(path.as_ref(), OFlags::PATH | more, Mode::empty())?;
    rustix::io::fcntl_setfd(&file, FdFlags::empty())?;
    Ok(file)
}

/// Prints which walls stand around this process: what the hidden command `skep walls` does.
///
/// The lines are what [`super::Walls`] reads.
pub(crate) fn show_walls() -> anyhow::Result<()> {
    let status = ruleset()?.create()?.restrict_self()?;
    println!("landlock {}", version(&status));
    println!(
        "network {}",
        std::fs::read_link("/proc/self/ns/net")?.display()
    );
    println!("process {}", std::process::id());
    println!("user {}", rustix::process::geteuid().as_raw());
    Ok(())
}

/// Everything that Landlock can hold back, in as new words as the kernel knows.
fn ruleset() -> Result<Ruleset, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))
}

/// The version of Landlock's interface that holds this process; none is 0.
fn version(status: &RestrictionStatus) -> i32 {
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    }
}

fn paths<const N: usize>(names: [&str; N]) -> Vec<PathBuf> {
    names.into_iter().map(PathBuf::from).collect()
}
