//! The process `skep serve`, what it prints and how it ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::Instant;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(5);

pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
}

impl Process {
    /// Starts the server and waits until it is ready.
    pub(crate) async fn start(folder: &Path, settings: &[(&'static str, String)]) -> Self {
        let log = folder.join("log");
        let printed = folder.join("printed");
        let child = skep()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.join("data"))
            .env("SKEP_LOG_FORMAT", "json")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(&printed).unwrap())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        let mut process = Self {
            child,
            url: String::new(),
            log,
        };
        process.url = until("the server is ready", async || {
            if process.child.try_wait().unwrap().is_some() {
                panic!("the server ended before it was ready");
            }
            ready_line(&fs::read_to_string(&printed).unwrap())
        })
        .await;
        process
    }

    /// A number of `/proc/PID/status`, in bytes.
    pub(crate) fn memory(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the server has ended", async || {
            self.child.try_wait().unwrap()
        })
        .await
    }

    /// Runs a server that does not start; what comes back is what it says.
    pub(crate) fn fail(folder: &Path, settings: &[(&'static str, String)]) -> String {
        let output = skep()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.join("data"))
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn raw_log(&self) -> Vec<u8> {
        fs::read(&self.log).unwrap()
    }

    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("the server's log:\n{log}");
        }
    }
}

fn ready_line(printed: &str) -> Option<String> {
    let (_, rest) = printed.split_once("skep is ready on ")?;
    // Without its end, the line may not be whole.
    rest.split_once('\n').map(|(url, _)| url.to_owned())
}

/// The command `skep`, with nothing of our environment but what it needs.
pub(crate) fn skep() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.env_clear();
    for name in [
        "PATH",
        "TMPDIR",
        "SKEP_COMPONENTIZE_PY",
        "SKEP_COMPONENTIZE_JS",
        "SKEP_POSTGRES_BIN",
    ] {
        #[expect(
            clippy::disallowed_methods,
            reason = "passes on what the test was given"
        )]
        let value = std::env::var_os(name);
        command.envs(value.map(|value| (name, value)));
    }
    command
}

/// The address of an embedded server, with its superuser's login.
pub(crate) fn embedded_url(data: &Path, settings: &[(&'static str, String)]) -> String {
    let output = skep()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .args(["postgres", "--data"])
        .arg(data)
        .args([
            "--",
            "sh",
            "-c",
            "echo $PGHOST $PGUSER $PGPASSWORD $PGDATABASE",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let [host, user, password, database] = words.as_slice() else {
        panic!("{text}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let host = host.replace('/', "%2F");
    format!("postgres://{user}:{password}@{host}/{database}")
}

/// Waits for an event that can only be asked for, and gives up after a while.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen: {what}");
        tokio::time::sleep(POLL).await;
    }
}
