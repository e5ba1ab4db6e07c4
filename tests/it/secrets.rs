//! Credentials of apps, from an operator's hand to a cell.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Client, Host, Setup, until};
use crate::job_app::until_status;
use crate::python;

pub(crate) const SECRETS: &str = "secrets";

/// An app that answers with its credentials and settings.
pub(crate) fn app(name: &str) -> Bundle {
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

/// Sets a credential.
pub(crate) async fn set(
    client: &Client,
    app: &str,
    name: &str,
    secret: impl Into<Vec<u8>>,
) -> Answer {
    let path = format!("/api/apps/{app}/credentials/{name}");
    let request = client.request(Method::PUT, &path);
    client.send(request.body(secret.into())).await
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
    host.ready().await;
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

#[tokio::test]
async fn a_credential_is_read_only_while_it_is_consented_to() {
    let host = Host::start().await;
    let admin = host.admin();
    let read = async || host.call("app", json!({ "c": "erp" })).await;
    let state = async || {
        let list = admin.get("/api/apps/app/credentials").await.expect(200);
        let erp = list.json()["credentials"][0].clone();
        (erp["declared"].clone(), erp["granted"].clone())
    };
    let grant = async || {
        let grants = admin.get("/admin/api/apps/app/grants").await.expect(200);
        let grants = grants.json()["grants"].as_array().unwrap().clone();
        grants
            .into_iter()
            .find(|grant| grant["key"] == "credential:erp")
    };

    host.install(&Bundle::of_guest("app", SECRETS)).await;
    let report = host.deploy(&app("app").version("2.0.0")).await;
    let report = report.expect(202).json();
    set(&admin, "app", "erp", "{}").await.expect(200);
    // It waits, and the release before declares nothing.
    read().await.expect(500);
    assert_eq!(state().await, (json!(false), json!(false)));

    admin.accept(&report).await.expect(204);
    assert_eq!(state().await, (json!(true), json!(true)));
    assert_eq!(grant().await.unwrap()["uses"], 0);
    read().await.expect(200);
    until("the use to be counted", async || {
        (grant().await?["uses"] == 1).then_some(())
    })
    .await;

    let path = "/admin/api/apps/app/grants?key=credential:erp";
    admin.delete(path).await.expect(204);
    assert_eq!(read().await.expect(500).error(), "erp");
    assert_eq!(state().await, (json!(true), json!(false)));
    let answer = set(&admin, "app", "erp", "{}").await.expect(200).json();
    assert_eq!(answer["granted"], false);

    // A release that asks for no more does not bring it back.
    let report = host.deploy(&app("app").version("3.0.0")).await;
    let report = report.expect(202).json();
    read().await.expect(500);
    admin.accept(&report).await.expect(204);
    read().await.expect(200);
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
            "undeclared": "the manifest's `needs.credentials` does not name `other`, or it was \
                withdrawn",
            "not_set": "the credential `unset` is not set: an operator does it",
            "no_setting": "the manifest's `settings` has no key `other`",
            "invalid": "the setting `count` must be a number",
        })
    );

    // What a job fails with is kept for others to read.
    let path = "/api/async/secrets";
    let queued = admin.post(path, &json!({ "action": "tell" })).await;
    let id = queued.expect(202).json()["job_id"].clone();
    let failed = until_status(&admin, id.as_str().unwrap(), "failed").await;
    assert_eq!(failed["error_message"], "failed with [secret]");
    let dump = "SELECT string_agg(to_jsonb(one)::text, ' ') FROM skep.job_attempts AS one";
    let dump = host.database().await.query_one(dump, &[]).await.unwrap();
    let dump: String = dump.get(0);
    assert!(
        dump.contains("failed with [secret]") && !dump.contains("tökén"),
        "{dump}"
    );
}
