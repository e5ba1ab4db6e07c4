//! A server for one test: `skep serve` in a process of its own.

mod answer;
mod client;
mod node;
mod process;

pub(crate) use answer::Answer;
pub(crate) use client::Client;
pub(crate) use process::{skep, until};

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bundle::Bundle;
use crate::database::{self, Database};
use process::Process;

/// The password of `admin` on every server here.
pub(crate) const PASSWORD: &str = "a password of the tests";

/// What a server is started with.
#[derive(Default)]
pub(crate) struct Setup {
    embedded: bool,
    settings: Vec<(&'static str, String)>,
    cache: Option<PathBuf>,
}

/// A running server with `admin` logged in. Dropping it kills the process, and shows its log
/// where the test has failed.
pub(crate) struct Host {
    process: Process,
    settings: Vec<(&'static str, String)>,
    token: String,
    // The process goes before what it uses.
    database: Option<Database>,
    folder: TempDir,
}

impl Setup {
    /// With a database server of its own, as an operator has it. That takes seconds.
    pub(crate) fn embedded() -> Self {
        Self {
            embedded: true,
            ..Self::default()
        }
    }

    /// Sets a `SKEP_*` variable.
    pub(crate) fn setting(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// Keeps compiled code in a folder that outlives the server.
    pub(crate) fn cache(mut self, folder: PathBuf) -> Self {
        self.cache = Some(folder);
        self
    }

    pub(crate) async fn start(self) -> Host {
        let folder = folder();
        let database = if self.embedded {
            None
        } else {
            Some(Database::create().await)
        };
        let mut settings = self.settings;
        settings.push(("SKEP_ADMIN_PASSWORD", PASSWORD.to_owned()));
        if let Some(database) = &database {
            settings.push(("SKEP_DATABASE_URL", database.url.clone()));
        }
        if let Some(cache) = self.cache {
            let data = folder.path().join("data");
            std::fs::create_dir(&data).unwrap();
            std::os::unix::fs::symlink(cache, data.join("cache")).unwrap();
        }
        let process = Process::start(folder.path(), &settings).await;
        let token = Client::anonymous(&process.url)
            .log_in("admin", PASSWORD)
            .await;
        Host {
            process,
            settings,
            token,
            database,
            folder,
        }
    }
}

impl Host {
    /// A server on the database server that all tests share, with a database of its own.
    pub(crate) async fn start() -> Self {
        Setup::default().start().await
    }

    /// A client that is logged in as `admin`.
    pub(crate) fn admin(&self) -> Client {
        self.anonymous().with_token(&self.token)
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::anonymous(&self.process.url)
    }

    /// A client that is logged in as a new user with these roles.
    pub(crate) async fn user(&self, name: &str, roles: &[&str]) -> Client {
        let user = json!({ "username": name, "password": PASSWORD, "roles": roles });
        self.admin()
            .post("/admin/api/users", &user)
            .await
            .expect(201);
        let token = self.anonymous().log_in(name, PASSWORD).await;
        self.anonymous().with_token(&token)
    }

    /// Deploys as `admin`, whatever comes of it.
    pub(crate) async fn deploy(&self, bundle: &Bundle) -> Answer {
        self.admin().deploy(bundle.zip()).await
    }

    /// Deploys a bundle that must be good, and consents to what it asks for; what comes back
    /// is the report.
    pub(crate) async fn install(&self, bundle: &Bundle) -> Value {
        let answer = self.deploy(bundle).await;
        if answer.status != 202 {
            return answer.expect(200).json();
        }
        let report = answer.json();
        self.admin().accept(&report).await.expect(204);
        report
    }

    /// Another server on the same database, with a folder of its own.
    pub(crate) async fn second_node(&self) -> Self {
        let folder = folder();
        let mut settings = self.settings.clone();
        let key = self.data().join("host.key");
        settings.push(("SKEP_KEY_FILE", key.to_str().unwrap().to_owned()));
        let process = Process::start(folder.path(), &settings).await;
        Self {
            process,
            settings,
            token: self.token.clone(),
            database: None,
            folder,
        }
    }

    /// Calls an app as `admin`.
    pub(crate) async fn call(&self, app: &str, data: Value) -> Answer {
        self.admin().call(app, &data).await
    }

    /// The apps and their releases, tables and builds, as far as a deploy changes them.
    ///
    /// Two of these are equal exactly where nothing was changed between.
    pub(crate) async fn state(&self) -> Vec<String> {
        let rows = self.database().await.query(STATE, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// A superuser's connection to the server's database.
    pub(crate) async fn database(&self) -> tokio_postgres::Client {
        match &self.database {
            Some(database) => database::connect(&database.url).await,
            None => database::connect(&process::embedded_url(&self.data(), &self.settings)).await,
        }
    }

    /// Keeps waiting who reads the table `gate`, or makes the table `load_gate`, until the
    /// connection is dropped. Look at who waits on another one.
    pub(crate) async fn gate(&self) -> tokio_postgres::Client {
        let gate = self.database().await;
        gate.batch_execute(
            "BEGIN; CREATE TABLE IF NOT EXISTS public.load_gate ();
             DO $$ BEGIN
                 IF to_regclass('public.gate') IS NOT NULL THEN
                     LOCK TABLE public.gate IN ACCESS EXCLUSIVE MODE;
                 END IF;
             END $$",
        )
        .await
        .unwrap();
        gate
    }

    pub(crate) fn url(&self) -> &str {
        &self.process.url
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The lines of the log, as JSON.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.process.log()
    }

    /// The log as it stands.
    pub(crate) fn raw_log(&self) -> Vec<u8> {
        self.process.raw_log()
    }

    /// The server's process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for a line of the log.
    pub(crate) async fn logged(&self, what: &str, found: impl Fn(&Value) -> bool) -> Value {
        until(what, async || {
            self.log().into_iter().find(|line| found(line))
        })
        .await
    }

    /// What the server holds in memory at most, since it was started, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.process.memory("VmHWM")
    }

    /// Asks the server to stop, without waiting for it.
    pub(crate) fn terminate(&self) {
        self.process.signal(rustix::process::Signal::TERM);
    }

    /// Waits for the server to end by itself.
    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        self.process.ended().await
    }

    /// Ends the server as a power cut does.
    pub(crate) async fn kill(&mut self) {
        self.process.signal(rustix::process::Signal::KILL);
        self.process.ended().await;
    }

    /// Ends the embedded database's first process as a power cut does.
    pub(crate) fn kill_postmaster(&self) {
        let file = self.data().join("postgres/postmaster.pid");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let id: i32 = text.lines().next().unwrap().parse().unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    }

    /// Starts the server again, which must not succeed; what comes back is what it says.
    pub(crate) fn fail_to_restart(&self) -> String {
        Process::fail(self.folder.path(), &self.settings)
    }

    /// Waits until every app can be called: after a start they are compiled or loaded first.
    pub(crate) async fn ready(&self) {
        until("the node is ready", async || {
            (self.anonymous().get("/readyz").await.status == 200).then_some(())
        })
        .await;
    }

    /// Starts the server again on the same folder and database. The login stays valid.
    pub(crate) async fn restart(&mut self) {
        self.process = Process::start(self.folder.path(), &self.settings).await;
    }
}

/// Everything that a deploy changes, one line each. Blobs that nothing refers to are not
/// there for anybody, and are swept at the next start.
const STATE: &str = "
    SELECT 'app ' || a.name || ' ' || a.enabled || ' ' || coalesce(r.number::text, '-')
    FROM skep.apps a LEFT JOIN skep.releases r ON r.id = a.active_release
    UNION ALL
    SELECT 'release ' || app || ' ' || number || ' ' || state FROM skep.releases
    UNION ALL
    SELECT 'consent ' || app || ' ' || key FROM skep.consents
    UNION ALL
    SELECT 'column ' || table_schema || '.' || table_name || '.' || column_name
    FROM information_schema.columns
    WHERE table_schema NOT IN ('skep', 'noderouter_core', 'pg_catalog', 'information_schema')
    ORDER BY 1";

/// A folder that the user of an embedded database server can pass through.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("skep-it-")
        .tempdir()
        .unwrap();
    let passable = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(Path::new(folder.path()), passable).unwrap();
    folder
}
