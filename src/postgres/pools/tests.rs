use std::time::Instant;

use super::*;
use crate::postgres::testing::{TestDatabase, database};

const WAIT: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(50);

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

async fn pools(test: &TestDatabase, limits: PoolLimits) -> AppPools {
    for name in ["one", "two"] {
        test.roles().prepare(&app(name)).await.unwrap();
    }
    AppPools::new(test.roles(), limits)
}

async fn backend(client: &Client) -> i32 {
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let test = database().await;
    let pools = pools(&test, PoolLimits::default()).await;

    let call = pools.get(&app("one"), WAIT).await.unwrap();
    let first = backend(&call).await;
    drop(call);
    let call = pools.get(&app("one"), WAIT).await.unwrap();

    assert_eq!(backend(&call).await, first);
}

#[tokio::test]
async fn an_app_with_every_connection_in_use_is_busy_and_its_neighbour_is_not() {
    let test = database().await;
    let limits = PoolLimits {
        per_app: 1,
        ..PoolLimits::default()
    };
    let pools = pools(&test, limits).await;
    let held = pools.get(&app("one"), WAIT).await.unwrap();

    let refused = pools.get(&app("one"), SHORT).await;

    assert!(matches!(refused, Err(PoolError::Busy)));
    drop(pools.get(&app("two"), WAIT).await.unwrap());
    drop(held);
    drop(pools.get(&app("one"), WAIT).await.unwrap());
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_another_app() {
    let test = database().await;
    let limits = PoolLimits {
        total: 1,
        ..PoolLimits::default()
    };
    let pools = pools(&test, limits).await;
    let call = pools.get(&app("one"), WAIT).await.unwrap();
    assert!(matches!(
        pools.get(&app("two"), SHORT).await,
        Err(PoolError::Busy)
    ));
    assert!(matches!(
        pools.owner(&app("two"), SHORT).await,
        Err(PoolError::Busy)
    ));

    drop(call);

    drop(pools.get(&app("two"), WAIT).await.unwrap());
    pools.owner(&app("one"), WAIT).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_closes_after_a_while() {
    let test = database().await;
    let limits = PoolLimits {
        idle: Duration::from_millis(20),
        ..PoolLimits::default()
    };
    let pools = pools(&test, limits).await;
    let call = pools.get(&app("one"), WAIT).await.unwrap();
    assert_eq!(pools.0.slots.available_permits(), limits.total - 1);

    drop(call);

    // Every slot is free again only when the connection is really closed.
    let all = pools
        .0
        .slots
        .acquire_many(u32::try_from(limits.total).unwrap());
    drop(tokio::time::timeout(WAIT, all).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let test = database().await;
    let pools = pools(&test, PoolLimits::default()).await;
    let call = pools.get(&app("one"), WAIT).await.unwrap();
    let first = backend(&call).await;
    let host = test.server().connect().await.unwrap();
    host.execute("SELECT pg_terminate_backend($1)", &[&first])
        .await
        .unwrap();
    // The end reaches us with the first statement after it.
    assert!(call.query_one("SELECT 1", &[]).await.is_err());
    while !call.is_closed() {
        tokio::task::yield_now().await;
    }
    drop(call);

    let call = pools.get(&app("one"), WAIT).await.unwrap();

    assert_ne!(backend(&call).await, first);
}

#[tokio::test]
async fn an_evicted_app_logs_in_anew() {
    let test = database().await;
    let pools = pools(&test, PoolLimits::default()).await;
    let call = pools.get(&app("one"), WAIT).await.unwrap();
    let first = backend(&call).await;

    pools.evict(&app("one"));
    drop(call);

    let call = pools.get(&app("one"), WAIT).await.unwrap();
    assert_ne!(backend(&call).await, first);
}

#[tokio::test]
async fn a_running_statement_is_cancelled_on_the_server() {
    let test = database().await;
    let pools = pools(&test, PoolLimits::default()).await;
    let call = pools.get(&app("one"), WAIT).await.unwrap();
    let token = call.cancel_token();
    let host = test.server().connect().await.unwrap();
    let pid = backend(&call).await;
    let running = tokio::spawn(async move { call.batch_execute("SELECT pg_sleep(60)").await });
    let active = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'";
    while host.query_opt(active, &[&pid]).await.unwrap().is_none() {}

    let begin = Instant::now();
    cancel(token).await.unwrap();

    let error = running.await.unwrap().unwrap_err();
    assert_eq!(
        error.code(),
        Some(&tokio_postgres::error::SqlState::QUERY_CANCELED)
    );
    assert!(begin.elapsed() < WAIT);
}

#[tokio::test]
async fn an_app_that_was_never_prepared_cannot_connect() {
    let test = database().await;
    let pools = pools(&test, PoolLimits::default()).await;

    let refused = pools.get(&app("three"), WAIT).await;

    assert!(matches!(refused, Err(PoolError::Connect(_))));
}
