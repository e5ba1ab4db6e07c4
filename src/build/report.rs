//! What the builder said, in words for the app's author.

use serde::Deserialize;

use crate::launch::Ended;

/// Begins the line in which the SDK says why a bundle cannot run.
const MARKER: &str = "skep-build-error: ";
/// How much of an unknown failure is shown.
const LAST_LINES: usize = 12;

#[derive(Deserialize)]
struct Report {
    file: String,
    line: u32,
    name: String,
    message: String,
    trace: String,
}

/// Says why a build failed.
pub(super) fn describe(ended: &Ended) -> String {
    let reported = ended
        .said
        .lines()
        .find_map(|line| line.split_once(MARKER))
        .and_then(|(_, json)| serde_json::from_str::<Report>(json).ok());
    match reported {
        Some(report) => report.text(),
        None => format!(
            "{}; the builder's last words:\n{}",
            ended.status,
            last_lines(&ended.said)
        ),
    }
}

impl Report {
    fn text(&self) -> String {
        let place = match self.line {
            0 => self.file.clone(),
            line => format!("{}, line {line}", self.file),
        };
        let text = format!("{place}: {}: {}", self.name, self.message);
        match self.trace.trim_end() {
            "" => text,
            trace => format!("{text}\n{trace}"),
        }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LAST_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn output(stderr: &str) -> Ended {
        Ended {
            status: ExitStatus::from_raw(256),
            said: stderr.to_owned(),
        }
    }

    #[test]
    fn the_sdks_report_names_file_and_line() {
        let text = describe(&output(
            "noise\nskep-build-error: {\"file\":\"main.py\",\"line\":3,\"name\":\"NameError\",\
             \"message\":\"name 'x' is not defined\",\"trace\":\"\"}\nmore noise",
        ));

        assert_eq!(text, "main.py, line 3: NameError: name 'x' is not defined");
    }

    #[test]
    fn any_other_failure_shows_the_builders_last_words() {
        let text = describe(&output("one\ntwo"));

        assert_eq!(text, "exit status: 1; the builder's last words:\none\ntwo");
    }
}
