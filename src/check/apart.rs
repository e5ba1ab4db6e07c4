//! Checks sources in a process of its own, which what nests too deeply ends instead of us.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::problem::Problem;
use super::rules::bundle as rules;
use super::sources::{self, FILE_BYTES};
use crate::app::{Bundle, MANIFEST};
use crate::launch::{self, Limits, Task, Workshop};

/// What the checking process may use. An app of fifty files takes some 30 ms of it.
const LIMITS: Limits = Limits {
    wall: Duration::from_secs(60),
    memory: 4 << 30,
    data: 2 << 30,
    cpu: 40,
    files: 64,
    file_size: ANSWER_BYTES,
    processes: 1_024,
};
const ANSWER_BYTES: u64 = 16 << 20;
const INPUT: &str = "in.zip";
const OUTPUT: &str = "out.json";

/// Looks at the files of a bundle. `work` is where the process gets its folder.
///
/// # Errors
///
/// When the process cannot be started. That it does not come to an end is a problem of the bundle.
pub(crate) async fn sources(work: &Path, bundle: &Bundle) -> io::Result<Vec<Problem>> {
    let (work, bundle) = (work.to_owned(), bundle.clone());
    let staged = tokio::task::spawn_blocking(move || {
        let zip = outline(&bundle).to_zip().map_err(io::Error::other)?;
        let workshop = Workshop::open(&work, "check-")?;
        workshop.write(INPUT, &zip)?;
        io::Result::Ok(workshop)
    });
    let workshop = staged.await.map_err(io::Error::other)??;
    let found = sources_in(&workshop).await;
    workshop.close().await;
    found
}

async fn sources_in(workshop: &Workshop) -> io::Result<Vec<Problem>> {
    let task = Task {
        program: &launch::own_binary(),
        arguments: &["check-sources", INPUT, OUTPUT],
        limits: LIMITS,
        read: Vec::new(),
        tools: None,
    };
    let why = match workshop.run(task).await? {
        None => format!("it takes more than {} s", LIMITS.wall.as_secs()),
        Some(ended) if !ended.status.success() => {
            tracing::warn!(status = %ended.status, said = ended.said.trim(), "sources not checked");
            "a source nests too deeply, or takes too much memory".to_owned()
        }
        Some(_) => {
            let answer = workshop.take(OUTPUT, ANSWER_BYTES)?;
            return serde_json::from_slice(&answer).map_err(io::Error::other);
        }
    };
    Ok(vec![Problem::new(&rules::NOT_CHECKED, why)])
}

/// What the hidden command `skep check-sources IN OUT` does.
///
/// # Errors
///
/// When a file cannot be read or written.
pub(crate) fn check_file(input: &Path, output: &Path) -> anyhow::Result<()> {
    let bundle = Bundle::from_zip(&std::fs::read(input)?)?;
    let problems = super::sources(&bundle);
    std::fs::write(output, serde_json::to_vec(&problems)?)?;
    Ok(())
}

/// The bundle with what is read of it: sources and the manifest, of the rest the names alone.
fn outline(bundle: &Bundle) -> Bundle {
    let mut outline = bundle.clone();
    for (path, contents) in bundle.files() {
        let is_read = sources::is_source(path.as_str()) || path.as_str() == MANIFEST;
        // One byte more shows that it is too large.
        let most = if is_read { FILE_BYTES * 4 + 1 } else { 0 };
        if contents.len() > most {
            outline.insert(path.clone(), contents.slice(..most));
        }
    }
    outline
}
