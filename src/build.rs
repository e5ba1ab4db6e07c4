//! Makes a component of a Python bundle, on the author's machine and at deploy alike.
//!
//! The work is done by the command `componentize-py`, in a [`Workshop`]: a process of its own
//! that gets no environment, no network, no file but its own, and bounds on all it uses. It
//! runs the bundle's module-level code, itself inside WebAssembly.

mod locate;
mod report;
mod runtime;

pub(crate) use locate::{BuilderMissing, locate};

use std::path::{Path, PathBuf};
use std::time::Duration;

use rust_embed::RustEmbed;

use crate::app::{Bundle, BundlePath};
use crate::launch::{Limits, Task, Workshop};
use crate::store::blobs;
use report::describe;

/// What the building process may use.
const LIMITS: Limits = Limits {
    wall: Duration::from_secs(300),
    memory: 8 << 30,
    cpu: 180,
    files: 1_024,
    file_size: 512 << 20,
    processes: 1_024,
};
/// The largest component.
const COMPONENT_BYTES: u64 = 512 << 20;
const COMPONENT: &str = "component.wasm";
/// Wherever the builder finds this file, it follows the paths in it.
const BUILDER_FILE: &str = "componentize-py.toml";

#[derive(RustEmbed)]
#[folder = "sdk-py/src"]
#[include = "*.py"]
struct Sdk;

#[derive(RustEmbed)]
#[folder = "sdk-py/compat"]
#[include = "*.py"]
struct Compat;

#[derive(RustEmbed)]
#[folder = "wit"]
struct Wit;

/// Builds components of Python bundles with one builder command.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    command: PathBuf,
    work: PathBuf,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The author can mend it; the text names the file and line where it can.
    #[error("the app does not build: {0}")]
    App(String),
    #[error("the app does not build within {} s", LIMITS.wall.as_secs())]
    TooSlow,
    #[error(transparent)]
    Missing(#[from] BuilderMissing),
    /// Ours.
    #[error("the builder could not be run: {0}")]
    Io(#[from] std::io::Error),
}

impl Builder {
    /// A builder that works in a new folder below `work` each time.
    pub(crate) fn new(command: PathBuf, work: PathBuf) -> Self {
        Self { command, work }
    }

    /// The digest of everything that decides what comes out, for remembering it.
    pub(crate) fn recipe(bundle: &Bundle) -> String {
        let mut parts = vec![bundle.digest(), env!("CARGO_PKG_VERSION").to_owned()];
        for (name, file) in sources() {
            parts.push(name);
            parts.push(blobs::digest(&file));
        }
        blobs::digest(parts.join("\n").as_bytes())
    }

    /// Builds a bundle; what comes back is the component.
    ///
    /// # Errors
    ///
    /// When the bundle's code fails while it is loaded, or the builder cannot be run.
    pub(crate) async fn build(&self, bundle: &Bundle) -> Result<Vec<u8>, BuildError> {
        if let Some((path, _)) = bundle
            .files()
            .find(|(path, _)| path.file_name() == BUILDER_FILE)
        {
            return Err(BuildError::App(format!(
                "`{}` would steer the builder: remove it from the bundle",
                path.as_str()
            )));
        }
        let read = runtime::of(&self.command)?;
        let (work, bundle) = (self.work.clone(), bundle.clone());
        let staged = tokio::task::spawn_blocking(move || stage(&work, &bundle));
        let workshop = staged.await.map_err(std::io::Error::other)??;
        let built = self.build_in(&workshop, read).await;
        workshop.close().await;
        built
    }

    async fn build_in(
        &self,
        workshop: &Workshop,
        read: Vec<PathBuf>,
    ) -> Result<Vec<u8>, BuildError> {
        let task = Task {
            program: &self.command,
            arguments: &[
                "-q",
                "-d",
                "wit",
                "-w",
                "skep:app/python",
                "componentize",
                "-p",
                "sdk",
                "-p",
                "compat",
                "-p",
                "staging",
                "-o",
                COMPONENT,
                "skep._app",
            ],
            limits: LIMITS,
            read,
        };
        let ended = workshop.run(task).await?.ok_or(BuildError::TooSlow)?;
        if !ended.status.success() {
            return Err(BuildError::App(describe(&ended)));
        }
        Ok(workshop.take(COMPONENT, COMPONENT_BYTES)?)
    }
}

/// Lays out what the builder reads: the world, the SDK, and the bundle between them.
fn stage(work: &Path, bundle: &Bundle) -> std::io::Result<Workshop> {
    let workshop = Workshop::open(work, "build-")?;
    for (name, file) in sources() {
        workshop.write(&name, &file)?;
    }
    for (path, contents) in bundle.files() {
        workshop.write(&staged(path), contents)?;
    }
    workshop.make_folder("nothing/lib/site-packages")?;
    Ok(workshop)
}

fn staged(path: &BundlePath) -> String {
    format!("staging/skep_bundle/{}", path.as_str())
}

/// The files that are the same in every build.
fn sources() -> impl Iterator<Item = (String, Vec<u8>)> {
    fn of<T: RustEmbed>(below: &'static str) -> impl Iterator<Item = (String, Vec<u8>)> {
        T::iter().filter_map(move |name| {
            let file = T::get(&name)?;
            Some((format!("{below}/{name}"), file.data.into_owned()))
        })
    }
    of::<Sdk>("sdk")
        .chain(of::<Compat>("compat"))
        .chain(of::<Wit>("wit"))
}
