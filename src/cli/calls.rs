//! `skep calls`: shows what an app's calls used and came to.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use super::client::{Client, segment};
use super::output::Output;

/// Show an app's calls, newest first: what each came to and used
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's name
    app: String,
    /// Only calls that did not end well
    #[arg(long, conflicts_with = "outcome")]
    failed: bool,
    /// Only calls with this outcome: ok, app_error, timed_out, out_of_memory, crashed, busy, ...
    #[arg(long)]
    outcome: Option<String>,
    /// Only calls that took at least so many milliseconds
    #[arg(long, value_name = "MS")]
    slow: Option<u32>,
    /// How many
    #[arg(short = 'n', long = "number", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    number: u32,
    /// Print JSON, with all that is known of each call
    #[arg(long)]
    json: bool,
}

#[derive(Serialize, Deserialize)]
struct Calls {
    calls: Vec<Call>,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Call {
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    outcome: String,
    wall_ms: f64,
    guest_ms: f64,
    db_ms: f64,
    statements: i64,
    rows: i64,
    memory_bytes: i64,
    caller: Option<String>,
    error: Option<String>,
    #[serde(flatten)]
    rest: Value,
}

/// The most of an error that a line shows, in characters.
const ERROR_LENGTH: usize = 80;
const TIME: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        self.show(client, &mut output).await
    }

    async fn show(&self, client: &Client, output: &mut Output) -> anyhow::Result<()> {
        let found: Calls = client.get(&self.path()?).await?;
        if found.calls.is_empty() {
            output.line(&format!("no such calls of {}", self.app))?;
            if !self.json {
                return Ok(());
            }
        }
        let heads = [
            "TIME (UTC)",
            "OUTCOME",
            "WALL",
            "GUEST",
            "DB",
            "STATEMENTS",
            "ROWS",
            "MEMORY",
            "CALLER",
            "ERROR",
        ];
        let rows = found.calls.iter().map(row).collect::<Result<_, _>>()?;
        Ok(output.table(&found, heads, rows)?)
    }

    fn path(&self) -> Result<String, std::fmt::Error> {
        let mut path = format!(
            "/api/apps/{}/calls?limit={}",
            segment(&self.app),
            self.number
        );
        let failed = self.failed.then_some("failed");
        if let Some(outcome) = self.outcome.as_deref().or(failed) {
            write!(path, "&outcome={}", segment(outcome))?;
        }
        if let Some(slow) = self.slow {
            write!(path, "&slower_than_ms={slow}")?;
        }
        Ok(path)
    }
}

fn row(call: &Call) -> Result<[String; 10], time::error::Format> {
    Ok([
        call.started_at.format(TIME)?,
        call.outcome.clone(),
        milliseconds(call.wall_ms),
        milliseconds(call.guest_ms),
        milliseconds(call.db_ms),
        call.statements.to_string(),
        call.rows.to_string(),
        mebibytes(call.memory_bytes),
        call.caller.clone().unwrap_or_else(|| "-".to_owned()),
        shortened(call.error.as_deref().unwrap_or_default()),
    ])
}

fn milliseconds(time: f64) -> String {
    format!("{time:.1} ms")
}

fn mebibytes(bytes: i64) -> String {
    // Tenths are as exact as anybody reads it.
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn shortened(error: &str) -> String {
    match error.char_indices().nth(ERROR_LENGTH) {
        Some((end, _)) => format!("{}...", error.get(..end).unwrap_or(error)),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_a_person_likes_to_read() {
        let call: Call = serde_json::from_value(serde_json::json!({
            "id": "0190f1d2-0000-7000-8000-000000000001", "started_at": "2026-11-21T12:00:00.0625Z",
            "outcome": "app_error", "wall_ms": 12.345, "guest_ms": 2.0, "db_ms": 10.04,
            "statements": 3, "rows": 7, "memory_bytes": 14_155_776, "caller": null,
            "error": "ä".repeat(100),
        }))
        .unwrap();

        let cut = format!("{}...", "ä".repeat(80));
        assert_eq!(
            row(&call).unwrap(),
            [
                "2026-11-21 12:00:00.062",
                "app_error",
                "12.3 ms",
                "2.0 ms",
                "10.0 ms",
                "3",
                "7",
                "13.5 MiB",
                "-",
                &cut,
            ]
        );
    }
}
