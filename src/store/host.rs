//! What the nodes of one database must have in common.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::services::HostKey;

/// The database was made with another host key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error(
        "this database was made with another host key: restore that key, or give every node of \
         this database the same `key_file`"
    )]
    OtherKey,
    #[error("the host's tables cannot be read")]
    Database(#[from] sqlx::Error),
}

/// Takes a new database for this host key, or checks that it is the one it was made with.
///
/// Every app's password is derived from the key: with another one, no call would reach its
/// tables.
pub(crate) async fn claim(
    pool: &PgPool,
    key: &HostKey,
    now: OffsetDateTime,
) -> Result<(), ClaimError> {
    let own: String = key
        .derive("fingerprint")
        .iter()
        .take(16)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    sqlx::query(
        "INSERT INTO host (key_fingerprint, created_at)
         VALUES ($1, $2)
         ON CONFLICT (single) DO NOTHING",
    )
    .bind(&own)
    .bind(now)
    .execute(pool)
    .await?;
    let known: String = sqlx::query_scalar("SELECT key_fingerprint FROM host")
        .fetch_one(pool)
        .await?;
    if known == own {
        Ok(())
    } else {
        Err(ClaimError::OtherKey)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::store::testing::TestDatabase;

    #[tokio::test]
    async fn a_database_knows_the_key_that_it_was_made_with() {
        let database = TestDatabase::create().await;
        let pool = database.store.pool();
        let now = datetime!(2026-11-21 12:00 UTC);
        let key = HostKey::from_bytes([1; 32]);

        claim(pool, &key, now).await.unwrap();
        claim(pool, &key, now).await.unwrap();

        let other = claim(pool, &HostKey::from_bytes([2; 32]), now).await;
        assert!(matches!(other, Err(ClaimError::OtherKey)), "{other:?}");
    }
}
