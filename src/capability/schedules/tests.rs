use serde_json::json;
use wit::Host;

use super::*;
use crate::http::testing::TestHost;

async fn call(host: &TestHost, app: &str) -> CallSchedules {
    let app = host.live_app(app).await;
    let schedules = json!({
        "sync": {
            "cron": "0 */4 * * *", "timezone": "Europe/Berlin", "overlap": "queue_after",
            "missed": "skip",
        },
        "off": { "cron": "7 6 * * *", "enabled": false },
    });
    host.declare_schedules(&app, schedules).await;
    CallSchedules {
        store: host.services.store.clone(),
        app,
        uses: Uses::default(),
    }
}

#[tokio::test]
async fn an_app_is_told_what_counts_of_its_own_schedules_only() {
    let host = TestHost::start().await;
    let mut one = call(&host, "one").await;
    let mut two = call(&host, "two").await;

    let told = one.get("sync".into()).await.unwrap().unwrap();
    assert_eq!(told.label, "Every 4 hours");
    assert_eq!(told.timezone, "Europe/Berlin");
    assert!(matches!(told.overlap, wit::Overlap::QueueAfter));
    assert!(matches!(told.missed, wit::Missed::Skip));
    assert!(told.next_run.is_some() && !told.overridden && !told.paused);
    let off = one.get("off".into()).await.unwrap().unwrap();
    assert!(off.paused && off.next_run.is_none());
    assert_eq!(off.label, "7 6 * * *");
    assert!(one.get("nothing".into()).await.unwrap().is_none());
    assert!(one.get("\0".into()).await.unwrap().is_none());

    // An operator says otherwise, of one app.
    let pool = host.services.store.pool();
    let shown = schedules::find(pool, &one.app, "sync").await.unwrap();
    let mut row = shown.unwrap().schedule;
    row.own.cron = Some("0 6 * * *".into());
    let mut connection = pool.acquire().await.unwrap();
    let now = schedules::now(pool).await.unwrap();
    schedules::set_own(&mut connection, &row, "operator", now)
        .await
        .unwrap();

    let all = one.all().await.unwrap();
    let names: Vec<&str> = all.iter().map(|schedule| schedule.name.as_str()).collect();
    assert_eq!(names, ["off", "sync"]);
    assert_eq!(all[1].label, "Daily at 6am");
    assert!(all[1].overridden);
    assert!(!two.get("sync".into()).await.unwrap().unwrap().overridden);
}
