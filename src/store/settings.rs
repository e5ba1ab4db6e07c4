//! Settings of apps: what was set. What counts is decided in [`crate::app::setting`].

use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::ids::AppName;

/// A value that was set.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SettingRow {
    pub(crate) key: String,
    pub(crate) value: Json<Value>,
    /// None where the app itself did it.
    pub(crate) updated_by: Option<String>,
    pub(crate) updated_at: OffsetDateTime,
}

/// A value to set.
#[derive(Debug)]
pub(crate) struct NewValue<'a> {
    pub(crate) app: &'a AppName,
    pub(crate) key: &'a str,
    pub(crate) value: &'a Value,
    /// None where the app itself does it.
    pub(crate) by: Option<&'a str>,
    pub(crate) now: OffsetDateTime,
}

/// The values of an app, by key.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Vec<SettingRow>> {
    sqlx::query_as(
        "SELECT key, value, updated_by, updated_at FROM settings WHERE app = $1 ORDER BY key",
    )
    .bind(app)
    .fetch_all(executor)
    .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    key: &str,
) -> sqlx::Result<Option<Value>> {
    let value: Option<Json<Value>> =
        sqlx::query_scalar("SELECT value FROM settings WHERE app = $1 AND key = $2")
            .bind(app)
            .bind(key)
            .fetch_optional(executor)
            .await?;
    Ok(value.map(|value| value.0))
}

/// Sets a value, in place of an older one.
pub(crate) async fn put(executor: impl PgExecutor<'_>, new: &NewValue<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO settings (app, key, value, updated_by, updated_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (app, key) DO UPDATE SET
             value = excluded.value,
             updated_by = excluded.updated_by,
             updated_at = excluded.updated_at",
    )
    .bind(new.app)
    .bind(new.key)
    .bind(Json(new.value))
    .bind(new.by)
    .bind(new.now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Takes a value away. False where there is none.
pub(crate) async fn delete(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    key: &str,
) -> sqlx::Result<bool> {
    let gone = sqlx::query("DELETE FROM settings WHERE app = $1 AND key = $2")
        .bind(app)
        .bind(key)
        .execute(executor)
        .await?;
    Ok(gone.rows_affected() > 0)
}
