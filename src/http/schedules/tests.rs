use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::http::testing::TestHost;

const NIGHTLY: &str = "/api/apps/shop/schedules/nightly";

/// A host with an app `shop`, as the database has it, with two schedules.
async fn host() -> TestHost {
    let host = TestHost::start().await;
    let app = host.live_app("shop").await;
    let schedules = json!({
        "hourly": { "cron": "0 * * * *", "enabled": false },
        "nightly": {
            "cron": "0 2 * * *", "timezone": "Europe/Berlin", "payload": { "full": true },
        },
    });
    host.declare_schedules(&app, schedules).await;
    host
}

fn names(body: &Value) -> Vec<&str> {
    let schedules = body["schedules"].as_array().unwrap();
    schedules
        .iter()
        .map(|schedule| schedule["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn schedules_are_listed_in_pages_with_their_next_times() {
    let host = host().await;
    let admin = host.admin().await;

    let page = admin.get("/api/schedules?limit=1").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert_eq!(names(&page.body), ["hourly"]);
    assert_eq!(page.body["next"], "shop/hourly");
    let page = admin
        .get("/api/apps/shop/schedules?limit=1&after=shop/hourly")
        .await;
    assert_eq!(names(&page.body), ["nightly"]);
    assert_eq!(page.body["next"], Value::Null);
    let nightly = &page.body["schedules"][0];
    assert_eq!(nightly["state"], "active");
    assert_eq!(nightly["payload"], json!({ "full": true }));
    assert_eq!(nightly["next_times"].as_array().unwrap().len(), 5);
    assert_eq!(nightly["next_times"][0], nightly["next_fire_at"]);

    let paused = admin.get("/api/schedules?paused=true").await;
    assert_eq!(names(&paused.body), ["hourly"]);
    assert_eq!(paused.body["schedules"][0]["next_times"], json!([]));
    assert_eq!(paused.body["schedules"][0]["label"], "Hourly");

    let times = admin.get(&format!("{NIGHTLY}?times=3")).await;
    assert_eq!(times.body["next_times"].as_array().unwrap().len(), 3);
    for (path, status) in [
        ("/api/schedules?limit=0", StatusCode::BAD_REQUEST),
        ("/api/schedules?after=x", StatusCode::BAD_REQUEST),
        ("/api/schedules?what=1", StatusCode::BAD_REQUEST),
        ("/api/apps/none/schedules", StatusCode::NOT_FOUND),
        ("/api/apps/shop/schedules/none", StatusCode::NOT_FOUND),
        ("/api/apps/shop/schedules/none/runs", StatusCode::NOT_FOUND),
        (
            "/api/apps/shop/schedules/nightly?times=101",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        assert_eq!(admin.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_schedule_of_a_disabled_app_is_shown_as_that() {
    let host = host().await;
    let admin = host.admin().await;
    let disabled = "UPDATE apps SET enabled = false WHERE name = 'shop'";
    sqlx::query(disabled)
        .execute(host.services.store.pool())
        .await
        .unwrap();

    assert_eq!(admin.get(NIGHTLY).await.body["state"], "disabled");
}

#[tokio::test]
async fn an_operator_says_another_time_and_takes_it_back() {
    let host = host().await;
    let admin = host.admin().await;
    let path = format!("{NIGHTLY}/override");

    let set = admin.put(&path, &json!({ "cron": "0 6 * * *" })).await;
    assert_eq!(set.status, StatusCode::OK, "{set:?}");
    assert_eq!(set.body["label"], "Daily at 6am");
    assert_eq!(set.body["timezone"], "Europe/Berlin");
    assert_eq!(set.body["declared"]["cron"], "0 2 * * *");
    assert_eq!(set.body["override"]["changed_by"], "admin");
    // What is absent stays; null takes back.
    let set = admin
        .put(&path, &json!({ "timezone": "asia/tokyo", "paused": true }))
        .await;
    assert_eq!(
        (&set.body["cron"], &set.body["timezone"]),
        (&json!("0 6 * * *"), &json!("Asia/Tokyo"))
    );
    assert_eq!(set.body["state"], "paused");
    let set = admin
        .put(&path, &json!({ "cron": null, "paused": null }))
        .await;
    assert_eq!(set.body["cron"], "0 2 * * *");
    assert_eq!(set.body["state"], "active");
    assert_eq!(set.body["override"]["timezone"], "Asia/Tokyo");

    for (body, said) in [
        (json!({ "cron": "0 2 * *" }), "has 4 fields instead of five"),
        (json!({ "cron": "0 0 31 2 *" }), "never comes"),
        (json!({ "timezone": "Mars" }), "is no time zone"),
    ] {
        let refused = admin.put(&path, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body["error"].as_str().unwrap().contains(said));
    }
    let same = admin.get(NIGHTLY).await;
    assert_eq!(same.body["override"]["timezone"], "Asia/Tokyo");

    let reset = admin.delete(&path).await;
    assert_eq!(reset.body["override"], Value::Null);
    assert_eq!(reset.body["timezone"], "Europe/Berlin");
    let log = admin.get("/api/audit?app=shop").await;
    let entries = log.body["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "schedule.reset",
            "schedule.override",
            "schedule.override",
            "schedule.override"
        ]
    );
    assert_eq!(
        entries[0]["details"]["override_before"]["timezone"],
        "Asia/Tokyo"
    );
}

#[tokio::test]
async fn who_manages_apps_changes_schedules_and_who_sees_everything_sees_them() {
    let host = host().await;
    let path = format!("{NIGHTLY}/override");
    let nobody = host.user("nobody", &[]).await;
    let reader = host.user("reader", &["skep:read"]).await;
    let operator = host.user("operator", &["skep:apps"]).await;

    assert_eq!(
        nobody.get("/api/schedules").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(nobody.get(NIGHTLY).await.status, StatusCode::FORBIDDEN);
    assert_eq!(reader.get(NIGHTLY).await.status, StatusCode::OK);
    for refused in [
        reader.put(&path, &json!({ "paused": true })).await,
        reader.delete(&path).await,
        reader.post(&format!("{NIGHTLY}/run"), &json!({})).await,
    ] {
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    }
    assert_eq!(reader.get(NIGHTLY).await.body["state"], "active");
    let paused = operator.put(&path, &json!({ "paused": true })).await;
    assert_eq!(paused.body["state"], "paused");
}
