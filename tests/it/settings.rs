//! Settings of apps, as operators and cells use them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Client, Host};
use crate::secrets::{SECRETS, app};

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

async fn put(client: &Client, path: &str, value: Value) -> Answer {
    let request = client.request(Method::PUT, path);
    client.send(request.json(&json!({ "value": value }))).await
}
