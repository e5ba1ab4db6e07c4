//! Makes a component of a bundle's sources, on the author's machine and at deploy alike.
//!
//! The work is done by another program, in a [`Workshop`]: a process of its own that gets no
//! environment, no network, no file but its own, and bounds on all it uses. It runs the
//! bundle's module-level code, itself inside WebAssembly.

mod javascript;
mod locate;
mod python;
mod report;
mod runtime;

pub(crate) use locate::BuilderMissing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rust_embed::RustEmbed;

use crate::app::{Bundle, Language};
use crate::config::Builders;
use crate::launch::{Limits, Task, Workshop};
use crate::store::blobs;
use report::describe;

/// What the building process may use.
const LIMITS: Limits = Limits {
    wall: Duration::from_secs(300),
    memory: 8 << 30,
    data: 8 << 30,
    cpu: 180,
    files: 1_024,
    file_size: 512 << 20,
    processes: 1_024,
};
/// The largest component.
const COMPONENT_BYTES: u64 = 512 << 20;
const COMPONENT: &str = "component.wasm";

#[derive(RustEmbed)]
#[folder = "wit"]
struct Wit;

/// Builds components of bundles.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    builders: Builders,
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
    pub(crate) fn new(builders: Builders, work: PathBuf) -> Self {
        Self { builders, work }
    }

    /// The digest of everything that decides what comes out, for remembering it.
    pub(crate) fn recipe(bundle: &Bundle, language: Language) -> String {
        let subject = match language {
            Language::Python => bundle.digest(),
            Language::JavaScript => javascript::digest(bundle),
        };
        recipe(subject, language)
    }

    /// The same of [`Self::build_live`].
    pub(crate) fn live_recipe() -> String {
        recipe("live".to_owned(), Language::Python)
    }

    /// Refuses what no build takes.
    ///
    /// # Errors
    ///
    /// When the author has to mend something.
    pub(crate) fn check(bundle: &Bundle, language: Language) -> Result<(), BuildError> {
        match language {
            Language::Python => python::check(bundle),
            Language::JavaScript => javascript::check(bundle),
        }
    }

    /// Builds a bundle; what comes back is the component.
    ///
    /// # Errors
    ///
    /// When the bundle's code fails while it is loaded, or the builder cannot be run.
    pub(crate) async fn build(
        &self,
        bundle: &Bundle,
        language: Language,
    ) -> Result<Vec<u8>, BuildError> {
        Self::check(bundle, language)?;
        match language {
            Language::Python => {
                let command = self.builders.componentize_py()?;
                let bundle = bundle.clone();
                let stage = move |workshop: &Workshop| python::stage(workshop, &bundle);
                let task = python::task(&command, &python::APP)?;
                self.run(language, stage, task).await
            }
            Language::JavaScript => {
                let tools = self.builders.componentize_js()?;
                let bundle = bundle.clone();
                let stage = move |workshop: &Workshop| javascript::stage(workshop, &bundle);
                self.run(language, stage, javascript::task(&tools)).await
            }
        }
    }

    /// Builds the component that runs any Python app from its sources.
    ///
    /// # Errors
    ///
    /// When the builder cannot be run.
    pub(crate) async fn build_live(&self) -> Result<Vec<u8>, BuildError> {
        let command = self.builders.componentize_py()?;
        let task = python::task(&command, &python::LIVE)?;
        self.run(Language::Python, python::stage_nothing, task)
            .await
    }

    async fn run(
        &self,
        language: Language,
        stage: impl FnOnce(&Workshop) -> std::io::Result<()> + Send + 'static,
        task: Task<'_>,
    ) -> Result<Vec<u8>, BuildError> {
        let work = self.work.clone();
        let staged = tokio::task::spawn_blocking(move || {
            let workshop = open(&work, language)?;
            stage(&workshop)?;
            std::io::Result::Ok(workshop)
        });
        let workshop = staged.await.map_err(std::io::Error::other)??;
        let built = build_in(&workshop, task).await;
        workshop.close().await;
        built
    }
}

fn recipe(subject: String, language: Language) -> String {
    let mut parts = vec![subject, env!("CARGO_PKG_VERSION").to_owned()];
    for (name, file) in sources(language) {
        parts.push(name);
        parts.push(blobs::digest(&file));
    }
    blobs::digest(parts.join("\n").as_bytes())
}

async fn build_in(workshop: &Workshop, task: Task<'_>) -> Result<Vec<u8>, BuildError> {
    let ended = workshop.run(task).await?.ok_or(BuildError::TooSlow)?;
    if !ended.status.success() {
        return Err(BuildError::App(describe(&ended)));
    }
    Ok(workshop.take(COMPONENT, COMPONENT_BYTES)?)
}

/// A workshop with what the builder reads beside the bundle: the world and the SDK.
fn open(work: &Path, language: Language) -> std::io::Result<Workshop> {
    let workshop = Workshop::open(work, "build-")?;
    for (name, file) in sources(language) {
        workshop.write(&name, &file)?;
    }
    Ok(workshop)
}

/// The files that are the same in every build.
fn sources(language: Language) -> Vec<(String, Vec<u8>)> {
    let mut sources: Vec<_> = match language {
        Language::Python => python::sources().collect(),
        Language::JavaScript => javascript::sources().collect(),
    };
    sources.extend(embedded::<Wit>("wit"));
    sources
}

fn embedded<T: RustEmbed>(below: &'static str) -> impl Iterator<Item = (String, Vec<u8>)> {
    T::iter().filter_map(move |name| {
        let file = T::get(&name)?;
        Some((format!("{below}/{name}"), file.data.into_owned()))
    })
}
