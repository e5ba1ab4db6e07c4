//! The embedded server: a private PostgreSQL that lives and dies with this process.
//!
//! Whoever starts it holds the data folder. A postmaster that dies by itself is started
//! again; meanwhile callers see failed connections, as with any server.

mod postmaster;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use secrecy::SecretString;
use tokio::process::Child;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;

use self::postmaster::Postmaster;
use super::account::{Account, AccountError, Accounts};
use super::binaries::{BinariesError, Places};
use super::folder::{DataFolder, FolderError, hex, private_folder};
use super::leftovers::Stuck;
use super::{initdb, server::NAME, server::Server};
use crate::config::{self, Config};
use crate::launch::{self, Restrictions};
use crate::services::HostKey;

/// Pauses between attempts to start a server that keeps dying.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A server that lived this long did not die of how it was started.
const SETTLED: Duration = Duration::from_secs(60);

/// What the embedded server is started with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The host's data folder; the server gets a part of it.
    pub(crate) data: PathBuf,
    /// Our own binary ([`crate::launch::own_binary`]).
    pub(crate) skep: PathBuf,
    /// The folder of `postgres` and `initdb`, if the operator named one.
    pub(crate) binaries: Option<PathBuf>,
    /// The folders of `PATH`, searched if the operator named none.
    pub(crate) path: Vec<PathBuf>,
    pub(crate) max_connections: u16,
    /// More server settings, which override those in the server's own file.
    pub(crate) more: Vec<(String, String)>,
}

/// As many light sessions as fit beside the rest on a small machine.
const MAX_CONNECTIONS: u16 = 100;

impl Settings {
    /// The embedded server of this configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            data: config.data.clone(),
            skep: launch::own_binary(),
            binaries: config.postgres_bin.clone(),
            path: config::search_path(),
            max_connections: MAX_CONNECTIONS,
            more: Vec::new(),
        }
    }
}

/// The embedded server, running. Dropping it stops the server in the background;
/// [`Cluster::stop`] waits for that.
#[derive(Debug)]
pub(crate) struct Cluster {
    server: Server,
    health: watch::Receiver<Health>,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

/// Whether the embedded server can be expected to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Ready,
    /// It died, and is being started again.
    Restarting,
}

/// Why there is no embedded server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    #[error(transparent)]
    Stuck(#[from] Stuck),
    #[error("cannot start a program: {0}")]
    Launch(#[source] io::Error),
    #[error("`initdb` failed; its last words:\n{0}")]
    Initdb(String),
    #[error("the database server ended at its start ({status}); its last words:\n{words}")]
    Ended { status: ExitStatus, words: String },
    #[error("the database server is not ready after {} s; its last words:\n{words}", limit.as_secs())]
    NotReady { limit: Duration, words: String },
    #[error(
        "the database in `{0}` does not know this host key: restore the `host.key` that it was \
         made with"
    )]
    OtherKey(PathBuf),
    #[error("cannot log in to the embedded database: {0}")]
    Login(#[source] tokio_postgres::Error),
}

impl Cluster {
    /// Starts the server, and makes its folder and database first where there is none.
    ///
    /// # Errors
    ///
    /// When the folder is in use or cannot be reached, no fitting PostgreSQL is installed,
    /// or the server does not come up; the text says what to do or what the server said.
    pub(crate) async fn start(settings: Settings, key: &HostKey) -> Result<Self, ClusterError> {
        let folder = DataFolder::open(&settings.data)?;
        let hold = folder.hold()?;
        let cluster = folder.cluster();
        let accounts = Accounts::choose(cluster.exists().then_some(&*cluster))?;
        folder.admit(accounts)?;

        let made = std::fs::read_to_string(cluster.join("PG_VERSION"))
            .ok()
            .and_then(|version| version.trim().parse().ok());
        let binaries = Places {
            configured: settings.binaries,
            beside: std::env::current_exe()
                .ok()
                .and_then(|path| Some(path.parent()?.to_owned())),
            path: settings.path,
            installed: PathBuf::from("/usr/lib/postgresql"),
        }
        .choose(made.map(|made| (&*cluster, made)))?;
        accounts.postgres.reach(
            &binaries.folder,
            "install PostgreSQL where every user can reach it",
        )?;

        let password = superuser_password(key);
        initdb::ensure(&folder, &settings.skep, &binaries, accounts, &password).await?;
        let socket = folder.socket();
        private_folder(&socket, accounts.postgres)?;
        let server = Server::embedded(&socket, password);
        let postmaster = Postmaster {
            folder,
            _hold: hold,
            skep: settings.skep,
            binaries,
            account: accounts.postgres,
            socket,
            max_connections: settings.max_connections,
            more: settings.more,
        };
        let mut child = postmaster.start().await?;
        if let Err(error) = ensure_database(&server, &cluster).await {
            postmaster.stop(&mut child).await;
            return Err(error);
        }
        Ok(Self::supervised(server, postmaster, child))
    }

    fn supervised(server: Server, postmaster: Postmaster, child: Child) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (report, health) = watch::channel(Health::Ready);
        let supervisor = tokio::spawn(supervise(postmaster, child, report, stopped));
        Self {
            server,
            health,
            stop,
            supervisor,
        }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The embedded server that some host of this data folder is running.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used.
    pub(crate) fn running(data: &Path, key: &HostKey) -> Result<Server, FolderError> {
        let folder = DataFolder::open(data)?;
        Ok(Server::embedded(&folder.socket(), superuser_password(key)))
    }

    /// Tells when the server dies and when it is back.
    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Ends every session, shuts the server down and gives the data folder back.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.supervisor.await {
            tracing::error!(%error, "the database's supervisor failed");
        }
    }
}

/// Keeps a server running until it is told to stop, by word or by a dropped sender.
async fn supervise(
    postmaster: Postmaster,
    mut child: Child,
    report: watch::Sender<Health>,
    mut stop: oneshot::Receiver<()>,
) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let started = Instant::now();
        let status = tokio::select! {
            _ = &mut stop => return postmaster.stop(&mut child).await,
            status = child.wait() => status,
        };
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::error!(status, "the database server died; starting it again");
        report.send_replace(Health::Restarting);
        if started.elapsed() > SETTLED {
            pause = SHORTEST_PAUSE;
        }

        child = loop {
            tokio::select! {
                _ = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match postmaster.start().await {
                Ok(child) => break child,
                Err(error) => tracing::error!(%error, "cannot start the database server again"),
            }
        };
        tracing::info!("the database server is back");
        report.send_replace(Health::Ready);
    }
}

/// Makes sure that the host's database exists and that the host can log in to it.
async fn ensure_database(server: &Server, cluster: &Path) -> Result<(), ClusterError> {
    let error = match server.connect().await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if error.code() == Some(&SqlState::INVALID_PASSWORD) {
        return Err(ClusterError::OtherKey(cluster.to_owned()));
    }
    if error.code() != Some(&SqlState::INVALID_CATALOG_NAME) {
        return Err(ClusterError::Login(error));
    }
    let client = server
        .with_database("postgres")
        .connect()
        .await
        .map_err(ClusterError::Login)?;
    client
        .batch_execute(&format!("CREATE DATABASE {NAME}"))
        .await
        .map_err(ClusterError::Login)
}

/// The password of the embedded server's only superuser.
fn superuser_password(key: &HostKey) -> SecretString {
    SecretString::from(hex(key.derive("postgres superuser").as_slice()))
}

/// The change of user that makes a program run as this account, if it is not ours already.
pub(super) fn identity(account: Account) -> Restrictions {
    let change = account != Account::own();
    Restrictions {
        uid: change.then_some(account.uid),
        gid: change.then_some(account.gid),
        ..Restrictions::default()
    }
}
