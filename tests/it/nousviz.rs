//! Apps that speak to Skep by the modules of NousViz plugins.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::Host;
use crate::job_app::until_status;
use crate::python;
use crate::secrets::set;

async fn install(host: &Host) {
    let app = Bundle::new("nousviz")
        .file("component.wasm", python::built("nousviz"))
        .with("needs", json!({ "credentials": ["erp", "unset"] }))
        .with(
            "settings",
            json!([
                { "key": "batch", "type": "number" },
                { "key": "conn.port", "type": "port", "default": 5432 },
            ]),
        )
        .with("schedules", json!({ "sync": { "cron": "0 0 1 1 *" } }));
    let _turn = python::turn();
    host.install(&app).await;
}

#[tokio::test]
async fn a_plugin_s_modules_reach_what_is_the_app_s_and_no_more() {
    let host = python::host().await;
    install(&host).await;
    let admin = host.admin();
    set(&admin, "nousviz", "erp", "a tökén").await.expect(200);
    let call = async |action: &str| {
        let answer = host.call("nousviz", json!({ "action": action })).await;
        answer.expect(200).json()
    };

    assert_eq!(
        call("credentials").await["result"],
        json!(["a tökén", null, null, null])
    );
    let denied = call("denied").await;
    let text = denied["result"].as_str().unwrap();
    assert!(text.starts_with("broker denied: "), "{text}");
    // The host has heard of what was refused, under a name that nobody can declare.
    let reads = admin
        .get("/api/apps/nousviz/credential-reads")
        .await
        .expect(200)
        .json();
    let refused = |read: &&Value| read["outcome"] == "undeclared";
    let names: Vec<&Value> = reads["reads"]
        .as_array()
        .unwrap()
        .iter()
        .filter(refused)
        .map(|read| &read["name"])
        .collect();
    assert_eq!(names, ["other:erp", "undeclared"]);

    assert_eq!(
        call("settings").await,
        json!({
            "kept": [0, "5432"],
            "listed": { "batch": 0, "_conn.port": "5432" },
            "after": 7,
        })
    );
    let schedule = call("schedule").await;
    assert_eq!(schedule["cron"], "0 0 1 1 *");
    assert_eq!(schedule["concurrency_policy"], "skip_if_running");
    let next = schedule["next_run_at"].as_str().unwrap();
    assert!(next.ends_with("-01-01T00:00:00+00:00"), "{next}");
    assert_eq!(call("log").await["result"], json!([{ "n": 0 }]));
}

#[tokio::test]
async fn a_sync_begins_where_the_last_completed_one_ended() {
    let host = python::host().await;
    install(&host).await;
    let admin = host.admin();
    let sync = async |data: Value| {
        let queued = admin.post("/api/async/nousviz", &data).await.expect(202);
        let id = queued.json()["job_id"].as_str().unwrap().to_owned();
        until_status(&admin, &id, "completed").await
    };

    let first = sync(json!({ "action": "sync" })).await;
    let result = &first["result"];
    assert_eq!(result["ok"], true);
    assert_eq!(result["message"], "3 rows synced");
    assert_eq!(result["data"]["job_id"], "sync:nousviz");
    assert_eq!(result["data"]["rows_written"], 3);
    assert_eq!(
        result["data"]["details"],
        json!({ "run": true, "rows_failed": 0 })
    );
    assert_eq!(result["data"]["since"], Value::Null);

    let second = sync(json!({ "action": "sync" })).await;
    let since = second["result"]["data"]["since"].as_str().unwrap();
    let ended = "SELECT finished_at = $1::text::timestamptz FROM skep.jobs WHERE id::text = $2";
    let first = first["id"].as_str().unwrap();
    let database = host.database().await;
    let row = database.query_one(ended, &[&since, &first]).await.unwrap();
    assert!(row.get::<_, bool>(0), "{since}");

    let full = sync(json!({ "action": "sync", "full": true })).await;
    assert_eq!(full["result"]["data"]["since"], Value::Null);
}
