//! The audit log: entries are added, in one chain, and never changed.
//!
//! What an entry is and how it is chained is in [`crate::audit`].

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::audit::{Actor, Broken, Entry, Hash, Link, Place, Walk};

/// How many entries are read at once.
const PAGE: i64 = 500;

#[derive(sqlx::FromRow)]
struct LinkRow {
    seq: i64,
    at: OffsetDateTime,
    actor: String,
    action: String,
    subject_kind: String,
    subject: String,
    details: sqlx::types::Json<Value>,
    previous: Vec<u8>,
    hash: Vec<u8>,
}

impl From<LinkRow> for Link {
    fn from(row: LinkRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            action: row.action,
            kind: row.subject_kind,
            subject: row.subject,
            details: row.details.0,
            previous: hash(&row.previous),
            hash: hash(&row.hash),
        }
    }
}

/// The table holds nothing but 32 bytes; anything else matches no hash.
fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or([0; 32])
}

/// Which entries are asked for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Filter {
    /// Of this app, its credentials and settings.
    pub(crate) app: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) since: Option<OffsetDateTime>,
    /// Before this number.
    pub(crate) before: Option<i64>,
}

/// Adds an entry to the chain, in the transaction of what it tells.
///
/// To be called last in a transaction: it takes a lock that every other transaction with
/// something to tell waits for, until this one ends.
pub(crate) async fn record(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    entry: Entry,
) -> sqlx::Result<()> {
    lock(connection).await?;
    let link = entry.link(&head(connection).await?, now);
    sqlx::query(
        "INSERT INTO audit
            (seq, at, actor, action, subject_kind, subject, details, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(link.seq)
    .bind(link.at)
    .bind(&link.actor)
    .bind(&link.action)
    .bind(&link.kind)
    .bind(&link.subject)
    .bind(sqlx::types::Json(&link.details))
    .bind(link.previous.as_slice())
    .bind(link.hash.as_slice())
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds an entry about something that has no transaction of its own.
pub(crate) async fn record_alone(
    pool: &PgPool,
    now: OffsetDateTime,
    entry: Entry,
) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    record(&mut tx, now, entry).await?;
    tx.commit().await
}

/// A statement of its own, so that the next one sees what others have committed meanwhile.
async fn lock(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('skep audit', 0))")
        .execute(connection)
        .await?;
    Ok(())
}

/// The last entry, or the anchor where there is none behind it.
async fn head(connection: &mut PgConnection) -> sqlx::Result<Place> {
    let (seq, bytes): (i64, Vec<u8>) = sqlx::query_as(
        "SELECT seq, hash FROM audit
         UNION ALL
         SELECT seq, hash FROM audit_anchor
         ORDER BY seq DESC
         LIMIT 1",
    )
    .fetch_one(connection)
    .await?;
    Ok(Place {
        seq,
        hash: hash(&bytes),
    })
}

async fn anchor(executor: impl PgExecutor<'_>) -> sqlx::Result<Place> {
    let (seq, bytes): (i64, Vec<u8>) = sqlx::query_as("SELECT seq, hash FROM audit_anchor")
        .fetch_one(executor)
        .await?;
    Ok(Place {
        seq,
        hash: hash(&bytes),
    })
}

/// The newest entries of a filter, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
    limit: i64,
) -> sqlx::Result<Vec<Link>> {
    let rows: Vec<LinkRow> = sqlx::query_as(
        "SELECT * FROM audit
         WHERE ($1::text IS NULL
                OR subject_kind = 'app' AND subject = $1
                OR details ->> 'app' = $1)
           AND ($2::text IS NULL OR lower(actor) = lower($2))
           AND ($3::timestamptz IS NULL OR at >= $3)
           AND ($4::bigint IS NULL OR seq < $4)
         ORDER BY seq DESC
         LIMIT $5",
    )
    .bind(&filter.app)
    .bind(&filter.actor)
    .bind(filter.since)
    .bind(filter.before)
    .bind(limit)
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// A page of entries behind this number, oldest first. An empty one is the end.
pub(crate) async fn page(executor: impl PgExecutor<'_>, after: i64) -> sqlx::Result<Vec<Link>> {
    let rows: Vec<LinkRow> =
        sqlx::query_as("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(PAGE)
            .fetch_all(executor)
            .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// What came of following the whole chain.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The last entry that was cut off; number 0 where none was.
    pub(crate) anchor: Place,
    /// The last entry that is good.
    pub(crate) good: Place,
    pub(crate) broken: Option<Broken>,
}

/// Follows the chain from its anchor to its end; `noted` must be on the way.
pub(crate) async fn verify(pool: &PgPool, noted: Option<Place>) -> sqlx::Result<Verdict> {
    // One moment, however long the chain is.
    let mut tx = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *tx)
        .await?;
    let anchor = anchor(&mut *tx).await?;
    let mut walk = Walk::new(anchor, noted);
    let verdict = |walk: &Walk, broken| Verdict {
        anchor,
        good: walk.at(),
        broken,
    };
    loop {
        let links = page(&mut *tx, walk.at().seq).await?;
        if links.is_empty() {
            let broken = walk.finish().err();
            return Ok(verdict(&walk, broken));
        }
        for link in &links {
            if let Err(broken) = walk.step(link) {
                return Ok(verdict(&walk, Some(broken)));
            }
        }
    }
}

/// Removes the entries from before a time, and keeps the hash of the last one as the new
/// anchor. What comes back is how many went.
pub(crate) async fn cut(
    connection: &mut PgConnection,
    before: OffsetDateTime,
    actor: Actor,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    lock(connection).await?;
    let last: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT seq, hash FROM audit
         WHERE seq < (SELECT coalesce(min(seq), 0) FROM audit WHERE at >= $1)
            OR NOT EXISTS (SELECT FROM audit WHERE at >= $1)
         ORDER BY seq DESC
         LIMIT 1",
    )
    .bind(before)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((seq, hash)) = last else {
        return Ok(0);
    };
    sqlx::query("UPDATE audit_anchor SET seq = $1, hash = $2")
        .bind(seq)
        .bind(&hash)
        .execute(&mut *connection)
        .await?;
    let gone = sqlx::query("DELETE FROM audit WHERE seq <= $1")
        .bind(seq)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    let entry = Entry::new(actor, "audit.cut", "audit", seq.to_string())
        .with("entries", gone)
        .with("hash", crate::audit::hex(&hash));
    record(connection, now, entry).await?;
    Ok(gone)
}

#[cfg(test)]
mod tests;
