//! Failed logins, counted per subject: a username or a client's address.
//!
//! What the counts mean is decided in `auth::throttle`. They are in the database so that
//! several nodes give nobody several times the attempts.

use sqlx::PgExecutor;
use time::OffsetDateTime;

/// An attempt to log in, about to be made.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) address: &'a [u8; 32],
    pub(crate) username: &'a [u8; 32],
    /// How many attempts of the address still touch the username's count.
    pub(crate) address_limit: i32,
    pub(crate) now: OffsetDateTime,
    /// Counts that began before this are over.
    pub(crate) window_start: OffsetDateTime,
}

/// How often a subject has failed since the first failure of its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) failures: i32,
    pub(crate) since: OffsetDateTime,
}

/// The counts after an attempt. The username's is left alone, and not known, once the
/// address has used up its own: a blocked client cannot lock other people out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) address: Count,
    pub(crate) username: Option<Count>,
}

/// Counts an attempt as failed before it is made, in one statement, so that attempts
/// made at the same time cannot all see the count of none of them.
pub(crate) async fn begin(
    executor: impl PgExecutor<'_>,
    attempt: &Attempt<'_>,
) -> sqlx::Result<Counts> {
    let (failures, since, username_failures, username_since): (
        i32,
        OffsetDateTime,
        Option<i32>,
        Option<OffsetDateTime>,
    ) = sqlx::query_as(
        "WITH address AS (
             INSERT INTO login_failures AS old (subject, failures, since)
             VALUES ($1, 1, $4)
             ON CONFLICT (subject) DO UPDATE SET
                 failures = CASE WHEN old.since <= $5 THEN 1 ELSE old.failures + 1 END,
                 since = CASE WHEN old.since <= $5 THEN $4 ELSE old.since END
             RETURNING failures, since
         ), username AS (
             INSERT INTO login_failures AS old (subject, failures, since)
             SELECT $2, 1, $4 FROM address WHERE address.failures <= $3
             ON CONFLICT (subject) DO UPDATE SET
                 failures = CASE WHEN old.since <= $5 THEN 1 ELSE old.failures + 1 END,
                 since = CASE WHEN old.since <= $5 THEN $4 ELSE old.since END
             RETURNING failures, since
         )
         SELECT address.failures, address.since, username.failures, username.since
         FROM address
         LEFT JOIN username ON true",
    )
    .bind(attempt.address.as_slice())
    .bind(attempt.username.as_slice())
    .bind(attempt.address_limit)
    .bind(attempt.now)
    .bind(attempt.window_start)
    .fetch_one(executor)
    .await?;

    Ok(Counts {
        address: Count { failures, since },
        username: username_failures
            .zip(username_since)
            .map(|(failures, since)| Count { failures, since }),
    })
}

/// Forgets a subject's failures.
pub(crate) async fn clear(executor: impl PgExecutor<'_>, subject: &[u8; 32]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM login_failures WHERE subject = $1")
        .bind(subject.as_slice())
        .execute(executor)
        .await?;
    Ok(())
}

/// Takes back one counted attempt.
pub(crate) async fn take_back(
    executor: impl PgExecutor<'_>,
    subject: &[u8; 32],
) -> sqlx::Result<()> {
    sqlx::query("UPDATE login_failures SET failures = failures - 1 WHERE subject = $1")
        .bind(subject.as_slice())
        .execute(executor)
        .await?;
    Ok(())
}

/// Clears away counts that are over.
pub(crate) async fn delete_old(
    executor: impl PgExecutor<'_>,
    window_start: OffsetDateTime,
) -> sqlx::Result<()> {
    // A login holds one of these rows while it waits for another; waiting for both
    // here, in any order, would be a deadlock.
    sqlx::query(
        "DELETE FROM login_failures
         WHERE subject IN (
             SELECT subject FROM login_failures
             WHERE since <= $1
             FOR UPDATE SKIP LOCKED
         )",
    )
    .bind(window_start)
    .execute(executor)
    .await?;
    Ok(())
}
