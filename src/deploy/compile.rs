//! Compiles a component in a process of its own, or finds it compiled.

use std::process::Stdio;
use std::time::Duration;

use wasmtime::component::Component;

use super::{DeployError, Deployer};
use crate::cell::compile::{CPU_SECONDS, MEMORY_BYTES};
use crate::launch::{self, DeathSignal, Restrictions};

/// The longest that a compilation may take.
const WALL: Duration = Duration::from_secs(180);
/// The largest compiled component.
const CODE_BYTES: u64 = 1 << 30;

impl Deployer {
    /// A component's machine code, from the cache where it is there.
    pub(super) async fn compile(
        &self,
        digest: &str,
        component: &[u8],
    ) -> Result<Component, DeployError> {
        let cells = self.0.cells.clone();
        let name = digest.to_owned();
        let cached = tokio::task::spawn_blocking(move || cells.cached(&name));
        if let Some(compiled) = cached.await.map_err(internal)? {
            return Ok(compiled);
        }

        let code = self.compile_apart(component).await?;
        let cells = self.0.cells.clone();
        let name = digest.to_owned();
        let kept = tokio::task::spawn_blocking(move || cells.keep(&name, &code));
        Ok(kept.await.map_err(internal)?.map_err(internal)??)
    }

    async fn compile_apart(&self, component: &[u8]) -> Result<Vec<u8>, DeployError> {
        std::fs::create_dir_all(&self.0.work).map_err(internal)?;
        let folder = tempfile::Builder::new()
            .prefix("compile-")
            .tempdir_in(&self.0.work)
            .map_err(internal)?;
        let root = std::path::absolute(folder.path()).map_err(internal)?;
        tokio::fs::write(root.join("in"), component)
            .await
            .map_err(internal)?;

        let restrictions = Restrictions {
            umask: Some(0o077),
            limit_memory: Some(MEMORY_BYTES),
            limit_cpu: Some(CPU_SECONDS),
            limit_files: Some(256),
            limit_file_size: Some(CODE_BYTES),
            chdir: Some(root.clone()),
            no_network: true,
            ..Restrictions::default()
        }
        .dying_with_us(DeathSignal::Kill);
        let own = launch::own_binary();
        let mut command = restrictions.command(&own, &own);
        command
            .args(["compile", "in", "out"])
            .args(self.0.cells.limits().count_fuel.then_some("--count-fuel"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = launch::spawn(command).await.map_err(internal)?;
        let output = tokio::time::timeout(WALL, child.wait_with_output())
            .await
            .map_err(|_| {
                DeployError::Compile(format!(
                    "the component does not compile within {} s: make it smaller",
                    WALL.as_secs()
                ))
            })?
            .map_err(internal)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            // As our own command line begins what it says.
            let words = words.trim().trim_start_matches("error: ");
            return Err(DeployError::Compile(match words {
                "" => format!(
                    "the component does not compile within its limits ({})",
                    output.status
                ),
                words => words.to_owned(),
            }));
        }
        tokio::fs::read(root.join("out")).await.map_err(internal)
    }
}

fn internal(error: impl Into<anyhow::Error>) -> DeployError {
    DeployError::Internal(error.into())
}
