//! `skep logs`: shows and follows what apps have logged.

mod line;
mod since;

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

pub(super) use self::since::Since;

pub(super) use self::line::Line;
use super::client::{Client, ClientError, Events, segment};
use super::output::Output;
use crate::services::Clock;

/// Show what an app has logged, the newest last, and follow what comes
///
/// Each line has its time, level and source: `log` (the app's own word, Python's logging
/// included), `stdout`, `stderr`, `failure` (why a call failed, with its traceback) or `host`.
/// Control characters in messages are shown as escapes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's name; all apps, if not said
    app: Option<String>,
    /// Go on with new lines until Ctrl-C
    #[arg(short, long, conflicts_with = "until")]
    follow: bool,
    /// Only lines of this level or above
    #[arg(long, value_parser = ["debug", "info", "warn", "error"])]
    level: Option<String>,
    /// Only lines from here
    #[arg(long, value_parser = ["log", "stdout", "stderr", "failure", "host"])]
    source: Option<String>,
    /// Only lines that are not older than this: 30s, 15m, 2h, 7d, or 2026-11-21T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Only lines that are older than this
    #[arg(long, value_name = "TIME")]
    until: Option<Since>,
    /// Only lines of this call: the `X-Request-Id` of its answer, as `skep calls --json` shows it
    #[arg(long, value_name = "ID")]
    call: Option<Uuid>,
    /// Only lines of this job
    #[arg(long, value_name = "ID")]
    job: Option<Uuid>,
    /// Only lines with this text in the message or the detail
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// How many of the lines that are there already
    #[arg(short = 'n', long = "number", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    number: u32,
    /// Print JSON: one line each, with all that is known of it
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Page {
    lines: Vec<Value>,
    next: Option<String>,
    newest: i64,
}

/// The most lines that the server gives at once.
const PAGE: u32 = 1_000;
/// Between two tries to reach the server again.
const PAUSE: Duration = Duration::from_secs(2);

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        let colours = !self.json && io::stdout().is_terminal();
        self.show(client, &mut output, colours).await
    }

    async fn show(
        &self,
        client: &Client,
        output: &mut Output,
        colours: bool,
    ) -> anyhow::Result<()> {
        let filter = self.filter(&Clock::system())?;
        let (lines, newest) = self.past(client, &filter).await?;
        if lines.is_empty() && !self.follow {
            output.line("no such lines")?;
        }
        for line in &lines {
            self.print(output, line, colours)?;
        }
        if self.follow {
            self.follow(client, &self.shared_filter()?, newest, output, colours)
                .await?;
        }
        Ok(())
    }

    /// The lines that are there, oldest first, and the number of the newest of all.
    async fn past(&self, client: &Client, filter: &str) -> anyhow::Result<(Vec<Value>, i64)> {
        let mut lines = Vec::new();
        let mut before = None;
        let mut newest = None;
        loop {
            let wanted = self.number - u32::try_from(lines.len()).unwrap_or(self.number);
            let mut path = format!("/api/logs?limit={}{filter}", wanted.clamp(1, PAGE));
            if let Some(before) = before {
                write!(path, "&before={before}")?;
            }
            let page: Page = client.get(&path).await?;
            // Of the first page: what came later is not among these lines.
            let newest = *newest.get_or_insert(page.newest);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            lines.extend(page.lines.into_iter().take(wanted));
            before = page.next;
            if before.is_none() || lines.len() >= usize::try_from(self.number).unwrap_or_default() {
                lines.reverse();
                return Ok((lines, newest));
            }
        }
    }

    /// Prints new lines for ever, also when the server was away meanwhile.
    async fn follow(
        &self,
        client: &Client,
        filter: &str,
        mut after: i64,
        output: &mut Output,
        colours: bool,
    ) -> anyhow::Result<()> {
        loop {
            let path = format!("/api/logs/follow?after={after}{filter}");
            match client.stream(&path).await.map(Events::new) {
                Ok(events) => {
                    self.print_events(events, &mut after, output, colours)
                        .await?
                }
                // It restarts, or has too many followers for now.
                Err(
                    ClientError::Unreachable { .. }
                    | ClientError::Broken { .. }
                    | ClientError::Refused {
                        status: StatusCode::SERVICE_UNAVAILABLE,
                        ..
                    },
                ) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn print_events(
        &self,
        mut events: Events,
        after: &mut i64,
        output: &mut Output,
        colours: bool,
    ) -> anyhow::Result<()> {
        while let Some(event) = events.next().await {
            if let Some(id) = event.id.and_then(|id| id.parse().ok()) {
                *after = id;
            }
            if let Some(data) = event.data {
                self.print(output, &serde_json::from_str(&data)?, colours)?;
            }
        }
        Ok(())
    }

    fn print(&self, output: &mut Output, line: &Value, colours: bool) -> anyhow::Result<()> {
        let text = if self.json {
            String::new()
        } else {
            let line: Line = serde_json::from_value(line.clone())?;
            line.text(self.app.is_none(), colours)?
        };
        Ok(output.event(line, &text)?)
    }

    /// What narrows the lines down, as the end of a query.
    fn filter(&self, clock: &Clock) -> anyhow::Result<String> {
        let mut query = self.shared_filter()?;
        for (key, time) in [("since", &self.since), ("until", &self.until)] {
            if let Some(time) = time {
                let time = time.before(clock.now())?;
                write!(query, "&{key}={}", segment(&time))?;
            }
        }
        Ok(query)
    }

    fn shared_filter(&self) -> Result<String, std::fmt::Error> {
        let (call, job) = (self.call, self.job);
        let mut query = String::new();
        for (key, value) in [
            ("app", self.app.clone()),
            ("level", self.level.clone()),
            ("source", self.source.clone()),
            ("call", call.map(|id| id.to_string())),
            ("job", job.map(|id| id.to_string())),
            ("q", self.grep.clone()),
        ] {
            if let Some(value) = value {
                write!(query, "&{key}={}", segment(&value))?;
            }
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests;
