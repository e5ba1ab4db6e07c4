//! The audit log, where it tells of apps.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::Host;

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
