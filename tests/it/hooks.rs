//! Hooks and tasks: what apps are told of their own life, and work that they are called for by
//! name.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Client, Host, until};
use crate::job_app::until_status;
use crate::python;
use crate::secrets::set;

/// Writes every hook and task down that it is called for.
fn told() -> Bundle {
    let hooks = [
        "on_install",
        "on_upgrade",
        "on_enable",
        "on_disable",
        "on_credentials_saved",
        "on_settings_saved",
        "on_first_run_success",
        "on_uninstall",
    ]
    .map(|hook| (hook.to_owned(), json!("any:name")));
    Bundle::of_guest("app", "told")
        .with(
            "tables",
            json!(["CREATE TABLE IF NOT EXISTS told
                 (id bigint GENERATED ALWAYS AS IDENTITY, name text, payload jsonb)"]),
        )
        .with("hooks", Value::Object(serde_json::Map::from_iter(hooks)))
        .with("tasks", json!({ "sync": { "run": "any:name" } }))
        .with("settings", json!([{ "key": "batch", "type": "number" }]))
}

/// Waits until the app was told this next; `told` is how often it was told before.
async fn next(host: &Host, told: &mut i64) -> (String, Value) {
    let database = host.database().await;
    *told += 1;
    let row =
        "SELECT name, payload::text FROM public.told ORDER BY id OFFSET $1::bigint - 1 LIMIT 1";
    until("the app is told", async || {
        let rows = database.query(row, &[&*told]).await.unwrap();
        let row = rows.first()?;
        let payload: String = row.get(1);
        Some((row.get(0), serde_json::from_str(&payload).unwrap()))
    })
    .await
}

async fn put(client: &Client, path: &str, value: Value) {
    let request = client.request(Method::PUT, path);
    client
        .send(request.json(&json!({ "value": value })))
        .await
        .expect(200);
}

/// The jobs of one entry, the newest first.
async fn jobs(client: &Client, entry: &str) -> Vec<Value> {
    let path = format!("/api/jobs?entry={}", entry.replace(' ', "%20"));
    let jobs = client.get(&path).await.expect(200).json();
    jobs["jobs"].as_array().unwrap().clone()
}

/// Waits for the newest job of an entry to end, and shows all of it.
async fn ended(client: &Client, entry: &str, status: &str) -> Value {
    let id = until("the job is queued", async || {
        let jobs = jobs(client, entry).await;
        Some(jobs.first()?["id"].as_str()?.to_owned())
    })
    .await;
    until_status(client, &id, status).await
}

#[tokio::test]
async fn an_app_is_told_of_its_life_in_order() {
    let host = Host::start().await;
    let admin = host.admin();
    let mut count = 0;
    let path = "/admin/api/apps/app";

    host.install(&told()).await;
    assert_eq!(
        next(&host, &mut count).await,
        ("on_install".to_owned(), json!({}))
    );
    put(&admin, "/api/apps/app/settings/batch", json!(5)).await;
    assert_eq!(
        next(&host, &mut count).await,
        ("on_settings_saved".to_owned(), json!({ "keys": ["batch"] }))
    );
    set(&admin, "app", "erp", "secret").await.expect(200);
    assert_eq!(
        next(&host, &mut count).await,
        (
            "on_credentials_saved".to_owned(),
            json!({ "fields": ["erp"] })
        )
    );

    // Told that it is disabled, though nothing else of it runs then. Once is enough.
    for _ in 0..2 {
        admin
            .post(&format!("{path}/disable"), &json!({}))
            .await
            .expect(204);
    }
    assert_eq!(
        next(&host, &mut count).await,
        ("on_disable".to_owned(), json!({}))
    );
    host.call("app", json!({})).await.expect(503);
    admin
        .post(&format!("{path}/enable"), &json!({}))
        .await
        .expect(204);
    assert_eq!(
        next(&host, &mut count).await,
        ("on_enable".to_owned(), json!({}))
    );

    host.install(&told().version("2.0.0")).await;
    let versions = json!({ "from": "1.0.0", "to": "2.0.0" });
    assert_eq!(
        next(&host, &mut count).await,
        ("on_upgrade".to_owned(), versions)
    );
    admin
        .post(&format!("{path}/rollback"), &json!({ "release": 1 }))
        .await
        .expect(204);
    let versions = json!({ "from": "2.0.0", "to": "1.0.0" });
    assert_eq!(
        next(&host, &mut count).await,
        ("on_upgrade".to_owned(), versions)
    );
    assert_eq!(jobs(&admin, "hook").await.len(), 7);
    ended(&admin, "hook on_upgrade", "completed").await;

    let deleted = admin.delete(&format!("{path}?tables=keep")).await;
    assert_eq!(
        deleted.expect(200).json(),
        json!({ "on_uninstall": { "ok": true, "message": "noted" } })
    );
    assert_eq!(
        next(&host, &mut count).await,
        ("on_uninstall".to_owned(), json!({ "remove_data": false }))
    );
    host.call("app", json!({})).await.expect(404);
}

#[tokio::test]
async fn a_task_is_run_by_its_name_and_its_first_success_is_told_once() {
    let host = Host::start().await;
    let admin = host.admin();
    host.install(&told()).await;
    // What it is told beside a job is in no order with it.
    ended(&admin, "hook on_install", "completed").await;
    let mut count = 1;
    let run = async || {
        let queued = admin
            .post("/api/async/app?task=sync", &json!({ "a": 1 }))
            .await
            .expect(202)
            .json();
        queued["job_id"].as_str().unwrap().to_owned()
    };

    let job = run().await;
    let (name, payload) = next(&host, &mut count).await;
    assert_eq!((name.as_str(), &payload["a"]), ("sync", &json!(1)));
    assert_eq!(payload["_job_id"], job.as_str());
    assert_eq!(
        next(&host, &mut count).await,
        ("on_first_run_success".to_owned(), json!({ "job": job }))
    );
    let done = until_status(&admin, &job, "completed").await;
    assert_eq!(done["entry"], "task sync");
    assert_eq!(done["result"]["message"], "noted");

    // What is kept of jobs does not decide what the first one was.
    ended(&admin, "hook on_first_run_success", "completed").await;
    let purge = json!({ "app": "app", "older_than_days": 0 });
    admin.post("/api/jobs/purge", &purge).await.expect(200);
    let again = run().await;
    until_status(&admin, &again, "completed").await;
    assert_eq!(next(&host, &mut count).await.0, "sync");
    assert_eq!(jobs(&admin, "hook").await, Vec::<Value>::new());

    let calls = admin.get("/api/apps/app/calls").await.expect(200).json();
    let of_sync = calls["calls"]
        .as_array()
        .unwrap()
        .iter()
        .find(|call| call["job"] == again.as_str())
        .unwrap()
        .clone();
    assert_eq!(
        (&of_sync["entry"], &of_sync["attempt"]),
        (&json!("task"), &json!(1))
    );
}

#[tokio::test]
async fn a_schedule_calls_a_task() {
    let host = Host::start().await;
    let schedules = json!({ "nightly": { "cron": "0 2 * * *", "task": "sync" } });
    host.install(&told().with("schedules", schedules)).await;
    let admin = host.admin();

    let path = "/api/apps/app/schedules/nightly";
    let shown = admin.get(path).await.expect(200).json();
    assert_eq!(shown["task"], "sync");
    let run = admin.post(&format!("{path}/run"), &json!({})).await;
    assert!(run.status < 300, "{run:?}");

    let done = ended(&admin, "task sync", "completed").await;
    assert_eq!(done["result"]["message"], "noted");
    ended(&admin, "hook on_first_run_success", "completed").await;
}

#[tokio::test]
async fn tasks_are_for_operators_and_for_the_app_itself() {
    let host = Host::start().await;
    host.install(&told()).await;
    let user = host.user("user", &[]).await;
    let data = json!({});

    user.post("/api/async/app", &data).await.expect(202);
    user.post("/api/async/app?task=sync", &data)
        .await
        .expect(403);
    let error = host
        .admin()
        .post("/api/async/app?task=other", &data)
        .await
        .expect(400)
        .error();
    assert_eq!(
        error,
        "the manifest has no task `other`: declare it in `tasks`"
    );
}

#[tokio::test]
async fn a_component_must_have_what_its_manifest_names() {
    let host = Host::start().await;
    for (key, value, export) in [
        (
            "hooks",
            json!({ "on_install": "any:name" }),
            "lifecycle.hook",
        ),
        (
            "tasks",
            json!({ "sync": { "run": "any:name" } }),
            "task.run",
        ),
    ] {
        let bundle = Bundle::of_guest("app", "echo").with(key, value);
        let error = host.deploy(&bundle).await.expect(422).error();
        assert_eq!(
            error,
            format!(
                "the manifest has `{key}`, and the component exports no `{export}` to run them \
                 with: export it, or remove the key"
            )
        );
    }
    let unknown = Bundle::of_guest("app", "told").with("hooks", json!({ "on_fire": "any:name" }));
    let error = host.deploy(&unknown).await.expect(422).error();
    assert!(
        error.contains("`hooks.on_fire` is no hook: the hooks are on_install, on_upgrade,"),
        "{error}"
    );
    let names = Bundle::of_guest("app", "told")
        .with("hooks", json!({ "on_install": "install" }))
        .with("tasks", json!({ "a b": { "run": "any:name" }, "c": {} }));
    let error = host.deploy(&names).await.expect(422).error();
    for part in [
        "`hooks.on_install` is \"install\": it must name a function",
        "`tasks.a b` is no name of a task",
        "`tasks.c.run` is null: it must name a function",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(host.state().await, Vec::<String>::new());
}

/// `tests/apps/hooks` with its component; the manifest of the component is its own.
fn python_app() -> Bundle {
    let manifest = std::fs::read(python::source("hooks").join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let fields = manifest.as_object().unwrap().clone();
    fields
        .into_iter()
        .fold(python::bundle("hooks"), |bundle, (key, value)| {
            bundle.with(&key, value)
        })
}

#[tokio::test]
async fn a_python_apps_hooks_are_jobs_with_results_and_errors() {
    let host = python::host().await;
    let admin = host.admin();
    // Made before the turn is taken, which making it takes too.
    let bundle = python_app();
    let turn = python::turn();
    host.install(&bundle).await;
    drop(turn);
    let app = "/admin/api/apps/hooks";

    let installed = ended(&admin, "hook on_install", "completed").await;
    assert_eq!(
        installed["result"],
        json!({ "ok": true, "message": "hooks is ready", "data": { "first": true } })
    );
    set(&admin, "hooks", "token", "12345").await.expect(200);
    let saved = ended(&admin, "hook on_credentials_saved", "completed").await;
    assert_eq!(saved["result"]["message"], "token");

    put(&admin, "/api/apps/hooks/settings/batch", json!(7)).await;
    let failed = ended(&admin, "hook on_settings_saved", "failed").await;
    assert_eq!(failed["error_message"], "ValueError: cannot take ['batch']");
    let trace = failed["result"]["data"]["traceback"].as_str().unwrap();
    assert!(trace.contains("parts/hooks.py"), "{trace}");

    admin
        .post(&format!("{app}/disable"), &json!({}))
        .await
        .expect(204);
    let failed = ended(&admin, "hook on_disable", "failed").await;
    assert_eq!(
        failed["error_message"],
        "hook returned unexpected type int, expected HookResult"
    );
    admin
        .post(&format!("{app}/enable"), &json!({}))
        .await
        .expect(204);
    let failed = ended(&admin, "hook on_enable", "failed").await;
    assert_eq!(failed["error_message"], "not today");
    assert_eq!(failed["result"]["data"], json!({ "later": true }));

    let queue = json!({ "action": "queue", "rows": 3 });
    let job = host.call("hooks", queue).await.expect(200).json();
    let done = until_status(&admin, job["job"].as_str().unwrap(), "completed").await;
    assert_eq!(done["entry"], "task sync");
    assert_eq!(done["result"], json!({ "rows": 3, "job": true }));
    let unknown = host.call("hooks", json!({ "action": "unknown" })).await;
    let error = unknown.expect(500).error();
    assert_eq!(
        error,
        "the manifest has no task `other`: declare it in `tasks`"
    );
    ended(&admin, "hook on_first_run_success", "completed").await;

    // What did not succeed has left nothing.
    let notes = host.call("hooks", json!({})).await.expect(200).json();
    assert_eq!(notes, json!({ "result": ["installed", "synced", "ran"] }));

    // Its credential is there to the end.
    let deleted = admin.delete(&format!("{app}?tables=keep")).await;
    assert_eq!(
        deleted.expect(200).json(),
        json!({ "on_uninstall": { "ok": true, "message": "False 5" } })
    );
    let gone = "SELECT count(*) FROM public.hooks_notes WHERE text = 'gone'";
    let database = host.database().await;
    let row = database.query_one(gone, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
    let entries = admin.get("/api/audit?app=hooks").await.expect(200).json();
    let entry = &entries["entries"][0];
    assert_eq!(
        (&entry["action"], &entry["details"]["on_uninstall"]),
        (&json!("app.delete"), &json!("ok"))
    );
}

#[tokio::test]
async fn a_function_that_is_not_there_is_refused_at_deploy() {
    let host = Host::start().await;
    let bundle = Bundle::new("app")
        .with("hooks", json!({ "on_install": "hooks/install.py:run" }))
        .file("main.py", "def execute(data):\n    return data\n")
        .file("hooks/install.py", "def other(ctx):\n    pass\n");

    let error = host.deploy(&bundle).await.expect(422).error();

    assert!(
        error.contains(
            "`hooks.on_install` of the manifest names the function `run`, which is not there"
        ),
        "{error}"
    );
    assert_eq!(host.state().await, Vec::<String>::new());
}
