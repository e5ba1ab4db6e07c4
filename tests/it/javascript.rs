//! Apps whose backend is JavaScript: the contract, and the walls around it.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Host};
use crate::job_app::until_status;
use crate::python;
use crate::secrets::set;

/// A server with `tests/apps/javascript`.
async fn host() -> Host {
    let host = python::host().await;
    install(&host, json!({})).await;
    host
}

async fn install(host: &Host, limits: Value) {
    let manifest = std::fs::read(python::source("javascript").join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut app = python::bundle("javascript").with("limits", limits);
    for key in ["tables", "actions", "settings", "needs", "tasks", "hooks"] {
        app = app.with(key, manifest[key].clone());
    }
    let _turn = python::turn();
    host.install(&app).await;
}

async fn call(host: &Host, action: &str, params: Value) -> Answer {
    let data = json!({ "action": action, "params": params });
    host.call("javascript", data).await
}

async fn answer(host: &Host, action: &str, params: Value) -> Value {
    call(host, action, params).await.expect(200).json()
}

#[tokio::test]
async fn an_app_in_javascript_keeps_the_contract() {
    let host = host().await;

    let added = answer(&host, "add", json!({ "code": " a ", "price": 12.5 })).await;
    assert_eq!(added["item"]["code"], "a");
    assert_eq!(added["item"]["price"], 12.5);
    assert_eq!(added["item"]["id"].as_str().unwrap().len(), 36);
    assert!(added["item"]["made"].as_str().unwrap().ends_with('Z'));
    // What it fires is for subscribers.
    assert_eq!(added.get("_actions"), None);

    // Each statement is a transaction of its own: none takes another with it.
    let imported = answer(&host, "import", json!({ "codes": ["a", "b", "a", "c"] })).await;
    assert_eq!(imported["kept"], 3);
    assert_eq!(
        imported["errors"][0],
        json!({ "code": "a", "state": "23505", "constraint": "javascript_items_code_key" })
    );
    let removed = answer(&host, "remove", json!({ "code": "a" })).await;
    assert_eq!(removed["gone"], 1);
    assert!(
        removed["used"]
            .as_str()
            .unwrap()
            .contains("elsewhere_items"),
        "{removed}"
    );

    // Nothing is left of one call for the next.
    let modules = json!({
        "same": true, "circular": "function", "data": ["one", "zwei"], "calls": 1,
        "missing": {
            "name": "Error",
            "message": "cannot find module \"lib/none\": the bundle has no file lib/none.js. Paths \
                        begin at the root of the bundle; \"./\" is the folder of the module that asks",
        },
    });
    for _ in 0..2 {
        assert_eq!(answer(&host, "modules", json!({})).await, modules);
    }
    assert_eq!(
        answer(&host, "later", json!({})).await,
        json!({ "late": true })
    );
    assert_eq!(
        answer(&host, "x", json!({})).await,
        json!({ "error": "unknown action x" })
    );
}

#[tokio::test]
async fn values_and_errors_of_sql_are_those_of_postgresql() {
    let host = host().await;
    let run = async |statement: &str, values: Value| {
        let params = json!({ "statement": statement, "values": values });
        call(&host, "values", params).await
    };
    let rows =
        async |statement: &str, values: Value| run(statement, values).await.expect(200).json();

    let types = "SELECT count(*) AS n, 9007199254740993 AS big, 1.5::numeric AS half, \
         12345678901234567.1 AS long, true AS yes, NULL AS nothing, '{\"a\":1}'::jsonb AS json, \
         ARRAY['a', NULL] AS list, '2026-03-01 12:00+02'::timestamptz AS moment, 'NaN'::float8 AS nan";
    assert_eq!(
        rows(types, json!([])).await,
        json!({ "result": [{
            "n": 1, "big": "9007199254740993", "half": 1.5, "long": "12345678901234567.1",
            "yes": true, "nothing": null, "json": { "a": 1 }, "list": ["a", null],
            "moment": "2026-03-01T10:00:00Z", "nan": null,
        }] })
    );
    let given = json!([5, "x", true, null, ["a", "b"], { "k": [1] }]);
    assert_eq!(
        rows(
            "SELECT $1::int AS i, $2 AS t, $3::bool AS b, $4::text AS n, $5::text[] AS a, $6::jsonb AS j",
            given
        )
        .await,
        json!({ "result": [{ "i": 5, "t": "x", "b": true, "n": null, "a": ["a", "b"], "j": { "k": [1] } }] })
    );
    assert_eq!(
        rows("DELETE FROM javascript_items", Value::Null).await,
        json!({ "result": [] })
    );

    let error = run("SELECT nothing", json!([])).await.expect(500).error();
    assert_eq!(error, "column \"nothing\" does not exist");
    // The wall around every statement.
    for statement in [
        "CREATE TABLE t (id int)",
        "SELECT pg_sleep(1)",
        "SELECT * FROM pg_user",
    ] {
        run(statement, json!([])).await.expect(500);
    }
    let error = run("SELECT 1", json!("no list")).await.expect(500).error();
    assert!(error.contains("as an array"), "{error}");
}

#[tokio::test]
async fn an_error_tells_its_author_the_file_and_line() {
    let host = host().await;

    let failed = call(&host, "fail", json!({})).await.expect(500);
    let error = failed.error();
    assert!(error.contains("undefined"), "{error}");
    // What was done before it stays, as the contract has it.
    let list = answer(&host, "list", json!({})).await;
    assert_eq!(list["items"][0]["code"], "before");
    let line = host
        .logged("the traceback", |line| {
            line.to_string().contains("lib/items.js:44:")
        })
        .await;
    let text = line.to_string();
    assert!(text.contains("main.js:24:"), "{text}");
    // Only the author's own files.
    assert!(!text.contains("entry.js"), "{text}");

    for (value, expected) in [(json!("a text"), "a text"), (Value::Null, "null")] {
        let error = call(&host, "throw", json!({ "value": value }))
            .await
            .expect(500)
            .error();
        assert_eq!(error, expected);
    }
    let error = call(&host, "json", json!({})).await.expect(500).error();
    assert_eq!(error, "response serialization failed");
    // Nothing can settle it any more.
    call(&host, "never", json!({})).await.expect(500);
    assert_eq!(answer(&host, "later", json!({})).await["late"], true);
}

#[tokio::test]
async fn a_cell_in_javascript_has_the_budget_of_any_other() {
    let host = python::host().await;
    install(&host, json!({ "wall_ms": 4000 })).await;

    call(&host, "loop", json!({})).await.expect(504);

    let engine = answer(&host, "engine", json!({})).await;
    let again = answer(&host, "engine", json!({})).await;
    assert_ne!(engine["random"][0], again["random"][0]);
    assert_ne!(engine["random"][1], again["random"][1]);
    assert_eq!(engine["time"], true);
    assert_eq!(engine["modern"], "a1");
    assert_eq!(
        engine["globals"],
        json!(["undefined", "undefined", "function", "function", "function"])
    );
}

#[tokio::test]
async fn the_host_s_interfaces_are_there() {
    let host = host().await;
    let admin = host.admin();

    let caller = answer(&host, "caller", json!({})).await;
    assert_eq!(caller, json!({ "name": "admin", "may": true, "id": 36 }));

    set(&admin, "javascript", "token", "a tökén")
        .await
        .expect(200);
    assert_eq!(
        answer(&host, "credential", json!({ "name": "token" })).await,
        json!({ "value": "a tökén" })
    );
    assert_eq!(
        answer(&host, "credential", json!({ "name": "x" })).await["name"],
        "Undeclared"
    );
    let settings = answer(&host, "settings", json!({})).await;
    assert_eq!(
        (&settings["limit"], &settings["all"]),
        (&json!(7), &json!({ "limit": 7 }))
    );
    assert_eq!(settings["wrong"]["name"], "Invalid");
    assert_eq!(settings["other"]["name"], "Undeclared");

    assert_eq!(
        answer(&host, "log", json!({})).await,
        json!({ "result": "logged" })
    );
    let line = host
        .logged("a line", |line| line.to_string().contains("a line"))
        .await;
    assert!(
        line.to_string().contains(r#"{\"with\":[1,null]} 2"#),
        "{line}"
    );
}

#[tokio::test]
async fn jobs_tasks_and_hooks_run_in_javascript() {
    let host = host().await;
    let admin = host.admin();

    let job = json!({ "action": "job" });
    let queued = admin
        .post("/api/async/javascript", &job)
        .await
        .expect(202)
        .json();
    let id = queued["job_id"].as_str().unwrap();
    let done = until_status(&admin, id, "completed").await;
    assert_eq!(
        done["result"],
        json!({ "job": { "id": id, "attempt": 1 }, "id": id })
    );

    let queued = answer(&host, "enqueue", json!({ "code": "by task" })).await;
    let done = until_status(&admin, queued["job"].as_str().unwrap(), "completed").await;
    assert_eq!(
        done["result"],
        json!({ "added": "by task", "job": "string" })
    );

    let path = "/api/apps/javascript/settings/limit";
    let request = admin
        .request(reqwest::Method::PUT, path)
        .json(&json!({ "value": 9 }));
    admin.send(request).await.expect(200);
    let database = host.database().await;
    crate::host::until("the hook", async || {
        let count = "SELECT count(*) FROM javascript_items WHERE code = 'saved limit'";
        let row = database.query_one(count, &[]).await.unwrap();
        (row.get::<_, i64>(0) == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_bundle_that_does_not_run_is_refused_with_its_file_and_line() {
    let host = Host::start().await;

    for (files, expected) in [
        (
            vec![("main.js", "var a = 1\nvar b = a +* 2\n")],
            "main.js:2:12: a script cannot be read (SK-J01)",
        ),
        (
            // Only the engine reads what is declared twice.
            vec![("main.js", "let a = 1\nlet a = 2\nfunction execute() {}")],
            "the app does not build: main.js, line 2: SyntaxError: ",
        ),
        (
            vec![
                ("main.js", "var a = require('lib/a')\nfunction execute() {}"),
                ("lib/a.js", "\n\nnothing.here()"),
            ],
            "the app does not build: lib/a.js, line 3: ReferenceError: nothing is not defined",
        ),
        (
            vec![("main.js", "sql('SELECT 1')\nfunction execute() {}")],
            "main.js:1:1: SQL is sent while the app is built (SK-J13)",
        ),
        (
            vec![(
                "main.js",
                "function early() { sql('SELECT 1') }\nearly()\nfunction execute() {}",
            )],
            "main.js, line 1: NotInCall: sql() cannot be called while the app is built",
        ),
        (
            vec![
                ("main.js", "function execute() {}"),
                ("lib/work.js", "exports.run = 1"),
            ],
            "lib/work.js: TargetMissing: `tasks.work` of manifest.json names `lib/work.js:add`",
        ),
    ] {
        let mut bundle = Bundle::new("app");
        if files.len() == 2 && files[1].0 == "lib/work.js" {
            bundle = bundle.with("tasks", json!({ "work": { "run": "lib/work.js:add" } }));
        }
        for (path, source) in files {
            bundle = bundle.file(path, source);
        }

        let error = host.deploy(&bundle).await.expect(422).error();

        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
    }
    assert_eq!(host.state().await, Vec::<String>::new());
}
