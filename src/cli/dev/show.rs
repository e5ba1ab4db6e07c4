//! What `skep dev` shows: deploys, calls and logs as they come.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::cell::{Ending, Record};
use crate::cli::logs::Line;
use crate::cli::terminal::{harmless, on_one_line};
use crate::deploy::Report;
use crate::ids::AppName;
use crate::live::Word;
use crate::store::logs::NewLine;

/// How things are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Show {
    /// Whether there is more than one app, so that each has to be named.
    pub(super) many: bool,
    pub(super) colours: bool,
}

impl Show {
    /// Shows calls and logs, until the server is gone.
    pub(super) async fn follow(self, mut words: Receiver<Word>) {
        loop {
            match words.recv().await {
                // How a deploy went is told by itself.
                Ok(Word::Ended(record)) if record.entry == "load" => {}
                Ok(Word::Ended(record)) => println!("{}", self.call(&record)),
                Ok(Word::Line(line)) => self.line(&line),
                Ok(Word::Deployed(_) | Word::Failed(..)) => {}
                Err(RecvError::Lagged(missed)) => {
                    println!("  {missed} calls and lines came too fast to be shown");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn line(self, line: &NewLine) {
        match Line::from(line).text(self.many, self.colours) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("a line of the log cannot be shown: {error}"),
        }
    }

    /// One line about a call that is over.
    fn call(self, call: &Record) -> String {
        let receipt = &call.receipt;
        let mark = match (call.ending, self.colours) {
            (Ending::Ok, true) => "\x1b[32m✓\x1b[0m",
            (_, true) => "\x1b[31m✗\x1b[0m",
            (Ending::Ok, false) => "✓",
            (_, false) => "✗",
        };
        let app = if self.many {
            format!(" {}", call.app)
        } else {
            String::new()
        };
        let caller = call
            .caller
            .as_ref()
            .map_or(String::new(), |caller| format!(" by {}", caller.username));
        let ending = match (call.ending, &call.error) {
            (Ending::Ok, _) => String::new(),
            // What it said is in the log, which is shown just before.
            (ending @ Ending::AppError, _) | (ending, None) => format!("  {ending}"),
            (ending, Some(error)) => format!("  {ending}: {error}"),
        };
        let mebibytes = receipt.memory.div_ceil(1024 * 1024);
        let text = format!(
            "{app} {}{caller}  {}  database {} for {} and {}  {mebibytes} MiB{ending}",
            call.entry,
            milliseconds(receipt.wall()),
            milliseconds(receipt.database.waited),
            counted(receipt.database.statements.into(), "statement"),
            counted(receipt.database.rows, "row"),
        );
        format!("{mark}{}", on_one_line(&text))
    }
}

/// Shows that a release serves, and what its author should know of it and was not told of the
/// one before; what comes back is all of that.
pub(super) fn deployed(report: &Report, took: Duration, told: &[String]) -> Vec<String> {
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    for warning in warnings.iter().filter(|warning| !told.contains(warning)) {
        println!("{}", harmless(&format!("  warning: {warning}")));
    }
    for grant in &report.plan.grants.added {
        let text = format!("  consented for you: {grant}; on a server an operator has to");
        println!("{}", harmless(&text));
    }
    let Report { app, number, .. } = report;
    println!("⟳ {app} runs as release {number} ({})", milliseconds(took));
    warnings
}

/// Shows that a change does not run.
pub(super) fn failed(app: &AppName, why: &str) {
    println!("{}", harmless(&format!("✗ {app}: {why}")));
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1_000.0)
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cell::Receipt;
    use crate::ids::{CallId, ReleaseId};

    #[test]
    fn a_call_is_one_line_whatever_it_says() {
        let record = Record {
            id: CallId(Uuid::nil()),
            app: "shop".parse().unwrap(),
            release: ReleaseId(Uuid::nil()),
            entry: "execute",
            job: None,
            caller: None,
            ending: Ending::Crashed,
            error: Some("a\nb\x1b[2J".to_owned()),
            receipt: Receipt {
                run: Duration::from_millis(38),
                memory: 3 * 1024 * 1024 + 1,
                ..Receipt::default()
            },
        };
        let show = Show {
            many: true,
            colours: false,
        };

        assert_eq!(
            show.call(&record),
            "✗ shop execute  38 ms  database 0 ms for 0 statements and 0 rows  4 MiB  crashed: \
             a\\nb\\u{1b}[2J"
        );
    }
}
