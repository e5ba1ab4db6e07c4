//! What goes into an app and what comes out of it, as the NodeRouter contract says.
//!
//! Texts pass to the letter: numbers and spaces stay as they were written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ids::JobId;

/// Set by the host for jobs; a caller who could set it could write another job's progress.
const JOB_ID: &str = "_job_id";
/// The notifications that an answer fires. They are not part of it.
const ACTIONS: &str = "_actions";

/// The deepest nesting of a body. Deeper ones are more than the apps' languages can read.
const DEPTH: usize = 500;

/// Why a text is not what an app can be called with. It says what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadPayload(String);

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Reads the body of a call; what comes back is the JSON text for the app.
pub(crate) fn admit(body: &[u8]) -> Result<String, BadPayload> {
    let text = str::from_utf8(body)
        .map_err(|_| BadPayload("the body is not valid JSON: it is not UTF-8".to_owned()))?;
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if text.is_empty() {
        return Ok("{}".to_owned());
    }
    let value: &RawValue = serde_json::from_str(text)
        .map_err(|error| BadPayload(format!("the body is not valid JSON: {error}")))?;
    if !value.get().starts_with('{') {
        return Err(BadPayload("the body must be a JSON object".to_owned()));
    }
    if depth(text) > DEPTH {
        return Err(BadPayload(format!(
            "the body is nested deeper than {DEPTH} levels"
        )));
    }
    // A key may be written with escapes, so only a parsed one shows what it is.
    if !text.contains("job") && !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let keys: Keys = parse(text)?;
    if keys.0.iter().any(|key| key == JOB_ID) {
        Ok(without(parse(text)?, JOB_ID))
    } else {
        Ok(text.to_owned())
    }
}

/// How deep a valid JSON text is nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BadPayload> {
    serde_json::from_str(text)
        .map_err(|error| BadPayload(format!("the body is not valid JSON: {error}")))
}

/// The keys of an object, in order, without its values.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Keys;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// The payload of a job with its id, for the app. `payload` is one that was admitted.
pub(crate) fn with_job_id(payload: &str, job: JobId) -> String {
    let rest = payload.strip_prefix('{').unwrap_or(payload);
    let gap = if rest.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!("{{\"{JOB_ID}\":\"{job}\"{gap}{rest}")
}

/// What is kept of what a job's app returned; none where that is not JSON.
pub(crate) fn result(returned: &str) -> Option<String> {
    let value: &RawValue = serde_json::from_str(returned).ok()?;
    if value.get().starts_with('{') {
        answer(returned.to_owned())
    } else {
        Some(value.get().to_owned())
    }
}

/// Makes the answer of what an app returned; none where that is not JSON.
pub(crate) fn answer(returned: String) -> Option<String> {
    let value: &RawValue = serde_json::from_str(&returned).ok()?;
    if !value.get().starts_with('{') {
        return Some(format!(r#"{{"result":{}}}"#, value.get()));
    }
    if !returned.contains("actions") && !returned.contains('\\') {
        return Some(returned);
    }
    let keys: Keys = serde_json::from_str(&returned).ok()?;
    if keys.0.iter().any(|key| key == ACTIONS) {
        Some(without(serde_json::from_str(&returned).ok()?, ACTIONS))
    } else {
        Some(returned)
    }
}

/// An object without one of its keys, its values to the letter as they were.
fn without(object: Object<'_>, left_out: &str) -> String {
    let mut text = String::from("{");
    for (key, value) in object.iter().filter(|(key, _)| *key != left_out) {
        let gap = if text.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{gap}{}:{}",
            serde_json::Value::from(key.as_str()),
            value.get()
        );
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &[u8]) -> String {
        admit(body).unwrap_err().to_string()
    }

    #[test]
    fn an_object_passes_as_it_is_and_nothing_becomes_an_empty_one() {
        assert_eq!(
            admit(br#"{"b": 1.0, "a": [1e3]}"#).unwrap(),
            r#"{"b": 1.0, "a": [1e3]}"#
        );
        assert_eq!(admit(b"").unwrap(), "{}");
        assert_eq!(admit(b" \n ").unwrap(), "{}");
        let escaped = r#"{"path":"a\\b"}"#;
        assert_eq!(admit(escaped.as_bytes()).unwrap(), escaped);
    }

    #[test]
    fn anything_else_is_refused() {
        for body in ["null", "[]", "1", "\"{}\""] {
            assert_eq!(
                refused(body.as_bytes()),
                "the body must be a JSON object",
                "{body}"
            );
        }
        assert!(refused(b"{").starts_with("the body is not valid JSON: EOF"));
        assert!(refused(b"{} {}").starts_with("the body is not valid JSON: trailing"));
        assert!(refused(b"{\"a\":\"\xff\"}").contains("UTF-8"));
    }

    #[test]
    fn a_body_is_nested_so_deep_and_no_deeper() {
        let nested = |levels: usize| {
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            )
        };

        assert!(admit(nested(DEPTH).as_bytes()).is_ok());
        assert_eq!(
            refused(nested(DEPTH + 1).as_bytes()),
            "the body is nested deeper than 500 levels"
        );
        assert!(admit(format!("{{\"a\":\"{}\\\"[\"}}", "[".repeat(600)).as_bytes()).is_ok());
    }

    #[test]
    fn a_job_id_of_the_callers_never_reaches_the_app() {
        for body in [
            r#"{"a":1,"_job_id":"x"}"#,
            r#"{"_job_id":"x","a":1,"_job_id":2}"#,
            r#"{"a":1,"_job\u005fid":"x"}"#,
        ] {
            assert_eq!(admit(body.as_bytes()).unwrap(), r#"{"a":1}"#, "{body}");
        }
        let inside = r#"{"a":{"_job_id":"x"}}"#;
        assert_eq!(admit(inside.as_bytes()).unwrap(), inside);
    }

    #[test]
    fn a_job_finds_its_id_in_its_payload() {
        let job = JobId(uuid::Uuid::nil());
        let id = "00000000-0000-0000-0000-000000000000";

        assert_eq!(with_job_id("{}", job), format!(r#"{{"_job_id":"{id}"}}"#));
        assert_eq!(with_job_id("{ }", job), format!(r#"{{"_job_id":"{id}" }}"#));
        assert_eq!(
            with_job_id(r#"{"a":{}}"#, job),
            format!(r#"{{"_job_id":"{id}","a":{{}}}}"#)
        );
    }

    #[test]
    fn a_jobs_result_is_kept_as_it_was_returned() {
        assert_eq!(result("[1.0]").unwrap(), "[1.0]");
        assert_eq!(result(" \"x\" ").unwrap(), "\"x\"");
        assert_eq!(result(r#"{"a":1,"_actions":[]}"#).unwrap(), r#"{"a":1}"#);
        assert_eq!(result("NaN"), None);
    }

    #[test]
    fn an_answer_is_sent_without_its_actions() {
        let given = |text: &str| answer(text.to_owned());

        assert_eq!(given(r#"{"a":1.50}"#).unwrap(), r#"{"a":1.50}"#);
        assert_eq!(
            given(r#"{"a":1,"_actions":[{"name":"x"}]}"#).unwrap(),
            r#"{"a":1}"#
        );
        assert_eq!(given(r#"{"_actions":null}"#).unwrap(), "{}");
        let nested = r#"{"a":{"_actions":[]}}"#;
        assert_eq!(given(nested).unwrap(), nested);
    }

    #[test]
    fn a_value_that_is_no_object_is_wrapped() {
        assert_eq!(answer("[1]".to_owned()).unwrap(), r#"{"result":[1]}"#);
        assert_eq!(answer(" null ".to_owned()).unwrap(), r#"{"result":null}"#);
        assert_eq!(answer("NaN".to_owned()), None);
    }
}
