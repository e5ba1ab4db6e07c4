//! Credentials and settings of apps, from an operator's hand to a cell, and nowhere else.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Client, Host, Setup, until};
use crate::python;

const SECRETS: &str = "secrets";

fn app(name: &str) -> Bundle {
    Bundle::of_guest(name, SECRETS)
        .with(
            "needs",
            json!({ "credentials": ["erp", { "name": "crm", "description": "the CRM's" }] }),
        )
        .with(
            "settings",
            json!([
                { "key": "fast", "type": "toggle", "default": true },
                { "key": "note", "type": "text", "required": true },
            ]),
        )
}

async fn set(client: &Client, app: &str, name: &str, secret: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/api/apps/{app}/credentials/{name}");
    let request = client.request(Method::PUT, &path);
    client.send(request.body(secret.into())).await
}

async fn put(client: &Client, path: &str, value: Value) -> Answer {
    let request = client.request(Method::PUT, path);
    client.send(request.json(&json!({ "value": value }))).await
}

#[tokio::test]
async fn an_app_reads_its_own_credentials_and_no_others() {
    let host = Host::start().await;
    host.install(&app("one")).await;
    host.install(&app("two")).await;
    let admin = host.admin();
    let read = async |app: &str, name: &str| host.call(app, json!({ "c": name })).await;

    set(&admin, "one", "erp", r#"{"of":"one"}"#)
        .await
        .expect(200);
    set(&admin, "two", "crm", r#"{"of":"two"}"#)
        .await
        .expect(200);
    let answer = set(&admin, "two", "spare", "{}").await.expect(200).json();
    assert_eq!(answer["declared"], false);

    assert_eq!(
        read("one", "erp").await.expect(200).json(),
        json!({ "of": "one" })
    );
    assert_eq!(read("two", "erp").await.expect(500).error(), "erp");
    assert_eq!(read("one", "crm").await.expect(500).error(), "crm");
    assert_eq!(read("two", "spare").await.expect(500).error(), "spare");

    // A new value is seen at once, and a deleted one is gone.
    set(&admin, "one", "erp", r#"{"of":"now"}"#)
        .await
        .expect(200);
    assert_eq!(
        read("one", "erp").await.expect(200).json(),
        json!({ "of": "now" })
    );
    let path = "/api/apps/one/credentials/erp";
    admin.delete(path).await.expect(204);
    assert_eq!(read("one", "erp").await.expect(500).error(), "erp");
    admin.delete(path).await.expect(404);

    let reads = admin
        .get("/api/apps/two/credential-reads")
        .await
        .expect(200);
    let reads = reads.json()["reads"].clone();
    let of = |read: &Value| (read["name"].clone(), read["outcome"].clone());
    let reads: Vec<(Value, Value)> = reads.as_array().unwrap().iter().map(of).collect();
    assert_eq!(
        reads,
        [
            (json!("spare"), json!("undeclared")),
            (json!("erp"), json!("not_set")),
        ]
    );
    let list = admin
        .get("/api/apps/two/credentials")
        .await
        .expect(200)
        .json();
    let list = list["credentials"].as_array().unwrap();
    let names: Vec<&Value> = list.iter().map(|credential| &credential["name"]).collect();
    assert_eq!(names, ["erp", "crm", "spare"]);
    assert_eq!(
        (&list[0]["set"], &list[1]["set"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(list[1]["description"], "the CRM's");

    // With the app its credentials go.
    admin
        .delete("/admin/api/apps/two?tables=keep")
        .await
        .expect(204);
    host.install(&app("two")).await;
    assert_eq!(read("two", "crm").await.expect(500).error(), "crm");
}

#[tokio::test]
async fn only_those_who_may_set_credentials_and_what_fits() {
    let host = Host::start().await;
    host.install(&app("one")).await;
    let admin = host.admin();
    admin
        .post(
            "/admin/api/roles",
            &json!({ "name": "deployers", "permissions": ["skep:apps"] }),
        )
        .await
        .expect(201);
    let ann = host.user("ann", &["deployers"]).await;
    let error = set(&ann, "one", "erp", "x").await.expect(403).error();
    assert_eq!(error, "insufficient permissions: skep:credentials required");
    ann.get("/api/apps/one/credentials").await.expect(403);
    ann.get("/api/apps/one/credential-reads").await.expect(403);

    set(&admin, "none", "erp", "x").await.expect(404);
    set(&admin, "one", "a%20b", "x").await.expect(400);
    set(&admin, "one", "erp", "").await.expect(400);
    let too_large = set(&admin, "one", "erp", vec![7; 1024 * 1024 + 1]).await;
    assert_eq!(
        too_large.expect(413).error(),
        "a credential holds at most 1024 KiB"
    );
    let list = admin
        .get("/api/apps/one/credentials")
        .await
        .expect(200)
        .json();
    assert_eq!(list["credentials"][0]["set"], false);

    // The largest that fits arrives whole.
    let text = format!("\"{}\"", "a".repeat(1024 * 1024 - 2));
    set(&admin, "one", "erp", text.clone()).await.expect(200);
    let answer = host.call("one", json!({ "c": "erp" })).await.expect(200);
    assert_eq!(
        answer.json()["result"].as_str().unwrap().len(),
        text.len() - 2
    );
}

#[tokio::test]
async fn settings_are_typed_and_outlive_a_release() {
    let host = Host::start().await;
    let report = host.install(&app("one")).await;
    let warning = report["warnings"].to_string();
    assert!(
        warning.contains("`note` is required and not set"),
        "{warning}"
    );
    let admin = host.admin();
    let read = async |key: &str| {
        host.call("one", json!({ "s": key }))
            .await
            .expect(200)
            .json()
    };
    let path = |key: &str| format!("/api/apps/one/settings/{key}");

    assert_eq!(read("fast").await, json!({ "result": true }));
    assert_eq!(read("note").await, json!({}));
    put(&admin, &path("fast"), json!(false)).await.expect(200);
    put(&admin, &path("note"), json!("")).await.expect(200);
    assert_eq!(read("fast").await, json!({ "result": false }));
    assert_eq!(read("note").await, json!({ "result": "" }));

    let error = put(&admin, &path("fast"), json!(0))
        .await
        .expect(422)
        .error();
    assert_eq!(error, "the setting `fast` must be true or false");
    put(&admin, &path("other"), json!(1)).await.expect(404);
    let error = host
        .call("one", json!({ "s": "other" }))
        .await
        .expect(500)
        .error();
    assert_eq!(error, "other");

    // Another declaration: the value is reported, not lost.
    let later = app("one").version("2.0.0").with(
        "settings",
        json!([{ "key": "fast", "type": "number", "default": 5 }, { "key": "note", "type": "text" }]),
    );
    let report = host.install(&later).await;
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("the default counts: the setting `fast` must be a number"),
        "{warnings}"
    );
    assert_eq!(read("fast").await, json!({ "result": 5 }));
    assert_eq!(read("note").await, json!({ "result": "" }));
    let shown = admin.get(&path("fast")).await.expect(200).json();
    assert_eq!(shown["unfit"], "the setting `fast` must be a number");
    admin.delete(&path("fast")).await.expect(204);
    admin.delete(&path("fast")).await.expect(404);
    let shown = admin.get(&path("fast")).await.expect(200).json();
    assert_eq!(
        (&shown["unfit"], &shown["set"]),
        (&Value::Null, &json!(false))
    );

    let log = admin
        .get("/api/audit?app=one&limit=3")
        .await
        .expect(200)
        .json();
    let actions: Vec<&Value> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["action"])
        .collect();
    assert_eq!(actions, ["setting.unset", "app.deploy", "setting.set"]);
}

#[tokio::test]
async fn a_manifest_that_declares_nonsense_is_refused() {
    let host = Host::start().await;
    for (key, value, said) in [
        (
            "needs",
            json!({ "credentials": ["a b"] }),
            "`needs.credentials[0]` must be a name",
        ),
        (
            "settings",
            json!([{ "key": "a", "type": "color" }]),
            "is \"color\": it must be text,",
        ),
        (
            "settings",
            json!([{ "key": "a", "type": "password" }]),
            "a secret is no setting",
        ),
        (
            "settings",
            json!([{ "key": "a", "type": "port", "default": 0 }]),
            "does not fit",
        ),
        (
            "settings",
            json!([{ "key": "a", "type": "select" }]),
            "must have 1 to 200 options",
        ),
        (
            "settings",
            json!([{ "key": "1", "type": "text" }]),
            "must begin with a letter",
        ),
    ] {
        let answer = host
            .deploy(&Bundle::of_guest("one", SECRETS).with(key, value))
            .await;
        let error = answer.expect(422).error();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(host.state().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_is_found_nowhere_but_in_the_apps_own_answer() {
    let host = Setup::default()
        .setting("SKEP_LOG", "debug,skep=trace,sqlx=trace,hyper=trace")
        .start()
        .await;
    host.install(&app("one")).await;
    let canaries: Vec<String> = ["first", "second", "third"]
        .iter()
        .map(|place| format!("canary-{place}-{}", uuid()))
        .collect();

    let answers = handle(&host, &canaries).await;
    let places = places(&host, &answers).await;

    assert!(places.len() > 20, "{:?}", places.keys());
    // What is searched is really there.
    assert!(found(&places["log"], b"skep"), "the log is empty");
    assert!(found(&places["table credentials"], b"erp"));
    let hidden = STANDARD.encode(format!("x{}yz", canaries[0]));
    let mut needles = disguises(&canaries[0]).into_iter();
    assert!(needles.any(|needle| found(hidden.as_bytes(), &needle)));

    for canary in &canaries {
        for needle in disguises(canary) {
            for (place, bytes) in &places {
                assert!(!found(bytes, &needle), "{canary} is in {place}");
            }
        }
    }
}

/// Does with secrets what can be done, errors of every kind included.
async fn handle(host: &Host, canaries: &[String]) -> Vec<Answer> {
    let admin = host.admin();
    let mut answers: Vec<Answer> = Vec::new();
    let quoted = |canary: &str| format!("\"{canary}\"");

    answers.push(
        set(&admin, "one", "erp", quoted(&canaries[0]))
            .await
            .expect(200),
    );
    let given = host.call("one", json!({ "c": "erp" })).await.expect(200);
    assert_eq!(given.json()["result"], canaries[0]);
    assert!(!format!("{:?}", given.headers).contains(&canaries[0]));
    answers.push(
        set(&admin, "one", "erp", quoted(&canaries[1]))
            .await
            .expect(200),
    );
    answers.push(
        admin
            .post("/api/credentials/rotate-key", &json!({}))
            .await
            .expect(200),
    );

    // Errors of every kind, with the secret in the request.
    let canary = quoted(&canaries[2]);
    for (app, name, status) in [("none", "erp", 404), ("one", "%00", 400)] {
        answers.push(set(&admin, app, name, canary.clone()).await.expect(status));
    }
    let nobody = set(&host.anonymous(), "one", "erp", canary.clone()).await;
    answers.push(nobody.expect(401));
    let large = canary.repeat(1024 * 1024 / canary.len() + 1);
    answers.push(set(&admin, "one", "erp", large).await.expect(413));
    let database = host.database().await;
    database
        .batch_execute("UPDATE skep.credentials SET sealed = sealed || 'x'")
        .await
        .unwrap();
    let broken = host.call("one", json!({ "c": "erp" })).await.expect(500);
    assert_eq!(broken.error(), "unavailable");
    answers.push(broken);
    answers.push(
        admin
            .post("/api/credentials/rotate-key", &json!({}))
            .await
            .expect(200),
    );
    for path in [
        "/api/apps/one/credentials",
        "/api/apps/one/credential-reads",
        "/api/audit",
        "/api/audit/export",
        "/admin/api/apps/one",
    ] {
        answers.push(admin.get(path).await.expect(200));
    }
    answers
}

/// Everywhere that a secret could have ended.
async fn places(host: &Host, answers: &[Answer]) -> BTreeMap<String, Vec<u8>> {
    let database = host.database().await;
    let mut places: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (number, answer) in answers.iter().enumerate() {
        let text = format!("{:?} {}", answer.headers, answer.body);
        places.insert(format!("answer {number}"), text.into_bytes());
    }
    places.extend(tables(&database).await);
    places.extend(files(&host.data()));
    places.insert("log".to_owned(), host.raw_log());
    for what in ["environ", "cmdline"] {
        let file = format!("/proc/{}/{what}", host.process_id());
        // Who is not root cannot read it at all.
        if let Ok(bytes) = std::fs::read(&file) {
            places.insert(file, bytes);
        }
    }
    places
}

#[tokio::test]
async fn a_crash_leaves_no_image_of_the_memory() {
    let host = Host::start().await;
    let limits = format!("/proc/{}/limits", host.process_id());
    let limits = std::fs::read_to_string(limits).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
}

#[tokio::test]
async fn a_server_without_a_key_that_is_in_use_does_not_start() {
    let folder = crate::host::folder();
    let file = folder.path().join("keys");
    let write = |keys: &[u8]| {
        use std::os::unix::fs::PermissionsExt;
        let lines: Vec<String> = keys.iter().map(|key| STANDARD.encode([*key; 32])).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(&[1]);
    let mut host = Setup::default()
        .setting("SKEP_SEALING_KEY_FILE", file.to_str().unwrap())
        .start()
        .await;
    host.install(&app("one")).await;
    let admin = host.admin();
    set(&admin, "one", "erp", r#"{"a":1}"#).await.expect(200);
    // After a restart the app is loaded first.
    let read = async |host: &Host| {
        until("the app answers", async || {
            let answer = host.call("one", json!({ "c": "erp" })).await;
            (answer.status != 503).then_some(answer)
        })
        .await
        .expect(200)
        .json()
    };

    // A new key, without a restart.
    write(&[2, 1]);
    let rotation = admin.post("/api/credentials/rotate-key", &json!({})).await;
    let rotation = rotation.expect(200).json();
    assert_eq!(rotation["resealed"], 1);
    assert_eq!(rotation["in_use"][0]["key_id"], rotation["key_id"]);
    assert_eq!(read(&host).await, json!({ "a": 1 }));
    write(&[2]);
    host.kill().await;
    host.restart().await;
    assert_eq!(read(&host).await, json!({ "a": 1 }));

    write(&[3]);
    host.kill().await;
    let error = host.fail_to_restart();
    assert!(
        error.contains(&format!(
            "credentials are sealed with the key {}, which this server does not have",
            rotation["key_id"].as_str().unwrap()
        )),
        "{error}"
    );
}

/// Every table of the host, as COPY writes it.
async fn tables(database: &tokio_postgres::Client) -> BTreeMap<String, Vec<u8>> {
    use futures_util::TryStreamExt;

    let rows = database
        .query(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'skep'",
            &[],
        )
        .await
        .unwrap();
    let mut tables = BTreeMap::new();
    for row in rows {
        let name: String = row.get(0);
        let copy = format!("COPY skep.\"{name}\" TO STDOUT");
        let chunks = database.copy_out(&copy).await.unwrap();
        let chunks: Vec<bytes::Bytes> = chunks.try_collect().await.unwrap();
        tables.insert(format!("table {name}"), chunks.concat());
    }
    tables
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// A text as it may stand in a file: plain, in hexadecimal, in base64 at each of its places.
fn disguises(text: &str) -> Vec<Vec<u8>> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        text.into(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    for shift in 0..3 {
        // What stands around it is not known: only whole groups of three bytes in the middle.
        let bytes = &text.as_bytes()[shift..];
        let whole = &bytes[..bytes.len() / 3 * 3];
        all.push(STANDARD.encode(whole).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    all
}

fn found(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Something that stands nowhere by chance.
fn uuid() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

#[tokio::test]
async fn a_python_app_uses_its_credentials_and_settings() {
    let host = python::host().await;
    let app = Bundle::new("secrets")
        .file("component.wasm", python::built("secrets"))
        .with(
            "needs",
            json!({ "credentials": ["erp", "account", "unset"] }),
        )
        .with(
            "settings",
            json!([
                { "key": "fast", "type": "toggle", "default": true },
                { "key": "count", "type": "number" },
            ]),
        );
    {
        let _turn = python::turn();
        host.install(&app).await;
    }
    let admin = host.admin();
    set(&admin, "secrets", "erp", "a tökén").await.expect(200);
    set(&admin, "secrets", "account", r#"{"user":"ann"}"#)
        .await
        .expect(200);
    let call = async |action: &str| {
        let answer = host.call("secrets", json!({ "action": action })).await;
        answer.expect(200).json()
    };

    let hex: String = "a tökén"
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        call("credentials").await,
        json!({ "text": "a tökén", "bytes": hex, "user": "ann" })
    );
    assert_eq!(
        call("settings").await,
        json!({
            "before": { "fast": true },
            "changed": { "fast": false, "count": 0 },
            "fast": true,
        })
    );
    assert_eq!(
        call("refused").await,
        json!({
            "undeclared": "the manifest's `needs.credentials` does not name `other`",
            "not_set": "the credential `unset` is not set: an operator does it",
            "no_setting": "the manifest's `settings` has no key `other`",
            "invalid": "the setting `count` must be a number",
        })
    );
}
