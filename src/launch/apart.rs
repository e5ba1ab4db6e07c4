//! One piece of work that is trusted with nothing: in a process of its own, behind all walls.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Gid, Uid};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::folder::PrivateFolder;
use super::{DeathSignal, Restrictions, own_binary, spawn};

/// Who such a program runs as where we are root: a user that no system gives out, and who is
/// not the database's either.
const NOBODY: u32 = 59_328;
/// How much of what a program says last is kept, in bytes.
const LAST_WORDS: usize = 256 * 1024;

/// A private folder with a program to run in it.
///
/// The folder is new, its owner's alone, and goes with this value.
pub(crate) struct Workshop {
    folder: PrivateFolder,
}

/// What to run in a workshop.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [&'a str],
    pub(crate) limits: Limits,
    /// What it may read beside the system's libraries, itself and its folder.
    pub(crate) read: Vec<PathBuf>,
    /// A folder that it may read and run programs from, which it finds as `TOOLS`.
    pub(crate) tools: Option<PathBuf>,
}

/// What a piece of work may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From start to end.
    pub(crate) wall: Duration,
    /// Address space of one process, in bytes.
    pub(crate) memory: u64,
    /// Memory of one process that it can write to and that is its own, in bytes.
    pub(crate) data: u64,
    /// Processor time of one process, in seconds.
    pub(crate) cpu: u64,
    /// Open files of one process.
    pub(crate) files: u64,
    /// Size of one written file, in bytes.
    pub(crate) file_size: u64,
    /// Processes and threads of all such work at once.
    pub(crate) processes: u64,
}

/// How a program ended, and the last of what it wrote to standard error.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
}

impl Workshop {
    /// Makes a new folder below `work`; the name begins with `prefix`.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub(crate) fn open(work: &Path, prefix: &str) -> io::Result<Self> {
        let owner = account().map(|id| (Uid::from_raw(id), Gid::from_raw(id)));
        Ok(Self {
            folder: PrivateFolder::create(work, prefix, owner)?,
        })
    }

    /// Writes a file, and the folders on its way. The path is one inside, in parts that are
    /// names; one that is there already is not overwritten.
    ///
    /// # Errors
    ///
    /// When the path leads out, or is taken, or the disk is full.
    pub(crate) fn write(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.folder.write(path, contents)
    }

    /// Makes a folder inside, and those on its way.
    ///
    /// # Errors
    ///
    /// As for [`Workshop::write`].
    pub(crate) fn make_folder(&self, path: &str) -> io::Result<()> {
        self.folder.make_folder(path)
    }

    /// Reads what the program has made: a plain file of at most so many bytes.
    ///
    /// # Errors
    ///
    /// When it is not there, is larger, or is a link, a pipe or whatever else is no file.
    pub(crate) fn take(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        self.folder.take(name, most)
    }

    /// Runs a program to its end; nothing if it does not end in time. None of its processes
    /// is left, as far as the kernel gives it a namespace.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) async fn run(&self, task: Task<'_>) -> io::Result<Option<Ended>> {
        let limits = task.limits;
        let restrictions = Restrictions {
            limit_memory: Some(limits.memory),
            limit_data: Some(limits.data),
            limit_cpu: Some(limits.cpu),
            limit_files: Some(limits.files),
            limit_file_size: Some(limits.file_size),
            limit_processes: Some(limits.processes),
            chdir: Some(self.folder.path().to_owned()),
            read: task.read,
            tools: task.tools,
            ..restrictions()
        }
        .dying_with_us(DeathSignal::Kill);
        let mut command = restrictions.command(&own_binary(), task.program);
        command
            .args(task.arguments.iter().map(OsStr::new))
            // Its folder, by a path that does not lead through others, which it may not enter.
            .env("TMPDIR", "/proc/self/cwd")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = spawn(command).await?;
        let stderr = child.stderr.take();
        let whole = async {
            let said = match stderr {
                Some(stderr) => last_words(stderr).await?,
                None => String::new(),
            };
            let status = child.wait().await?;
            io::Result::Ok(Ended { status, said })
        };
        match tokio::time::timeout(limits.wall, whole).await {
            Ok(ended) => ended.map(Some),
            Err(_) => {
                child.kill().await?;
                Ok(None)
            }
        }
    }

    /// Removes the folder, which may take a while.
    pub(crate) async fn close(self) {
        // A panic in there has been reported already, and the next start removes the rest.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// All walls, and no limits yet.
pub(super) fn restrictions() -> Restrictions {
    let account = account();
    Restrictions {
        uid: account,
        gid: account,
        umask: Some(0o077),
        no_network: true,
        alone: true,
        sealed: true,
        ..Restrictions::default()
    }
}

/// Who untrusted programs run as: another user, where we can make them one.
fn account() -> Option<u32> {
    let own = rustix::process::geteuid();
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    (own.is_root() && is_mapped(&map, NOBODY)).then_some(NOBODY)
}

/// Whether a user exists at all: in a container of one user, nobody else does.
fn is_mapped(map: &str, user: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        match (numbers.next(), numbers.nth(1)) {
            (Some(Ok(first)), Some(Ok(count))) => {
                user.checked_sub(first).is_some_and(|offset| offset < count)
            }
            _ => false,
        }
    })
}

/// Whether a folder or file can be reached by the user that untrusted programs run as.
///
/// What comes back is the folder that is in the way.
pub(crate) fn in_the_way(path: &Path) -> Option<PathBuf> {
    account()?;
    let closed = |folder: &&Path| {
        folder
            .metadata()
            .is_ok_and(|metadata| metadata.is_dir() && metadata.mode() & 0o001 == 0)
    };
    path.ancestors().find(closed).map(Path::to_owned)
}

/// Reads to the end, and keeps what came last: a program that writes for ever must not fill
/// our memory.
async fn last_words(mut from: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut kept = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        kept.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..surplus);
    }
}

#[cfg(test)]
mod tests;
