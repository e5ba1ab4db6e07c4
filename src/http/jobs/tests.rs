use axum::http::StatusCode;
use serde_json::json;

use crate::http::testing::TestHost;

#[tokio::test]
async fn a_purge_of_an_app_that_is_not_there_is_refused_and_not_noted() {
    let host = TestHost::start().await;
    let admin = host.admin().await;

    let purge = json!({ "app": "shop", "older_than_days": 1 });
    let refused = admin.post("/api/jobs/purge", &purge).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{refused:?}");

    let log = admin.get("/api/audit?app=shop").await;
    assert_eq!(log.body["entries"], json!([]));

    host.live_app("shop").await;
    let purged = admin.post("/api/jobs/purge", &purge).await;
    assert_eq!(purged.body, json!({ "jobs": 0 }));
    let log = admin.get("/api/audit?app=shop").await;
    assert_eq!(log.body["entries"][0]["action"], "job.purge");
}

#[tokio::test]
async fn a_query_that_does_not_fit_is_told_in_its_own_words() {
    let host = TestHost::start().await;
    let admin = host.admin().await;

    let refused = admin.get("/api/jobs?limit=many").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        refused.body["error"],
        "the query does not fit: limit: invalid digit found in string"
    );
}
