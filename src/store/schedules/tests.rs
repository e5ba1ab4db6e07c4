use serde_json::json;

use super::*;
use crate::store::testing::TestDatabase;

async fn row(database: &TestDatabase, app: &AppName, name: &str) -> ScheduleRow {
    let found = find(database.store.pool(), app, name).await.unwrap();
    found.unwrap().schedule
}

async fn names(database: &TestDatabase, filter: Filter<'_>) -> Vec<String> {
    let rows = list(database.store.pool(), filter).await.unwrap();
    let name = |row: &ShownRow| format!("{}/{}", row.schedule.app, row.schedule.name);
    rows.iter().map(name).collect()
}

async fn make_due(database: &TestDatabase) -> OffsetDateTime {
    sqlx::query_scalar(
        "UPDATE schedules SET next_fire_at = clock_timestamp() - INTERVAL '1 minute'
         RETURNING next_fire_at",
    )
    .fetch_one(database.store.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn what_is_not_declared_any_more_goes_and_what_is_new_is_planned() {
    let database = TestDatabase::create().await;
    let app = database.live_app("app").await;
    let every = json!({ "cron": "0 2 * * *" });
    let before = super::now(database.store.pool()).await.unwrap();
    database
        .declare_schedules(&app, json!({ "old": every, "same": every }))
        .await;
    let filter = || Filter {
        limit: 10,
        ..Filter::default()
    };
    assert_eq!(names(&database, filter()).await, ["app/old", "app/same"]);

    database
        .declare_schedules(&app, json!({ "new": every, "same": every }))
        .await;
    assert_eq!(names(&database, filter()).await, ["app/new", "app/same"]);
    let new = row(&database, &app, "new").await;
    assert!(new.next_fire_at.unwrap() > before);
    assert_eq!(new.job_settings().concurrency, 2);

    database.declare_schedules(&app, json!({})).await;
    assert_eq!(names(&database, filter()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_deploy_loses_no_firing_that_is_due_unless_the_times_change() {
    let database = TestDatabase::create().await;
    let app = database.live_app("app").await;
    database
        .declare_schedules(&app, json!({ "s": { "cron": "0 2 * * *" } }))
        .await;
    let due = make_due(&database).await;

    let again = json!({ "s": { "cron": "0 2 * * *", "payload": { "a": 1 } } });
    database.declare_schedules(&app, again).await;
    let kept = row(&database, &app, "s").await;
    assert_eq!(kept.next_fire_at, Some(due));
    assert_eq!(kept.payload, r#"{"a":1}"#);

    database
        .declare_schedules(&app, json!({ "s": { "cron": "0 3 * * *" } }))
        .await;
    assert!(row(&database, &app, "s").await.next_fire_at > Some(due));
}

#[tokio::test]
async fn what_an_operator_says_counts_and_outlives_a_deploy() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = database.live_app("app").await;
    database
        .declare_schedules(&app, json!({ "s": { "cron": "0 2 * * *" } }))
        .await;

    let mut connection = pool.acquire().await.unwrap();
    let mut changed = row(&database, &app, "s").await;
    changed.own = Own {
        cron: Some("*/5 * * * *".to_owned()),
        timezone: None,
        paused: Some(true),
    };
    let now = super::now(pool).await.unwrap();
    set_own(&mut connection, &changed, "ann", now)
        .await
        .unwrap();
    let paused = row(&database, &app, "s").await;
    assert_eq!((paused.cron(), paused.next_fire_at), ("*/5 * * * *", None));
    assert_eq!(paused.changed_by.as_deref(), Some("ann"));

    let later = json!({ "s": { "cron": "0 4 * * *", "timezone": "Asia/Tokyo" } });
    database.declare_schedules(&app, later).await;
    let later = row(&database, &app, "s").await;
    assert!(later.is_paused());
    assert_eq!(
        (later.cron(), later.timezone()),
        ("*/5 * * * *", "Asia/Tokyo")
    );
    assert_eq!(later.declared_cron(), "0 4 * * *");
    assert_eq!(later.next_fire_at, None);

    let mut resumed = later;
    resumed.own.paused = None;
    let now = super::now(pool).await.unwrap();
    set_own(&mut connection, &resumed, "ann", now)
        .await
        .unwrap();
    let next = row(&database, &app, "s").await.next_fire_at.unwrap();
    assert!(next > now && next <= now + Duration::minutes(5));
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages() {
    let database = TestDatabase::create().await;
    let every = json!({ "cron": "0 2 * * *" });
    let off = json!({ "cron": "0 2 * * *", "enabled": false });
    let (one, two) = (
        database.live_app("one").await,
        database.live_app("two").await,
    );
    database
        .declare_schedules(&one, json!({ "a": every, "b": off }))
        .await;
    database
        .declare_schedules(&two, json!({ "a": every }))
        .await;

    let filter = |limit| Filter {
        limit,
        ..Filter::default()
    };
    assert_eq!(names(&database, filter(2)).await, ["one/a", "one/b"]);
    let after = Filter {
        after: Some((&one, "b")),
        ..filter(2)
    };
    assert_eq!(names(&database, after).await, ["two/a"]);
    let of_two = Filter {
        app: Some(&two),
        ..filter(2)
    };
    assert_eq!(names(&database, of_two).await, ["two/a"]);
    let paused = Filter {
        paused: Some(true),
        ..filter(9)
    };
    assert_eq!(names(&database, paused).await, ["one/b"]);
    let failing = Filter {
        failing: true,
        ..filter(9)
    };
    assert_eq!(names(&database, failing).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_zone_that_is_no_more_is_told_and_fires_nothing() {
    let database = TestDatabase::create().await;
    let app = database.live_app("app").await;
    database
        .declare_schedules(&app, json!({ "s": { "cron": "0 2 * * *" } }))
        .await;
    sqlx::query("UPDATE schedules SET own_timezone = 'Europe/Gone'")
        .execute(database.store.pool())
        .await
        .unwrap();

    let gone = row(&database, &app, "s").await;
    let now = super::now(database.store.pool()).await.unwrap();
    let next = gone.next(now);

    assert_eq!(next.at, None);
    assert!(
        next.error
            .unwrap()
            .contains("`Europe/Gone` is no time zone")
    );
}
