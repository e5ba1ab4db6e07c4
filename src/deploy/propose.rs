//! What a bundle asks for and would change, against the release that serves.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Component;

use super::plan::{self, Active, Side, Warning};
use super::reach::Reach;
use super::settings::bounds;
use super::{DeployError, Deployer, Plan, unpack};
use crate::app::{Backend, Bundle, Finding, Grants, Manifest};
use crate::store::{apps, blobs};

/// A bundle, looked at.
pub(super) struct Proposal {
    pub(super) plan: Plan,
    /// All that it asks for: what it has once somebody has consented.
    pub(super) granted: Arc<Grants>,
    pub(super) warnings: Vec<Finding>,
}

impl Deployer {
    /// Looks at a bundle and its component, as things are now; `found` is what its author should
    /// mend.
    ///
    /// # Errors
    ///
    /// When it asks for what no app can have, or would create what another app has.
    pub(super) async fn propose(
        &self,
        manifest: &Manifest,
        bundle: Bundle,
        backend: Backend,
        compiled: &Component,
        found: Vec<Warning>,
    ) -> Result<Proposal, DeployError> {
        self.check_names(manifest).await?;
        let Reach { foreign, warnings } = self.reach(manifest).await?;
        let bounds = bounds(self.0.cells.limits());
        let granted = Arc::new(Grants::asked(manifest, &foreign, bounds));

        let capabilities = self.0.cells.capabilities(compiled);
        let before = match apps::find(self.0.store.pool(), &manifest.app_name).await? {
            None => None,
            Some(row) => {
                let (_, bundle) = unpack(self.blob(&row.bundle).await?).await?;
                let compiled = self.compiled(&row.component).await?;
                Some((row, bundle, self.0.cells.capabilities(&compiled)))
            }
        };
        let (manifest, asked) = (manifest.clone(), Arc::clone(&granted));
        // Reading the sources takes a while.
        let compared = tokio::task::spawn_blocking(move || {
            let next = Side {
                manifest: &manifest,
                bundle: &bundle,
                grants: &asked,
                capabilities,
            };
            let before = before.as_ref().map(|(row, bundle, capabilities)| {
                let active = Active {
                    release: row.number,
                    version: row.version.clone(),
                    digest: row.digest.clone(),
                };
                let side = Side {
                    manifest: &row.manifest,
                    bundle,
                    grants: &row.granted,
                    capabilities: capabilities.clone(),
                };
                (active, side)
            });
            plan::compare(&next, before, backend, bounds).with_warnings(found)
        });
        let plan = compared
            .await
            .map_err(|error| DeployError::Internal(error.into()))?;
        Ok(Proposal {
            plan,
            granted,
            warnings,
        })
    }

    /// Bytes that a release needs, so that they must be there.
    pub(super) async fn blob(&self, digest: &str) -> Result<Bytes, DeployError> {
        let found = blobs::find(self.0.store.pool(), digest).await?;
        let missing = || DeployError::Internal(anyhow::anyhow!("no blob {digest}"));
        Ok(found.ok_or_else(missing)?.into())
    }
}
