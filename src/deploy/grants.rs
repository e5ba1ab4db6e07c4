//! What an app was granted, how much of it it uses, and taking it back.

use serde::Serialize;
use time::OffsetDateTime;

use super::{DeployError, Deployer, ManageError};
use crate::app::Grant;
use crate::audit::{Actor, Entry};
use crate::ids::AppName;
use crate::postgres::Role;
use crate::store::{apps, audit, consents, releases};

/// One grant of an app.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct GrantStatus {
    /// The name to withdraw it by.
    key: String,
    grant: Grant,
    /// The same for people.
    text: String,
    accepted_by: String,
    #[serde(with = "time::serde::rfc3339")]
    accepted_at: OffsetDateTime,
    /// Whether the release that serves has it; an earlier one may still.
    active: bool,
    /// How often it was used since it was accepted; null where that is not counted.
    uses: Option<i64>,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used: Option<OffsetDateTime>,
    /// Why it could be withdrawn, if it could.
    idle: Option<&'static str>,
}

impl Deployer {
    /// What somebody has consented to for an app.
    pub(crate) async fn grants(&self, app: &AppName) -> Result<Vec<GrantStatus>, ManageError> {
        self.must_exist(app).await?;
        let live = apps::find(self.0.store.pool(), app).await?;
        let granted = live.map(|row| row.granted.0).unwrap_or_default();
        let mut grants = Vec::new();
        for row in consents::list(self.0.store.pool(), app).await? {
            let grant = row.granted.0;
            let active = granted.get(&grant.key()).is_some();
            let is_counted = is_counted(&grant);
            let idle = if self.is_dangling(&grant).await? {
                Some("its table is gone, or has become another app's")
            } else if !active {
                Some("the active release does not ask for it")
            } else if is_counted && row.uses == 0 {
                Some("it has not been used")
            } else {
                None
            };
            grants.push(GrantStatus {
                key: grant.key(),
                text: grant.to_string(),
                accepted_by: row.accepted_by,
                accepted_at: row.accepted_at,
                active,
                uses: is_counted.then_some(row.uses),
                last_used: row.last_used,
                idle,
                grant,
            });
        }
        Ok(grants)
    }

    /// Takes a grant back, on all nodes and from now on. Calls that run keep their time and
    /// memory; their next statement on a table is refused.
    pub(crate) async fn withdraw(
        &self,
        app: &AppName,
        key: &str,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let by = actor.name().to_owned();
        self.locked(app, self.withdraw_now(app, key, actor)).await?;
        tracing::info!(%app, key, by, "withdrew a grant");
        self.follow(app).await
    }

    async fn withdraw_now(
        &self,
        app: &AppName,
        key: &str,
        actor: Actor,
    ) -> Result<(), ManageError> {
        self.must_exist(app).await?;
        let mut tx = self.0.store.pool().begin().await?;
        if !consents::withdraw(&mut tx, app, key).await? {
            return Err(ManageError::NoGrant(app.clone(), key.to_owned()));
        }
        releases::withdraw(&mut tx, app, key).await?;
        self.reconcile(&mut tx).await?;
        apps::announce(&mut tx, app).await?;
        let entry = Entry::of_app(actor, "grant.withdraw", app).with("grant", key);
        audit::record(&mut tx, self.0.clock.now(), entry).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn is_dangling(&self, grant: &Grant) -> Result<bool, DeployError> {
        let Grant::Table {
            schema,
            table,
            owner,
            ..
        } = grant
        else {
            return Ok(false);
        };
        let owners = self.0.roles.owners(&[(schema, table)]).await?;
        let role = self.0.roles.name(owner, Role::Owner);
        Ok(owners.into_iter().flatten().all(|found| found != role))
    }
}

/// Whether nodes note the uses of such a grant.
fn is_counted(grant: &Grant) -> bool {
    match grant {
        Grant::Table { .. }
        | Grant::Egress { .. }
        | Grant::Credential { .. }
        | Grant::Wall { .. }
        | Grant::Memory { .. }
        | Grant::Statements { .. }
        | Grant::Fuel { .. } => true,
        // Whether one call more was running is known to nobody but the queue, and what one
        // result had of all is not kept.
        Grant::Concurrency { .. } | Grant::Rows { .. } | Grant::Result { .. } => false,
    }
}
