//! A line of a log as a person reads it.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use uuid::Uuid;

use crate::capability::log::Level;
use crate::cli::terminal::acts;
use crate::store::logs::NewLine;

const TIME: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");

#[derive(Deserialize)]
pub(in crate::cli) struct Line {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    app: String,
    call: Uuid,
    job: Option<Uuid>,
    level: String,
    source: String,
    message: String,
    detail: Option<Value>,
}

impl From<&NewLine> for Line {
    fn from(line: &NewLine) -> Self {
        Self {
            at: line.at,
            app: line.app.to_string(),
            call: line.call.0,
            job: line.job.map(|(job, _)| job.0),
            level: Level::ALL
                .into_iter()
                .find(|level| level.number() == line.level)
                .map_or_else(String::new, |level| level.name().to_owned()),
            source: line.source.to_owned(),
            message: line.message.clone(),
            detail: line
                .detail
                .as_deref()
                .and_then(|detail| serde_json::from_str(detail).ok()),
        }
    }
}

impl Line {
    /// One line, or more where the message or a traceback has more.
    pub(in crate::cli) fn text(&self, with_app: bool, colours: bool) -> anyhow::Result<String> {
        let time = self.at.to_offset(time::UtcOffset::UTC).format(TIME)?;
        let mut text = format!("{time}  ");
        // The colour ends before the message begins: that is another's text.
        let colour = colours.then(|| colour(&self.level)).flatten();
        match colour {
            Some(colour) => write!(text, "\x1b[{colour}m{:5}\x1b[0m", self.level)?,
            None => write!(text, "{:5}", self.level)?,
        }
        write!(text, "  {:7}  ", self.source)?;
        if with_app {
            write!(text, "{}  ", self.app)?;
        }
        text.push_str(&shown(&self.message));
        let (rest, traceback) = self.detail();
        if let Some(rest) = rest {
            write!(text, "  {}", shown(&rest))?;
        }
        if self.source == "failure" {
            write!(text, "\n    call {}", self.call)?;
            if let Some(job) = self.job {
                write!(text, ", job {job}")?;
            }
        }
        if let Some(traceback) = traceback {
            write!(text, "\n    {}", shown(traceback.trim_end()))?;
        }
        Ok(text)
    }

    /// The detail without its traceback, and that.
    fn detail(&self) -> (Option<String>, Option<&str>) {
        match &self.detail {
            None => (None, None),
            Some(Value::Object(fields)) => {
                let traceback = fields.get("traceback").and_then(Value::as_str);
                let rest: Map<String, Value> = fields
                    .iter()
                    .filter(|(key, _)| traceback.is_none() || key.as_str() != "traceback")
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                let rest = (!rest.is_empty()).then(|| Value::Object(rest).to_string());
                (rest, traceback)
            }
            Some(other) => (Some(other.to_string()), None),
        }
    }
}

fn colour(level: &str) -> Option<&'static str> {
    match level {
        "error" => Some("31"),
        "warn" => Some("33"),
        "debug" => Some("2"),
        _ => None,
    }
}

/// A text that does nothing to a terminal: further lines are indented, and whatever else moves
/// the cursor, changes colours or turns the direction of writing is shown as an escape.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.trim_end_matches('\n').chars() {
        match character {
            '\n' => shown.push_str("\n    "),
            '\t' => shown.push(character),
            _ if acts(character) => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(source: &str, message: &str, detail: &Value) -> Line {
        serde_json::from_value(json!({
            "id": 1, "at": "2026-11-21T13:00:00.0625+01:00", "app": "shop", "release": 1,
            "call": "0190f1d2-0000-7000-8000-000000000001", "job": null, "attempt": null,
            "level": "error", "source": source, "message": message, "detail": detail,
        }))
        .unwrap()
    }

    #[test]
    fn a_line_is_what_a_person_likes_to_read() {
        let simple = line("log", "approved", &json!({ "order": 7 }));
        let text = "2026-11-21 12:00:00.062  error  log      approved  {\"order\":7}";
        assert_eq!(simple.text(false, false).unwrap(), text);
        let coloured = simple.text(true, true).unwrap();
        assert!(
            coloured.contains("\x1b[31merror\x1b[0m  log      shop  approved"),
            "{coloured}"
        );

        let detail = json!({ "line": 3, "traceback": "Traceback:\n  File \"main.py\"\n" });
        let failed = line("failure", "KeyError: 'x'", &detail)
            .text(false, false)
            .unwrap();
        let lines: Vec<&str> = failed.lines().collect();
        assert!(
            lines[0].ends_with("KeyError: 'x'  {\"line\":3}"),
            "{failed}"
        );
        assert_eq!(lines[1], "    call 0190f1d2-0000-7000-8000-000000000001");
        assert_eq!(&lines[2..], ["    Traceback:", "      File \"main.py\""]);
    }

    #[test]
    fn nothing_that_an_app_writes_acts_on_the_terminal() {
        let hostile = "a\x1b[2J\x07\r\u{9b}31m\u{202e}b\nc\td";
        let text = line("log", hostile, &json!(hostile))
            .text(false, false)
            .unwrap();

        assert!(
            text.contains(r"a\u{1b}[2J\u{7}\r\u{9b}31m\u{202e}b"),
            "{text}"
        );
        assert!(text.contains("\n    c\td"), "{text}");
        assert!(
            !text.chars().any(|c| acts(c) && c != '\n' && c != '\t'),
            "{text:?}"
        );
    }
}
