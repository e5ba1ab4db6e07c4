use secrecy::ExposeSecret;
use time::Duration;
use time::macros::datetime;

use super::*;
use crate::services::{Clock, Entropy, HostKey};
use crate::store::testing::TestDatabase;

fn auth(database: &TestDatabase) -> Auth {
    Auth::new(
        database.store.clone(),
        Clock::manual(datetime!(2026-11-21 12:00 UTC)),
        Entropy,
        &HostKey::from_bytes([7; 32]),
        Duration::HOUR,
    )
}

async fn may_log_in(auth: &Auth, password: &SecretString) -> bool {
    let address = IpAddr::from([10, 0, 0, 1]);
    match auth.login("admin", password.clone(), address).await {
        Ok(_) => true,
        Err(LoginError::Refused) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_with_the_configured_password() {
    let database = TestDatabase::create().await;
    let auth = auth(&database);
    let configured = SecretString::from("configured password");

    let made_up = auth.bootstrap(Some(&configured)).await.unwrap();

    assert!(made_up.is_none());
    assert!(may_log_in(&auth, &configured).await);
}

#[tokio::test]
async fn the_first_start_makes_up_a_password_if_there_is_none() {
    let database = TestDatabase::create().await;
    let auth = auth(&database);

    let made_up = auth.bootstrap(None).await.unwrap().unwrap();

    assert_eq!(made_up.expose_secret().len(), 20);
    assert!(may_log_in(&auth, &made_up).await);
    assert!(!format!("{made_up:?}").contains(made_up.expose_secret()));
}

#[tokio::test]
async fn a_later_start_changes_nobody() {
    let database = TestDatabase::create().await;
    let auth = auth(&database);
    let first = SecretString::from("configured password");
    auth.bootstrap(Some(&first)).await.unwrap();

    let second = SecretString::from("another password");
    assert!(auth.bootstrap(Some(&second)).await.unwrap().is_none());
    assert!(auth.bootstrap(None).await.unwrap().is_none());

    assert!(may_log_in(&auth, &first).await);
    assert!(!may_log_in(&auth, &second).await);
}

#[tokio::test]
async fn a_configured_password_that_is_too_short_is_refused_and_makes_nobody() {
    let database = TestDatabase::create().await;

    let error = auth(&database)
        .bootstrap(Some(&"short".into()))
        .await
        .unwrap_err();

    assert_eq!(
        error.to_string(),
        "the configured `admin_password` (SKEP_ADMIN_PASSWORD) cannot be used: the password is \
         too short: use at least 10 characters"
    );
    assert!(!users::any(database.store.pool()).await.unwrap());
}

#[tokio::test]
async fn nodes_that_start_at_once_make_one_administrator() {
    let database = TestDatabase::create().await;
    let nodes = [auth(&database), auth(&database), auth(&database)];

    let answers =
        futures_util::future::join_all(nodes.iter().map(|node| node.bootstrap(None))).await;

    let made_up: Vec<SecretString> = answers.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(made_up.len(), 1);
    assert!(may_log_in(&nodes[0], &made_up[0]).await);
}
