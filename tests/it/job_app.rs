//! The app that tests of jobs deploy, and what they ask about its jobs.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Client, Host, until};

/// Each of its jobs leaves one row in `effects`, in one transaction with its completion. They wait
/// while `gate` is locked.
pub(crate) fn bundle() -> Bundle {
    let tables = json!([
        "CREATE TABLE IF NOT EXISTS effects (job uuid)",
        "CREATE TABLE IF NOT EXISTS gate (id int)",
    ]);
    Bundle::of_guest("app", "job").with("tables", tables)
}

/// A connection that keeps the app's jobs waiting until it ends, or commits.
pub(crate) async fn close_gate(host: &Host) -> tokio_postgres::Client {
    let database = host.database().await;
    database
        .batch_execute("BEGIN; LOCK TABLE public.gate IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    database
}

/// Waits until so many jobs wait for the gate.
pub(crate) async fn until_waiting(database: &tokio_postgres::Client, jobs: i64) {
    let waiting = "SELECT count(*) FROM pg_locks
        WHERE relation = 'public.gate'::regclass AND NOT granted";
    until("jobs wait for the gate", async || {
        let row = database.query_one(waiting, &[]).await.unwrap();
        (row.get::<_, i64>(0) == jobs).then_some(())
    })
    .await;
}

/// Queues a job of `app`; what comes back is its id.
pub(crate) async fn enqueue(client: &Client, data: &Value) -> String {
    let answer = client.post("/api/async/app", data).await.expect(202).json();
    answer["job_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn job(client: &Client, id: &str) -> Answer {
    client.get(&format!("/api/async/jobs/{id}")).await
}

/// Waits for a job to be in this state.
pub(crate) async fn until_status(client: &Client, id: &str, status: &str) -> Value {
    until(status, async || {
        let job = job(client, id).await.expect(200).json();
        (job["status"] == status).then_some(job)
    })
    .await
}

/// How the attempts of a job ended.
pub(crate) async fn outcomes(client: &Client, id: &str) -> Vec<Value> {
    let path = format!("/api/jobs/{id}");
    let details = client.get(&path).await.expect(200).json();
    let attempts = details["attempts"].as_array().unwrap().iter();
    attempts.map(|attempt| attempt["outcome"].clone()).collect()
}

/// How often each job has left its mark.
pub(crate) async fn effects(host: &Host, id: &str) -> i64 {
    let database = host.database().await;
    let count = "SELECT count(*) FROM public.effects WHERE job::text = $1";
    database.query_one(count, &[&id]).await.unwrap().get(0)
}
