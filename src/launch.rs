//! Starting other programs inside limits.
//!
//! A process can be limited only from within, between fork and exec, where almost no code
//! may run. So a program is started through ourselves: `skep launch LIMITS -- PROGRAM`
//! limits its own process and then becomes the program. [`Restrictions::command`] builds
//! such a command, [`spawn`] starts it, and [`Restrictions::apply`] is the other side.
//!
//! [`Workshop`] runs what is trusted with nothing: one piece of work in a private folder,
//! behind every wall that this machine's kernel gives ([`Walls`]).

mod apart;
mod apply;
mod folder;
mod namespaces;
mod seal;
mod spawner;
#[cfg(test)]
mod tests;
mod walls;

pub(crate) use apart::{Ended, Limits, Task, Workshop, in_the_way};
pub(crate) use folder::{sweep, sweep_before};
pub(crate) use seal::{Program, show_walls};
pub(crate) use spawner::spawn;
pub(crate) use walls::Walls;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// What a program is held to. The default only keeps it from gaining rights.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Restrictions {
    /// User to become
    #[arg(long, value_name = "N", requires = "gid")]
    pub(crate) uid: Option<u32>,
    /// Group to become; every other group is left
    #[arg(long, value_name = "N", requires = "uid")]
    pub(crate) gid: Option<u32>,
    /// Signal to get when the thread that started us ends
    #[arg(long, value_name = "SIGNAL")]
    pub(crate) die_with_parent: Option<DeathSignal>,
    /// Process that must still be our parent
    #[arg(long, value_name = "PID")]
    pub(crate) parent: Option<u32>,
    /// Permissions that new files never get, in octal
    #[arg(long, value_name = "MODE", value_parser = parse_octal)]
    pub(crate) umask: Option<u32>,
    /// Address space, in bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) limit_memory: Option<u64>,
    /// Memory of its own that it can write to, in bytes; what is shared does not count
    #[arg(long, value_name = "BYTES")]
    pub(crate) limit_data: Option<u64>,
    /// Processor time, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) limit_cpu: Option<u64>,
    /// Open files
    #[arg(long, value_name = "N")]
    pub(crate) limit_files: Option<u64>,
    /// Size of a written file, in bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) limit_file_size: Option<u64>,
    /// Processes and threads of the user
    #[arg(long, value_name = "N")]
    pub(crate) limit_processes: Option<u64>,
    /// Working folder
    #[arg(long, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    /// Take the network away, where the kernel lets us
    #[arg(long)]
    pub(crate) no_network: bool,
    /// End every process that it starts with it, and show it no other, where the kernel lets us
    #[arg(long)]
    pub(crate) alone: bool,
    /// Give it the system's libraries, itself and its working folder, and no other file,
    /// where the kernel lets us
    #[arg(long)]
    pub(crate) sealed: bool,
    /// File or folder that a sealed program may also read, and run programs from
    #[arg(long, value_name = "PATH", requires = "sealed")]
    pub(crate) read: Vec<PathBuf>,
    /// Folder that a sealed program may read and run programs from, though its user may not be
    /// able to reach it by its path: the variable `TOOLS` is another
    #[arg(long, value_name = "DIR", requires = "sealed")]
    pub(crate) tools: Option<PathBuf>,
}

/// What a program gets when the one that started it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DeathSignal {
    Int,
    Term,
    Kill,
}

/// Our own binary, for `skep launch`.
///
/// The link names the running file itself, so an upgrade that replaces or removes the
/// binary on disk does not change what we start.
#[cfg(not(test))]
pub(crate) fn own_binary() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// The `skep` that cargo built beside the test binary.
#[cfg(test)]
pub(crate) fn own_binary() -> PathBuf {
    let tests = std::env::current_exe().expect("a test has a binary");
    let skep = tests
        .parent()
        .and_then(Path::parent)
        .expect("test binaries are in `deps`")
        .join("skep");
    assert!(
        skep.exists(),
        "`{}` is missing: run `cargo build` first",
        skep.display()
    );
    skep
}

impl Restrictions {
    /// A command that runs `program` inside these limits, with an empty environment.
    ///
    /// `skep` is our own binary ([`own_binary`]). Arguments, variables and streams are the
    /// caller's to add. Start it with [`spawn`] if it is to die with us.
    pub(crate) fn command(&self, skep: &Path, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(skep);
        command
            .arg("launch")
            .args(self.arguments())
            .arg("--")
            .arg(program)
            .env_clear();
        command
    }

    /// Asks for a signal when this process dies, however it dies.
    pub(crate) fn dying_with_us(mut self, signal: DeathSignal) -> Self {
        self.die_with_parent = Some(signal);
        self.parent = Some(std::process::id());
        self
    }

    /// The limits as `skep launch` reads them.
    fn arguments(&self) -> Vec<OsString> {
        let signal = self.die_with_parent.map(|signal| match signal {
            DeathSignal::Int => "int",
            DeathSignal::Term => "term",
            DeathSignal::Kill => "kill",
        });
        let valued = [
            ("--uid", self.uid.map(|n| n.to_string().into())),
            ("--gid", self.gid.map(|n| n.to_string().into())),
            ("--die-with-parent", signal.map(OsString::from)),
            ("--parent", self.parent.map(|n| n.to_string().into())),
            ("--umask", self.umask.map(|mode| format!("{mode:o}").into())),
            ("--limit-memory", self.limit_memory.map(number)),
            ("--limit-data", self.limit_data.map(number)),
            ("--limit-cpu", self.limit_cpu.map(number)),
            ("--limit-files", self.limit_files.map(number)),
            ("--limit-file-size", self.limit_file_size.map(number)),
            ("--limit-processes", self.limit_processes.map(number)),
            ("--chdir", self.chdir.clone().map(OsString::from)),
            ("--tools", self.tools.clone().map(OsString::from)),
        ];

        let mut arguments = Vec::new();
        for (name, value) in valued {
            if let Some(value) = value {
                arguments.extend([OsString::from(name), value]);
            }
        }
        for path in &self.read {
            arguments.extend([OsString::from("--read"), path.clone().into()]);
        }
        let flags = [
            ("--no-network", self.no_network),
            ("--alone", self.alone),
            ("--sealed", self.sealed),
        ];
        arguments.extend(flags.iter().filter(|flag| flag.1).map(|flag| flag.0.into()));
        arguments
    }
}

fn number(n: u64) -> OsString {
    n.to_string().into()
}

fn parse_octal(text: &str) -> Result<u32, std::num::ParseIntError> {
    u32::from_str_radix(text, 8)
}
