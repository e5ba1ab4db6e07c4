//! One running node: what it starts, in which order, and how it stops.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::auth::Auth;
use crate::capability::credentials::vault::Vault;
use crate::capability::egress::Gateway;
use crate::capability::jobs::backlog::Backlog;
use crate::capability::log::book::{Hear, LogBook};
use crate::cell::{Cells, Providers, Witness};
use crate::config::Config;
use crate::deploy::{self, Deployer, Parts, Serving};
use crate::http::{self, logs};
use crate::jobs::{self, Jobs};
use crate::launch::{self, Walls};
use crate::ledger::Ledger;
use crate::live::{Live, Telling, Word};
use crate::nodes::Beat;
use crate::notify::{self, Notifications};
use crate::postgres::{AppPools, Cluster, Health, PoolLimits, Roles, Server, Settings};
use crate::retention::{self, Retention};
use crate::schedules::Schedules;
use crate::services::{Clock, Entropy, GrantUses, HostKey, Places, Sealing, Services};
use crate::shell::Frontends;
use crate::store::{Store, host};

/// How long beyond their own time calls may go on once the process has been asked to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long the log of calls, those of apps, and the last notifications may take to be written to
/// their end.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// Runs a node until `stop` is cancelled, then lets its calls come to their end. `ready` is told
/// once when it answers, and at which address.
///
/// # Errors
///
/// When something that it needs does not start; the text says what and why.
pub(crate) async fn run(
    config: Config,
    stop: CancellationToken,
    ready: impl FnOnce(&Services, SocketAddr),
) -> anyhow::Result<()> {
    forbid_core_dumps()?;
    raise_open_files();
    // The likeliest mistake is found before anything is made.
    drop(listen(&config).await?);
    make_data_folder(&config)?;
    let key = open_key(&config)?;
    prepare_work(&config).await?;

    let (server, cluster) = match &config.database_url {
        Some(url) => (Server::from_url(url)?, None),
        None => {
            tracing::info!(data = %config.data.display(), "starting the embedded database");
            let cluster = Cluster::start(Settings::new(&config), &key).await?;
            (cluster.server().clone(), Some(cluster))
        }
    };
    let store = Store::open(server.sqlx_options())
        .await
        .context("cannot open the host's tables");
    let result = match store {
        Ok(store) => {
            let node = Node {
                config,
                key,
                clock: Clock::system(),
                server,
                store,
                database_health: cluster.as_ref().map(Cluster::health),
                draining: stop,
            };
            serve(node, ready).await
        }
        Err(error) => Err(error),
    };
    if let Some(cluster) = cluster {
        tracing::info!("stopping the embedded database");
        cluster.stop().await;
    }
    result
}

/// Keeps secrets in memory from ending in a file when this process or a child of it crashes,
/// and other processes of the same user from reading this one's memory.
fn forbid_core_dumps() -> anyhow::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).context("cannot forbid core dumps")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).context("cannot forbid core dumps")
}

/// Lets the process have as many files open as the system allows it: each socket is one, and the
/// limit that a process begins with is for programs that cannot count beyond it.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: is Skep running already? Name another address with --listen",
            config.listen
        )
    })
}

/// What the folder holds is for the host alone.
fn make_data_folder(config: &Config) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data)
        .with_context(|| format!("cannot make the data folder `{}`", config.data.display()))
}

/// Where builds and compilations work, below the data folder.
fn work_folder(config: &Config) -> PathBuf {
    config.data.join("work")
}

/// Removes what builds have left that a crash has cut, and tells what stands around new ones.
async fn prepare_work(config: &Config) -> anyhow::Result<()> {
    let folder = work_folder(config);
    launch::sweep(&folder).with_context(|| format!("cannot clear `{}`", folder.display()))?;
    open_way(&config.data, &folder);
    match Walls::find().await {
        Ok(walls) => tracing::info!(%walls, "builds and compilations run apart"),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(error, "builds and compilations cannot be started");
        }
    }
    Ok(())
}

/// As root, builds run as another user, who must be able to pass to their folder. What is in the
/// data folder stays closed by modes of its own.
fn open_way(data: &Path, work: &Path) {
    use std::os::unix::fs::PermissionsExt;

    const PASS: u32 = 0o001;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mode = |path: &Path| std::fs::metadata(path).map(|found| found.permissions().mode());
    for folder in [data, work] {
        let opened: std::io::Result<()> = mode(folder).and_then(|mode| {
            std::fs::set_permissions(folder, PermissionsExt::from_mode((mode & 0o7777) | PASS))
        });
        if let Err(error) = opened
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(folder = %folder.display(), %error, "the folder's mode cannot be changed");
        }
    }
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    for folder in data.ancestors().skip(1) {
        if mode(folder).is_ok_and(|mode| mode & PASS == 0) {
            tracing::error!(
                folder = %folder.display(),
                "no app can be built or compiled: the user for that cannot pass the folder; run \
                 `chmod o+x` on it, or put the data folder elsewhere"
            );
        }
    }
}

/// The host key. A new one is made only where nothing has been sealed with another.
fn open_key(config: &Config) -> anyhow::Result<HostKey> {
    let file = config.key_file();
    if !file.exists() && config.data.join("postgres").exists() {
        anyhow::bail!(
            "the host key `{}` is missing, and the database in `{}` was made with it: restore \
             the key from your backup",
            file.display(),
            config.data.display()
        );
    }
    Ok(HostKey::open(&file, &Entropy)?)
}

async fn serve(node: Node, ready: impl FnOnce(&Services, SocketAddr)) -> anyhow::Result<()> {
    let stop = node.draining.clone();
    host::claim(node.store.pool(), &node.key, node.clock.now()).await?;
    let services = assemble(node)?;
    let config = Arc::clone(&services.config);

    if let Some(password) = services
        .auth
        .bootstrap(config.admin_password.as_ref())
        .await?
    {
        print_password(&password);
    }
    services.vault.check_keys().await?;
    services.deployer.check_login().await?;
    services.deployer.recover().await?;
    services.deployer.sweep().await?;
    services.deployer.admit_to_jobs().await?;
    services.deployer.announce().await?;
    let following = tokio::spawn(follow(services.deployer.clone()));
    let working = tokio::spawn({
        let (jobs, stop) = (services.jobs.clone(), stop.clone());
        async move { jobs.run(stop).await }
    });
    let purging = tokio::spawn(services.retention.clone().run());
    let schedules = services.schedules.clone();
    let firing = stop.clone();
    let firing = tokio::spawn(async move { schedules.run(firing).await });
    let ledger = services.ledger.clone();
    let book = services.book.clone();
    let uses = services.uses.clone();
    let writing = tokio::spawn(uses.clone().keep_writing());
    let vault = services.vault.clone();
    let notifications = services.notifications.clone();
    let notifying = tokio::spawn({
        let (notifications, stop) = (notifications.clone(), stop.clone());
        async move { notifications.run(stop).await }
    });
    let listener = listen(&config).await?;
    let beating = beat(&services, &listener, stop.clone())?;
    let address = listener.local_addr()?;
    let router = match services.live {
        None => http::router(services.clone()),
        Some(_) => http::local_router(services.clone()),
    };
    let router = router.into_make_service_with_connect_info::<SocketAddr>();

    ready(&services, address);
    drop(services);
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
    });
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let longest = config.limits.ceiling.wall() + DRAIN;
    let served = drain(serving.into_future(), stop.clone(), longest).await;
    stop.cancel();
    let _ = firing.await;
    let _ = beating.await;
    // Jobs are given back before the database goes.
    let _ = working.await;
    following.abort();
    notifications.flush(LAST_CALLS).await;
    notifying.abort();
    vault.flush().await;
    purging.abort();
    tokio::join!(ledger.flush(LAST_CALLS), book.flush(LAST_CALLS));
    writing.abort();
    if let Err(error) = uses.write().await {
        tracing::warn!(%error, "the last uses of grants were not written down");
    }
    served
}

/// Lets the other nodes see that this one lives.
fn beat(
    services: &Services,
    listener: &TcpListener,
    stop: CancellationToken,
) -> std::io::Result<JoinHandle<()>> {
    let beat = Beat {
        store: services.store.clone(),
        name: services.jobs.node().to_owned(),
        listen: listener.local_addr()?,
    };
    Ok(tokio::spawn(beat.run(stop)))
}

/// Waits for the server to end; once asked to stop, not for ever.
async fn drain(
    serving: impl Future<Output = std::io::Result<()>>,
    stop: CancellationToken,
    longest: Duration,
) -> anyhow::Result<()> {
    let overdue = async {
        stop.cancelled().await;
        tracing::info!("stopping: waiting for calls to end");
        tokio::time::sleep(longest).await;
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = overdue => {
            tracing::warn!("calls were still running and are cut");
            Ok(())
        }
    }
}

/// Keeps this node's apps as the database has them, through lost connections too.
async fn follow(deployer: Deployer) {
    loop {
        if let Err(error) = deployer.listen().await {
            tracing::warn!(
                error = format!("{error:#}"),
                "lost word of other nodes; asking again"
            );
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What a node is put together from.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) key: HostKey,
    pub(crate) clock: Clock,
    pub(crate) server: Server,
    pub(crate) store: Store,
    pub(crate) database_health: Option<watch::Receiver<Health>>,
    pub(crate) draining: CancellationToken,
}

/// Puts the parts of a node together.
///
/// # Errors
///
/// When the engine does not start, a folder cannot be written, or a file of certificates
/// cannot be read.
pub(crate) fn assemble(node: Node) -> anyhow::Result<Services> {
    let Node {
        config,
        key,
        clock,
        server,
        store,
        ..
    } = node;
    let entropy = Entropy;
    let auth = auth(&config, &key, &store, &clock);
    let ledger = Ledger::start(store.clone(), clock.clone());
    let live = live(&config, &entropy);
    let providers = providers(&config, &key, &store, &clock, live.as_ref())?;
    let (vault, book) = (providers.vault.clone(), providers.book.clone());
    let notifications = notifications(&config, &providers, &auth);
    let witness = witness(&ledger, live.as_ref());
    let cells = Cells::start(&config.data, &key, config.limits, providers, witness)?;
    let roles = Roles::new(server, key);
    let pools = AppPools::new(roles.clone(), PoolLimits::default());
    let serving = Serving::default();
    let deployer = Deployer::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        cells: cells.clone(),
        roles,
        pools: pools.clone(),
        serving: serving.clone(),
        verdicts: Arc::default(),
        builders: config.builders(),
        live: config.live.clone(),
        work: work_folder(&config),
        turns: Arc::new(Semaphore::new(deploy::TURNS)),
    });
    let uses = GrantUses::new(store.clone(), clock.clone());
    let jobs = Jobs::new(jobs::Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        cells: cells.clone(),
        pools: pools.clone(),
        serving: serving.clone(),
        deployer: deployer.clone(),
        uses: uses.clone(),
        settings: job_settings(&config),
    });
    Ok(Services {
        retention: retention(&config, &store, &clock, &cells, &notifications),
        schedules: Schedules::new(store.clone(), clock.clone(), entropy.clone()),
        uses,
        config: Arc::new(config),
        clock,
        entropy,
        frontends: Frontends::new(store.clone()),
        store,
        database_health: node.database_health,
        auth,
        cells,
        ledger,
        book,
        followers: Places::new(logs::OF_USER, logs::OF_ALL),
        pools,
        serving,
        deployer,
        jobs,
        vault,
        notifications,
        live,
        draining: node.draining,
    })
}

fn auth(config: &Config, key: &HostKey, store: &Store, clock: &Clock) -> Auth {
    let session = time::Duration::hours(config.session_hours.get().into());
    Auth::new(store.clone(), clock.clone(), Entropy, key, session)
}

/// What there is beside, where apps are developed.
fn live(config: &Config, entropy: &Entropy) -> Option<Live> {
    let live = config.live.as_ref();
    live.map(|_| Live::new(entropy))
}

/// Who is told of calls.
fn witness(ledger: &Ledger, live: Option<&Live>) -> Arc<dyn Witness> {
    match live.cloned() {
        None => Arc::new(ledger.clone()),
        Some(live) => Arc::new(Telling {
            live,
            then: ledger.clone(),
        }),
    }
}

/// What the capabilities of cells stand on.
fn providers(
    config: &Config,
    key: &HostKey,
    store: &Store,
    clock: &Clock,
    live: Option<&Live>,
) -> anyhow::Result<Providers> {
    let file = config.sealing_key_file.as_deref();
    let sealing = Sealing::open(file, config.sealing_key.as_ref(), key)?;
    Ok(Providers {
        gateway: Gateway::open(config.egress_ca_file.as_deref())?,
        vault: Vault::new(store.clone(), sealing, clock.clone(), Entropy),
        book: LogBook::start(store.clone(), clock.clone(), live.cloned().map(hear)),
        store: store.clone(),
        clock: clock.clone(),
        backlog: Backlog::new(store.clone()),
    })
}

/// Tells of the lines of logs.
fn hear(live: Live) -> Hear {
    Box::new(move |line| live.say(Word::Line(Box::new(line.clone()))))
}

fn notifications(config: &Config, providers: &Providers, auth: &Auth) -> Notifications {
    Notifications::new(notify::Parts {
        store: providers.store.clone(),
        clock: providers.clock.clone(),
        entropy: Entropy,
        auth: auth.clone(),
        vault: providers.vault.clone(),
        gateway: providers.gateway.clone(),
        webhook_origins: config.webhook_origins.as_slice().into(),
        settings: notify::Settings::new(config),
    })
}

fn retention(
    config: &Config,
    store: &Store,
    clock: &Clock,
    cells: &Cells,
    notifications: &Notifications,
) -> Retention {
    Retention::new(retention::Parts {
        store: store.clone(),
        clock: clock.clone(),
        keep: config.retention,
        cells: cells.clone(),
        notifications: notifications.clone(),
        work: work_folder(config),
    })
}

fn job_settings(config: &Config) -> jobs::Settings {
    jobs::Settings {
        at_once: config.jobs_at_once.into(),
        lease: Duration::from_secs(config.job_lease_seconds.get().into()),
    }
}

/// Shows the made-up password of the first user: on the terminal, never in the log.
fn print_password(password: &SecretString) {
    println!(
        "user `admin` was made with the password {}",
        password.expose_secret()
    );
    println!("it is shown this once: keep it, or change it with `skep user password`");
}
