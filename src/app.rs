//! What an app is, without I/O beyond reading the bundle: its files, its manifest, its
//! backend.
//!
//! An author hands over a [`Bundle`]; [`Description::read`] says what it holds. The rules
//! carry the ids of the NodeRouter contract (`NR-B..`), or `SK-B..` where they are ours.

mod backend;
pub(crate) mod bundle;
pub(crate) mod entry;
mod finding;
pub(crate) mod frontend;
pub(crate) mod grants;
pub(crate) mod javascript;
pub(crate) mod manifest;
mod origin;
pub(crate) mod payload;
mod plain;
pub(crate) mod python;
pub(crate) mod schedule;
pub(crate) mod setting;
pub(crate) mod statement;

pub(crate) use backend::{Backend, BackendError, COMPONENT, Language};
pub(crate) use bundle::{Bundle, BundleError, BundlePath};
pub(crate) use entry::{Hook, JobEntry};
pub(crate) use finding::Finding;
pub(crate) use grants::{Grant, Grants};
pub(crate) use manifest::{Manifest, ManifestError};
pub(crate) use origin::{Origin, OriginError, Scheme};
pub(crate) use plain::plain;
pub(crate) use schedule::Schedule;
pub(crate) use setting::Setting;

/// The manifest's place in a bundle.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What a bundle says that its app is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) manifest: Manifest,
    pub(crate) backend: Backend,
    /// What the author should mend; none of it keeps the app from running.
    pub(crate) warnings: Vec<Finding>,
}

/// Why a bundle is not an app.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DescriptionError {
    #[error("manifest.json is required at the bundle root")]
    ManifestMissing,
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Description {
    /// Reads what a bundle says that its app is.
    ///
    /// # Errors
    ///
    /// When the manifest or the backend is missing or breaks the contract; the text names
    /// the place and the fix.
    pub(crate) fn read(bundle: &Bundle) -> Result<Self, DescriptionError> {
        let text = bundle
            .file(MANIFEST)
            .ok_or(DescriptionError::ManifestMissing)?;
        let parsed = manifest::noderouter::parse(text)?;
        let backend = Backend::find(bundle, parsed.script.as_deref())?;

        let mut warnings = bundle.warnings();
        warnings.extend(folder_name_warning(bundle, &parsed.manifest));
        warnings.extend(parsed.warnings);
        Ok(Self {
            manifest: parsed.manifest,
            backend,
            warnings,
        })
    }
}

fn folder_name_warning(bundle: &Bundle, manifest: &Manifest) -> Option<Finding> {
    let folder = bundle.folder_name()?;
    (folder != manifest.app_name.as_str()).then(|| {
        Finding::new(
            "NR-B05",
            format!(
                "the folder is named `{folder}`, the app `{}`: give both the same name",
                manifest.app_name
            ),
        )
    })
}

#[cfg(test)]
mod tests;
