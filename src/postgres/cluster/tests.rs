use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use secrecy::ExposeSecret;

use super::*;
use crate::ids::AppName;
use crate::postgres::leftovers;
use crate::postgres::roles::{Role, Roles, password_of};

const PATIENCE: Duration = Duration::from_secs(60);

/// A place for data folders that every user can pass through.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    open_to_all(place.path());
    place
}

fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o711)).unwrap();
}

fn key() -> HostKey {
    HostKey::from_bytes([7; 32])
}

fn settings(data: &Path) -> Settings {
    Settings {
        data: data.to_owned(),
        skep: launch::own_binary(),
        binaries: None,
        path: Vec::new(),
        max_connections: 20,
        // A process that is killed loses nothing that the kernel has; only a machine would.
        more: vec![("fsync".to_owned(), "off".to_owned())],
    }
}

async fn start(data: &Path) -> Cluster {
    Cluster::start(settings(data), &key()).await.unwrap()
}

async fn execute(cluster: &Cluster, sql: &str) {
    let client = cluster.server().connect().await.unwrap();
    client.batch_execute(sql).await.unwrap();
}

async fn rows(cluster: &Cluster) -> i64 {
    let client = cluster.server().connect().await.unwrap();
    let row = client
        .query_one("SELECT count(*) FROM public.kept", &[])
        .await;
    row.unwrap().get(0)
}

fn postmaster(data: &Path) -> Pid {
    let text = std::fs::read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    let pid = text.lines().next().unwrap().parse().unwrap();
    Pid::from_raw(pid).unwrap()
}

/// Waits until no process of this folder's server is left.
async fn ended(data: &Path) {
    let folder = DataFolder::open(data).unwrap();
    let accounts = Accounts::choose(Some(&folder.cluster())).unwrap();
    let name = folder.cluster_name();
    tokio::time::timeout(PATIENCE, leftovers::gone(&name, accounts.postgres))
        .await
        .expect("the server outlives its host");
}

#[tokio::test]
async fn a_cluster_starts_cold_and_warm_and_keeps_its_rows() {
    let place = place();
    let data = place.path().join("data");

    let cluster = start(&data).await;
    execute(&cluster, "CREATE TABLE public.kept AS SELECT 1").await;
    cluster.stop().await;
    let settings = Settings {
        more: Vec::new(),
        ..settings(&data)
    };
    let cluster = Cluster::start(settings, &key()).await.unwrap();

    assert_eq!(rows(&cluster).await, 1);
    let client = cluster.server().connect().await.unwrap();
    for (setting, value) in [
        ("fsync", "on"),
        ("jit", "off"),
        ("shared_buffers", "32MB"),
        ("listen_addresses", ""),
        ("max_connections", "20"),
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("data_directory_mode", "0700"),
        ("unix_socket_permissions", "0700"),
    ] {
        let row = client
            .query_one(&format!("SHOW {setting}"), &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), value, "{setting}");
    }
    cluster.stop().await;
    ended(&data).await;
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let place = place();
    let data = place.path().join("data");
    let cluster = start(&data).await;
    let wrong = SecretString::from("wrong");

    let error = cluster
        .server()
        .config_as("skep", &wrong)
        .connect(tokio_postgres::NoTls)
        .await
        .err()
        .unwrap();

    assert_eq!(error.code(), Some(&SqlState::INVALID_PASSWORD));
    cluster.stop().await;
    // The password is in none of the files beside the server's own.
    let password = hex(key().derive("postgres superuser").as_slice());
    for entry in std::fs::read_dir(&data).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&bytes).contains(&password),
            "{entry:?}"
        );
    }
}

#[tokio::test]
async fn no_password_is_in_a_log_of_every_statement() {
    let place = place();
    let data = place.path().join("data");
    let mut settings = settings(&data);
    settings
        .more
        .push(("log_statement".to_owned(), "all".to_owned()));
    let cluster = Cluster::start(settings, &key()).await.unwrap();
    let roles = Roles::new(cluster.server().clone(), key());
    let app: AppName = "sales".parse().unwrap();

    roles.prepare(&app).await.unwrap();

    let log = std::fs::read_to_string(data.join("postgres.log")).unwrap();
    assert!(log.contains("PASSWORD 'SCRAM-SHA-256$"), "{log}");
    for role in [Role::App, Role::Owner] {
        let password = password_of(&roles, &app, role);
        assert!(!log.contains(password.expose_secret()));
    }
    cluster.stop().await;
}

#[tokio::test]
async fn another_host_key_is_refused_by_name() {
    let place = place();
    let data = place.path().join("data");
    start(&data).await.stop().await;

    let other = HostKey::from_bytes([8; 32]);
    let error = Cluster::start(settings(&data), &other).await.unwrap_err();

    assert!(
        error.to_string().contains("restore the `host.key`"),
        "{error}"
    );
    ended(&data).await;
    start(&data).await.stop().await;
}

#[tokio::test]
async fn a_second_host_on_one_folder_is_refused() {
    let place = place();
    let data = place.path().join("data");
    let cluster = start(&data).await;

    let error = Cluster::start(settings(&data), &key()).await.unwrap_err();

    assert_eq!(
        error.to_string(),
        format!(
            "the data folder `{}` is in use by process {}: stop that process, or give this one a \
             folder of its own with --data",
            data.canonicalize().unwrap().display(),
            std::process::id()
        )
    );
    execute(&cluster, "SELECT 1").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_postmaster_that_is_killed_comes_back_with_every_row() {
    let place = place();
    let data = place.path().join("data");
    let cluster = start(&data).await;
    execute(&cluster, "CREATE TABLE public.kept AS SELECT 1").await;
    let mut health = cluster.health();

    for _ in 0..2 {
        kill_process(postmaster(&data), Signal::KILL).unwrap();
        health
            .wait_for(|health| *health == Health::Restarting)
            .await
            .unwrap();
        let back = health.wait_for(|health| *health == Health::Ready);
        tokio::time::timeout(PATIENCE, back).await.unwrap().unwrap();
        assert_eq!(rows(&cluster).await, 1);
    }

    cluster.stop().await;
    ended(&data).await;
}

#[tokio::test]
async fn a_cluster_that_is_dropped_shuts_down() {
    let place = place();
    let data = place.path().join("data");

    drop(start(&data).await);

    ended(&data).await;
}

/// `skep postgres` as a host of its own, running until its standard input closes.
async fn host(data: &Path) -> tokio::process::Child {
    let mut child = tokio::process::Command::new(launch::own_binary())
        .args(["postgres", "--data"])
        .arg(data)
        .args(["--", "sh", "-c", "echo ready; cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = child.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).await.unwrap();
    if line != "ready\n" {
        let output = child.wait_with_output().await.unwrap();
        panic!("{}", String::from_utf8_lossy(&output.stderr));
    }
    child
}

async fn psql(data: &Path, sql: &str) -> String {
    let output = tokio::process::Command::new(launch::own_binary())
        .args(["postgres", "--data"])
        .arg(data)
        .args(["--", "psql", "-XAtqc", sql])
        .output()
        .await
        .unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test]
async fn a_server_ends_with_a_host_that_is_killed_and_loses_nothing() {
    let place = place();
    let data = place.path().join("data");
    let mut killed = host(&data).await;
    psql(&data, "CREATE TABLE kept (id INT)").await;

    for (round, with_postmaster) in [(1, false), (2, true), (3, false)] {
        assert_eq!(psql(&data, "INSERT INTO kept VALUES (1)").await, "");
        let server = postmaster(&data);
        killed.kill().await.unwrap();
        if with_postmaster {
            let _ = kill_process(server, Signal::KILL);
        }

        // At once, while the old server may still be shutting down.
        killed = host(&data).await;
        assert_eq!(
            psql(&data, "SELECT count(*) FROM kept").await,
            format!("{round}\n")
        );
    }

    killed.kill().await.unwrap();
    ended(&data).await;
}

#[tokio::test]
async fn a_program_gets_into_a_running_database_and_its_exit_code_out() {
    let place = place();
    let data = place.path().join("data");
    let mut running = host(&data).await;

    assert_eq!(
        psql(&data, "SELECT current_user, current_database()").await,
        "skep|skep\n"
    );
    let status = tokio::process::Command::new(launch::own_binary())
        .args(["postgres", "--data"])
        .arg(&data)
        .args(["--", "sh", "-c", "exit 7"])
        .status()
        .await
        .unwrap();
    assert_eq!(status.code(), Some(7));

    drop(running.stdin.take());
    assert!(running.wait().await.unwrap().success());
    let mut said = String::new();
    running
        .stderr
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    assert_eq!(said, "");
    ended(&data).await;
}

#[tokio::test]
async fn an_interrupted_initdb_is_done_again() {
    let place = place();
    let data = place.path().join("data");
    std::fs::create_dir_all(data.join("postgres.new/base")).unwrap();
    std::fs::write(data.join("postgres.new/PG_VERSION"), "1").unwrap();
    std::fs::write(data.join("postgres.password"), "old").unwrap();

    let cluster = start(&data).await;

    execute(&cluster, "SELECT 1").await;
    assert!(!data.join("postgres.new").exists());
    assert!(!data.join("postgres.password").exists());
    cluster.stop().await;
}

#[tokio::test]
async fn a_pid_file_that_names_some_other_program_is_no_obstacle() {
    let place = place();
    let data = place.path().join("data");
    start(&data).await.stop().await;
    let other = format!("{}\n", std::process::id());
    std::fs::write(data.join("postgres/postmaster.pid"), other).unwrap();

    start(&data).await.stop().await;
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let place = place();
    let deep = place.path().join("x".repeat(100));
    std::fs::create_dir(&deep).unwrap();
    open_to_all(&deep);
    let data = deep.join("data with \"quotes\", commas and ü");

    let cluster = start(&data).await;

    execute(&cluster, "SELECT 1").await;
    let socket = DataFolder::open(&data).unwrap().socket();
    assert!(socket.as_os_str().len() < 60, "{}", socket.display());
    assert!(!data.join("run").exists());
    cluster.stop().await;
    assert!(
        !socket.exists(),
        "a folder outside the data folder is cleared away"
    );
}

#[tokio::test]
async fn a_path_with_odd_characters_is_no_obstacle() {
    let place = place();
    let data = place.path().join("a \"b\", c");

    let cluster = start(&data).await;

    execute(&cluster, "SELECT 1").await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_folder_of_another_major_version_is_refused() {
    let place = place();
    let data = place.path().join("data");
    std::fs::create_dir_all(data.join("postgres")).unwrap();
    std::fs::write(data.join("postgres/PG_VERSION"), "9\n").unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(data.join("postgres"), Some(4321), Some(4321)).unwrap();
    }

    let error = Cluster::start(settings(&data), &key()).await.unwrap_err();

    assert!(
        error
            .to_string()
            .contains("was made by PostgreSQL 9, and only"),
        "{error}"
    );
    assert!(
        error.to_string().contains("`pg_dump` of version 9"),
        "{error}"
    );
    assert!(!data.join("postgres.log").exists(), "nothing was started");
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let place = place();
    let data = place.path().join("data");
    let mut settings = settings(&data);
    settings.more = vec![("shared_buffers".to_owned(), "much".to_owned())];

    let error = Cluster::start(settings, &key()).await.unwrap_err();

    let text = error.to_string();
    assert!(
        text.contains("invalid value for parameter \"shared_buffers\""),
        "{text}"
    );
    assert!(
        !text.contains("syncing data to disk"),
        "only what this start said: {text}"
    );
}

#[tokio::test]
async fn a_folder_on_the_way_that_the_servers_user_cannot_pass_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let data = place.path().join("data");

    let error = Cluster::start(settings(&data), &key()).await.unwrap_err();

    let folder = place.path().canonicalize().unwrap();
    let text = error.to_string();
    assert!(
        text.contains(&format!("cannot pass through `{}`", folder.display())),
        "{text}"
    );
    assert!(
        text.contains(&format!("`chmod o+x {}`", folder.display())),
        "{text}"
    );
    assert!(text.contains("--data"), "{text}");
    assert!(!data.join("postgres").exists());
}
