//! Strict JSON: one value, no comments, and no key twice in one object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::ManifestError;

/// Larger manifests are refused unread: parsed JSON takes many times its size.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Parses a manifest's text into an object.
pub(super) fn parse(bytes: &[u8]) -> Result<Map<String, Value>, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::TooLarge(MAX_BYTES));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::NotUtf8)?;
    // Editors on Windows put a byte order mark before UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);

    match serde_json::from_str(text) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(Strict(other)) => Err(ManifestError::NotAnObject(kind(&other))),
        Err(error) => Err(ManifestError::NotJson {
            cause: error.to_string(),
            hint: hint(text),
        }),
    }
}

/// Names a value's type for a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What probably went wrong. The contract's own examples have comments.
fn hint(text: &str) -> &'static str {
    if has_comment(text) {
        "; JSON has no comments: remove them"
    } else {
        ""
    }
}

fn has_comment(text: &str) -> bool {
    let mut letters = text.chars().peekable();
    let mut in_string = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                letters.next();
            }
            '/' if !in_string && matches!(letters.peek(), Some('/' | '*')) => return true,
            '#' if !in_string => return true,
            _ => {}
        }
    }
    false
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(Error::custom(format!("the key `{key}` stands twice")));
            }
            let Strict(value) = from.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests;
