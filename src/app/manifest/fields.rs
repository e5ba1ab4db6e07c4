//! Reads the fields of a JSON object by name and type, and reports what does not fit by its
//! place, such as `actions[1].name`.

use std::num::NonZeroU32;

use serde_json::{Map, Value};

use super::json::kind;
use crate::app::Finding;

/// Everything found while one manifest is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

/// One object of a manifest, being read.
///
/// A field that is `null` counts as absent.
pub(super) struct Fields<'a, 'r> {
    object: &'a Map<String, Value>,
    place: String,
    known: Vec<&'static str>,
    pub(super) report: &'r mut Report,
}

// A manifest may be wrong in every line, and a message has to end.
const MAX_FINDINGS: usize = 20;

impl Report {
    pub(super) fn problem(&mut self, rule: &'static str, text: String) {
        let problem = Finding::new(rule, text);
        if self.problems.len() < MAX_FINDINGS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn warning(&mut self, rule: &'static str, text: String) {
        if self.warnings.len() < MAX_FINDINGS {
            self.warnings.push(Finding::new(rule, text));
        }
    }
}

impl<'a, 'r> Fields<'a, 'r> {
    /// `place` is where the object stands, empty for the manifest itself.
    pub(super) fn new(
        object: &'a Map<String, Value>,
        place: impl Into<String>,
        report: &'r mut Report,
    ) -> Self {
        Self {
            object,
            place: place.into(),
            known: Vec::new(),
            report,
        }
    }

    /// The full name of a field, in backticks.
    pub(super) fn name(&self, key: &str) -> String {
        format!("`{}`", self.path(key))
    }

    fn path(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        }
    }

    /// Whether the field is there, whatever its type.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The field as it stands.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.value(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        if value.is_string() {
            return value.as_str();
        }
        self.wrong_type(key, "a string", value);
        None
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        if value.is_boolean() {
            return value.as_bool();
        }
        self.wrong_type(key, "true or false", value);
        None
    }

    /// A whole number of at least 1.
    pub(super) fn count(&mut self, key: &'static str) -> Option<NonZeroU32> {
        let value = self.value(key)?;
        let count = value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .and_then(NonZeroU32::new);
        if count.is_none() {
            let text = format!(
                "{} must be a whole number from 1 to {}",
                self.name(key),
                u32::MAX
            );
            self.report.problem("SK-B01", text);
        }
        count
    }

    /// An array's items, each with its place; none if the field is absent.
    pub(super) fn items(&mut self, key: &'static str) -> Vec<(String, &'a Value)> {
        self.array(key).unwrap_or_default()
    }

    /// An array's items, each with its place.
    pub(super) fn array(&mut self, key: &'static str) -> Option<Vec<(String, &'a Value)>> {
        let value = self.value(key)?;
        let Value::Array(items) = value else {
            self.wrong_type(key, "an array", value);
            return None;
        };
        let path = self.path(key);
        let placed = items.iter().enumerate();
        Some(
            placed
                .map(|(index, item)| (format!("{path}[{index}]"), item))
                .collect(),
        )
    }

    /// The objects of an array, each with its place.
    pub(super) fn objects(&mut self, key: &'static str) -> Vec<(String, &'a Map<String, Value>)> {
        let mut objects = Vec::new();
        for (place, item) in self.items(key) {
            if let Value::Object(object) = item {
                objects.push((place, object));
            } else {
                let text = format!("`{place}` must be an object, not {}", kind(item));
                self.report.problem("NR-B06", text);
            }
        }
        objects
    }

    pub(super) fn object(&mut self, key: &'static str) -> Option<(String, &'a Map<String, Value>)> {
        let value = self.value(key)?;
        let Value::Object(object) = value else {
            self.wrong_type(key, "an object", value);
            return None;
        };
        Some((self.path(key), object))
    }

    /// One of a few words, given with what each means.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = choices
                .iter()
                .map(|(word, _)| format!("{word:?}"))
                .collect();
            let text = format!("{} must be {}", self.name(key), words.join(" or "));
            self.report.problem("NR-B06", text);
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// Warns of the keys that nothing has asked for.
    pub(super) fn finish(self) {
        for key in self.object.keys() {
            if !self.known.contains(&key.as_str()) {
                let name = self.name(&excerpt(key));
                let text = format!("{name} is not a known key, and is ignored");
                self.report.warning("NR-B15", text);
            }
        }
    }

    fn wrong_type(&mut self, key: &str, expected: &str, value: &Value) {
        let text = format!("{} must be {expected}, not {}", self.name(key), kind(value));
        self.report.problem("NR-B06", text);
    }
}

/// The beginning of a text, as much of it as belongs into a message.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}
