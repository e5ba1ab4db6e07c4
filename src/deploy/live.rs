//! Apps that run from their sources, where they are developed: one component runs all that are
//! written in Python, so that none of them needs a build.

use std::path::{Path, PathBuf};

use super::{DeployError, Deployer, unpack};
use crate::app::{Backend, Bundle, Language};
use crate::build::Builder;
use crate::ids::ReleaseId;
use crate::store::releases;

impl Deployer {
    /// Where the component is kept that runs apps of this kind from their sources, if they do.
    pub(super) fn live(&self, backend: Backend) -> Option<&Path> {
        let is_python = backend.language() == Some(Language::Python);
        self.0.live.as_deref().filter(|_| is_python)
    }

    /// What the cells of a bundle's release must find, if it runs from its sources.
    pub(super) fn sources(&self, bundle: &Bundle, backend: Backend) -> Option<Bundle> {
        self.live(backend).map(|_| bundle.clone())
    }

    /// The same of a release that is stored.
    pub(super) async fn stored_sources(
        &self,
        release: ReleaseId,
    ) -> Result<Option<Bundle>, DeployError> {
        if self.0.live.is_none() {
            return Ok(None);
        }
        let Some(digest) = releases::bundle_of(self.0.store.pool(), release).await? else {
            return Ok(None);
        };
        let (_, bundle) = unpack(self.blob(&digest).await?).await?;
        let backend = Backend::find(&bundle, None).map_err(internal)?;
        Ok(self.sources(&bundle, backend))
    }

    /// Whether what runs apps from their sources has yet to be built, which takes a while.
    pub(crate) fn must_build_live(&self) -> bool {
        let kept = self.0.live.as_deref().map(kept);
        kept.is_some_and(|file| !file.is_file())
    }

    /// The component that runs apps from their sources: kept in a folder, or built.
    pub(super) async fn live_component(&self, folder: &Path) -> Result<Vec<u8>, DeployError> {
        let file = kept(folder);
        if let Ok(component) = tokio::fs::read(&file).await {
            return Ok(component);
        }
        let component = self.builder().build_live().await?;
        let (folder, kept) = (folder.to_owned(), component.clone());
        let keep = tokio::task::spawn_blocking(move || keep(&folder, &file, &kept));
        keep.await.map_err(internal)?.map_err(internal)?;
        Ok(component)
    }
}

fn kept(folder: &Path) -> PathBuf {
    folder.join(format!("live-{}.wasm", Builder::live_recipe()))
}

/// Others who do the same at once see a whole file, or none.
fn keep(folder: &Path, file: &Path, component: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut staged = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut staged, component)?;
    staged.persist(file)?;
    Ok(())
}

fn internal(error: impl Into<anyhow::Error>) -> DeployError {
    DeployError::Internal(error.into())
}
