//! Tests that an app has in Python, each in a cell of its own.

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;

use super::{Stage, Tally, Verdict, judge};
use crate::cell::{CallError, Entry, Outcome};
use crate::live::Word;

/// What the component that runs apps from their sources takes for tests; see the SDK's `_tests.py`.
const TASK: &str = "skep:tests";

#[derive(Deserialize)]
struct Listed {
    tests: Vec<String>,
}

#[derive(Deserialize)]
struct Ran {
    skipped: Option<String>,
}

/// Runs the tests of a file.
pub(super) async fn run(stage: &Stage<'_>, file: &str, tally: &mut Tally) -> anyhow::Result<()> {
    let listed = ask(stage, json!({ "file": file })).await?;
    let listed: Listed = match listed.result {
        Ok(listed) => serde_json::from_str(&listed)?,
        // Its import fails, or there is no Python.
        Err(error) => {
            tally.fail(file, "(import)", &anyhow!(told(&error)));
            return Ok(());
        }
    };
    if listed.tests.is_empty() {
        let why = anyhow!("it has no tests: name functions `test_...`, or remove the file");
        tally.fail(file, "(file)", &why);
    }
    for test in &listed.tests {
        if tally.wants(file, test) {
            judge(tally, (file, test), run_one(stage, file, test)).await;
        }
    }
    Ok(())
}

async fn run_one(stage: &Stage<'_>, file: &str, test: &str) -> anyhow::Result<Verdict> {
    let mut words = stage.bench.live.listen();
    let outcome = ask(stage, json!({ "file": file, "test": test })).await?;
    match outcome.result {
        Ok(ran) => {
            let ran: Ran = serde_json::from_str(&ran).context("the answer of a test")?;
            Ok(ran.skipped.map_or(Verdict::Passed, Verdict::Skipped))
        }
        Err(error) => {
            let mut why = told(&error);
            let printed = printed(&mut words);
            if !printed.is_empty() {
                why = format!("{why}\nprinted and logged:\n{printed}");
            }
            Ok(Verdict::Failed(why))
        }
    }
}

async fn ask(stage: &Stage<'_>, data: serde_json::Value) -> anyhow::Result<Outcome> {
    let entry = Entry::Task {
        name: TASK.to_owned(),
        data: data.to_string(),
    };
    stage.bench.call(stage.app()?, entry, None).await
}

/// What was logged meanwhile; the failure itself is told by who asks.
fn printed(words: &mut Receiver<Word>) -> String {
    let mut text = String::new();
    while let Ok(word) = words.try_recv() {
        if let Word::Line(line) = word
            && line.source != "failure"
        {
            text.push_str("  ");
            text.push_str(&line.message);
            text.push('\n');
        }
    }
    text
}

/// What an author reads of a failure.
pub(super) fn told(error: &CallError) -> String {
    if let CallError::App {
        trace: Some(trace), ..
    } = error
    {
        return trace.trim_end().to_owned();
    }
    error.in_the_log()
}
