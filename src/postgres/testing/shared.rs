//! One database server for a whole test run, whatever the number of its processes.
//!
//! A process that uses the server holds a shared lock on the file `users`. The first one
//! starts the server in the background; a keeper beside it ends it some seconds after the
//! last lock is gone. The keeper withdraws the file `ready` under an exclusive lock, so a
//! server that somebody uses, or is about to, is never ended.
//!
//! This file uses no other of the crate: the integration tests include it too.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// Runs beside the server, with its login in the environment, and ends when it may.
const KEEPER: &str = r#"
    printf '%s\n' "$PGHOST" "$PGPASSWORD" > ready.new && mv ready.new ready
    while flock users true && sleep 10 && ! flock --nonblock users rm ready; do :; done
"#;
/// Runs the server and the keeper in a folder of their own: `$0` is `skep`. A test that ends may
/// leave a connection that is being made, and dropping a database waits for it to be made or not.
const RUN: &str = r#"
    umask 077
    "$0" postgres --data "$1" -c fsync=off -c max_connections=300 -c authentication_timeout=5 -- sh -c "$2"
    rm -rf "$1"
"#;
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// The server, kept alive by this value.
pub(crate) struct SharedServer {
    socket: PathBuf,
    password: String,
    _user: File,
}

impl SharedServer {
    /// Uses the server that runs, or starts one with this `skep`.
    pub(crate) fn join(skep: &Path) -> Self {
        let folder = folder_of(skep);
        let user = open(&folder.join("users"));
        flock(&user, FlockOperation::LockShared).expect("a lock");
        let starting = open(&folder.join("starting"));
        flock(&starting, FlockOperation::LockExclusive).expect("a lock");

        let (socket, password) = read_ready(&folder).unwrap_or_else(|| start(&folder, skep));
        Self {
            socket,
            password,
            _user: user,
        }
    }

    /// One of its databases, with the login of its superuser. `postgres` is always there.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self
            .socket
            .to_str()
            .expect("the folder for temporary files is UTF-8");
        let socket = socket.replace('%', "%25").replace('/', "%2F");
        format!("postgres://skep:{}@{socket}/{database}", self.password)
    }
}

fn start(folder: &Path, skep: &Path) -> (PathBuf, String) {
    let log = folder.join("log");
    let data = folder.join(format!("data-{}", std::process::id()));
    let _ = fs::remove_file(folder.join("ready"));
    let mut run = Command::new("sh")
        .args(["-c", RUN])
        .arg(skep)
        .arg(&data)
        .arg(KEEPER)
        .current_dir(folder)
        // A test runner that ends a test ends its process group.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("a log"))
        .spawn()
        .expect("a shell");
    wait(folder, &mut run)
        .unwrap_or_else(|| panic!("{}", fs::read_to_string(&log).unwrap_or_default()))
}

fn wait(folder: &Path, run: &mut Child) -> Option<(PathBuf, String)> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(ready) = read_ready(folder) {
            return Some(ready);
        }
        if run.try_wait().expect("a child").is_some() {
            return None;
        }
        std::thread::sleep(POLL);
    }
    None
}

/// What the keeper wrote, if the server behind it still listens.
fn read_ready(folder: &Path) -> Option<(PathBuf, String)> {
    let text = fs::read_to_string(folder.join("ready")).ok()?;
    let (socket, password) = text.trim_end().split_once('\n')?;
    UnixStream::connect(Path::new(socket).join(".s.PGSQL.5432")).ok()?;
    Some((PathBuf::from(socket), password.to_owned()))
}

/// A folder for this user and this build, short enough for a socket, and passable for the
/// user that the server runs as.
fn folder_of(skep: &Path) -> PathBuf {
    let build = skep.metadata().expect("`skep` is built");
    let name = format!(
        "skep-test-{}-{:x}",
        rustix::process::geteuid(),
        build.dev() ^ parent(skep)
    );
    let folder = std::env::temp_dir().join(name);
    match DirBuilder::new().mode(0o711).create(&folder) {
        Err(error) if !folder.is_dir() => panic!("cannot make `{}`: {error}", folder.display()),
        _ => folder,
    }
}

/// Names the build folder: the binary itself is another one after each build.
fn parent(skep: &Path) -> u64 {
    let folder = skep.parent().expect("a file is in a folder");
    folder.metadata().expect("the folder is there").ino()
}

fn open(path: &Path) -> File {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .expect("a lock file")
}
