//! What can be done with an app after its deploy, and how nodes follow.

use std::sync::Arc;

use sqlx::postgres::PgListener;

use super::{Candidate, DeployError, Deployer, cell_settings};
use crate::app::Manifest;
use crate::audit::{Actor, Entry};
use crate::ids::{AppName, ReleaseId};
use crate::postgres::{OwnedTable, RolesError};
use crate::store::{apps, audit, blobs, releases};

/// Why an app was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManageError {
    #[error("app '{0}' not found")]
    NotFound(AppName),
    #[error("app '{0}' has no release {1}: see `skep apps show {0}`")]
    NoRelease(AppName, i32),
    #[error(transparent)]
    Deploy(#[from] DeployError),
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
        let _lock = self.lock(app).await?;
        self.must_exist(app).await?;
        let (release, component, manifest) = releases::find(self.0.store.pool(), app, number)
            .await?
            .ok_or_else(|| ManageError::NoRelease(app.clone(), number))?;
        let candidate = self.candidate(release, &component, manifest.0).await?;
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
        let _lock = self.lock(app).await?;
        let mut tx = self
            .0
            .store
            .pool()
            .begin()
            .await
            .map_err(DeployError::from)?;
        let now = self.0.clock.now();
        if !apps::set_enabled(&mut tx, app, enabled, now).await? {
            return Err(ManageError::NotFound(app.clone()));
        }
        let action = if enabled { "app.enable" } else { "app.disable" };
        audit::record(&mut tx, now, Entry::of_app(actor, action, app)).await?;
        tx.commit().await?;
        self.0.serving.set_enabled(app, enabled);
        Ok(())
    }

    /// Deletes an app and its releases; its tables are kept for a later app of that name, or
    /// dropped.
    pub(crate) async fn delete(
        &self,
        app: &AppName,
        keep_tables: bool,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let _lock = self.lock(app).await?;
        self.must_exist(app).await?;
        let mut tx = self.0.store.pool().begin().await?;
        apps::delete(&mut tx, app).await?;
        self.0.serving.remove(app);
        self.0.pools.evict(app);
        // Before the commit: where the tables cannot be dropped, the app stays.
        if let Err(error) = self.0.roles.drop(app, keep_tables).await {
            drop(tx);
            self.follow(app).await?;
            return Err(DeployError::from(error).into());
        }
        let entry = Entry::of_app(actor, "app.delete", app).with("keep_tables", keep_tables);
        audit::record(&mut tx, self.0.clock.now(), entry).await?;
        tx.commit().await?;
        self.sweep().await?;
        Ok(())
    }

    /// The app's own tables.
    pub(crate) async fn tables(&self, app: &AppName) -> Result<Vec<OwnedTable>, ManageError> {
        Ok(self.0.roles.tables(app).await.map_err(DeployError::from)?)
    }

    /// Brings this node up to date with the database, for one app or for all.
    pub(crate) async fn follow(&self, app: &AppName) -> Result<(), ManageError> {
        match apps::find(self.0.store.pool(), app).await? {
            None => self.0.serving.remove(app),
            Some(row) => {
                if self.0.serving.release(app) != Some(row.release) {
                    let candidate = self
                        .candidate(row.release, &row.component, row.manifest.0)
                        .await?;
                    self.0.serving.adopt(&candidate.image, &candidate.manifest);
                }
                self.0.serving.set_enabled(app, row.enabled);
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
    ) -> Result<Candidate, DeployError> {
        let cells = self.0.cells.clone();
        let digest = component.to_owned();
        let cached = tokio::task::spawn_blocking(move || cells.cached(&digest))
            .await
            .map_err(|error| DeployError::Internal(error.into()))?;
        let compiled = match cached {
            Some(compiled) => compiled,
            None => {
                let bytes = blobs::find(self.0.store.pool(), component)
                    .await?
                    .ok_or_else(|| DeployError::Internal(anyhow::anyhow!("no blob {component}")))?;
                self.compile(component, &bytes).await?
            }
        };
        let image = self
            .0
            .cells
            .prepare(&compiled, cell_settings(&manifest, release))?;
        Ok(Candidate {
            id: release,
            manifest,
            image: Arc::new(image),
        })
    }

    async fn must_exist(&self, app: &AppName) -> Result<(), ManageError> {
        match apps::find(self.0.store.pool(), app).await? {
            Some(_) => Ok(()),
            None => Err(ManageError::NotFound(app.clone())),
        }
    }
}
