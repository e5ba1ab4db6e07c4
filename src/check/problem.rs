//! One thing that a rule found: which rule, where, and in words.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::rule::{Rule, Severity};

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    #[serde(
        serialize_with = "Rule::serialize",
        deserialize_with = "Rule::deserialize"
    )]
    pub(crate) rule: &'static Rule,
    pub(crate) severity: Severity,
    /// What is wrong here, with the name of what is meant.
    pub(crate) text: String,
    /// None where the bundle as such is meant.
    pub(crate) place: Option<Place>,
}

/// A place in a file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The file's path in the bundle.
    pub(crate) file: String,
    pub(crate) start: Point,
    /// Behind the last character.
    pub(crate) end: Point,
}

/// A point in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// In bytes, from 0.
    pub(crate) offset: usize,
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Problem {
    /// A problem of the bundle as such, as grave as its rule.
    pub(super) fn new(rule: &'static Rule, text: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            text: text.into(),
            place: None,
        }
    }

    /// Makes it less grave; never graver.
    pub(super) fn at_most(mut self, severity: Severity) -> Self {
        self.severity = self.severity.max(severity);
        self
    }

    /// What is wrong and how to mend it, in sentences.
    pub(crate) fn message(&self) -> String {
        format!("{} {}", sentence(&self.text), self.rule.fix)
    }

    /// The place as `main.py:12:5`, or what stands for it.
    pub(crate) fn place_text(&self) -> String {
        match &self.place {
            Some(Place { file, start, .. }) => format!("{file}:{}:{}", start.line, start.column),
            None => "bundle".to_owned(),
        }
    }
}

/// With a capital and a full stop, as it stands among others.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

/// Finds lines and columns in one text.
pub(super) struct Lines<'a> {
    file: &'a str,
    text: &'a str,
    /// Where each line begins, in bytes.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The place of a range of bytes, brought inside the text and to whole characters.
    pub(super) fn place(&self, range: Range<usize>) -> Place {
        let start = self.point(range.start);
        let end = self.point(range.end.max(start.offset));
        Place {
            file: self.file.to_owned(),
            start,
            end,
        }
    }

    fn point(&self, offset: usize) -> Point {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Point {
            offset,
            line,
            column: before.chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let lines = Lines::new("a.js", "ä b\ncd\n");

        let place = lines.place(3..5);
        assert_eq!((place.start.line, place.start.column), (1, 3));
        assert_eq!((place.end.line, place.end.column), (2, 1));
        let end = lines.place(7..99).end;
        assert_eq!((end.offset, end.line, end.column), (8, 3, 1));
    }

    #[test]
    fn a_place_never_cuts_a_character() {
        let place = Lines::new("a.js", "ä").place(1..1);

        assert_eq!((place.start.offset, place.end.offset), (0, 0));
    }
}
