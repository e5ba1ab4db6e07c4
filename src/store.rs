//! SQL of the host's own tables, one file per aggregate.
//!
//! The tables live in schema `skep`, which no app's role can reach. The migrations in
//! `store/migrations` make them.

pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod blobs;
pub(crate) mod calls;
pub(crate) mod consents;
pub(crate) mod credentials;
pub(crate) mod credentials_of_users;
pub(crate) mod host;
pub(crate) mod jobs;
pub(crate) mod login_failures;
pub(crate) mod logs;
pub(crate) mod nodes;
pub(crate) mod notifications;
pub(crate) mod releases;
pub(crate) mod retention;
pub(crate) mod roles;
pub(crate) mod schedules;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod system;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tokens;
pub(crate) mod usage;
pub(crate) mod users;
pub(crate) mod webhooks;

use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

/// The migrations of schema `skep`, embedded in the binary.
pub(crate) static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations");

/// The host's connections to its own tables. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: PgPool,
}

/// How long to wait for a connection, and at the start for a server that is starting too.
const ACQUIRE: Duration = Duration::from_secs(10);

impl Store {
    /// Connects as the host's login and brings schema `skep` up to date.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or a migration fails.
    pub(crate) async fn open(options: PgConnectOptions) -> anyhow::Result<Self> {
        // A pool would only say that it waited in vain.
        let first = options
            .connect()
            .await
            .context("cannot reach the database")?;
        first.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(ACQUIRE)
            // Unqualified names mean the host's tables, and never one that an app has made.
            .connect_with(options.options([("search_path", "skep,pg_catalog")]))
            .await?;
        // sqlx keeps its own table of migrations in the first schema of the path.
        sqlx::query("CREATE SCHEMA IF NOT EXISTS skep")
            .execute(&pool)
            .await?;
        MIGRATOR.run(&pool).await?;
        Ok(Self { pool })
    }

    /// Asks the server for a sign of life, for a second at most.
    pub(crate) async fn ping(&self) -> anyhow::Result<()> {
        let ping = sqlx::query("SELECT 1").execute(&self.pool);
        tokio::time::timeout(Duration::from_secs(1), ping).await??;
        Ok(())
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }
}
