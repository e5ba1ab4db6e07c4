//! What operators do with apps after their deploy.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::Host;

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
        json!([
            "CREATE TABLE IF NOT EXISTS app_items (n int PRIMARY KEY)",
            "INSERT INTO app_items VALUES (7) ON CONFLICT DO NOTHING"
        ]),
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
