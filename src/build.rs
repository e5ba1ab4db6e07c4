//! Makes a component of a Python bundle, on the author's machine and at deploy alike.
//!
//! The work is done by the command `componentize-py`, in a process of its own that gets no
//! environment, no network and bounds on memory, CPU time and files. It runs the bundle's
//! module-level code, itself inside WebAssembly.

mod locate;
mod report;

pub(crate) use locate::{BuilderMissing, locate};

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rust_embed::RustEmbed;

use crate::app::{Bundle, BundlePath};
use crate::launch::{self, DeathSignal, Restrictions};
use crate::store::blobs;
use report::describe;

/// What the building process may use.
const MEMORY_BYTES: u64 = 8 << 30;
const CPU_SECONDS: u64 = 180;
const FILE_BYTES: u64 = 512 << 20;
const WALL: Duration = Duration::from_secs(300);
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
    #[error("the app does not build within {} s", WALL.as_secs())]
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
        std::fs::create_dir_all(&self.work)?;
        let folder = tempfile::Builder::new()
            .prefix("build-")
            .tempdir_in(&self.work)?;
        let root = std::path::absolute(folder.path())?;
        if let Some((path, _)) = bundle
            .files()
            .find(|(path, _)| path.file_name() == BUILDER_FILE)
        {
            return Err(BuildError::App(format!(
                "`{}` would steer the builder: remove it from the bundle",
                path.as_str()
            )));
        }
        stage(&root, bundle)?;
        std::fs::create_dir_all(root.join("nothing/lib/site-packages"))?;

        let restrictions = Restrictions {
            umask: Some(0o077),
            limit_memory: Some(MEMORY_BYTES),
            limit_cpu: Some(CPU_SECONDS),
            limit_files: Some(1_024),
            limit_file_size: Some(FILE_BYTES),
            chdir: Some(root.clone()),
            no_network: true,
            ..Restrictions::default()
        }
        .dying_with_us(DeathSignal::Kill);
        let mut command = restrictions.command(&launch::own_binary(), &self.command);
        command
            .args(["-q", "-d", "wit", "-w", "skep:app/python", "componentize"])
            .args([
                "-p",
                "sdk",
                "-p",
                "compat",
                "-p",
                "staging",
                "-o",
                "component.wasm",
                "skep._app",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = launch::spawn(command).await?;
        let output = tokio::time::timeout(WALL, child.wait_with_output())
            .await
            .map_err(|_| BuildError::TooSlow)??;
        if !output.status.success() {
            return Err(BuildError::App(describe(&output)));
        }
        Ok(std::fs::read(root.join("component.wasm"))?)
    }
}

/// Lays out what the builder reads: the world, the SDK, and the bundle between them.
fn stage(root: &Path, bundle: &Bundle) -> std::io::Result<()> {
    for (name, file) in sources() {
        write(root, &name, &file)?;
    }
    for (path, contents) in bundle.files() {
        write(root, &staged(path), contents)?;
    }
    Ok(())
}

fn staged(path: &BundlePath) -> String {
    format!("staging/skep_bundle/{}", path.as_str())
}

fn write(root: &Path, name: &str, contents: &[u8]) -> std::io::Result<()> {
    let path = root.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, contents)
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
