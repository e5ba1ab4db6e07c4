//! Jobs: queued, run, cancelled, repeated, and taken over by another node.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, Setup, until};
use crate::job_app::{self, effects, enqueue, job, outcomes, until_status};

async fn host_with(bundle: &Bundle) -> Host {
    let host = Host::start().await;
    host.install(bundle).await;
    host
}

fn guest(name: &str, jobs: Value) -> Bundle {
    Bundle::of_guest("app", name).with("jobs", jobs)
}

#[tokio::test]
async fn a_job_is_run_and_its_owner_is_told_of_it() {
    let host = host_with(&job_app::bundle()).await;
    let owner = host.user("owner", &[]).await;
    let other = host.user("other", &[]).await;

    let queued = owner
        .post("/api/async/app", &json!({ "_job_id": "forged" }))
        .await
        .expect(202)
        .json();
    assert_eq!(queued["status"], "pending");
    assert!(queued["node"].is_string());
    let id = queued["job_id"].as_str().unwrap();

    let done = until_status(&owner, id, "completed").await;
    assert_eq!(done["id"], id);
    assert_eq!(done["app_name"], "app");
    assert_eq!(done["progress"], 100);
    assert_eq!(done["result"], json!({ "kept": true }));
    assert_eq!(done["error_message"], Value::Null);
    assert_eq!(effects(&host, id).await, 1);
    assert_eq!(outcomes(&owner, id).await, ["completed"]);

    job(&host.admin(), id).await.expect(200);
    let hidden = job(&other, id).await.expect(404);
    assert_eq!(hidden.json()["status"], "failed");
    other
        .post(&format!("/api/jobs/{id}/cancel"), &json!({}))
        .await
        .expect(404);
    let missing = job(&owner, "no-id").await.expect(404);
    assert_eq!(missing.json()["status"], "failed");
    assert!(missing.json()["error"].is_string());
}

#[tokio::test]
async fn jobs_are_listed_to_their_owners_and_to_operators() {
    let host = host_with(&job_app::bundle()).await;
    let owner = host.user("owner", &[]).await;
    let other = host.user("other", &[]).await;
    let id = enqueue(&owner, &json!({})).await;
    until_status(&owner, &id, "completed").await;

    let listed = async |client: &crate::host::Client, query: &str| {
        let list = client.get(&format!("/api/jobs{query}")).await.expect(200);
        list.json()["jobs"].as_array().unwrap().len()
    };

    assert_eq!(listed(&owner, "").await, 1);
    assert_eq!(listed(&owner, "?status=failed").await, 0);
    assert_eq!(listed(&other, "").await, 0);
    assert_eq!(listed(&host.admin(), "?app=app&status=completed").await, 1);
    assert_eq!(listed(&host.admin(), "?mine=true").await, 0);
    host.admin().get("/api/jobs?status=done").await.expect(400);

    let purge = json!({ "app": "app", "older_than_days": 0 });
    owner.post("/api/jobs/purge", &purge).await.expect(403);
    let purged = host.admin().post("/api/jobs/purge", &purge).await;
    assert_eq!(purged.expect(200).json()["jobs"], 1);
    assert_eq!(listed(&owner, "").await, 0);
}

#[tokio::test]
async fn a_key_makes_one_job_of_many_requests() {
    let host = host_with(&job_app::bundle()).await;
    let queue = async |key: &str, data: &Value| {
        let admin = host.admin();
        let request = admin.request(Method::POST, "/api/async/app");
        let request = request.header("Idempotency-Key", key).json(data);
        admin.send(request).await
    };

    let first = queue("k", &json!({ "a": 1 })).await.expect(202).json();
    let again = queue("k", &json!({ "a": 1 })).await.expect(202).json();
    let new = queue("l", &json!({ "a": 1 })).await.expect(202).json();

    assert_eq!(first["job_id"], again["job_id"]);
    assert_ne!(first["job_id"], new["job_id"]);
    queue("k", &json!({ "a": 2 })).await.expect(409);
    queue("", &json!({})).await.expect(400);
}

#[tokio::test]
async fn an_app_that_fails_is_tried_as_often_as_its_manifest_asks() {
    let host = host_with(&guest("fail", json!({ "retries": 2, "backoff_ms": 1 }))).await;
    let admin = host.admin();

    let id = enqueue(&admin, &json!({})).await;
    let failed = until_status(&admin, &id, "failed").await;

    assert_eq!(failed["reason"], "failed");
    assert!(failed["error_message"].is_string());
    assert_eq!(outcomes(&admin, &id).await, ["failed"; 3]);

    let path = format!("/api/jobs/{id}/retry");
    admin.post(&path, &json!({})).await.expect(200);
    until("it has failed three times more", async || {
        (outcomes(&admin, &id).await == ["failed"; 6]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_at_once_and_a_waiting_one_never_starts() {
    let host = host_with(&guest("loop", json!({ "concurrency": 1 }))).await;
    let admin = host.admin();
    let running = enqueue(&admin, &json!({})).await;
    until_status(&admin, &running, "running").await;
    let waiting = enqueue(&admin, &json!({})).await;
    let last = enqueue(&admin, &json!({})).await;

    for id in [&waiting, &running] {
        let path = format!("/api/jobs/{id}/cancel");
        let cancelled = admin.post(&path, &json!({})).await.expect(200).json();
        assert_eq!(cancelled["status"], "failed");
        assert_eq!(cancelled["error_message"], "cancelled");
        assert_eq!(cancelled["reason"], "cancelled");
        admin.post(&path, &json!({})).await.expect(409);
    }

    // There is room for one at a time.
    until_status(&admin, &last, "running").await;
    assert_eq!(outcomes(&admin, &waiting).await, Vec::<Value>::new());
    assert_eq!(outcomes(&admin, &running).await, ["cancelled"]);
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_stopped() {
    let host = host_with(&guest("loop", json!({ "wall_ms": 500 }))).await;
    let admin = host.admin();

    let id = enqueue(&admin, &json!({})).await;
    let failed = until_status(&admin, &id, "failed").await;

    assert_eq!(failed["error_message"], "job timed out after 0.5 s");
    assert_eq!(failed["reason"], "timed_out");
}

#[tokio::test]
async fn a_node_that_is_paused_past_its_lease_commits_nothing_afterwards() {
    let setup = Setup::default().setting("SKEP_JOB_LEASE_SECONDS", "2");
    let host = setup.setting("SKEP_JOBS_AT_ONCE", "0").start().await;
    host.install(&job_app::bundle()).await;
    let admin = host.admin();
    let paused = host.node_with_jobs().await;
    let gate = job_app::close_gate(&host).await;
    let id = enqueue(&admin, &json!({})).await;
    job_app::until_waiting(&gate, 1).await;

    paused.signal(Signal::STOP);
    until("its lease has ended", async || {
        (outcomes(&admin, &id).await == ["lost"]).then_some(())
    })
    .await;
    let other = host.node_with_jobs().await;
    job_app::until_waiting(&gate, 2).await;
    gate.batch_execute("COMMIT").await.unwrap();
    let done = until_status(&admin, &id, "completed").await;
    assert_eq!(done["attempt"], 2);
    assert_eq!(in_transaction(&gate).await, 1, "the paused one's is open");

    paused.signal(Signal::CONT);
    until("the paused one's transaction has ended", async || {
        (in_transaction(&gate).await == 0).then_some(())
    })
    .await;

    assert_eq!(effects(&host, &id).await, 1);
    assert_eq!(outcomes(&admin, &id).await, ["lost", "completed"]);
    let after = job(&admin, &id).await.expect(200).json();
    assert_eq!(after, done);
    // It is good for other jobs.
    drop(other);
    let next = enqueue(&paused.admin(), &json!({})).await;
    until_status(&admin, &next, "completed").await;
}

/// How many sessions of apps have a transaction open.
async fn in_transaction(database: &tokio_postgres::Client) -> i64 {
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND usename LIKE 'skep_%_app' AND xact_start IS NOT NULL";
    database.query_one(open, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_node_that_is_asked_to_stop_gives_its_jobs_back() {
    let setup = Setup::default().setting("SKEP_JOBS_AT_ONCE", "0");
    let host = setup.start().await;
    host.install(&job_app::bundle()).await;
    let admin = host.admin();
    let stopping = host.node_with_jobs().await;
    let gate = job_app::close_gate(&host).await;
    let id = enqueue(&admin, &json!({})).await;
    job_app::until_waiting(&gate, 1).await;

    stopping.signal(Signal::TERM);
    until("the job is given back", async || {
        (outcomes(&admin, &id).await == ["returned"]).then_some(())
    })
    .await;
    let _other = host.node_with_jobs().await;
    gate.batch_execute("COMMIT").await.unwrap();

    until_status(&admin, &id, "completed").await;
    assert_eq!(effects(&host, &id).await, 1);
}

#[tokio::test]
async fn a_listener_that_is_cut_off_listens_again() {
    let host = host_with(&job_app::bundle()).await;
    let admin = host.admin();
    let database = host.database().await;
    let listeners = "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%skep_jobs%'";

    let before = database.query(listeners, &[]).await.unwrap();
    let before: Vec<i32> = before.iter().map(|row| row.get(0)).collect();
    assert!(!before.is_empty());
    for pid in &before {
        database
            .execute("SELECT pg_terminate_backend($1)", &[pid])
            .await
            .unwrap();
    }
    let id = enqueue(&admin, &json!({})).await;
    until_status(&admin, &id, "completed").await;

    until("it listens again", async || {
        let now = database.query(listeners, &[]).await.unwrap();
        let is_new = |row: &tokio_postgres::Row| !before.contains(&row.get(0));
        now.iter().any(is_new).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_job_that_cannot_be_completed_for_want_of_space_is_done_once_there_is_some() {
    let host = host_with(&job_app::bundle().with("jobs", json!({ "attempts": 100 }))).await;
    let admin = host.admin();
    let database = host.database().await;
    // What a full disk does to every change of a job that has begun.
    database
        .batch_execute(
            "CREATE SEQUENCE skep.refused;
             CREATE FUNCTION skep.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM nextval('skep.refused');
                 RAISE EXCEPTION 'could not extend file: No space left on device'
                     USING ERRCODE = 'disk_full';
             END $$;
             CREATE TRIGGER full_disk BEFORE UPDATE ON skep.job_attempts FOR EACH ROW
                 EXECUTE FUNCTION skep.full()",
        )
        .await
        .unwrap();

    let id = enqueue(&admin, &json!({})).await;
    until("its end was refused more than once", async || {
        let row = "SELECT last_value FROM skep.refused";
        let refused: i64 = database.query_one(row, &[]).await.unwrap().get(0);
        (refused > 2).then_some(())
    })
    .await;
    assert_eq!(job(&admin, &id).await.json()["status"], "running");
    assert_eq!(effects(&host, &id).await, 0);
    database
        .batch_execute("DROP TRIGGER full_disk ON skep.job_attempts")
        .await
        .unwrap();

    let ended = until("it has ended", async || {
        let job = job(&admin, &id).await.json();
        ["completed", "failed"]
            .contains(&job["status"].as_str().unwrap())
            .then_some(job)
    })
    .await;
    // Its effects are there exactly if it says that it is done.
    let is_done = i64::from(ended["status"] == "completed");
    assert_eq!(effects(&host, &id).await, is_done, "{ended}");
}
