//! What apps use of what they were granted, noted as it happens and written down now and then.
//!
//! A use costs an entry in memory, never a write: a node that crashes loses the uses of its
//! last seconds, which is no reason to withdraw anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::Clock;
use crate::app::Grant;
use crate::cell::{self, Receipt};
use crate::ids::AppName;
use crate::limits::Limits;
use crate::store::Store;
use crate::store::consents::{self, Uses};

/// How often uses are written down.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
/// Grants whose uses are held between two writes; those of more are not noted.
const MAX_HELD: usize = 10_000;

/// Notes the uses of grants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GrantUses(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    held: Mutex<Held>,
}

/// By app and the grant's key: how often, and when last.
type Held = HashMap<(AppName, String), (i64, OffsetDateTime)>;

impl GrantUses {
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            held: Mutex::default(),
        }))
    }

    /// Notes that an app has used a grant.
    pub(crate) fn note(&self, app: &AppName, grant: &Grant) {
        self.add(app.clone(), grant.key(), 1, self.0.clock.now());
    }

    /// Notes what a call has used beyond what every app has. How long a job runs is bounded apart
    /// from calls, so a job's receipt comes to [`Self::note_job`].
    pub(crate) fn note_call(&self, limits: &Limits, settings: &cell::Settings, receipt: &Receipt) {
        self.note_job(limits, settings, receipt);
        let default = limits.default.wall();
        for grant in settings.granted.iter() {
            if matches!(grant, Grant::Wall { .. }) && receipt.run > default {
                self.note(&settings.app, grant);
            }
        }
    }

    /// Notes what an attempt at a job has used beyond what every app has.
    pub(crate) fn note_job(&self, limits: &Limits, settings: &cell::Settings, receipt: &Receipt) {
        let default = limits.budget(&limits.default);
        for grant in settings.granted.iter() {
            let used = match grant {
                Grant::Table { .. } | Grant::Egress { .. } | Grant::Credential { .. } => {
                    receipt.grants.contains(&grant.key())
                }
                Grant::Memory { .. } => receipt.memory > default.memory,
                Grant::Statements { .. } => receipt.database.statements > default.statements,
                Grant::Fuel { .. } => receipt.fuel > default.fuel,
                Grant::Wall { .. }
                | Grant::Concurrency { .. }
                | Grant::Rows { .. }
                | Grant::Result { .. } => false,
            };
            if used {
                self.note(&settings.app, grant);
            }
        }
    }

    /// Writes down what was noted; what cannot be written is noted again.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn write(&self) -> sqlx::Result<()> {
        let held = std::mem::take(&mut *self.held());
        if held.is_empty() {
            return Ok(());
        }
        let uses: Vec<Uses> = held
            .into_iter()
            .map(|((app, key), (uses, last_used))| Uses {
                app,
                key,
                uses,
                last_used,
            })
            .collect();
        let written = consents::add_uses(self.0.store.pool(), &uses).await;
        if written.is_err() {
            for Uses {
                app,
                key,
                uses,
                last_used,
            } in uses
            {
                self.add(app, key, uses, last_used);
            }
        }
        written
    }

    /// Writes down what is noted, for as long as the node runs.
    pub(crate) async fn keep_writing(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            if let Err(error) = self.write().await {
                tracing::warn!(%error, "the uses of grants were not written down; trying again");
            }
        }
    }

    fn add(&self, app: AppName, key: String, uses: i64, at: OffsetDateTime) {
        let mut held = self.held();
        let entry = (app, key);
        if held.len() >= MAX_HELD && !held.contains_key(&entry) {
            return;
        }
        let (count, last) = held.entry(entry).or_insert((0, at));
        *count = count.saturating_add(uses);
        *last = (*last).max(at);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;
    use time::macros::datetime;

    use super::*;
    use crate::store::apps;
    use crate::store::consents::ConsentRow;
    use crate::store::testing::TestDatabase;

    fn app() -> AppName {
        "shop".parse().unwrap()
    }

    fn grant(name: &str) -> Grant {
        Grant::Credential {
            name: name.to_owned(),
        }
    }

    async fn accept(pool: &PgPool, name: &str, clock: &Clock) {
        let mut connection = pool.acquire().await.unwrap();
        let now = clock.now();
        apps::ensure(&mut connection, &app(), now).await.unwrap();
        consents::accept(&mut connection, &app(), &grant(name), "ann", now)
            .await
            .unwrap();
    }

    async fn rows(pool: &PgPool) -> Vec<(i64, Option<OffsetDateTime>)> {
        let rows = consents::list(pool, &app()).await.unwrap();
        rows.into_iter()
            .map(
                |ConsentRow {
                     uses, last_used, ..
                 }| (uses, last_used),
            )
            .collect()
    }

    #[tokio::test]
    async fn uses_are_counted_from_when_a_grant_was_accepted() {
        let database = TestDatabase::create().await;
        let pool = database.store.pool();
        let clock = Clock::manual(datetime!(2026-11-21 12:00 UTC));
        let uses = GrantUses::new(database.store.clone(), clock.clone());
        for name in ["bank", "mail"] {
            accept(pool, name, &clock).await;
        }

        uses.note(&app(), &grant("mail"));
        uses.write().await.unwrap();
        clock.advance(Duration::from_secs(60));
        uses.note(&app(), &grant("mail"));
        uses.note(&app(), &grant("mail"));
        // Nobody has consented to this one.
        uses.note(&app(), &grant("none"));
        uses.write().await.unwrap();
        uses.write().await.unwrap();

        let last = datetime!(2026-11-21 12:01 UTC);
        assert_eq!(rows(pool).await, [(0, None), (3, Some(last))]);

        clock.advance(Duration::from_secs(60));
        uses.note(&app(), &grant("mail"));
        clock.advance(Duration::from_secs(60));
        accept(pool, "mail", &clock).await;
        uses.write().await.unwrap();
        assert_eq!(rows(pool).await, [(0, None), (0, None)]);
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_held() {
        let database = TestDatabase::create().await;
        let pool = database.store.pool();
        let clock = Clock::manual(datetime!(2026-11-21 12:00 UTC));
        let uses = GrantUses::new(database.store.clone(), clock.clone());
        accept(pool, "mail", &clock).await;
        uses.note(&app(), &grant("mail"));
        let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");

        let broken = sqlx::AssertSqlSafe(rename("grant_uses", "gone"));
        sqlx::query(broken).execute(pool).await.unwrap();
        uses.write().await.unwrap_err();
        let mended = sqlx::AssertSqlSafe(rename("gone", "grant_uses"));
        sqlx::query(mended).execute(pool).await.unwrap();
        uses.write().await.unwrap();

        assert_eq!(rows(pool).await, [(1, Some(clock.now()))]);
    }
}
