//! Where a field stands in the text of a manifest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

/// A JSON object whose values are parts of the text.
type Object<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The place of the value of a field such as `actions[0].name`, or of the nearest field around it
/// that is there. None where not even the first part is. `actions[=add]` is the entry of the
/// list whose `name` is `add`.
pub(super) fn field(text: &str, name: &str) -> Option<Range<usize>> {
    let mut found: Option<&RawValue> = None;
    let mut within: &str = json(text);
    for step in name.replace('[', ".[").split('.') {
        let next = match step
            .strip_prefix('[')
            .and_then(|step| step.strip_suffix(']'))
        {
            Some(index) => match index.strip_prefix('=') {
                Some(name) => entry(within, name),
                None => item(within, index.parse().ok()?),
            },
            None => member(within, step),
        };
        match next {
            Some(value) => {
                found = Some(value);
                within = value.get();
            }
            None => break,
        }
    }
    let value = found?.get();
    // Both are parts of one text.
    let start = (value.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(start..start + value.len())
}

/// The place where the text stops being JSON.
pub(super) fn syntax_error(text: &str) -> Option<Range<usize>> {
    let body = json(text);
    let error = serde_json::from_str::<serde::de::IgnoredAny>(body).err()?;
    let lines = body
        .split_inclusive('\n')
        .take(error.line().checked_sub(1)?);
    let line: usize = lines.map(str::len).sum();
    let start = text.len() - body.len() + line + error.column().saturating_sub(1);
    Some(start..start + 1)
}

/// Without the byte order mark that editors on Windows write.
fn json(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn member<'a>(text: &'a str, name: &str) -> Option<&'a RawValue> {
    let object: Object<'a> = serde_json::from_str(text).ok()?;
    object.get(name).copied()
}

fn item(text: &str, index: usize) -> Option<&RawValue> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    items.get(index).copied()
}

/// The entry of a list that bears a name.
fn entry<'a>(text: &'a str, name: &str) -> Option<&'a RawValue> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let is_named = |item: &&RawValue| {
        let found = member(item.get(), "name").map(|found| serde_json::from_str(found.get()));
        matches!(found, Some(Ok(Cow::<str>::Owned(found))) if found == name)
    };
    items.into_iter().find(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}{\n  \"a\": [1, {\"b\": \"x\"}],\n  \"c\": 2\n}";

    fn found(name: &str) -> Option<&'static str> {
        TEXT.get(field(TEXT, name)?)
    }

    #[test]
    fn fields_are_found_by_their_names() {
        assert_eq!(found("a[1].b"), Some("\"x\""));
        assert_eq!(found("a[0]"), Some("1"));
        assert_eq!(found("c"), Some("2"));
    }

    #[test]
    fn entries_are_found_by_what_they_are_called() {
        let text = r#"{"a": [1, {"name": "x", "b": 2}, {"name": "y", "b": 3}]}"#;
        let found = |name| text.get(field(text, name)?);

        assert_eq!(found("a[=y].b"), Some("3"));
        assert_eq!(found("a[=x].c"), Some(r#"{"name": "x", "b": 2}"#));
        assert_eq!(found("a[=z].b"), found("a"));
    }

    #[test]
    fn what_is_missing_is_looked_for_around_it() {
        assert_eq!(found("a[1].name"), Some("{\"b\": \"x\"}"));
        assert_eq!(found("a[7].name"), Some("[1, {\"b\": \"x\"}]"));
        assert_eq!(found("x"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn the_first_thing_that_is_no_json_is_found() {
        let text = "{\n  \"a\": 1, // why\n  \"b\": 2\n}";
        let range = syntax_error(text).expect("an error");

        assert_eq!(
            text.get(range.start..).map(|t| t.starts_with("//")),
            Some(true)
        );
        assert_eq!(syntax_error("{}"), None);
    }
}
