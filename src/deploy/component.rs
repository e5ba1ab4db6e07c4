//! The component of a bundle: as it came, or built from its sources.

use super::{DeployError, Deployer};
use crate::app::{Backend, Bundle, COMPONENT};
use crate::build::Builder;
use crate::store::blobs;

impl Deployer {
    /// The bundle's component, or one that is built from its sources.
    pub(super) async fn component(
        &self,
        bundle: &Bundle,
        backend: Backend,
    ) -> Result<Vec<u8>, DeployError> {
        let Some(language) = backend.language() else {
            let component = bundle.file(COMPONENT).map(|bytes| bytes.to_vec());
            return Ok(component.unwrap_or_default());
        };
        if let Some(live) = self.live(backend) {
            // What a build would refuse is told here, and not first at the release.
            Builder::check(bundle, language)?;
            return self.live_component(live).await;
        }
        let recipe = Builder::recipe(bundle, language);
        if let Some(built) = blobs::find_build(self.0.store.pool(), &recipe).await? {
            return Ok(built);
        }
        let built = self.builder().build(bundle, language).await?;
        self.remember_build(&recipe, &built).await?;
        Ok(built)
    }

    pub(super) fn builder(&self) -> Builder {
        Builder::new(self.0.builders.clone(), self.0.work.clone())
    }

    async fn remember_build(&self, recipe: &str, component: &[u8]) -> Result<(), DeployError> {
        let digest = blobs::digest(component);
        let mut tx = self.0.store.pool().begin().await?;
        blobs::keep(&mut tx, &digest, component, self.0.clock.now()).await?;
        blobs::keep_build(&mut tx, recipe, &digest).await?;
        tx.commit().await?;
        Ok(())
    }
}
