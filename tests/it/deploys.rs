//! Deploys: what goes live, and every way in which nothing changes.

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
        ["read", "build", "compile", "check", "migrate", "activate"]
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

/// What is wrong with a bundle, the status, and how the error begins.
type Refusal = (Vec<u8>, u16, &'static str);

#[tokio::test]
async fn a_bundle_that_is_not_an_app_changes_nothing_and_is_told_why() {
    let manifest = br#"{"app_name": "app", "version": "1.0.0"}"#.as_slice();
    let app = || Bundle::of_guest("app", "echo");
    let of = |guest| Bundle::of_guest("app", guest).zip();
    let refusals: Vec<Refusal> = vec![
        (b"not a zip".to_vec(), 422, "this is not a zip file"),
        (
            zip([("main.py", b"".as_slice())]),
            422,
            "manifest.json is required at the bundle root",
        ),
        (
            zip([("manifest.json", manifest)]),
            422,
            "main.py is required at the bundle root",
        ),
        (
            zip([("app/manifest.json", manifest), ("app/main.py", b"")]),
            422,
            "everything in the bundle is inside the folder `app`",
        ),
        (
            zip([("manifest.json", manifest), ("../main.py", b"")]),
            422,
            "`../main.py`: ",
        ),
        (
            zip([
                ("manifest.json", b"{\n// no\n}".as_slice()),
                ("main.py", b""),
            ]),
            422,
            "manifest.json is not valid JSON: ",
        ),
        (
            zip([("manifest.json", b"[]".as_slice()), ("main.py", b"")]),
            422,
            "manifest.json must be a JSON object",
        ),
        (
            app().with("app_name", json!("no spaces")).zip(),
            422,
            "manifest.json: invalid app name 'no spaces'",
        ),
        (
            app().with("version", json!("1")).zip(),
            422,
            "manifest.json: `version` must be MAJOR.MINOR.PATCH",
        ),
        (
            Bundle::new("app").file("main.js", "").zip(),
            422,
            "JavaScript backends (main.js) are not supported",
        ),
        (
            Bundle::new("app").file("main.lua", "").zip(),
            422,
            "Lua backends (main.lua) are not supported",
        ),
        (
            Bundle::new("app").file("component.wasm", "no").zip(),
            422,
            "the component is not valid WebAssembly: ",
        ),
        (
            of("bad-import"),
            422,
            "the component imports `evil:thing/x`, which Skep does not offer",
        ),
        (
            of("http-import"),
            422,
            "the component imports `wasi:http/outgoing-handler@0.2.0`, which Skep does not offer",
        ),
        (
            of("no-execute"),
            422,
            "the component does not export `execute`",
        ),
        (
            of("load-trap"),
            422,
            "loading the app failed: the app crashed: ",
        ),
        (
            app()
                .with(
                    "tables",
                    json!(["CREATE TABLE app_a (id int)", "CREATE TABL"]),
                )
                .zip(),
            422,
            "statement 2 of `tables` in manifest.json failed: ERROR: syntax error",
        ),
        (
            app()
                .with("tables", json!(["CREATE TABLE app_a (id int)", "COMMIT"]))
                .zip(),
            422,
            "statement 2 of `tables` in manifest.json failed: it would end the transaction",
        ),
        (
            app().with("app_name", json!("skep")).zip(),
            422,
            "the name `skep` is kept for a schema of Skep's own",
        ),
    ];

    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "counter")).await;
    let before = host.state().await;
    for (zip, status, text) in refusals {
        let answer = host.admin().deploy(zip).await;
        let error = answer.error();
        assert!(error.starts_with(text), "{error:?} is not {text:?}");
        assert_eq!(answer.status, status, "{error}");
        assert_eq!(host.state().await, before, "{text}");
    }
    // The release before goes on serving.
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
async fn only_operators_deploy_and_manage_apps() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let before = host.state().await;
    let user = host.user("ann", &["user"]).await;

    let answers = [
        user.deploy(Bundle::of_guest("app", "echo").zip()).await,
        user.get("/admin/api/apps/app").await,
        user.post("/admin/api/apps/app/rollback", &json!({ "release": 1 }))
            .await,
        user.post("/admin/api/apps/app/disable", &Value::Null).await,
        user.delete("/admin/api/apps/app?tables=drop").await,
    ];

    for answer in answers {
        let error = answer.expect(403).error();
        assert!(error.starts_with("insufficient permissions: "), "{error}");
    }
    assert_eq!(host.state().await, before);
}

#[tokio::test]
async fn a_call_finishes_on_the_release_that_it_began_with() {
    let host = Host::start().await;
    let tables = json!(["CREATE TABLE IF NOT EXISTS notes (id int)"]);
    host.install(&Bundle::of_guest("app", "write-wait").with("tables", tables))
        .await;
    let database = host.database().await;
    database
        .batch_execute("SELECT pg_advisory_lock(1)")
        .await
        .unwrap();

    let client = host.admin();
    let old = tokio::spawn(async move { client.call("app", &json!({})).await });
    until("the call waits", async || {
        waiting(&database).await.then_some(())
    })
    .await;
    host.install(&Bundle::of_guest("app", "echo").version("2.0.0"))
        .await;
    let new = host.call("app", json!({ "new": 1 })).await.expect(200);
    database
        .batch_execute("SELECT pg_advisory_unlock(1)")
        .await
        .unwrap();

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
    database
        .batch_execute("SELECT pg_advisory_lock(1)")
        .await
        .unwrap();

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
    database
        .batch_execute("SELECT pg_advisory_unlock(1)")
        .await
        .unwrap();

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
async fn an_earlier_release_serves_again() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    host.install(&Bundle::of_guest("app", "list").version("2.0.0"))
        .await;
    let admin = host.admin();

    admin
        .post("/admin/api/apps/app/rollback", &json!({ "release": 1 }))
        .await
        .expect(204);

    host.call("app", json!({ "a": 1 })).await.expect(200);
    let shown = admin.get("/admin/api/apps/app").await.expect(200).json();
    assert_eq!(shown["release"], 1);
    assert_eq!(shown["version"], "1.0.0");
    let releases = shown["releases"].as_array().unwrap();
    let active: Vec<(&Value, &Value)> = releases
        .iter()
        .map(|release| (&release["number"], &release["active"]))
        .collect();
    assert_eq!(
        active,
        [(&json!(2), &json!(false)), (&json!(1), &json!(true))]
    );

    let before = host.state().await;
    let answer = admin
        .post("/admin/api/apps/app/rollback", &json!({ "release": 9 }))
        .await;
    let error = answer.expect(404).error();
    assert_eq!(
        error,
        "app 'app' has no release 9: see `skep apps show app`"
    );
    assert_eq!(host.state().await, before);
}

#[tokio::test]
async fn deleting_an_app_asks_what_becomes_of_its_tables() {
    let host = Host::start().await;
    let app = Bundle::of_guest("app", "sql").with(
        "tables",
        json!(["CREATE TABLE IF NOT EXISTS app_items AS SELECT 7 AS n"]),
    );
    host.install(&app).await;
    let admin = host.admin();
    let before = host.state().await;

    for path in ["/admin/api/apps/app", "/admin/api/apps/app?tables=what"] {
        let error = admin.delete(path).await.expect(400).error();
        assert!(
            error.starts_with("say what becomes of the tables of `app`: "),
            "{error}"
        );
        assert_eq!(host.state().await, before);
    }

    admin
        .delete("/admin/api/apps/app?tables=keep")
        .await
        .expect(204);
    assert_eq!(host.state().await, ["column public.app_items.n"]);
    host.call("app", json!({})).await.expect(404);

    // A later app of that name finds them again.
    host.install(&app).await;
    let count = json!({ "sql": "SELECT n::text FROM app_items" });
    assert_eq!(
        host.call("app", count).await.expect(200).json(),
        json!({ "result": 7 })
    );

    admin
        .delete("/admin/api/apps/app?tables=drop")
        .await
        .expect(204);
    assert_eq!(host.state().await, Vec::<String>::new());
    let error = admin
        .delete("/admin/api/apps/app?tables=drop")
        .await
        .expect(404)
        .error();
    assert_eq!(error, "app 'app' not found");
}

#[tokio::test]
async fn a_second_app_cannot_take_the_first_ones_table() {
    let host = Host::start().await;
    let tables = json!(["CREATE TABLE items (id int)"]);
    host.install(&Bundle::of_guest("first", "echo").with("tables", tables))
        .await;
    let before = host.state().await;

    for statement in [
        "CREATE TABLE items (id int)",
        "ALTER TABLE items ADD x int",
        "DROP TABLE items",
    ] {
        let second = Bundle::of_guest("second", "echo").with("tables", json!([statement]));
        let error = host.deploy(&second).await.expect(422).error();
        let begins = "statement 1 of `tables` in manifest.json failed: ERROR: ";
        assert!(error.starts_with(begins), "{error}");
        assert!(error.contains("items"), "{error}");
        assert_eq!(host.state().await, before, "{statement}");
    }
}

async fn waiting(database: &tokio_postgres::Client) -> bool {
    let waiting = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'advisory'";
    !database.query(waiting, &[]).await.unwrap().is_empty()
}
