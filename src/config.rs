//! The settings of one process, and the only reader of the environment.
//!
//! Defaults, then the config file, then `SKEP_*` variables, then the command line: each
//! overrides the one before.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

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
    /// Folder with `postgres` and `initdb`; searched for if not set.
    pub(crate) postgres_bin: Option<PathBuf>,
    /// The command that builds Python components; searched for if not set.
    pub(crate) componentize_py: Option<PathBuf>,
    /// Password of `admin` on the first start; made up and printed once if not set.
    pub(crate) admin_password: Option<SecretString>,
    /// `text` or `json`.
    pub(crate) log_format: LogFormat,
    /// Which log lines: a level, or `tracing` filter directives.
    pub(crate) log: String,
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
    log_format: LogFormat,
    log: &'static str,
}

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

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// When a source cannot be read, has an unknown key, or a value of the wrong kind;
    /// the text names the source and the key.
    pub(crate) fn load(
        file: Option<&Path>,
        overrides: Overrides,
    ) -> Result<Self, Box<figment::Error>> {
        let mut figment = Figment::from(Serialized::defaults(Defaults {
            data: "skep-data",
            listen: "127.0.0.1:3000",
            log_format: LogFormat::Text,
            log: "info",
        }));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        figment
            .merge(Env::prefixed("SKEP_").filter(|key| !is_of_the_client(key.as_str())))
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(Box::new)
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_file
            .clone()
            .unwrap_or_else(|| self.data.join("host.key"))
    }
}

/// Whether a variable is one that the commands which call a server read.
fn is_of_the_client(key: &str) -> bool {
    ["url", "token", "config"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name))
}
