//! Calls of apps: what goes in, what comes out.

use serde_json::json;

use crate::bundle::Bundle;
use crate::host::Host;

#[tokio::test]
async fn an_app_answers() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("echo", "echo")).await;

    let answer = host.call("echo", json!({ "a": 1.5 })).await.expect(200);

    assert_eq!(answer.body, r#"{"a":1.5}"#);
}
