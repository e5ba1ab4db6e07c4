//! The data folder: whose it is, who may use it now, and where the server's socket goes.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use sha2::{Digest, Sha256};

use super::account::{Account, AccountError, Accounts};

/// What the kernel takes as the path of a socket, and what PostgreSQL appends to a folder.
const SOCKET_PATH: usize = 107;
const SOCKET_FILE: &str = "/.s.PGSQL.5432";
/// A log that is longer at the start is put aside.
const LOG_SIZE: u64 = 10 * 1024 * 1024;

/// The host's data folder.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    /// Names the folder itself, wherever it is mounted.
    tag: String,
}

/// Keeps every other host out of a data folder for as long as it lives.
#[derive(Debug)]
pub(super) struct Hold(
    #[expect(
        dead_code,
        reason = "the kernel drops the lock when the file is closed"
    )]
    File,
);

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error(
        "the data folder `{folder}` is in use by process {holder}: stop that process, or give \
         this one a folder of its own with --data"
    )]
    InUse { folder: PathBuf, holder: String },
    #[error(
        "`{0}` is not ours alone, and the database's socket cannot go there: remove it, or give \
         a data folder with a shorter path"
    )]
    Squatted(PathBuf),
    #[error("cannot use `{0}`: {1}")]
    Io(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl FolderError {
    /// Whether another host has the folder.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

/// Says which path an I/O error is about.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError + '_ {
    |error| FolderError::Io(path.to_owned(), error)
}

impl DataFolder {
    /// Finds the folder, and makes it if need be.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(at(path))?;
        let path = path.canonicalize().map_err(at(path))?;
        let metadata = path.metadata().map_err(at(&path))?;
        let mut hash = Sha256::new();
        hash.update(metadata.dev().to_le_bytes());
        hash.update(metadata.ino().to_le_bytes());
        hash.update(path.as_os_str().as_bytes());
        let tag = hex(hash.finalize().get(..8).unwrap_or_default());
        Ok(Self { path, tag })
    }

    /// Takes the folder for this process.
    pub(super) fn hold(&self) -> Result<Hold, FolderError> {
        lock(&self.path).map(Hold)
    }

    /// The server's own folder.
    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// Where a new server folder is made, to appear whole or not at all.
    pub(super) fn staged(&self) -> PathBuf {
        self.path.join("postgres.new")
    }

    pub(super) fn password_file(&self) -> PathBuf {
        self.path.join("postgres.password")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    /// The name that every process of this folder's server carries.
    pub(super) fn cluster_name(&self) -> String {
        format!("skep-{}", self.tag)
    }

    /// Lets the server's user pass through to its own folder, and through nothing else.
    pub(super) fn admit(&self, accounts: Accounts) -> Result<(), FolderError> {
        let io = at(&self.path);
        let metadata = self.path.metadata().map_err(at(&self.path))?;
        let account = accounts.postgres;
        let strangers = account != Account::own();
        if strangers && metadata.uid() == Account::own().uid && !account.can_pass(&metadata) {
            let mode = metadata.mode() & 0o7777;
            // The group is enough for one user; two share no group.
            if accounts.initdb.gid == account.gid {
                chown(&self.path, None, Some(account.gid))
                    .and_then(|()| set_mode(&self.path, mode | 0o010))
                    .map_err(io)?;
            } else {
                set_mode(&self.path, mode | 0o011).map_err(io)?;
            }
        }
        let advice = "choose another data folder with --data";
        account.reach(&self.path, advice)?;
        accounts.initdb.reach(&self.path, advice)?;
        Ok(())
    }

    /// The folder of the server's socket: in the data folder, or where the path is short.
    pub(super) fn socket(&self) -> PathBuf {
        let inside = self.path.join("run");
        if inside.as_os_str().len() + SOCKET_FILE.len() <= SOCKET_PATH {
            return inside;
        }
        let root = if Account::own().uid == 0 {
            "/run"
        } else {
            "/tmp"
        };
        Path::new(root).join(self.cluster_name())
    }

    /// Removes the socket's folder if it is outside, where nobody would miss it.
    pub(super) fn clear_socket(&self, socket: &Path) {
        if !socket.starts_with(&self.path) {
            // Not while something else is in it.
            let _ = fs::remove_dir(socket);
        }
    }

    /// Opens the server's log at its end; a long one is put aside first.
    pub(super) fn open_log(&self) -> Result<File, FolderError> {
        let path = self.log();
        if path.metadata().is_ok_and(|log| log.len() > LOG_SIZE) {
            fs::rename(&path, path.with_extension("log.old")).map_err(at(&path))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))
    }

    /// What the server has written since its log was this long: the last lines of it.
    pub(super) fn log_since(&self, start: u64) -> String {
        const MOST: usize = 12;
        let mut text = Vec::new();
        // An unreadable log must not hide the failure that it was to explain.
        let _ = File::open(self.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.take(LOG_SIZE).read_to_end(&mut text)
        });
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let skipped = lines.len().saturating_sub(MOST);
        lines
            .into_iter()
            .skip(skipped)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Locks the folder, and leaves our process number for whoever comes next.
fn lock(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join("lock");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(at(&path))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(FolderError::InUse {
                folder: folder.to_owned(),
                holder: holder.trim().to_owned(),
            });
        }
        Err(error) => return Err(FolderError::Io(path, error.into())),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(at(&path))?;
    Ok(file)
}

/// Makes a folder for one user alone, or makes sure that it is one.
pub(super) fn private_folder(path: &Path, account: Account) -> Result<(), FolderError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) if account == Account::own() => return Ok(()),
        Ok(()) => {
            return chown(path, Some(account.uid), Some(account.gid)).map_err(at(path));
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FolderError::Io(path.to_owned(), error)),
    }
    // In a folder that everybody may write, somebody else may have been first.
    let found = path.symlink_metadata().map_err(at(path))?;
    if found.is_dir() && found.uid() == account.uid && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(FolderError::Squatted(path.to_owned()))
    }
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
