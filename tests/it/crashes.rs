//! Kill -9 of the server or of PostgreSQL: what comes back is whole.
//!
//! Where a crash must meet a certain moment, a lock that the test holds keeps the server there.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::bundle::Bundle;
use crate::host::{Answer, Host, Setup, until};

#[tokio::test]
async fn a_server_that_is_killed_while_a_release_loads_has_none_of_it() {
    let mut host = host_with_counter(Setup::default()).await;
    let before = host.state().await;
    let (database, gate) = (host.database().await, host.gate().await);

    let deploy = deploy(&host, "load-wait");
    until_one_waits(&database).await;
    host.kill().await;
    deploy.await.unwrap().unwrap_err();
    drop(gate);
    host.restart().await;

    assert_eq!(host.state().await, before);
    serves(&host, json!({ "result": 1 })).await;
    host.install(&Bundle::of_guest("app", "load-wait").version("2.0.0"))
        .await;
    serves(&host, json!({ "result": true })).await;
}

#[tokio::test]
async fn a_server_that_is_killed_before_the_commit_has_none_of_the_release() {
    let mut host = host_with_counter(Setup::default()).await;
    let before = host.state().await;
    let database = lock(&host).await;
    stop_at(&database, "committing").await;

    let deploy = deploy(&host, "load");
    until_one_waits(&database).await;
    host.kill().await;
    deploy.await.unwrap().unwrap_err();
    go_on(&database).await;
    host.restart().await;

    assert_eq!(host.state().await, before);
    serves(&host, json!({ "result": 1 })).await;
}

#[tokio::test]
async fn a_server_that_is_killed_between_commit_and_activation_goes_forward() {
    let mut host = host_with_counter(Setup::default()).await;
    let database = lock(&host).await;
    stop_at(&database, "ready").await;

    let deploy = deploy(&host, "load");
    until_one_waits(&database).await;
    host.kill().await;
    deploy.await.unwrap().unwrap_err();
    go_on(&database).await;
    host.restart().await;

    // The tables are the new release's, so that is what must serve.
    let whole = [
        "app app true 2",
        "column public.load_items.id",
        "release app 1 ready",
    ];
    assert_eq!(host.state().await[..3], whole);
    serves(&host, json!({ "result": 0 })).await;
}

#[tokio::test]
async fn a_server_that_is_killed_during_a_call_leaves_nothing_of_its_transaction() {
    let mut host = Host::start().await;
    host.install(&writer()).await;
    let (database, gate) = (host.database().await, host.gate().await);

    let call = call(&host);
    until_one_waits(&database).await;
    host.kill().await;
    call.await.unwrap().unwrap_err();
    drop(gate);
    host.restart().await;

    host.ready().await;
    assert_eq!(notes(&host).await, 0);
    host.call("app", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_killed_server_starts_again_with_the_database_that_it_left_behind() {
    let mut host = host_with_counter(Setup::embedded()).await;

    for _ in 0..2 {
        host.kill().await;
        host.restart().await;

        host.ready().await;
        serves(&host, json!({ "result": 1 })).await;
    }
}

#[tokio::test]
async fn a_killed_database_fails_the_call_and_serves_the_next() {
    let host = Setup::embedded().start().await;
    host.install(&writer()).await;
    let (database, gate) = (host.database().await, host.gate().await);

    let call = call(&host);
    until_one_waits(&database).await;
    host.kill_postmaster();
    let failed = call.await.unwrap().unwrap().expect(500);
    drop(gate);
    assert_eq!(failed.error(), "unavailable");

    host.ready().await;
    assert_eq!(notes(&host).await, 0);
    until("calls work again", async || {
        (host.call("app", json!({})).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_killed_while_a_release_loads_has_none_of_it() {
    let host = host_with_counter(Setup::embedded()).await;
    let before = host.state().await;
    let (database, gate) = (host.database().await, host.gate().await);

    let deploy = deploy(&host, "load-wait");
    until_one_waits(&database).await;
    host.kill_postmaster();
    drop(gate);
    let failed = deploy.await.unwrap().unwrap();
    assert!(failed.status >= 400, "{failed:?}");

    host.ready().await;
    until("nothing of the deploy is left", async || {
        (host.state().await == before).then_some(())
    })
    .await;
    serves(&host, json!({ "result": 1 })).await;
    host.install(&Bundle::of_guest("app", "load-wait").version("2.0.0"))
        .await;
    serves(&host, json!({ "result": true })).await;
}

#[tokio::test]
async fn a_database_that_is_killed_between_commit_and_activation_goes_forward() {
    let host = host_with_counter(Setup::embedded()).await;
    let database = lock(&host).await;
    stop_at(&database, "ready").await;

    let deploy = deploy(&host, "load");
    until_one_waits(&database).await;
    host.kill_postmaster();
    assert_eq!(deploy.await.unwrap().unwrap().status, 500);

    host.ready().await;
    go_on(&host.database().await).await;
    until("the new release serves", async || {
        let answer = host.call("app", json!({})).await;
        (answer.status == 200 && answer.json() == json!({ "result": 0 })).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_node_without_its_database_says_so_and_recovers() {
    let host = host_with_counter(Setup::embedded()).await;

    host.kill_postmaster();

    let not_ready = until("the node is not ready", async || {
        let answer = host.anonymous().get("/readyz").await;
        (answer.status == 503).then_some(answer)
    });
    // The server may be back before anybody has asked.
    let seen = tokio::time::timeout(Duration::from_secs(2), not_ready).await;
    if let Ok(answer) = seen {
        assert_eq!(answer.json()["status"], "not ready");
    }
    host.ready().await;
    serves(&host, json!({ "result": 1 })).await;
}

async fn host_with_counter(setup: Setup) -> Host {
    let host = setup.start().await;
    host.install(&Bundle::of_guest("app", "counter")).await;
    host
}

/// An app that writes a row and waits for the lock before it ends.
fn writer() -> Bundle {
    let tables = json!([
        "CREATE TABLE IF NOT EXISTS notes (id int)",
        "CREATE TABLE IF NOT EXISTS gate (id int)"
    ]);
    Bundle::of_guest("app", "write-wait").with("tables", tables)
}

fn deploy(host: &Host, guest: &str) -> JoinHandle<reqwest::Result<Answer>> {
    let client = host.admin();
    let zip = Bundle::of_guest("app", guest).version("2.0.0").zip();
    tokio::spawn(async move { client.try_deploy(zip).await })
}

fn call(host: &Host) -> JoinHandle<reqwest::Result<Answer>> {
    let client = host.admin();
    tokio::spawn(async move { client.try_call("app", &json!({})).await })
}

/// A connection that holds the lock that triggers wait for.
async fn lock(host: &Host) -> tokio_postgres::Client {
    let database = host.database().await;
    database
        .batch_execute("SELECT pg_advisory_lock(1)")
        .await
        .unwrap();
    database
}

/// Makes a release that is about to reach this state wait for the lock.
async fn stop_at(database: &tokio_postgres::Client, state: &str) {
    let trigger = format!(
        "CREATE FUNCTION skep.stop() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
         CREATE TRIGGER stop BEFORE UPDATE ON skep.releases FOR EACH ROW
             WHEN (NEW.state = '{state}') EXECUTE FUNCTION skep.stop()"
    );
    database.batch_execute(&trigger).await.unwrap();
}

async fn go_on(database: &tokio_postgres::Client) {
    let drop = "SET lock_timeout = '30s'; DROP TRIGGER stop ON skep.releases;
        DROP FUNCTION skep.stop; SELECT pg_advisory_unlock_all()";
    // What a killed server has asked for goes on until it is ended.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    database.batch_execute(end).await.unwrap();
    database.batch_execute(drop).await.unwrap();
}

async fn until_one_waits(database: &tokio_postgres::Client) {
    let waiting = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("somebody waits for the lock", async || {
        let rows = database.query(waiting, &[]).await.unwrap();
        (!rows.is_empty()).then_some(())
    })
    .await;
}

/// The app answers with this, once it is compiled again if it must be.
async fn serves(host: &Host, answer: Value) {
    host.ready().await;
    assert_eq!(host.call("app", json!({})).await.expect(200).json(), answer);
}

async fn notes(host: &Host) -> i64 {
    let database = host.database().await;
    let count = database
        .query_one("SELECT count(*) FROM notes", &[])
        .await
        .unwrap();
    count.get(0)
}
