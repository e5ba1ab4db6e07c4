use time::Duration;
use time::macros::datetime;

use super::*;
use crate::store::testing::TestDatabase;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

async fn add(pool: &PgPool, subject: &str, at: OffsetDateTime) {
    let entry = Entry::new(Actor::user("ann", None), "user.create", "user", subject);
    record_alone(pool, at, entry).await.unwrap();
}

async fn run(pool: &PgPool, statement: &'static str) -> sqlx::Result<u64> {
    Ok(sqlx::query(statement).execute(pool).await?.rows_affected())
}

#[tokio::test]
async fn entries_cannot_be_changed_or_removed_by_the_hosts_own_login() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    add(pool, "ben", NOW).await;

    for statement in [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE audit_anchor SET seq = 7",
        "UPDATE audit_anchor SET seq = 1",
        "DELETE FROM audit_anchor",
        "TRUNCATE audit_anchor",
    ] {
        let error = run(pool, statement).await.unwrap_err().to_string();
        assert!(error.contains("audit log"), "{statement}: {error}");
    }

    let verdict = verify(pool, None).await.unwrap();
    assert_eq!((verdict.good.seq, verdict.broken), (1, None));
}

#[tokio::test]
async fn entries_of_transactions_at_the_same_time_make_one_chain() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();

    let tasks: Vec<_> = (0..24)
        .map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move { add(&pool, &number.to_string(), NOW).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    let verdict = verify(pool, None).await.unwrap();
    assert_eq!((verdict.good.seq, verdict.broken), (24, None));
}

#[tokio::test]
async fn an_entry_of_a_transaction_that_is_rolled_back_leaves_no_gap() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    add(pool, "one", NOW).await;
    let mut tx = pool.begin().await.unwrap();
    let entry = Entry::new(Actor::host(), "user.create", "user", "two");
    record(&mut tx, NOW, entry).await.unwrap();
    tx.rollback().await.unwrap();
    add(pool, "three", NOW).await;

    let verdict = verify(pool, None).await.unwrap();
    assert_eq!((verdict.good.seq, verdict.broken), (2, None));
}

#[tokio::test]
async fn what_somebody_changes_behind_the_triggers_is_named() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    for subject in ["one", "two", "three"] {
        add(pool, subject, NOW).await;
    }
    let noted = verify(pool, None).await.unwrap().good;
    run(pool, "ALTER TABLE audit DISABLE TRIGGER USER")
        .await
        .unwrap();

    run(
        pool,
        "UPDATE audit SET details = '{\"a\": 1}' WHERE seq = 2",
    )
    .await
    .unwrap();
    let verdict = verify(pool, None).await.unwrap();
    assert_eq!(verdict.good.seq, 1);
    assert_eq!(verdict.broken, Some(Broken::Changed(2)));

    run(pool, "UPDATE audit SET details = '{}' WHERE seq = 2")
        .await
        .unwrap();
    assert_eq!(verify(pool, Some(noted)).await.unwrap().broken, None);

    run(pool, "DELETE FROM audit WHERE seq = 3").await.unwrap();
    assert_eq!(verify(pool, None).await.unwrap().broken, None);
    let verdict = verify(pool, Some(noted)).await.unwrap();
    assert_eq!(verdict.broken, Some(Broken::Missing(3)));
}

#[tokio::test]
async fn a_cut_keeps_the_hash_of_the_last_entry_that_went() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let later = NOW + Duration::DAY;
    for (subject, at) in [("one", NOW), ("two", NOW), ("three", later)] {
        add(pool, subject, at).await;
    }
    let second = page(pool, 1).await.unwrap()[0].place();

    let mut tx = pool.begin().await.unwrap();
    let gone = cut(&mut tx, later, Actor::user("ann", None), later)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    assert_eq!(gone, 2);
    let verdict = verify(pool, None).await.unwrap();
    assert_eq!((verdict.anchor, verdict.broken), (second, None));
    let left = list(pool, &Filter::default(), 10).await.unwrap();
    let actions: Vec<&str> = left.iter().map(|link| link.action.as_str()).collect();
    assert_eq!(actions, ["audit.cut", "user.create"]);
    assert_eq!(left[0].details["entries"], 2);

    let mut tx = pool.begin().await.unwrap();
    assert_eq!(cut(&mut tx, NOW, Actor::host(), later).await.unwrap(), 0);
}

#[tokio::test]
async fn entries_are_found_by_app_actor_and_time() {
    let database = TestDatabase::create().await;
    let pool = database.store.pool();
    let app = "greeter".parse().unwrap();
    let later = NOW + Duration::HOUR;
    let ann = || Actor::user("ann", None);
    let entries = [
        (NOW, Entry::of_app(ann(), "app.deploy", &app)),
        (
            later,
            Entry::new(
                Actor::user("ben", None),
                "credential.set",
                "credential",
                "erp",
            )
            .with("app", "greeter"),
        ),
        (later, Entry::new(ann(), "user.create", "user", "greeter")),
    ];
    for (at, entry) in entries {
        record_alone(pool, at, entry).await.unwrap();
    }
    let found = async |filter: Filter| -> Vec<i64> {
        let links = list(pool, &filter, 10).await.unwrap();
        links.iter().map(|link| link.seq).collect()
    };

    let app = Some("greeter".to_owned());
    assert_eq!(
        found(Filter {
            app,
            ..Filter::default()
        })
        .await,
        [2, 1]
    );
    let actor = Some("Ann".to_owned());
    assert_eq!(
        found(Filter {
            actor,
            ..Filter::default()
        })
        .await,
        [3, 1]
    );
    let since = Some(later);
    assert_eq!(
        found(Filter {
            since,
            ..Filter::default()
        })
        .await,
        [3, 2]
    );
    let before = Some(2);
    assert_eq!(
        found(Filter {
            before,
            ..Filter::default()
        })
        .await,
        [1]
    );
}
