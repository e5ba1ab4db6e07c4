//! Tells when something in an app's folder has changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use tokio::sync::mpsc;

use crate::app::Bundle;

/// Changes that follow each other so closely are one: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(40);

/// Watches folders with all that is in them, but for what never goes into a bundle.
pub(super) struct Watch {
    roots: Vec<PathBuf>,
    debouncer: Debouncer<RecommendedWatcher>,
    changes: mpsc::UnboundedReceiver<DebounceEventResult>,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    ///
    /// When a folder cannot be watched.
    pub(super) fn start(roots: impl Iterator<Item = PathBuf>) -> anyhow::Result<Self> {
        let (tell, changes) = mpsc::unbounded_channel();
        let debouncer = new_debouncer(QUIET, move |events| {
            // Nobody listens any more: it is over.
            let _ = tell.send(events);
        })
        .context("changes of files cannot be watched")?;
        let mut watch = Self {
            roots: roots.collect(),
            debouncer,
            changes,
        };
        watch.look_around()?;
        Ok(watch)
    }

    /// Waits until something has changed.
    ///
    /// # Errors
    ///
    /// When no folder can be watched any more.
    pub(super) async fn changed(&mut self) -> anyhow::Result<()> {
        let events = self.changes.recv().await.context("the watcher has ended")?;
        // Which files they were does not matter: the whole folder is read again. What came
        // meanwhile is in it, too.
        drop(events);
        while self.changes.try_recv().is_ok() {}
        self.look_around()
    }

    /// Watches every folder that there is now. Each is watched by itself, because some of them
    /// must not be: the database changes all the time.
    fn look_around(&mut self) -> anyhow::Result<()> {
        let mut folders = self.roots.clone();
        while let Some(folder) = folders.pop() {
            // Again for those that are watched already: one may be gone, and another have its name.
            self.watch(&folder)?;
            folders.extend(inside(&folder));
        }
        Ok(())
    }

    fn watch(&mut self, folder: &Path) -> anyhow::Result<()> {
        let watched = self
            .debouncer
            .watcher()
            .watch(folder, RecursiveMode::NonRecursive);
        match watched {
            Err(_) if !folder.exists() && self.roots.iter().any(|root| root == folder) => {
                bail!("the folder `{}` is gone", folder.display())
            }
            // It was removed just now.
            Err(_) if !folder.exists() => Ok(()),
            watched => watched.with_context(|| format!("`{}` cannot be watched", folder.display())),
        }
    }
}

/// The folders in a folder that go into a bundle. One that cannot be read has none: reading the
/// bundle says so.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_none_or(|name| !Bundle::leaves_out_folder(name))
        })
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A change that must be seen; a test that waits for ever has failed.
    async fn seen(watch: &mut Watch) {
        watch.changed().await.unwrap();
    }

    #[tokio::test]
    async fn changes_are_seen_in_folders_that_are_new_too() {
        let root = tempfile::tempdir().unwrap();
        let mut watch = Watch::start([root.path().to_owned()].into_iter()).unwrap();

        fs::write(root.path().join("main.py"), "a").unwrap();
        seen(&mut watch).await;
        fs::create_dir(root.path().join("lib")).unwrap();
        seen(&mut watch).await;
        fs::write(root.path().join("lib/tools.py"), "a").unwrap();
        seen(&mut watch).await;
        fs::remove_dir_all(root.path().join("lib")).unwrap();
        seen(&mut watch).await;
        fs::create_dir(root.path().join("lib")).unwrap();
        seen(&mut watch).await;
    }

    #[tokio::test]
    async fn a_folder_that_goes_is_named() {
        let root = tempfile::tempdir().unwrap();
        let app = root.path().join("app");
        fs::create_dir(&app).unwrap();
        let mut watch = Watch::start([app.clone()].into_iter()).unwrap();

        fs::rename(&app, root.path().join("other")).unwrap();

        // The first event may come before it is gone.
        let error = loop {
            if let Err(error) = watch.changed().await {
                break error.to_string();
            }
        };
        assert_eq!(error, format!("the folder `{}` is gone", app.display()));
    }

    #[test]
    fn what_tools_keep_is_not_watched() {
        let root = tempfile::tempdir().unwrap();
        for folder in [".git", "lib", "node_modules", "__pycache__"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }

        assert_eq!(inside(root.path()), [root.path().join("lib")]);
    }
}
