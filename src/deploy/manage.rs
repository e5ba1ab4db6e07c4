//! What can be done with an app after its deploy, and how nodes follow.

use std::sync::Arc;

use serde_json::json;
use sqlx::postgres::PgListener;
use wasmtime::component::Component;

use super::hooks::Farewell;
use super::{Candidate, DeployError, Deployer};
use crate::app::{Grant, Grants, Hook, Manifest};
use crate::audit::{Actor, Entry};
use crate::ids::{AppName, ReleaseId};
use crate::postgres::{OwnedTable, RolesError};
use crate::store::releases::State;
use crate::store::{apps, audit, consents, system};

/// Why an app was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManageError {
    #[error("app '{0}' not found")]
    NotFound(AppName),
    #[error("app '{0}' has no release {1}: see `skep apps show {0}`")]
    NoRelease(AppName, i32),
    #[error("release {1} of '{0}' cannot serve: it was refused, or waits for consent")]
    NotReady(AppName, i32),
    #[error("release {1} of '{0}' does not wait for consent: see `skep apps show {0}`")]
    NotWaiting(AppName, i32),
    #[error("release {1} of '{0}' has no plan: it was deployed before there were plans")]
    NoPlan(AppName, i32),
    #[error("'{0}' has no grant `{1}`: see `skep grants {0}`")]
    NoGrant(AppName, String),
    #[error(
        "release {1} of '{0}' has grants that were withdrawn since: {2}; deploy it again, to be \
         asked for consent"
    )]
    Withdrawn(AppName, i32, String),
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

/// What an app has in tables.
#[derive(Debug)]
pub(crate) struct AppSize {
    pub(crate) app: AppName,
    pub(crate) tables: i64,
    /// On the disk, indexes included.
    pub(crate) bytes: i64,
}

impl From<sqlx::Error> for ManageError {
    fn from(error: sqlx::Error) -> Self {
        Self::Deploy(error.into())
    }
}

impl Deployer {
    /// Checks that the database's login may make what each app gets.
    pub(crate) async fn check_login(&self) -> Result<(), RolesError> {
        self.0.roles.check_login().await
    }

    /// Makes an earlier release active again. Tables stay as the later one left them.
    pub(crate) async fn roll_back(
        &self,
        app: &AppName,
        number: i32,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let roll_back = self.roll_back_now(app, number, actor);
        self.locked(app, roll_back).await
    }

    async fn roll_back_now(
        &self,
        app: &AppName,
        number: i32,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let stored = self.stored(app, number).await?;
        let (State::Ready, Some(component)) = (stored.state, &stored.component) else {
            return Err(ManageError::NotReady(app.clone(), number));
        };
        let granted = stored.granted.0;
        let consented = consents::all(self.0.store.pool(), app).await?;
        let withdrawn: Vec<String> = granted
            .iter()
            .filter(|grant| !consented.covers(grant))
            .map(Grant::key)
            .collect();
        if !withdrawn.is_empty() {
            let withdrawn = withdrawn.join(", ");
            return Err(ManageError::Withdrawn(app.clone(), number, withdrawn));
        }
        let candidate = self
            .candidate(stored.id, component, stored.manifest.0, granted)
            .await?;
        let entry = Entry::of_app(actor, "app.rollback", app).with("release", number);
        self.activate(&candidate, entry).await?;
        Ok(())
    }

    /// Lets an app be called, or refuses its calls; calls that run go on.
    pub(crate) async fn set_enabled(
        &self,
        app: &AppName,
        enabled: bool,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let change = async {
            let copy = self.0.serving.change().await;
            let mut tx = self.0.store.pool().begin().await?;
            let now = self.0.clock.now();
            let Some(changed) = apps::set_enabled(&mut tx, app, enabled, now).await? else {
                return Err(ManageError::NotFound(app.clone()));
            };
            if changed {
                let hook = if enabled { Hook::Enable } else { Hook::Disable };
                self.queue_hook(&mut tx, app, hook, &json!({})).await?;
            }
            let action = if enabled { "app.enable" } else { "app.disable" };
            audit::record(&mut tx, now, Entry::of_app(actor, action, app)).await?;
            tx.commit().await?;
            copy.set_enabled(app, enabled);
            Ok(())
        };
        self.locked(app, change).await
    }

    /// Deletes an app and its releases; its tables are kept for a later app of that name, or
    /// dropped. What comes back is what its hook said to it, if it has one.
    pub(crate) async fn delete(
        &self,
        app: &AppName,
        keep_tables: bool,
        actor: Actor,
    ) -> Result<Option<Farewell>, ManageError> {
        let delete = self.delete_now(app, keep_tables, actor);
        self.locked(app, delete).await
    }

    async fn delete_now(
        &self,
        app: &AppName,
        keep_tables: bool,
        actor: Actor,
    ) -> Result<Option<Farewell>, ManageError> {
        self.must_exist(app).await?;
        // While everything is there still: rights, rows and credentials.
        let farewell = self.say_farewell(app, !keep_tables).await?;
        let copy = self.0.serving.change().await;
        let mut tx = self.0.store.pool().begin().await?;
        apps::delete(&mut tx, app).await?;
        copy.remove(app);
        self.0.pools.evict(app);
        // Before the commit: where the tables cannot be dropped, the app stays.
        if let Err(error) = self.0.roles.drop(app, keep_tables).await {
            drop((tx, copy));
            self.follow(app).await?;
            return Err(DeployError::from(error).into());
        }
        let mut entry = Entry::of_app(actor, "app.delete", app).with("keep_tables", keep_tables);
        if let Some(farewell) = &farewell {
            // Its words may hold anything.
            let word = if farewell.ok { "ok" } else { "failed" };
            entry = entry.with("on_uninstall", word);
        }
        audit::record(&mut tx, self.0.clock.now(), entry).await?;
        tx.commit().await?;
        self.sweep().await?;
        Ok(farewell)
    }

    /// The app's own tables.
    pub(crate) async fn tables(&self, app: &AppName) -> Result<Vec<OwnedTable>, ManageError> {
        Ok(self.0.roles.tables(app).await.map_err(DeployError::from)?)
    }

    /// What apps have in tables, the largest first.
    pub(crate) async fn sizes(&self) -> Result<Vec<AppSize>, DeployError> {
        let mut apps = self.apps_by_role().await?;
        let rows = system::sizes(self.0.store.pool()).await?;
        let mut sizes: Vec<AppSize> = rows
            .into_iter()
            .filter_map(|row| {
                Some(AppSize {
                    app: apps.remove(&row.role)?,
                    tables: row.tables,
                    bytes: row.bytes,
                })
            })
            .collect();
        sizes.sort_by(|one, other| (other.bytes, &one.app).cmp(&(one.bytes, &other.app)));
        Ok(sizes)
    }

    /// Brings this node up to date with the database, for one app or for all.
    pub(crate) async fn follow(&self, app: &AppName) -> Result<(), ManageError> {
        let mut prepared: Option<Candidate> = None;
        loop {
            let copy = self.0.serving.change().await;
            let Some(row) = apps::find(self.0.store.pool(), app).await? else {
                copy.remove(app);
                return Ok(());
            };
            let granted = row.granted.0;
            if !self.0.serving.has(app, row.release, &granted) {
                let Some(candidate) = prepared.take().filter(|it| it.is(row.release, &granted))
                else {
                    // Others must not wait while this compiles.
                    drop(copy);
                    let manifest = row.manifest.0;
                    let candidate = self
                        .candidate(row.release, &row.component, manifest, granted)
                        .await?;
                    prepared = Some(candidate);
                    continue;
                };
                let inspector = self.inspector(&candidate).await?;
                copy.adopt(&candidate.image, &candidate.manifest, inspector);
            }
            copy.set_enabled(app, row.enabled);
            return Ok(());
        }
    }

    /// Lets the sessions of every app work with its jobs: those deployed by an older version of
    /// Skep may not yet. One that fails is logged.
    pub(crate) async fn admit_to_jobs(&self) -> sqlx::Result<()> {
        for row in apps::list(self.0.store.pool()).await? {
            if let Err(error) = self.0.roles.admit_to_jobs(&row.name).await {
                tracing::error!(app = %row.name, %error, "the app cannot run jobs");
            }
        }
        Ok(())
    }

    /// Notes which apps there are, so that none seems to be missing while it is compiled here.
    pub(crate) async fn announce(&self) -> sqlx::Result<()> {
        for row in apps::list(self.0.store.pool()).await? {
            self.0.serving.announce(&row.name);
        }
        Ok(())
    }

    /// Brings this node up to date for every app; one that fails is logged and left out.
    pub(crate) async fn follow_all(&self) -> sqlx::Result<()> {
        let mut names = self.0.serving.names();
        for row in apps::list(self.0.store.pool()).await? {
            self.0.serving.announce(&row.name);
            names.push(row.name);
        }
        names.sort();
        names.dedup();
        for app in names {
            if let Err(error) = self.follow(&app).await {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::error!(%app, error, "the app cannot serve");
            }
        }
        Ok(())
    }

    /// Follows what other nodes do, until the connection to the database is lost for good.
    pub(crate) async fn listen(&self) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(self.0.store.pool()).await?;
        listener.listen(apps::CHANNEL).await?;
        // Only now, so that no change is missed in between.
        self.catch_up().await?;
        loop {
            // None: the connection was lost and made again, so words may have been missed.
            match listener.try_recv().await? {
                None => self.catch_up().await?,
                Some(word) => {
                    if let Ok(app) = word.payload().parse() {
                        let _ = self.follow(&app).await.inspect_err(|error| {
                            tracing::error!(%app, %error, "the app cannot follow a change");
                        });
                    }
                }
            }
        }
    }

    /// Ends what a lost database has cut, and brings this node up to date.
    async fn catch_up(&self) -> sqlx::Result<()> {
        self.recover().await?;
        self.follow_all().await
    }

    /// A stored release, compiled and linked.
    async fn candidate(
        &self,
        release: ReleaseId,
        component: &str,
        manifest: Manifest,
        granted: Grants,
    ) -> Result<Candidate, DeployError> {
        let compiled = self.compiled(component).await?;
        let sources = self.stored_sources(release).await?;
        self.candidate_of(release, manifest, Arc::new(granted), &compiled, sources)
    }

    /// A stored component, from the cache where it is there.
    pub(super) async fn compiled(&self, component: &str) -> Result<Component, DeployError> {
        let cells = self.0.cells.clone();
        let digest = component.to_owned();
        let cached = tokio::task::spawn_blocking(move || cells.cached(&digest))
            .await
            .map_err(|error| DeployError::Internal(error.into()))?;
        match cached {
            Some(compiled) => Ok(compiled),
            None => self.compile(component, &self.blob(component).await?).await,
        }
    }

    pub(super) async fn must_exist(&self, app: &AppName) -> Result<(), ManageError> {
        match apps::find_shown(self.0.store.pool(), app).await? {
            Some(_) => Ok(()),
            None => Err(ManageError::NotFound(app.clone())),
        }
    }
}
