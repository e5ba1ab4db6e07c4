//! A server in this process for an author's commands: it runs apps from their sources, listens on
//! this machine only, and keeps what it has in a folder of the user's own.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::serve::log;
use crate::app::Bundle;
use crate::audit::Actor;
use crate::capability::caller::Caller;
use crate::capability::db::session::Source;
use crate::cell::{Call, Entry, Outcome};
use crate::config::{Config, Overrides, cache_folder, state_folder};
use crate::deploy::{DeployError, ManageError, Order, Report};
use crate::ids::{AppName, CallId};
use crate::live::Live;
use crate::serve;
use crate::services::{Entropy, Services};
use crate::store::blobs;
use crate::store::releases::State;

/// Says that a data folder is one of these servers', and no other's.
const MARK: &str = "made-by-skep";

const CONNECT: Duration = Duration::from_secs(10);

/// What is logged of the server itself: only what keeps it from working. Lines of apps are shown
/// in another way.
const LOG: &str = "error,skep::app=off";

/// A server that is up.
pub(super) struct Workbench {
    pub(super) services: Services,
    pub(super) live: Live,
    pub(super) address: SocketAddr,
    pub(super) password: SecretString,
    /// Cancelled when it is asked to stop.
    pub(super) stop: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
}

/// The folder that one of the author's commands keeps for an app. It is not in the app's own: what
/// somebody hands over with an app must not become a database, a key or a password.
///
/// # Errors
///
/// When the app's folder is not there, or nobody says where the user's own folders are.
pub(super) fn data_folder(app: &Path, command: &str) -> anyhow::Result<PathBuf> {
    let real = app
        .canonicalize()
        .with_context(|| format!("cannot open the folder `{}`", app.display()))?;
    let state = state_folder().context("set HOME, or name a folder with --data")?;
    let digest = blobs::digest(real.as_os_str().as_encoded_bytes());
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let digest = digest.get(..8).unwrap_or_default();
    Ok(state.join(command).join(format!("{name}-{digest}")))
}

/// Makes a data folder, or takes one that was made here before.
///
/// # Errors
///
/// When it cannot be made, or has something else in it.
fn make_folder(data: &Path) -> anyhow::Result<()> {
    check_folder(data)?;
    let make = || {
        // Whoever builds as another user has to pass through it.
        data.parent().map_or(Ok(()), fs::create_dir_all)?;
        match fs::DirBuilder::new().mode(0o700).create(data) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            Ok(()) | Err(_) => fs::write(data.join(MARK), ""),
        }
    };
    make().with_context(|| format!("cannot make the folder `{}`", data.display()))
}

/// Removes a data folder with all that is in it, if it is there.
///
/// # Errors
///
/// When it cannot be removed, or has something else in it.
pub(super) fn remove_folder(data: &Path) -> anyhow::Result<()> {
    check_folder(data)?;
    match fs::remove_dir_all(data) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", data.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Refuses what is there and was not made here: a server's data, or whatever else somebody names
/// by mistake.
fn check_folder(data: &Path) -> anyhow::Result<()> {
    let is_empty = match fs::read_dir(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        entries => entries
            .with_context(|| format!("cannot read `{}`", data.display()))?
            .next()
            .is_none(),
    };
    let mark = fs::symlink_metadata(data.join(MARK));
    if is_empty || mark.is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    bail!(
        "`{}` was not made by `skep dev` or `skep test`: name another folder with --data",
        data.display()
    )
}

/// The password of the user `admin`, the same at each start.
fn password(data: &Path) -> anyhow::Result<SecretString> {
    let file = data.join("password");
    let kept = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = URL_SAFE_NO_PAD.encode(Entropy.bytes::<12>());
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            let write = || std::io::Write::write_all(&mut options.open(&file)?, made.as_bytes());
            write().map(|()| made)
        }
        read => read,
    };
    let kept = kept.with_context(|| format!("cannot keep a password in `{}`", file.display()))?;
    Ok(kept.into())
}

impl Workbench {
    /// Starts the server, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(super) async fn start(data: &Path, listen: SocketAddr) -> anyhow::Result<Self> {
        make_folder(data)?;
        let password = password(data)?;
        let mut config = Config::load(None, Overrides::of_bench(data.to_owned(), listen))?;
        // Whatever is set for a server on this machine: apps are removed here without a question.
        config.database_url = None;
        config.key_file = None;
        config.live = Some(cache_folder().unwrap_or_else(|| data.join("cache")));
        config.admin_password = Some(password.clone());
        LOG.clone_into(&mut config.log);
        let guard = log::start(&config)?;

        let stop = CancellationToken::new();
        let (ready, is_ready) = oneshot::channel();
        let tell = move |services: &Services, address| {
            // Nobody waits any more: it is being stopped.
            let _ = ready.send((services.clone(), address));
        };
        let server = tokio::spawn({
            let stop = stop.clone();
            async move {
                let _written_at_the_end = guard;
                serve::run(config, stop, tell).await
            }
        });
        let Ok((services, address)) = is_ready.await else {
            server.await??;
            bail!("the server ended while it started");
        };
        let live = services.live.clone();
        Ok(Self {
            live: live.context("the server is not for development")?,
            services,
            address,
            password,
            stop,
            server,
        })
    }

    /// Says why the first deploy takes a while, where it does.
    pub(super) fn announce_build(&self, apps: &[PathBuf]) {
        let has_python = apps.iter().any(|app| app.join("main.py").is_file());
        if has_python && self.services.deployer.must_build_live() {
            println!("building what runs Python apps, once for all of yours: some 20 s");
        }
    }

    /// Deploys a bundle, and consents to all that it asks for.
    ///
    /// # Errors
    ///
    /// When the deploy fails; what served before goes on serving.
    pub(super) async fn deploy(&self, bundle: &Bundle) -> Result<Report, ManageError> {
        let deployer = &self.services.deployer;
        let actor = Actor::user("admin", None);
        let order = Order {
            actor: actor.clone(),
            may_consent: true,
            accept: None,
        };
        let report = deployer
            .deploy(
                bundle.to_zip().map_err(DeployError::from)?.into(),
                order,
                None,
            )
            .await?;
        if report.state == State::Waiting {
            deployer
                .accept(&report.app, report.number, &report.plan.digest, actor)
                .await?;
        }
        Ok(report)
    }

    /// Removes an app with its tables, if it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub(super) async fn remove(&self, app: &AppName) -> Result<(), ManageError> {
        let actor = Actor::user("admin", None);
        match self.services.deployer.delete(app, false, actor).await {
            Ok(_) | Err(ManageError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Runs texts of SQL as the owner of an app's tables: each whole, or nothing of it. Each comes
    /// with a name for its errors.
    ///
    /// # Errors
    ///
    /// When one fails; those before it are kept.
    pub(super) async fn run_sql(
        &self,
        app: &AppName,
        texts: &[(String, String)],
    ) -> anyhow::Result<()> {
        if texts.is_empty() {
            return Ok(());
        }
        let client = self.services.pools.owner(app, CONNECT).await?;
        for (name, text) in texts {
            let run = client
                .batch_execute(&format!("BEGIN;\n{text}\n;COMMIT"))
                .await;
            if let Err(error) = run {
                // What began is over either way.
                let _ = client.batch_execute("ROLLBACK").await;
                bail!("{name}: {}", in_words(&error));
            }
        }
        Ok(())
    }

    /// The rows of a query as the owner of an app's tables: objects by the names of columns.
    ///
    /// # Errors
    ///
    /// When it fails, or gives no rows.
    pub(super) async fn rows(&self, app: &AppName, query: &str) -> anyhow::Result<Value> {
        let query = query.trim().trim_end_matches(';');
        let client = self.services.pools.owner(app, CONNECT).await?;
        let whole = format!(
            "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(rows)), '[]')::text \
             FROM (\n{query}\n) AS rows"
        );
        let row = client.query_one(&whole, &[]).await;
        let row = row.map_err(|error| anyhow!("{}", in_words(&error)))?;
        Ok(serde_json::from_str(row.try_get(0)?)?)
    }

    /// Runs one call of an app, with what its release is granted.
    ///
    /// # Errors
    ///
    /// When the app does not serve. What the call comes to is in the outcome.
    pub(super) async fn call(
        &self,
        app: &AppName,
        entry: Entry,
        caller: Option<Arc<Caller>>,
    ) -> anyhow::Result<Outcome> {
        let services = &self.services;
        let serving = services.serving.find(app)?;
        let call = Call {
            id: CallId(services.entropy.id(&services.clock)),
            entry,
            caller,
            database: Source::App {
                pools: services.pools.clone(),
                app: app.clone(),
                inspector: serving.inspector.clone(),
            },
            budget: serving.image.settings().budget,
            attempt: None,
        };
        Ok(services.cells.run(&serving.image, call).await)
    }

    /// A client that is logged in as `admin`.
    ///
    /// # Errors
    ///
    /// When the password is another by now.
    pub(super) async fn client(&self) -> anyhow::Result<Client> {
        let (auth, password) = (&self.services.auth, self.password.clone());
        let login = auth.login("admin", password, self.address.ip()).await?;
        let url = format!("http://{}", self.address);
        Ok(Client::anonymous(&url)?.with_token(login.token))
    }

    /// An address of the server that logs in whoever opens it, and leads to an app or, without
    /// one, to the admin pages.
    pub(super) fn link(&self, app: Option<&AppName>) -> String {
        let key = self.live.key().expose_secret();
        let app = app.map_or(String::new(), |app| format!("&app={app}"));
        format!("http://{}/dev/login?key={key}{app}", self.address)
    }

    /// Stops the server, and waits until it has.
    ///
    /// # Errors
    ///
    /// When it ended for another reason.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let Self {
            services,
            live,
            stop,
            server,
            ..
        } = self;
        drop((services, live));
        stop.cancel();
        server.await?
    }
}

/// The files in a folder whose names end so, sorted; none where there is no folder.
///
/// # Errors
///
/// When the folder cannot be read.
pub(super) fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<std::io::Result<Vec<_>>>),
    };
    let entries = entries.with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == ending) && path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

/// What the database says about a statement.
fn in_words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => error.to_string(),
    }
}

/// What a failed deploy is to its author, with the causes that are the server's own.
pub(super) fn explain(error: ManageError) -> String {
    if let ManageError::Deploy(DeployError::Internal(cause)) = error {
        return format!("{cause:#}");
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_was_made_here_is_taken_or_removed() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("new/data");
        make_folder(&data).unwrap();
        fs::write(data.join("kept"), "").unwrap();
        make_folder(&data).unwrap();
        assert!(data.join("kept").is_file());
        remove_folder(&data).unwrap();
        assert!(!data.exists());
        remove_folder(&data).unwrap();

        let other = root.path().join("other");
        fs::create_dir_all(other.join("postgres")).unwrap();
        fs::write(other.join("password"), "").unwrap();
        for refused in [make_folder(&other), remove_folder(&other)] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("was not made by `skep dev`"), "{error}");
        }
        assert!(other.join("password").is_file());
        // A link in the mark's place is somebody else's.
        std::os::unix::fs::symlink(root.path(), other.join(MARK)).unwrap();
        assert!(remove_folder(&other).is_err());
    }

    #[test]
    fn each_app_has_a_folder_of_its_own_outside_of_it() {
        let root = tempfile::tempdir().unwrap();
        for name in ["one/app", "two/app"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let folder = |name: &str| data_folder(&root.path().join(name), "dev").unwrap();

        assert_ne!(folder("one/app"), folder("two/app"));
        assert_eq!(folder("one/app"), folder("two/../one/app"));
        assert!(!folder("one/app").starts_with(root.path()));
    }
}
