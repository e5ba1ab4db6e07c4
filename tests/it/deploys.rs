//! Deploys: what goes live, and every way in which nothing changes.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::bundle::{Bundle, zip};
use crate::host::{Host, until};

#[tokio::test]
async fn a_deploy_reports_what_it_did() {
    let host = Host::start().await;

    let report = host
        .install(&Bundle::of_guest("app", "load").version("1.2.3"))
        .await;

    assert_eq!(report["app"], "app");
    assert_eq!(report["number"], 1);
    assert_eq!(report["version"], "1.2.3");
    assert_eq!(report["digest"].as_str().unwrap().len(), 64);
    assert_eq!(report["warnings"], json!([]));
    let stages: Vec<&String> = report["timings"].as_object().unwrap().keys().collect();
    assert_eq!(
        stages,
        [
            "read", "lint", "build", "compile", "check", "migrate", "activate"
        ]
    );
    assert_eq!(
        host.call("app", json!({})).await.expect(200).json(),
        json!({ "result": 0 })
    );
}

#[tokio::test]
async fn the_older_path_deploys_too() {
    let host = Host::start().await;
    let zip = Bundle::of_guest("app", "echo").zip();
    let part = reqwest::multipart::Part::bytes(zip).file_name("app.zip");
    let form = reqwest::multipart::Form::new().part("file", part);

    let admin = host.admin();
    let request = admin.request(reqwest::Method::POST, "/admin/api/nodes/deploy");
    admin.send(request.multipart(form)).await.expect(200);

    host.call("app", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_zip_that_is_not_a_bundle_is_refused() {
    let manifest = br#"{"app_name": "app", "version": "1.0.0"}"#.as_slice();

    refuses([
        (b"not a zip".to_vec(), "this is not a zip file"),
        (
            zip([("main.py", b"".as_slice())]),
            "manifest.json is required at the bundle root",
        ),
        (
            zip([("manifest.json", manifest)]),
            "main.py is required at the bundle root",
        ),
        (
            zip([("app/manifest.json", manifest), ("app/main.py", b"")]),
            "everything in the bundle is inside the folder `app`",
        ),
        (
            zip([("manifest.json", manifest), ("../main.py", b"")]),
            "`../main.py`: ",
        ),
        (
            Bundle::new("app").file("main.lua", "").zip(),
            "Lua backends (main.lua) are not supported",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_manifest_that_breaks_the_contract_is_refused() {
    let app = || Bundle::of_guest("app", "echo");

    refuses([
        (
            zip([
                ("manifest.json", b"{\n// no\n}".as_slice()),
                ("main.py", b""),
            ]),
            "manifest.json is not valid JSON: ",
        ),
        (
            zip([("manifest.json", b"[]".as_slice()), ("main.py", b"")]),
            "manifest.json must be a JSON object",
        ),
        (
            app().with("app_name", json!("no spaces")).zip(),
            "manifest.json: invalid app name 'no spaces'",
        ),
        (
            app().with("version", json!("1")).zip(),
            "manifest.json: `version` must be MAJOR.MINOR.PATCH",
        ),
        (
            app().with("app_name", json!("skep")).zip(),
            "the name `skep` is kept for a schema of Skep's own",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_component_that_is_not_an_app_is_refused_by_name() {
    let of = |guest| Bundle::of_guest("app", guest).zip();

    refuses([
        (
            Bundle::new("app").file("component.wasm", "no").zip(),
            "the component is not valid WebAssembly: ",
        ),
        (
            of("bad-import"),
            "the component imports `evil:thing/x`, which Skep does not offer",
        ),
        (
            of("http-import"),
            "the component imports `wasi:http/incoming-handler@0.2.0`, which Skep does not offer",
        ),
        (of("no-execute"), "the component does not export `execute`"),
    ])
    .await;
}

#[tokio::test]
async fn a_migration_that_fails_is_undone_and_named() {
    let tables = |second: &str| {
        let tables = json!(["CREATE TABLE IF NOT EXISTS app_a (id int)", second]);
        Bundle::of_guest("app", "echo").with("tables", tables).zip()
    };

    refuses([
        (
            Bundle::of_guest("app", "load-trap").zip(),
            "loading the app failed: the app crashed: ",
        ),
        (
            tables("UPDATE app_a SET id = (SELECT 1 / 0)"),
            "statement 2 of `tables` in manifest.json failed: division by zero",
        ),
        (
            tables("COMMIT"),
            "statement 2 of `tables` in manifest.json failed: `tables` makes and fills tables",
        ),
    ])
    .await;
}

/// Deploys each zip over a release that serves. Each is refused with an error that begins so,
/// nothing is changed, and the release goes on serving.
async fn refuses<const N: usize>(zips: [(Vec<u8>, &str); N]) {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "counter")).await;
    let before = host.state().await;

    for (zip, text) in zips {
        let error = host.admin().deploy(zip).await.expect(422).error();

        assert!(error.starts_with(text), "{error:?} is not {text:?}");
        assert_eq!(host.state().await, before, "{text}");
    }
    assert_eq!(
        host.call("app", json!({})).await.expect(200).json(),
        json!({ "result": 1 })
    );
}

#[tokio::test]
async fn a_first_deploy_that_fails_leaves_no_app() {
    let host = Host::start().await;

    host.deploy(&Bundle::of_guest("app", "load-trap"))
        .await
        .expect(422);

    assert_eq!(host.state().await, Vec::<String>::new());
    host.call("app", json!({})).await.expect(404);
    let list = host.admin().get("/admin/api/apps").await.expect(200);
    assert_eq!(list.json(), json!({ "apps": [] }));
}

#[tokio::test]
async fn a_form_without_a_zip_is_refused() {
    let host = Host::start().await;
    let admin = host.admin();

    let json = admin
        .post("/admin/api/apps/deploy", &json!({}))
        .await
        .expect(400);
    assert!(json.error().starts_with("send the zip as a form: "));

    let form = reqwest::multipart::Form::new().text("other", "x");
    let request = admin.request(reqwest::Method::POST, "/admin/api/apps/deploy");
    let other = admin.send(request.multipart(form)).await.expect(400);
    assert!(other.error().starts_with("send the zip as a form: "));
}

#[tokio::test]
async fn a_call_finishes_on_the_release_that_it_began_with() {
    let host = Host::start().await;
    let tables = json!([
        "CREATE TABLE IF NOT EXISTS notes (id int)",
        "CREATE TABLE IF NOT EXISTS gate (id int)"
    ]);
    host.install(&Bundle::of_guest("app", "write-wait").with("tables", tables))
        .await;
    let database = host.database().await;
    let gate = host.gate().await;

    let client = host.admin();
    let old = tokio::spawn(async move { client.call("app", &json!({})).await });
    until("the call waits", async || {
        waiting(&database).await.then_some(())
    })
    .await;
    host.install(&Bundle::of_guest("app", "echo").version("2.0.0"))
        .await;
    let new = host.call("app", json!({ "new": 1 })).await.expect(200);
    drop(gate);

    assert_eq!(new.json(), json!({ "new": 1 }));
    assert_eq!(
        old.await.unwrap().expect(200).json(),
        json!({ "result": "done" })
    );
}

#[tokio::test]
async fn two_deploys_of_one_app_at_once_do_not_mix() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let database = host.database().await;
    let gate = host.gate().await;

    let client = host.admin();
    let zip = Bundle::of_guest("app", "load-wait").zip();
    let first = tokio::spawn(async move { client.deploy(zip).await });
    until("the deploy waits", async || {
        waiting(&database).await.then_some(())
    })
    .await;
    let second = host.deploy(&Bundle::of_guest("app", "counter")).await;
    let managed = host
        .admin()
        .post("/admin/api/apps/app/disable", &Value::Null)
        .await;
    drop(gate);

    for refused in [second, managed] {
        assert_eq!(
            refused.expect(409).error(),
            "the app `app` is being changed by somebody else: try again when that is done"
        );
    }
    assert_eq!(first.await.unwrap().expect(200).json()["number"], 2);
    assert_eq!(
        host.call("app", json!({})).await.expect(200).json(),
        json!({ "result": true })
    );
}

#[tokio::test]
async fn a_second_app_cannot_change_the_first_ones_table() {
    let host = Host::start().await;
    let tables = json!(["CREATE TABLE IF NOT EXISTS items (id int)"]);
    host.install(&Bundle::of_guest("first", "echo").with("tables", tables))
        .await;
    let before = host.state().await;

    for statement in [
        "ALTER TABLE items ADD COLUMN IF NOT EXISTS x int",
        "DROP TABLE IF EXISTS items",
    ] {
        let second = Bundle::of_guest("second", "echo").with("tables", json!([statement]));
        let error = host.deploy(&second).await.expect(422).error();
        let begins = "statement 1 of `tables` in manifest.json failed: `items` ";
        assert!(error.starts_with(begins), "{error}");
        assert_eq!(host.state().await, before, "{statement}");
    }
}

async fn waiting(database: &tokio_postgres::Client) -> bool {
    let waiting = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    !database.query(waiting, &[]).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_deploy_tells_of_each_stage_to_who_asks_for_lines() {
    let host = Host::start().await;
    let deploy = async |bundle: &Bundle, query: &str| -> Vec<Value> {
        let admin = host.admin();
        let form = Form::new().part("file", Part::bytes(bundle.zip()).file_name("app.zip"));
        let path = format!("/admin/api/apps/deploy{query}");
        let request = admin
            .request(Method::POST, &path)
            .header("accept", "application/x-ndjson")
            .multipart(form);
        let answer = admin.send(request).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        let lines = answer.body.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let stages = |lines: &[Value]| -> Vec<String> {
        let stages = lines.iter().filter_map(|line| line["stage"].as_str());
        stages.map(str::to_owned).collect()
    };

    let lines = deploy(&Bundle::of_guest("shop", "echo"), "?plan=true").await;
    assert_eq!(
        stages(&lines),
        ["read", "lint", "build", "compile", "check"]
    );
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["status"], &last["body"]["app"]),
        (&json!(200), &json!("shop"))
    );

    let lines = deploy(&Bundle::of_guest("shop", "echo"), "").await;
    assert_eq!(
        stages(&lines),
        [
            "read", "lint", "build", "compile", "check", "migrate", "activate"
        ]
    );
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["status"], &last["body"]["state"]),
        (&json!(200), &json!("ready"))
    );
    assert_eq!(lines[3]["ms"], last["body"]["timings"]["compile"]);

    let broken = Bundle::new("shop").file("component.wasm", "no component");
    let lines = deploy(&broken, "").await;
    assert_eq!(stages(&lines), ["read", "lint", "build"]);
    let last = lines.last().unwrap();
    assert_eq!(last["status"], 422);
    assert!(last["body"]["error"].is_string());
    assert!(last["body"]["request_id"].is_string());
}
