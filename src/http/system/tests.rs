use axum::http::StatusCode;

use crate::http::testing::TestHost;
use crate::nodes::Beat;

fn beat(host: &TestHost, name: &str) -> Beat {
    Beat {
        store: host.services.store.clone(),
        name: name.to_owned(),
        listen: "10.0.0.7:3000".parse().unwrap(),
    }
}

async fn silent_for(host: &TestHost, name: &str, seconds: f64) {
    sqlx::query("UPDATE nodes SET seen_at = now() - make_interval(secs => $2) WHERE name = $1")
        .bind(name)
        .bind(seconds)
        .execute(host.services.store.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn nodes_are_shown_as_long_as_they_are_heard_of() {
    let host = TestHost::start().await;
    let own = host.services.jobs.node().to_owned();
    for name in [own.as_str(), "node-dead", "node-old"] {
        beat(&host, name).once().await.unwrap();
    }
    silent_for(&host, "node-dead", 60.0).await;
    silent_for(&host, "node-old", 90_000.0).await;
    beat(&host, &own).once().await.unwrap();

    let body = host.admin().await.get("/api/system").await.body;
    assert_eq!(body["node"], own.as_str());
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    let mut nodes: Vec<_> = body["nodes"].as_array().unwrap().clone();
    nodes.sort_by_key(|node| node["alive"].as_bool());
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    assert_eq!(
        (&nodes[0]["name"], &nodes[0]["alive"]),
        (&"node-dead".into(), &false.into())
    );
    assert_eq!(
        (&nodes[1]["name"], &nodes[1]["alive"]),
        (&own.into(), &true.into())
    );
    assert_eq!(nodes[1]["listen"], "10.0.0.7:3000");
}

#[tokio::test]
async fn a_node_that_stops_is_not_shown_any_more() {
    let host = TestHost::start().await;
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();

    beat(&host, "node-1").run(stop).await;

    let body = host.admin().await.get("/api/system").await.body;
    assert_eq!(body["nodes"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn the_database_says_how_large_it_is() {
    let host = TestHost::start().await;
    let database = host.admin().await.get("/api/system").await.body["database"].clone();

    assert_eq!(database["embedded"], false);
    let number = |key: &str| database[key].as_i64().unwrap();
    assert!(number("host_bytes") > 100_000);
    assert!(number("bytes") > number("host_bytes"));
    assert!(number("connections") >= 1);
    assert!(number("connections_most") >= number("connections"));
    assert!(database["version"].as_str().unwrap().starts_with("1"));
}

#[tokio::test]
async fn the_system_is_not_for_everybody() {
    let host = TestHost::start().await;
    let uma = host.user("uma", &["sales:read"]).await;
    let answer = uma.get("/api/system").await;
    answer.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: skep:read required",
    );
}
