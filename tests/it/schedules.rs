//! Schedules: declared, fired over two nodes, changed and run by hand.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, until};

/// Schedules of one app that are fired at once.
const MANY: usize = 40;

/// An app that answers its jobs with what they are called with. Left alone, its schedules fire
/// on New Year's Day.
fn app() -> Bundle {
    let many: Map<String, Value> = (0..MANY)
        .map(|n| {
            let schedule = json!({ "cron": "0 0 1 1 *", "payload": { "number": n } });
            (format!("s{n:02}"), schedule)
        })
        .collect();
    Bundle::of_guest("app", "echo").with("schedules", Value::Object(many))
}

/// Lets the time of all schedules come, without a word to the nodes where that is not asked for.
async fn let_come(host: &Host, told: bool) {
    let told = if told { "skep_schedules" } else { "nobody" };
    let sql = format!(
        "UPDATE skep.schedules SET next_fire_at = clock_timestamp();
         SELECT pg_notify('{told}', '')"
    );
    host.database().await.batch_execute(&sql).await.unwrap();
}

async fn jobs(host: &Host) -> Vec<Value> {
    let list = host.admin().get("/api/jobs?limit=200").await.expect(200);
    list.json()["jobs"].as_array().unwrap().clone()
}

async fn until_completed(host: &Host, many: usize) -> Vec<Value> {
    until("the jobs are completed", async || {
        let jobs = jobs(host).await;
        let done = jobs.iter().filter(|job| job["status"] == "completed");
        (done.count() == many).then_some(jobs)
    })
    .await
}

#[tokio::test]
async fn each_time_is_one_job_over_two_nodes() {
    let host = Host::start().await;
    let _other = host.second_node().await;
    host.install(&app()).await;

    let_come(&host, true).await;
    let first = until_completed(&host, MANY).await;
    assert_eq!(first.len(), MANY);
    assert!(first.iter().all(|job| job["created_by"].is_null()));

    // Words get lost.
    let_come(&host, false).await;
    let jobs = until_completed(&host, 2 * MANY).await;
    assert_eq!(jobs.len(), 2 * MANY);

    let path = "/api/apps/app/schedules/s07";
    let shown = host.admin().get(path).await.expect(200).json();
    assert_eq!(shown["runs"].as_array().unwrap().len(), 2);
    assert_eq!(shown["runs"][0]["outcome"], "completed");
    let job = shown["last_job"].as_str().unwrap();
    let job = host.admin().get(&format!("/api/jobs/{job}")).await;
    let result = job.expect(200).json()["result"].clone();
    assert_eq!(result["number"], 7);
}

#[tokio::test]
async fn a_deploy_shows_its_schedules_needs_no_consent_and_takes_the_old_ones_away() {
    let host = Host::start().await;
    let role = json!({ "permissions": ["skep:apps"] });
    let request = host.admin().request(Method::PUT, "/admin/api/roles/author");
    host.admin().send(request.json(&role)).await.expect(201);
    let author = host.user("author", &["author"]).await;
    let release = |version: &str, schedules: Value| {
        let bundle = Bundle::of_guest("app", "echo").version(version);
        bundle.with("schedules", schedules).zip()
    };
    let nightly = json!({ "nightly": { "cron": "0 2 * * *", "timezone": "Europe/Berlin" } });
    let first = release("1.0.0", nightly);
    let hourly = json!({ "hourly": { "cron": "0 * * * *", "overlap": "cancel_active" } });
    let second = release("2.0.0", hourly);

    author.deploy(first).await.expect(200);
    let plan = author.plan(second.clone()).await.expect(200).json();
    assert_eq!(
        plan["schedules"],
        json!({
            "added": ["hourly, at 0 * * * * in UTC, in place of one that runs"],
            "kept": [],
            "dropped": ["nightly, at 0 2 * * * in Europe/Berlin, unless one runs"],
        })
    );
    let names = async || {
        let list = host.admin().get("/api/schedules?app=app").await.expect(200);
        let list = list.json()["schedules"].as_array().unwrap().clone();
        let name = |schedule: &Value| schedule["name"].as_str().unwrap().to_owned();
        list.iter().map(name).collect::<Vec<String>>()
    };
    assert_eq!(names().await, ["nightly"]);
    author.deploy(second).await.expect(200);
    assert_eq!(names().await, ["hourly"]);
    let rollback = json!({ "release": 1 });
    let path = "/admin/api/apps/app/rollback";
    host.admin().post(path, &rollback).await.expect(204);
    assert_eq!(names().await, ["nightly"]);
    host.admin()
        .delete("/admin/api/apps/app?tables=drop")
        .await
        .expect(204);
    assert_eq!(names().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_schedule_that_makes_no_sense_is_refused_with_its_name_and_the_fix() {
    let host = Host::start().await;
    for (schedule, said) in [
        (
            json!({ "cron": "0 2 * *" }),
            "`schedules.nightly.cron` does not do: `0 2 * *` has 4 fields instead of five: minute,",
        ),
        (
            json!({ "cron": "0 0 30 2 *" }),
            "`schedules.nightly.cron` does not do: `0 0 30 2 *` never comes",
        ),
        (
            json!({ "cron": "0 2 * * *", "timezone": "Berlin" }),
            "`schedules.nightly.timezone` does not do: `Berlin` is no time zone of the IANA \
             database: write one such as `Europe/Berlin`",
        ),
    ] {
        let bundle = Bundle::of_guest("app", "echo");
        let bundle = bundle.with("schedules", json!({ "nightly": schedule }));
        let error = host.deploy(&bundle).await.expect(422).error();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(host.state().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_operator_pauses_resumes_and_runs_a_schedule() {
    let host = Host::start().await;
    host.install(&app()).await;
    let admin = host.admin();
    let path = |end: &str| format!("/api/apps/app/schedules/s00{end}");

    let pause = admin.request(Method::PUT, &path("/override"));
    let paused = admin.send(pause.json(&json!({ "paused": true }))).await;
    let paused = paused.expect(200).json();
    assert_eq!(
        (&paused["state"], &paused["next_fire_at"]),
        (&json!("paused"), &Value::Null)
    );

    let fired = admin.post(&path("/run"), &json!({})).await.expect(202);
    assert_eq!(fired.json()["state"], "queued");
    let jobs = until_completed(&host, 1).await;
    assert_eq!(jobs[0]["id"], fired.json()["job"]);
    // How it ended is kept with the schedule.
    let success = until("the end is written down", async || {
        let shown = admin.get(&path("")).await.expect(200).json();
        shown["last_success_at"].as_str().map(str::to_owned)
    });
    success.await;

    let resumed = admin.delete(&path("/override")).await.expect(200).json();
    assert_eq!(resumed["state"], "active");
    admin
        .post("/admin/api/apps/app/disable", &json!({}))
        .await
        .expect(204);
    admin.post(&path("/run"), &json!({})).await.expect(503);
}
