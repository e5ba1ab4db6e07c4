//! The details of a line, in the form that is kept: JSON that PostgreSQL takes. Pure.

use serde_json::{Map, Value};

/// What stands for a NUL, which PostgreSQL does not keep.
const REPLACEMENT: &str = "\u{fffd}";

/// A detail as it is kept: an object or whatever JSON the app gave; its text, if that is no JSON.
/// `part` is which part of the host the line is from.
pub(super) fn kept(detail: Option<&str>, part: Option<&str>) -> Option<String> {
    let detail = detail.map(|detail| {
        serde_json::from_str(detail).unwrap_or_else(|_| Value::String(detail.to_owned()))
    });
    let mut kept = match (detail, part) {
        (None, None) => return None,
        (Some(detail), None) => detail,
        (None, Some(part)) => Value::Object(named("part", part)),
        (Some(detail), Some(part)) => {
            let mut both = named("part", part);
            both.insert("detail".to_owned(), detail);
            Value::Object(both)
        }
    };
    clean(&mut kept);
    Some(kept.to_string())
}

/// The detail of how a call failed: its exception, and where in the app's own source.
pub(crate) fn failure(exception: &str, trace: Option<&str>) -> String {
    let mut detail = named("exception", exception);
    if let Some((file, line)) = trace.and_then(place) {
        detail.insert("file".to_owned(), file.into());
        detail.insert("line".to_owned(), line.into());
    }
    if let Some(trace) = trace {
        detail.insert("traceback".to_owned(), trace.into());
    }
    Value::Object(detail).to_string()
}

/// The file and line of the innermost frame of a Python traceback.
fn place(trace: &str) -> Option<(&str, u32)> {
    trace.lines().rev().find_map(|line| {
        let (file, rest) = line
            .trim_start()
            .strip_prefix("File \"")?
            .split_once("\", line ")?;
        let number = rest.split_once(|mark: char| !mark.is_ascii_digit());
        let number = number.map_or(rest, |(number, _)| number);
        Some((file, number.parse().ok()?))
    })
}

/// A text that PostgreSQL keeps.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', REPLACEMENT)
}

fn named(key: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value.into())])
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = without_nul(text),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains('\0')) {
                let renamed = std::mem::take(fields).into_iter();
                *fields = renamed
                    .map(|(key, value)| (without_nul(&key), value))
                    .collect();
            }
            fields.values_mut().for_each(clean);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_and_another_text_becomes_one() {
        assert_eq!(kept(None, None), None);
        assert_eq!(
            kept(Some(r#"{"b": 1, "a": [2]}"#), None).unwrap(),
            r#"{"b":1,"a":[2]}"#
        );
        assert_eq!(kept(Some("{half"), None).unwrap(), r#""{half""#);
        let deep = "[".repeat(1_000) + &"]".repeat(1_000);
        assert_eq!(kept(Some(&deep), None).unwrap(), format!("\"{deep}\""));
    }

    #[test]
    fn a_line_of_the_host_names_its_part() {
        assert_eq!(kept(None, Some("sql")).unwrap(), r#"{"part":"sql"}"#);
        assert_eq!(
            kept(Some("1"), Some("sql")).unwrap(),
            r#"{"part":"sql","detail":1}"#
        );
    }

    #[test]
    fn what_postgresql_does_not_keep_is_replaced_however_deep() {
        let detail = r#"{"a\u0000": ["x\u0000y", {"b": "\u0000"}]}"#;
        let clean = "{\"a\u{fffd}\":[\"x\u{fffd}y\",{\"b\":\"\u{fffd}\"}]}";
        assert_eq!(kept(Some(detail), None).unwrap(), clean);
        assert_eq!(kept(Some("a\0"), None).unwrap(), "\"a\u{fffd}\"");
    }

    #[test]
    fn a_failure_says_where_in_the_apps_own_source() {
        let trace = "Traceback (most recent call last):\n  File \"main.py\", line 7, in execute\n    \
                     go()\n  File \"lib/x.py\", line 12, in go\n    1 / 0\nZeroDivisionError: x\n";
        let detail: Value =
            serde_json::from_str(&failure("ZeroDivisionError", Some(trace))).unwrap();
        assert_eq!(
            (&detail["file"], &detail["line"]),
            (&"lib/x.py".into(), &12.into())
        );
        assert_eq!(detail["exception"], "ZeroDivisionError");
        assert_eq!(detail["traceback"], trace);

        // No line number, and one that is no frame at all.
        let odd = failure("Error", Some("File \"x\", line none\nat main.js:3"));
        assert!(!odd.contains("\"file\""), "{odd}");
        assert_eq!(failure("Error", None), r#"{"exception":"Error"}"#);
    }
}
