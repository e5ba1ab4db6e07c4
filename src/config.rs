//! The settings of one process, and the only reader of the environment.
//!
//! Defaults, then the config file, then `SKEP_*` variables, then the command line: each
//! overrides the one before.

mod client;

pub(crate) use client::ClientConfig;

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::app::Origin;
use crate::limits::{Limits, count, few};
use crate::retention::Keep;

/// What an operator can set. Keys are the same in the file and, in capitals behind
/// `SKEP_`, in the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Folder of the embedded database, the compiled cache and the host key.
    pub(crate) data: PathBuf,
    /// Address to serve HTTP on.
    pub(crate) listen: SocketAddr,
    /// A PostgreSQL server to use instead of the embedded one.
    pub(crate) database_url: Option<SecretString>,
    /// The host key; `host.key` in `data` if not set.
    pub(crate) key_file: Option<PathBuf>,
    /// The keys that credentials are sealed with, one a line, the one that seals first;
    /// derived from the host key if neither is set.
    pub(crate) sealing_key_file: Option<PathBuf>,
    /// The same keys as text.
    pub(crate) sealing_key: Option<SecretString>,
    /// Folder with `postgres` and `initdb`; searched for if not set.
    pub(crate) postgres_bin: Option<PathBuf>,
    /// The command that builds Python components; searched for if not set.
    pub(crate) componentize_py: Option<PathBuf>,
    /// The command that builds JavaScript components; searched for if not set.
    pub(crate) componentize_js: Option<PathBuf>,
    /// Certificate authorities, in PEM form, that apps' https requests trust beside the
    /// system's.
    pub(crate) egress_ca_file: Option<PathBuf>,
    /// Password of `admin` on the first start; made up and printed once if not set.
    pub(crate) admin_password: Option<SecretString>,
    /// How many hours a login lasts.
    pub(crate) session_hours: NonZeroU16,
    /// Marks the session cookie `Secure`: for sites that people reach by https only.
    /// Browsers then never send it by http.
    pub(crate) secure_cookies: bool,
    /// Takes a client's address from the last entry of `X-Forwarded-For`. Only behind a
    /// proxy that sets it: else clients choose their own, and no limit on failed logins
    /// holds.
    pub(crate) trust_forwarded_for: bool,
    /// How many jobs this node runs at once; with none it leaves them to other nodes.
    pub(crate) jobs_at_once: u16,
    /// How many seconds a job stays a node's that is not heard of.
    pub(crate) job_lease_seconds: NonZeroU16,
    /// What is kept, and for how long.
    pub(crate) retention: Keep,
    /// Sockets and streams of notifications that are open on this node at once.
    pub(crate) notify_sockets: NonZeroU32,
    /// Those of one user.
    pub(crate) notify_sockets_per_user: NonZeroU32,
    /// Where webhooks may send notifications: scheme, host and port. A name may stand for an
    /// address of a private network.
    pub(crate) webhook_origins: Vec<Origin>,
    /// Has Python apps run from their sources, for those who develop them: the folder that keeps
    /// the component for it. No setting: `skep dev` and `skep test` say it.
    #[serde(skip)]
    pub(crate) live: Option<PathBuf>,
    /// `text` or `json`.
    pub(crate) log_format: LogFormat,
    /// Which log lines: a level, or `tracing` filter directives.
    pub(crate) log: String,
    /// Log lines for a log shipper.
    pub(crate) logs: Logs,
    /// What calls may use. In the environment, parts of a key stand two underscores apart:
    /// `SKEP_LIMITS__CEILING__WALL_MS`.
    pub(crate) limits: Limits,
}

/// The section `logs` of the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Logs {
    /// A file that gets every line as JSON; none if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json_file: Option<PathBuf>,
    /// The size from which on it is put aside, in MiB.
    pub(crate) json_file_mb: NonZeroU32,
    /// How many are kept aside.
    pub(crate) json_files: NonZeroU16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Serialize)]
struct Defaults {
    data: &'static str,
    listen: &'static str,
    session_hours: u16,
    secure_cookies: bool,
    trust_forwarded_for: bool,
    jobs_at_once: u16,
    job_lease_seconds: u16,
    retention: Keep,
    notify_sockets: u32,
    notify_sockets_per_user: u32,
    webhook_origins: [Origin; 0],
    log_format: LogFormat,
    log: &'static str,
    logs: Logs,
    limits: Limits,
}

const DEFAULTS: Defaults = Defaults {
    data: "skep-data",
    listen: "127.0.0.1:3000",
    session_hours: 12,
    secure_cookies: false,
    trust_forwarded_for: false,
    jobs_at_once: 8,
    job_lease_seconds: 15,
    retention: Keep::STANDARD,
    notify_sockets: 10_000,
    notify_sockets_per_user: 32,
    webhook_origins: [],
    log_format: LogFormat::Text,
    log: "info,sqlx::postgres::notice=warn",
    logs: Logs {
        json_file: None,
        json_file_mb: count(64),
        json_files: few(5),
    },
    limits: Limits::STANDARD,
};

/// What the command line of `skep serve` overrides.
#[derive(Debug, Default, Serialize, clap::Args)]
pub(crate) struct Overrides {
    /// Folder of the embedded database, the compiled cache and the host key [default: skep-data]
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    /// Address to serve HTTP on [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// A PostgreSQL server to use instead of the embedded one
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
}

/// The folder for what a user's programs keep to be quicker the next time.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    own_folder("XDG_CACHE_HOME", ".cache")
}

/// The folder for what a user's programs keep between runs. Root's is the system's: the database
/// runs as another user then, who cannot pass through root's own.
pub(crate) fn state_folder() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/skep-authors"));
    }
    own_folder("XDG_STATE_HOME", ".local/state")
}

fn own_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let folder = set(variable).or_else(|| Some(set("HOME")?.join(below_home)))?;
    folder.is_absolute().then(|| folder.join("skep"))
}

impl Overrides {
    /// Overrides what `skep dev` and `skep test` choose themselves.
    pub(crate) fn of_bench(data: PathBuf, listen: SocketAddr) -> Self {
        Self {
            data: Some(data),
            listen: Some(listen),
            ..Self::default()
        }
    }

    /// Overrides the data folder alone.
    pub(crate) fn of_data(data: Option<PathBuf>) -> Self {
        Self {
            data,
            ..Self::default()
        }
    }
}

/// Which programs build components, and where to look for those that are not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Builders {
    pub(crate) python: Option<PathBuf>,
    pub(crate) javascript: Option<PathBuf>,
    /// The folders of `PATH`.
    pub(crate) path: Vec<PathBuf>,
}

impl Builders {
    /// Those that the environment names, for commands without a config file.
    pub(crate) fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let set = |name| std::env::var_os(name).map(PathBuf::from);
        Self {
            python: set("SKEP_COMPONENTIZE_PY"),
            javascript: set("SKEP_COMPONENTIZE_JS"),
            path: search_path(),
        }
    }
}

/// The folders of `PATH`, where programs are looked for.
pub(crate) fn search_path() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

impl Config {
    /// The programs that build components.
    pub(crate) fn builders(&self) -> Builders {
        Builders {
            python: self.componentize_py.clone(),
            javascript: self.componentize_js.clone(),
            path: search_path(),
        }
    }

    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// When a source cannot be read, has an unknown key, a value of the wrong kind, or limits
    /// that do not fit together; the text names the key.
    pub(crate) fn load(file: Option<&Path>, overrides: Overrides) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(DEFAULTS));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed("SKEP_").filter(|key| !is_read_elsewhere(key.as_str()));
        let config: Self = figment
            .merge(environment.split("__"))
            .merge(Serialized::defaults(Secrets::from_environment()))
            .merge(Serialized::defaults(overrides))
            .extract()?;
        config.limits.check()?;
        Ok(config)
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_file
            .clone()
            .unwrap_or_else(|| self.data.join("host.key"))
    }
}

/// Secrets in the environment, which are text whatever they look like: as a number, the
/// password `0123456789` would lose its zero.
#[derive(Serialize)]
struct Secrets {
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealing_key: Option<String>,
}

impl Secrets {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn from_environment() -> Self {
        Self {
            admin_password: std::env::var("SKEP_ADMIN_PASSWORD").ok(),
            sealing_key: std::env::var("SKEP_SEALING_KEY").ok(),
        }
    }
}

/// Whether a variable is one that [`Secrets`], the commands that call a server, or the
/// tests read.
fn is_read_elsewhere(key: &str) -> bool {
    [
        "admin_password",
        "sealing_key",
        "url",
        "token",
        "config",
        "test_database_url",
        "cache",
        "builder",
    ]
    .iter()
    .any(|name| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
impl Config {
    /// The defaults, whatever the environment says.
    pub(crate) fn for_tests() -> Self {
        Figment::from(Serialized::defaults(DEFAULTS))
            .extract()
            .expect("the defaults are complete")
    }
}
