//! The audit log, where it tells of apps.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Client, Host};

#[tokio::test]
async fn what_is_done_to_an_app_is_told_and_what_fails_is_not() {
    let host = Host::start().await;
    let admin = host.admin();
    host.install(&Bundle::of_guest("app", "echo")).await;
    let later = Bundle::of_guest("app", "list").version("2.0.0");
    host.install(&later).await;
    let path = "/admin/api/apps/app";
    let back = format!("{path}/rollback");
    admin
        .post(&back, &json!({ "release": 1 }))
        .await
        .expect(204);
    for word in ["disable", "enable"] {
        let path = format!("{path}/{word}");
        admin.post(&path, &Value::Null).await.expect(204);
    }
    host.deploy(&Bundle::of_guest("app", "bad-import"))
        .await
        .expect(422);
    admin
        .post(&back, &json!({ "release": 9 }))
        .await
        .expect(404);
    admin
        .delete(&format!("{path}?tables=keep"))
        .await
        .expect(204);

    let log = admin.get("/api/audit?app=app").await.expect(200).json();
    let told: Vec<(&str, &str, &Value)> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap();
            (text("actor"), text("action"), &entry["details"]["release"])
        })
        .collect();
    assert_eq!(
        told,
        [
            ("admin", "app.delete", &Value::Null),
            ("admin", "app.enable", &Value::Null),
            ("admin", "app.disable", &Value::Null),
            ("admin", "app.rollback", &json!(1)),
            ("admin", "app.deploy", &json!(2)),
            ("admin", "app.deploy", &json!(1)),
        ]
    );
    let verdict = admin.get("/api/audit/verify").await.expect(200).json();
    assert_eq!(verdict["whole"], true, "{verdict}");
}

/// Who did what to an app, and one of its details; the newest first.
async fn told(admin: &Client, app: &str, detail: &str) -> Vec<(String, String, Value)> {
    let log = admin.get(&format!("/api/audit?app={app}")).await;
    let log = log.expect(200).json();
    let entry = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        (
            text("actor"),
            text("action"),
            entry["details"][detail].clone(),
        )
    };
    log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect()
}

#[tokio::test]
async fn who_consented_refused_and_withdrew_is_told() {
    let host = Host::start().await;
    let admin = host.admin();
    for permission in ["apps", "consent"] {
        let role = json!({ "name": permission, "permissions": [format!("skep:{permission}")] });
        admin.post("/admin/api/roles", &role).await.expect(201);
    }
    let deployer = host.user("dora", &["apps"]).await;
    let consenter = host.user("carl", &["consent"]).await;
    let app = |version: &str, names: &[&str]| {
        Bundle::of_guest("app", "echo")
            .version(version)
            .with("needs", json!({ "credentials": names }))
            .zip()
    };

    let first = deployer.deploy(app("1.0.0", &["erp"])).await.expect(202);
    let first = first.json();
    let stale = json!({ "digest": "0000" });
    let accept = "/admin/api/apps/app/releases/1/accept";
    consenter.post(accept, &stale).await.expect(409);
    consenter.accept(&first).await.expect(204);
    let more = app("2.0.0", &["erp", "bank"]);
    deployer.deploy(more.clone()).await.expect(202);
    let refuse = "/admin/api/apps/app/releases/2/refuse";
    let reason = json!({ "reason": "no bank" });
    consenter.post(refuse, &reason).await.expect(204);
    consenter.post(refuse, &reason).await.expect(409);
    let grant = "/admin/api/apps/app/grants?key=credential:erp";
    consenter.delete(grant).await.expect(204);
    consenter.delete(grant).await.expect(404);
    let plan = deployer.deploy(more.clone()).await.expect(202).json();
    let digest = plan["plan"]["digest"].as_str().unwrap();
    admin.deploy_accepted(more, digest).await.expect(200);

    let entry =
        |actor: &str, action: &str, detail: Value| (actor.to_owned(), action.to_owned(), detail);
    assert_eq!(
        told(&admin, "app", "release").await,
        [
            entry("admin", "app.deploy", json!(4)),
            entry("dora", "app.hold", json!(3)),
            entry("carl", "grant.withdraw", Value::Null),
            entry("carl", "app.refuse", json!(2)),
            entry("dora", "app.hold", json!(2)),
            entry("carl", "app.consent", json!(1)),
            entry("dora", "app.hold", json!(1)),
        ]
    );
    let details = |index: usize, detail: &'static str| {
        let admin = &admin;
        async move { told(admin, "app", detail).await[index].2.clone() }
    };
    assert_eq!(details(0, "consent").await, digest);
    assert_eq!(details(2, "grant").await, "credential:erp");
    assert_eq!(details(3, "reason").await, "no bank");
    assert_eq!(details(5, "consent").await, first["plan"]["digest"]);
    let verdict = admin.get("/api/audit/verify").await.expect(200).json();
    assert_eq!(verdict["whole"], true, "{verdict}");
}
