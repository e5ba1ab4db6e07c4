//! The Static Analysis Results Interchange Format, 2.1.0.

use serde_json::{Value, json};

use crate::app::MANIFEST;
use crate::check::problem::{Place, Problem, sentence};
use crate::check::rule::{Rule, Severity};
use crate::check::rules;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What the paths are relative to: the app's folder, which only the reader knows.
const BASE: &str = "%SRCROOT%";

/// A log with one run.
pub(super) fn log(problems: &[Problem]) -> Value {
    let all: Vec<&Rule> = rules::all().collect();
    let results = problems.iter().map(|problem| {
        let index = all.iter().position(|rule| rule.id == problem.rule.id);
        json!({
            "ruleId": problem.rule.id,
            "ruleIndex": index,
            "level": level(problem.severity),
            "message": { "text": problem.message() },
            "locations": [problem.place.as_ref().map_or_else(of_bundle, location)],
        })
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "skep",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": all.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": sentence(rule.title) },
        "fullDescription": { "text": rule.why },
        "help": { "text": rule.fix },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// Code hosts show no result without a place. What is wrong with the bundle as such is shown at
/// its manifest.
fn of_bundle() -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": MANIFEST, "uriBaseId": BASE },
        "region": { "startLine": 1 },
    } })
}

fn location(place: &Place) -> Value {
    let Place { file, start, end } = place;
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(file), "uriBaseId": BASE },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
            "byteOffset": start.offset,
            "byteLength": end.offset - start.offset,
        },
    } })
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
