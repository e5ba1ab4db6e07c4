//! What is kept and what goes, as an operator sees it.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, Setup, skep};

/// What `skep retention` prints as JSON.
fn retention(host: &Host, arguments: &[&str]) -> Value {
    let output = skep()
        .args(["retention", "--json"])
        .args(arguments)
        .env("SKEP_URL", host.url())
        .env("SKEP_TOKEN", host.token())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rows(host: &Host, kind: &str) -> i64 {
    let shown = retention(host, &[]);
    let kinds = shown["kinds"].as_array().unwrap();
    let kind = kinds.iter().find(|shown| shown["kind"] == kind).unwrap();
    kind["rows"].as_i64().unwrap()
}

async fn count(host: &Host, sql: &str) -> i64 {
    let database = host.database().await;
    database.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_operator_sees_what_is_kept_and_purges_it() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "print-hostile"))
        .await;
    for _ in 0..3 {
        host.call("app", json!({})).await.expect(200);
    }
    // Written behind the calls' backs.
    host.admin().get("/api/logs").await.expect(200);
    host.admin().get("/api/apps/app/calls").await.expect(200);

    assert_eq!(rows(&host, "logs"), 12);
    // The load is one of them.
    let calls = rows(&host, "calls");
    assert!(calls >= 3, "{calls}");
    assert_eq!((rows(&host, "releases"), rows(&host, "images")), (1, 1));

    let foreseen = retention(&host, &["purge", "logs", "--older-than", "0s", "--dry-run"]);
    assert_eq!(
        (&foreseen["dry_run"], &foreseen["gone"][0]["rows"]),
        (&json!(true), &json!(12))
    );
    assert_eq!(rows(&host, "logs"), 12);
    let gone = retention(&host, &["purge", "logs", "--older-than", "0s"]);
    assert_eq!(gone["gone"], foreseen["gone"]);
    assert_eq!(rows(&host, "logs"), 0);
    // By the policy, nothing is too old.
    let gone = retention(&host, &["purge"]);
    let gone = gone["gone"].as_array().unwrap();
    assert!(gone.iter().all(|gone| gone["rows"] == 0), "{gone:?}");
    assert_eq!(rows(&host, "calls"), calls);

    let audit = host
        .admin()
        .get("/api/audit?limit=100")
        .await
        .expect(200)
        .json();
    let told: Vec<&Value> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "retention.purge")
        .collect();
    // One by its name, then all that go by themselves.
    assert_eq!(told.len(), 1 + gone.len());
    let first = told.last().unwrap();
    assert_eq!(
        (&first["actor"], &first["subject"]),
        (&json!("admin"), &json!("logs"))
    );
}

#[tokio::test]
async fn of_many_releases_those_that_serve_and_served_stay_and_go_on_serving() {
    let mut host = Setup::default()
        .setting("SKEP_RETENTION__RELEASES", "2")
        .start()
        .await;
    for number in 1..=6 {
        let guest = if number == 1 { "print-hostile" } else { "echo" };
        let bundle = Bundle::of_guest("app", guest).version(&format!("{number}.0.0"));
        host.install(&bundle).await;
    }
    let path = "/admin/api/apps/app/rollback";
    host.admin()
        .post(path, &json!({ "release": 1 }))
        .await
        .expect(204);
    let settled = "UPDATE skep.releases SET activated_at = activated_at - interval '2 hours'";
    host.database().await.execute(settled, &[]).await.unwrap();

    let gone = retention(&host, &["purge", "releases"]);

    // Of six, the newest two, and the first, which serves again.
    assert_eq!(gone["gone"][0]["rows"], 3);
    let numbers = "SELECT sum(number)::bigint FROM skep.releases";
    assert_eq!(count(&host, numbers).await, 1 + 5 + 6);
    // Two guests, and three zips.
    assert_eq!(count(&host, "SELECT count(*) FROM skep.blobs").await, 2 + 3);
    host.call("app", json!({})).await.expect(200);
    host.restart().await;
    host.ready().await;
    host.call("app", json!({})).await.expect(200);
    host.admin()
        .post(path, &json!({ "release": 6 }))
        .await
        .expect(204);
    let answer = host.call("app", json!({ "a": 1 })).await.expect(200);
    assert_eq!(answer.json()["a"], 1);
}
