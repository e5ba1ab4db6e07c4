//! Compiles a component in a process of its own, or finds it compiled.

use wasmtime::component::Component;

use super::{DeployError, Deployer};
use crate::cell::compile::LIMITS;
use crate::launch::{self, Task, Workshop};

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
        let (work, component) = (self.0.work.clone(), component.to_vec());
        let opened = tokio::task::spawn_blocking(move || {
            let workshop = Workshop::open(&work, "compile-")?;
            workshop.write("in", &component)?;
            std::io::Result::Ok(workshop)
        });
        let workshop = opened.await.map_err(internal)?.map_err(internal)?;
        let code = compile_in(&workshop, self.0.cells.limits().count_fuel).await;
        workshop.close().await;
        code
    }
}

async fn compile_in(workshop: &Workshop, count_fuel: bool) -> Result<Vec<u8>, DeployError> {
    let arguments: &[&str] = if count_fuel {
        &["compile", "in", "out", "--count-fuel"]
    } else {
        &["compile", "in", "out"]
    };
    let task = Task {
        program: &launch::own_binary(),
        arguments,
        limits: LIMITS,
        read: Vec::new(),
        tools: None,
    };
    let Some(ended) = workshop.run(task).await.map_err(internal)? else {
        return Err(DeployError::Compile(format!(
            "the component does not compile within {} s: make it smaller",
            LIMITS.wall.as_secs()
        )));
    };
    if !ended.status.success() {
        // As our own command line begins what it says.
        let words = ended.said.trim().trim_start_matches("error: ");
        return Err(DeployError::Compile(match words {
            "" => format!(
                "the component does not compile within its limits ({})",
                ended.status
            ),
            words => words.to_owned(),
        }));
    }
    workshop.take("out", LIMITS.file_size).map_err(internal)
}

fn internal(error: impl Into<anyhow::Error>) -> DeployError {
    DeployError::Internal(error.into())
}
