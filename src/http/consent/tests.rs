use serde_json::json;

use super::*;
use crate::http::testing::TestHost;

const APP: &str = "/admin/api/apps/shop";

#[tokio::test]
async fn consent_is_a_permission_of_its_own() {
    let host = TestHost::start().await;
    let deployer = host.user("dora", &["skep:apps", "skep:read"]).await;
    let consenter = host.user("carl", &["skep:consent"]).await;
    let accept = json!({ "digest": "x" });
    let refuse = json!({ "reason": "x" });

    for (client, status) in [
        (&deployer, StatusCode::FORBIDDEN),
        // Allowed, but there is no such app.
        (&consenter, StatusCode::NOT_FOUND),
    ] {
        let answers = [
            client
                .post(&format!("{APP}/releases/1/accept"), &accept)
                .await,
            client
                .post(&format!("{APP}/releases/1/refuse"), &refuse)
                .await,
            client.delete(&format!("{APP}/grants?key=wall")).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn what_waits_and_what_was_granted_is_not_for_everybody() {
    let host = TestHost::start().await;
    let user = host.user("ulla", &["apps:call"]).await;

    for path in ["releases", "releases/1/plan", "grants"] {
        let path = format!("{APP}/{path}");
        for permission in ["skep:apps", "skep:consent", "skep:read"] {
            let name = permission.replace(':', "-") + &path.replace('/', "-");
            let insider = host.user(&name, &[permission]).await;
            insider
                .get(&path)
                .await
                .must_be(StatusCode::NOT_FOUND, "app 'shop' not found");
        }
        let answer = user.get(&path).await;
        answer.must_be(
            StatusCode::FORBIDDEN,
            "insufficient permissions: skep:read required",
        );
    }
}

#[tokio::test]
async fn a_refusal_needs_a_reason_and_a_withdrawal_a_grant() {
    let host = TestHost::start().await;
    let admin = host.admin().await;

    for reason in ["", " \n", &"x".repeat(1_001)] {
        let body = json!({ "reason": reason });
        let answer = admin.post(&format!("{APP}/releases/1/refuse"), &body).await;
        answer.must_be(
            StatusCode::BAD_REQUEST,
            "say why in `reason`, in at most 1000 bytes: the deployer reads it",
        );
    }
    let answer = admin.delete(&format!("{APP}/grants")).await;
    answer.must_be(
        StatusCode::BAD_REQUEST,
        "say what to withdraw, such as `?key=table:public.items`: see `skep grants shop`",
    );
}
