use serde_json::{Value, json};
use sqlx::PgPool;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::store::testing::TestDatabase;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const MOST: Most = Most {
    rows: 100,
    bytes: 1_000_000,
};

/// Makes an app whose active release declares these notifications, each with the permission that
/// it requires.
pub(crate) async fn declare(pool: &PgPool, app: &str, actions: &[(&str, Option<&str>)]) -> AppName {
    let declared: Vec<Value> = actions
        .iter()
        .map(|(name, permission)| {
            json!({
                "name": name, "display_name": name, "description": "",
                "required_permission": permission, "tables": [],
            })
        })
        .collect();
    let manifest = json!({ "display_name": app, "notifications": declared });
    let mut tx = pool.begin().await.unwrap();
    for sql in [
        "INSERT INTO apps (name, enabled, created_at, updated_at) VALUES ($1, TRUE, now(), now())
         ON CONFLICT DO NOTHING",
        "INSERT INTO blobs VALUES (encode(sha256($1::bytea), 'hex'), '', now())
         ON CONFLICT DO NOTHING",
        "UPDATE apps SET active_release = NULL WHERE name = $1",
        "DELETE FROM releases WHERE app = $1",
        "INSERT INTO releases (id, app, number, version, manifest, digest, bundle, component, state,
             created_by, created_at, activated_at)
         SELECT gen_random_uuid(), $1, 1, '1.0.0', '{}', '', digest, digest, 'ready', 'test', now(),
             now()
         FROM (SELECT encode(sha256($1::bytea), 'hex') AS digest) AS blob",
        "UPDATE apps SET active_release = (SELECT id FROM releases WHERE app = $1) WHERE name = $1",
    ] {
        sqlx::query(sql).bind(app).execute(&mut *tx).await.unwrap();
    }
    sqlx::query("UPDATE releases SET manifest = $2 WHERE app = $1")
        .bind(app)
        .bind(manifest)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    app.parse().unwrap()
}

pub(crate) async fn user(pool: &PgPool, name: &str) -> UserId {
    let id = UserId(Uuid::from_u128(
        name.bytes()
            .fold(1, |sum, byte| sum * 257 + u128::from(byte)),
    ));
    sqlx::query("INSERT INTO users VALUES ($1, $2, '', TRUE, now(), now())")
        .bind(id)
        .bind(name)
        .execute(pool)
        .await
        .unwrap();
    id
}

fn fired(app: &AppName, action: &str, payload: &str) -> NewNotification {
    NewNotification {
        app: app.clone(),
        action: action.to_owned(),
        payload: payload.to_owned(),
        triggered_at: NOW,
    }
}

async fn payloads(pool: &PgPool, after: i64) -> Vec<String> {
    let batch = next(pool, after, MOST).await.unwrap();
    batch.rows.into_iter().map(|row| row.payload).collect()
}

/// Waits until so many sessions wait for an advisory lock.
async fn until_waiting(pool: &PgPool, count: i64) {
    let waiting = "SELECT count(*) FROM pg_locks
                   WHERE locktype = 'advisory' AND NOT granted
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(pool)
        .await
        .unwrap()
        < count
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_committed_late_is_not_read_over() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None)]).await;

    let mut early = pool.begin().await.unwrap();
    put(&mut *early, &[fired(&app, "sold", "1")]).await.unwrap();
    let late = tokio::spawn({
        let (pool, new) = (pool.clone(), fired(&app, "sold", "2"));
        async move { put(&pool, &[new]).await.unwrap() }
    });
    // A number that is greater is not even given before the smaller one is there.
    until_waiting(pool, 1).await;
    assert!(payloads(pool, 0).await.is_empty());
    assert!(!late.is_finished());

    early.commit().await.unwrap();
    late.await.unwrap();
    assert_eq!(payloads(pool, 0).await, ["1", "2"]);
}

#[tokio::test]
async fn many_who_write_at_once_are_all_read_in_order() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None)]).await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (pool, app) = (pool.clone(), app.clone());
            tokio::spawn(async move {
                for number in 0..25 {
                    let mut tx = pool.begin().await.unwrap();
                    let new = fired(&app, "sold", &format!("[{writer},{number}]"));
                    put(&mut *tx, &[new]).await.unwrap();
                    // Some change their mind; their numbers are never seen.
                    if number % 5 == 4 {
                        tx.rollback().await.unwrap();
                    } else {
                        tx.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();

    let mut read = Vec::new();
    let mut position = 0;
    loop {
        let ended = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let batch = next(pool, position, Most { rows: 7, ..MOST })
            .await
            .unwrap();
        if batch.rows.is_empty() && ended {
            break;
        }
        for row in batch.rows {
            assert!(row.id > position);
            position = row.id;
            read.push(row.payload);
        }
    }

    assert_eq!(read.len(), 8 * 20);
    read.sort();
    read.dedup();
    assert_eq!(read.len(), 8 * 20);
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_a_large_payload_is_kept_whole() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None)]).await;
    let large = format!("\"{}\"", "x".repeat(100_000));
    let new: Vec<NewNotification> = (0..50)
        .map(|number| fired(&app, "sold", &number.to_string()))
        .chain([fired(&app, "sold", &large)])
        .collect();

    put(pool, &new).await.unwrap();

    let written: Vec<String> = new.iter().map(|new| new.payload.clone()).collect();
    assert_eq!(payloads(pool, 0).await, written);
}

#[tokio::test]
async fn so_much_is_read_at_once_and_always_something() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None)]).await;
    let new: Vec<_> = ["\"large\"", "1", "2", "3"]
        .map(|payload| fired(&app, "sold", payload))
        .into();
    put(pool, &new).await.unwrap();

    let some = async |after, rows, bytes| {
        let batch = next(pool, after, Most { rows, bytes }).await.unwrap();
        batch
            .rows
            .into_iter()
            .map(|row| row.payload)
            .collect::<Vec<_>>()
    };
    assert_eq!(some(0, 100, 3).await, ["\"large\""]);
    assert_eq!(some(0, 2, 100).await, ["\"large\"", "1"]);
    let first = next(pool, 0, MOST).await.unwrap().rows[0].id;
    assert_eq!(some(first, 100, 1).await, ["1", "2"]);
}

#[tokio::test]
async fn an_app_that_is_being_deleted_keeps_nobody_waiting() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let going = declare(pool, "going", &[("sold", None)]).await;
    let shop = declare(pool, "shop", &[("sold", None)]).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM apps WHERE name = 'going' FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();

    put(
        pool,
        &[fired(&going, "sold", "1"), fired(&shop, "sold", "2")],
    )
    .await
    .unwrap();
    put(pool, &[fired(&going, "sold", "3")]).await.unwrap();

    assert_eq!(payloads(pool, 0).await, ["2"]);
}

#[tokio::test]
async fn a_row_says_what_is_declared_now() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(
        pool,
        "shop",
        &[("sold", Some("sales:read")), ("open", None)],
    )
    .await;
    let new = ["sold", "open", "other"].map(|action| fired(&app, action, "1"));
    put(pool, &new).await.unwrap();

    let told = async || {
        let rows = next(pool, 0, MOST).await.unwrap().rows;
        let told = rows
            .into_iter()
            .map(|row| (row.declared, row.required_permission));
        told.collect::<Vec<_>>()
    };
    let required = || Some("sales:read".to_owned());
    assert_eq!(
        told().await,
        [(true, required()), (true, None), (false, None)]
    );

    declare(pool, "shop", &[("open", Some("shop:all"))]).await;
    let all = || Some("shop:all".to_owned());
    assert_eq!(told().await, [(false, None), (true, all()), (false, None)]);

    sqlx::query("UPDATE apps SET enabled = FALSE")
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(told().await, [(false, None), (false, None), (false, None)]);
}

#[tokio::test]
async fn whatever_takes_rights_away_is_counted_once_a_transaction() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None)]).await;
    let ann = user(pool, "ann").await;
    let versions = async || {
        let batch = next(pool, 0, MOST).await.unwrap();
        (batch.rights, batch.subscriptions)
    };
    let run = async |sql: &'static str| {
        let mut tx = pool.begin().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    run("INSERT INTO sessions SELECT gen_random_uuid(), id, now(), now() FROM users, generate_series(1, 50);
         INSERT INTO tokens SELECT gen_random_uuid(), id, 't', decode(repeat('00', 32), 'hex'), '{*}', now()
         FROM users").await;
    let (mut rights, subscriptions) = versions().await;

    for sql in [
        "INSERT INTO user_roles SELECT id, 'user' FROM users",
        "UPDATE roles SET permissions = '{a:b}' WHERE name = 'user'",
        "DELETE FROM user_roles",
        "UPDATE tokens SET revoked_at = now()",
        "DELETE FROM sessions; DELETE FROM tokens",
        "UPDATE users SET enabled = FALSE",
    ] {
        run(sql).await;
        rights += 1;
        assert_eq!(versions().await, (rights, subscriptions), "{sql}");
    }
    run("UPDATE users SET password_hash = 'x'").await;
    assert_eq!(versions().await, (rights, subscriptions));

    super::subscriptions::put(pool, ann, &app, "sold", NOW)
        .await
        .unwrap();
    super::subscriptions::put(pool, ann, &app, "sold", NOW)
        .await
        .unwrap();
    assert_eq!(versions().await, (rights, subscriptions + 1));
    // Both are counted.
    run("DELETE FROM users").await;
    assert_eq!(versions().await, (rights + 1, subscriptions + 2));
}

#[tokio::test]
async fn what_was_missed_is_what_the_user_was_subscribed_to() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None), ("open", None)]).await;
    let (ann, bob) = (user(pool, "ann").await, user(pool, "bob").await);
    super::subscriptions::put(pool, ann, &app, "sold", NOW)
        .await
        .unwrap();
    let new = |payload: &str| fired(&app, "sold", payload);
    put(pool, &[new("1"), fired(&app, "open", "2")])
        .await
        .unwrap();
    super::subscriptions::put(pool, bob, &app, "sold", NOW)
        .await
        .unwrap();
    put(pool, &[new("3"), new("4")]).await.unwrap();
    let up_to = newest(pool).await.unwrap();

    let read = async |user, after, up_to| {
        let asked = Missed {
            user,
            after,
            up_to,
            most: MOST,
        };
        let rows = missed(pool, asked).await.unwrap();
        rows.into_iter().map(|row| row.payload).collect::<Vec<_>>()
    };
    assert_eq!(read(ann, 0, up_to).await, ["1", "3", "4"]);
    assert_eq!(read(ann, 0, up_to - 1).await, ["1", "3"]);
    assert_eq!(read(ann, up_to - 1, up_to).await, ["4"]);
    // From before the subscription is nothing missed.
    assert_eq!(read(bob, 0, up_to).await, ["3", "4"]);
}

#[tokio::test]
async fn a_gap_is_told_to_those_whom_it_concerns() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let shop = declare(pool, "shop", &[("sold", None)]).await;
    let other = declare(pool, "other", &[("sold", None)]).await;
    let (ann, bob) = (user(pool, "ann").await, user(pool, "bob").await);
    super::subscriptions::put(pool, ann, &shop, "sold", NOW)
        .await
        .unwrap();
    super::subscriptions::put(pool, bob, &other, "sold", NOW)
        .await
        .unwrap();
    for _ in 0..5 {
        put(pool, &[fired(&shop, "sold", "1")]).await.unwrap();
    }
    let up_to = newest(pool).await.unwrap();

    assert_eq!(purge::over_ceiling(pool, 5).await.unwrap(), []);
    let over = purge::over_ceiling(pool, 2).await.unwrap();
    assert_eq!(over, [(shop.clone(), up_to - 2)]);
    assert_eq!(
        purge::delete_up_to(pool, &shop, up_to - 2, 100)
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        purge::delete_up_to(pool, &shop, up_to - 2, 100)
            .await
            .unwrap(),
        0
    );

    assert!(has_gap(pool, ann, up_to - 3).await.unwrap());
    assert!(!has_gap(pool, ann, up_to - 2).await.unwrap());
    assert!(!has_gap(pool, bob, 0).await.unwrap());
    super::subscriptions::put(pool, bob, &shop, "sold", NOW)
        .await
        .unwrap();
    assert!(!has_gap(pool, bob, 0).await.unwrap());

    // The newest counts although it is gone.
    assert_eq!(purge::delete_older(pool, NOW, 100).await.unwrap(), 0);
    let later = NOW + time::Duration::SECOND;
    assert_eq!(purge::delete_older(pool, later, 1).await.unwrap(), 1);
    assert_eq!(purge::delete_older(pool, later, 100).await.unwrap(), 1);
    assert_eq!(newest(pool).await.unwrap(), up_to);
    assert!(has_gap(pool, ann, up_to - 1).await.unwrap());
}

#[tokio::test]
async fn the_list_shows_what_is_declared_and_what_was_subscribed_to() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = declare(pool, "shop", &[("sold", None), ("open", Some("shop:all"))]).await;
    let ann = user(pool, "ann").await;
    super::subscriptions::put(pool, ann, &app, "sold", NOW)
        .await
        .unwrap();
    declare(pool, "shop", &[("open", None)]).await;

    let rows = super::subscriptions::list(pool, ann, None).await.unwrap();

    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.action.as_str(),
                row.display_name.is_some(),
                row.subscribed_at,
            )
        })
        .collect();
    assert_eq!(told, [("open", true, None), ("sold", false, Some(NOW))]);
    let none = super::subscriptions::list(pool, ann, Some(&"b".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(none, []);
    assert!(
        super::subscriptions::delete(pool, ann, &app, "sold")
            .await
            .unwrap()
    );
    assert!(
        !super::subscriptions::delete(pool, ann, &app, "sold")
            .await
            .unwrap()
    );
}
