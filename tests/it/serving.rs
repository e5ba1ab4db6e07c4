//! How a server begins, and how it ends.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use crate::bundle::Bundle;
use crate::database::Database;
use crate::host::{Client, Host, Setup, folder, skep, until};

#[tokio::test]
async fn a_server_that_is_asked_to_stop_lets_its_calls_come_to_their_end() {
    let mut host = Setup::embedded().start().await;
    let tables = json!([
        "CREATE TABLE IF NOT EXISTS notes (id int)",
        "CREATE TABLE IF NOT EXISTS gate (id int)"
    ]);
    host.install(&Bundle::of_guest("app", "write-wait").with("tables", tables))
        .await;
    let database = host.database().await;
    let gate = host.gate().await;
    let client = host.admin();
    let call = tokio::spawn(async move { client.try_call("app", &json!({})).await });
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    until("the call waits", async || {
        (!database.query(waiting, &[]).await.unwrap().is_empty()).then_some(())
    })
    .await;

    host.terminate();
    host.logged("it stops", |line| {
        line["message"] == "stopping: waiting for calls to end"
    })
    .await;
    drop(gate);

    let answer = call.await.unwrap().unwrap().expect(200);
    assert_eq!(answer.json(), json!({ "result": "done" }));
    drop(database);
    assert!(host.ended().await.success());
    // Its database server is gone too.
    assert!(!host.data().join("postgres/postmaster.pid").exists());
}

#[tokio::test]
async fn the_first_password_is_printed_once_and_never_logged() {
    let database = Database::create().await;
    let home = folder();
    let printed = home.path().join("printed");
    let log = home.path().join("log");
    let start = || {
        let mut command = skep();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(home.path().join("data"))
            .env("SKEP_DATABASE_URL", &database.url)
            .env("SKEP_LOG", "debug")
            .stdin(Stdio::null())
            .stdout(File::create(&printed).unwrap())
            .stderr(File::create(&log).unwrap());
        command.spawn().unwrap()
    };
    let ready = async || {
        until("the server is ready", async || {
            let text = std::fs::read_to_string(&printed).unwrap();
            let (_, url) = text.split_once("skep is ready on ")?;
            let url = url.strip_suffix('\n')?.to_owned();
            Some((text, url))
        })
        .await
    };

    let mut first = start();
    let (text, url) = ready().await;
    let (_, password) = text.split_once("with the password ").unwrap();
    let (password, _) = password.split_once('\n').unwrap();
    Client::anonymous(&url).log_in("admin", password).await;
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!std::fs::read_to_string(&log).unwrap().contains(password));

    let mut second = start();
    let (text, url) = ready().await;
    assert!(!text.contains("password"), "{text}");
    Client::anonymous(&url).log_in("admin", password).await;
    second.kill().unwrap();
    second.wait().unwrap();
}

#[tokio::test]
async fn a_login_and_its_apps_outlive_the_process() {
    let mut host = Host::start().await;
    host.install(&Bundle::of_guest("app", "counter")).await;

    host.terminate();
    assert!(host.ended().await.success());
    host.restart().await;

    host.ready().await;
    host.call("app", json!({})).await.expect(200);
}

#[tokio::test]
async fn compiled_code_that_was_changed_on_disk_is_not_run_but_made_again() {
    let mut host = Host::start().await;
    host.install(&Bundle::of_guest("app", "counter")).await;
    host.terminate();
    host.ended().await;
    let cache = host.data().join("cache/compiled");
    for file in std::fs::read_dir(&cache).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }

    host.restart().await;

    host.logged("the change is noticed", |line| {
        line["message"] == "a compiled component was changed on disk: it is compiled again"
    })
    .await;
    until("the app serves", async || {
        (host.call("app", json!({})).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_host_key_that_others_can_read_is_refused() {
    let mut host = Host::start().await;
    host.terminate();
    host.ended().await;
    let key = host.data().join("host.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();

    let mut command = skep();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(host.data());
    let output = command.output().unwrap();

    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{error}");
    assert!(
        error.contains("can be read by other users (mode 644)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_says_that_it_lives_and_that_it_is_ready() {
    let host = Host::start().await;
    let anonymous = host.anonymous();

    for path in ["/healthz", "/health", "/readyz"] {
        let answer = anonymous.get(path).await.expect(200);
        assert_eq!(
            answer.json(),
            json!({ "status": "ok", "waiting_for": [] }),
            "{path}"
        );
    }
}
