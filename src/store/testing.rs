//! The host's tables in a database of their own, for one test.

use serde_json::{Value, json};

use super::Store;
use crate::app::manifest::noderouter;
use crate::ids::AppName;
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

    /// Makes an app with a release that is active, though nothing can run it.
    pub(crate) async fn live_app(&self, name: &str) -> AppName {
        let app: AppName = name.parse().expect("a good name");
        let mut tx = self.store.pool().begin().await.expect("a transaction");
        for sql in [
            "INSERT INTO apps (name, enabled, created_at, updated_at)
             VALUES ($1, TRUE, now(), now())",
            "INSERT INTO blobs VALUES (encode(sha256($1::bytea), 'hex'), '', now())",
            "INSERT INTO releases
             VALUES (gen_random_uuid(), $1, 1, '1.0.0', '{}', '',
                 encode(sha256($1::bytea), 'hex'), encode(sha256($1::bytea), 'hex'), 'ready', NULL,
                 'test', now(), now())",
            "UPDATE apps SET active_release = (SELECT id FROM releases WHERE app = $1)
             WHERE name = $1",
        ] {
            let run = sqlx::query(sql).bind(&app).execute(&mut *tx).await;
            run.expect("an app is made");
        }
        tx.commit().await.expect("a commit");
        app
    }

    /// Declares schedules of an app, as the `schedules` of a manifest, in place of those before.
    pub(crate) async fn declare_schedules(&self, app: &AppName, schedules: Value) {
        let manifest = json!({ "app_name": app, "version": "1.0.0", "schedules": schedules });
        let parsed = noderouter::parse(manifest.to_string().as_bytes()).expect("a good manifest");
        let jobs = super::jobs::Settings {
            concurrency: 2,
            max_attempts: 3,
            retries: 0,
            backoff_ms: 1,
        };
        let mut tx = self.store.pool().begin().await.expect("a transaction");
        super::schedules::declare(&mut tx, app, &parsed.manifest.schedules, jobs)
            .await
            .expect("schedules are declared");
        tx.commit().await.expect("a commit");
    }
}
