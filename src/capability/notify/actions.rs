//! The key `_actions` of an answer: notifications to fire, as the NodeRouter contract says.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The notifications that an answer fires. They are not part of it.
pub(crate) const KEY: &str = "_actions";

/// The payload of an entry that gives none.
const NOTHING: &str = "{}";

/// An entry of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Fire {
        action: String,
        payload: &'a str,
    },
    /// It is none; the text says why.
    Skip(&'static str),
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Reads the notifications of an answer. None where it has no such key, or is no object.
pub(crate) fn read(answer: &str) -> Vec<Entry<'_>> {
    // Nearly every answer; a key may be written with escapes.
    if !answer.contains("actions") && !answer.contains('\\') {
        return Vec::new();
    }
    let Ok(object) = serde_json::from_str::<Object<'_>>(answer) else {
        return Vec::new();
    };
    let Some(list) = object.get(KEY) else {
        return Vec::new();
    };
    if list.get() == "null" {
        return Vec::new();
    }
    match serde_json::from_str::<Vec<&RawValue>>(list.get()) {
        Ok(entries) => entries.into_iter().map(entry).collect(),
        Err(_) => vec![Entry::Skip("`_actions` must be a list of objects")],
    }
}

fn entry(entry: &RawValue) -> Entry<'_> {
    let Ok(fields) = serde_json::from_str::<Object<'_>>(entry.get()) else {
        return Entry::Skip("an entry of `_actions` is no object");
    };
    // The contract's newest apps say `action`, all others `name`.
    let named = |key: &str| {
        let name: String = serde_json::from_str(fields.get(key)?.get()).ok()?;
        (!name.is_empty()).then_some(name)
    };
    match named("name").or_else(|| named("action")) {
        Some(action) => Entry::Fire {
            action,
            payload: fields.get("payload").map_or(NOTHING, |value| value.get()),
        },
        None => Entry::Skip("an entry of `_actions` has neither a `name` nor an `action`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fire<'a>(action: &str, payload: &'a str) -> Entry<'a> {
        Entry::Fire {
            action: action.to_owned(),
            payload,
        }
    }

    #[test]
    fn both_keys_name_a_notification_and_name_comes_first() {
        let answer = r#"{"sold":1,"_actions":[
            {"name":"a","payload":{"n": 1.50}}, {"action":"b","payload":[]},
            {"name":"c","action":"d"}, {"name":"","action":"e"}
        ]}"#;

        assert_eq!(
            read(answer),
            [
                fire("a", r#"{"n": 1.50}"#),
                fire("b", "[]"),
                fire("c", "{}"),
                fire("e", "{}")
            ]
        );
    }

    #[test]
    fn a_payload_that_is_given_counts_whatever_it_is() {
        for payload in ["null", "0", "\"\"", "false", "[]"] {
            let answer = format!(r#"{{"_actions":[{{"name":"a","payload":{payload}}}]}}"#);
            assert_eq!(read(&answer), [fire("a", payload)]);
        }
    }

    #[test]
    fn anything_else_in_the_list_is_skipped_and_told() {
        let answer = r#"{"_actions":[1, null, "a", [], {}, {"name":5}, {"name":"a"}]}"#;

        let entries = read(answer);

        assert_eq!(entries.len(), 7);
        assert_eq!(entries[6], fire("a", "{}"));
        for entry in &entries[..6] {
            assert!(matches!(entry, Entry::Skip(_)), "{entry:?}");
        }
        for answer in [r#"{"_actions":5}"#, r#"{"_actions":{"name":"a"}}"#] {
            assert!(matches!(read(answer)[..], [Entry::Skip(_)]), "{answer}");
        }
    }

    #[test]
    fn only_the_answers_own_key_fires() {
        for answer in [
            r#"{"a":{"_actions":[{"name":"a"}]}}"#,
            r#"[{"_actions":[{"name":"a"}]}]"#,
            r#""actions""#,
            r#"{"_actions":null}"#,
            r#"{"actions":[{"name":"a"}]}"#,
            "no JSON at all: actions",
        ] {
            assert_eq!(read(answer), [], "{answer}");
        }
        let escaped = r#"{"_\u0061ctions":[{"name":"a"}]}"#;
        assert_eq!(read(escaped), [fire("a", "{}")]);
    }
}
