//! The host's tables in a database of their own, for one test.

use super::Store;
use crate::postgres::testing::{TestDatabase as EmptyDatabase, database};

/// A database with schema `skep`. It goes when this is dropped.
pub(crate) struct TestDatabase {
    pub(crate) store: Store,
    pub(crate) database: EmptyDatabase,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let database = database().await;
        let store = Store::open(database.server().sqlx_options())
            .await
            .expect("the migrations run");
        Self { store, database }
    }
}
