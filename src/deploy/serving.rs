//! Which release of each app serves on this node.
//!
//! The database decides; this is a copy of it that calls can read without asking. Every
//! change is announced to all nodes, and a node that may have missed one reads all again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{Mutex, MutexGuard};

use crate::app::{Grants, Manifest};
use crate::capability::db::Inspector;
use crate::cell::Image;
use crate::ids::{AppName, ReleaseId};

/// The apps of this node. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Serving(Arc<Inner>);

#[derive(Default)]
struct Inner {
    apps: RwLock<Apps>,
    /// Held by whoever brings the copy up to date.
    changes: Mutex<()>,
}

#[derive(Default)]
struct Apps {
    running: HashMap<AppName, App>,
    /// Those whose code is not compiled yet.
    starting: HashSet<AppName>,
}

/// An app as calls find it.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) image: Arc<Image>,
    /// What its statements are judged by.
    pub(crate) inspector: Inspector,
    pub(crate) required_permission: Option<Arc<str>>,
    enabled: bool,
}

/// Why an app cannot be called.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotServing {
    #[error("app '{0}' not found")]
    NotFound(AppName),
    #[error("app '{0}' is disabled")]
    Disabled(AppName),
    #[error("app '{0}' is being compiled for this server: try again in some seconds")]
    Starting(AppName),
}

impl Serving {
    /// The app's active release.
    pub(crate) fn find(&self, app: &AppName) -> Result<App, NotServing> {
        let apps = self.read();
        match apps.running.get(app) {
            Some(found) if found.enabled => Ok(found.clone()),
            Some(_) => Err(NotServing::Disabled(app.clone())),
            None if apps.starting.contains(app) => Err(NotServing::Starting(app.clone())),
            None => Err(NotServing::NotFound(app.clone())),
        }
    }

    /// The release that an app serves here, though it may be disabled.
    pub(crate) fn find_even_disabled(&self, app: &AppName) -> Option<App> {
        self.read().running.get(app).cloned()
    }

    /// How many apps cannot be called yet because their code is not compiled here.
    pub(crate) fn starting(&self) -> usize {
        self.read().starting.len()
    }

    /// The apps whose jobs this node cannot run yet.
    pub(crate) fn not_here(&self) -> Vec<AppName> {
        self.read().starting.iter().cloned().collect()
    }

    /// What every app serves here, enabled or not.
    pub(crate) fn images(&self) -> Vec<Arc<Image>> {
        let apps = self.read();
        let images = apps.running.values().map(|found| Arc::clone(&found.image));
        images.collect()
    }

    /// Whether an app serves this release here with these grants, enabled or not.
    pub(super) fn has(&self, app: &AppName, release: ReleaseId, granted: &Grants) -> bool {
        let apps = self.read();
        apps.running.get(app).is_some_and(|found| {
            let settings = found.image.settings();
            settings.release == release && *settings.granted == *granted
        })
    }

    /// Notes that an app is there, though it cannot be called yet.
    pub(super) fn announce(&self, app: &AppName) {
        let mut apps = self.write();
        if !apps.running.contains_key(app) {
            apps.starting.insert(app.clone());
        }
    }

    /// The right to change this copy. It is taken before the database is read or changed and
    /// held until the copy says the same, so that nothing older than what is there gets in.
    pub(super) async fn change(&self) -> Change<'_> {
        Change {
            serving: self,
            _turn: self.0.changes.lock().await,
        }
    }

    pub(super) fn names(&self) -> Vec<AppName> {
        self.read().running.keys().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Apps> {
        self.0.apps.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Apps> {
        self.0.apps.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The copy while nobody else changes it.
pub(super) struct Change<'a> {
    serving: &'a Serving,
    _turn: MutexGuard<'a, ()>,
}

impl Change<'_> {
    /// Takes a release into service. Calls that run finish on the one that they began with.
    pub(super) fn adopt(&self, image: &Arc<Image>, manifest: &Manifest, inspector: Inspector) {
        let mut apps = self.serving.write();
        let enabled = apps
            .running
            .get(&manifest.app_name)
            .is_none_or(|before| before.enabled);
        let app = App {
            image: Arc::clone(image),
            inspector,
            required_permission: manifest.required_permission.as_deref().map(Arc::from),
            enabled,
        };
        apps.starting.remove(&manifest.app_name);
        apps.running.insert(manifest.app_name.clone(), app);
    }

    pub(super) fn set_enabled(&self, app: &AppName, enabled: bool) {
        if let Some(found) = self.serving.write().running.get_mut(app) {
            found.enabled = enabled;
        }
    }

    /// Takes an app out of service.
    pub(super) fn remove(&self, app: &AppName) {
        let mut apps = self.serving.write();
        apps.starting.remove(app);
        apps.running.remove(app);
    }
}
