use std::collections::BTreeSet;

use super::*;
use crate::check::{describe, sources};

const SCRIPT: &str =
    "(function () {\n  \"use strict\";\n  document.querySelectorAll(\"ä\");\n})();\n";

/// An app with an error, a warning and a note, and its report.
fn reported() -> (Bundle, Report) {
    let bundle = Bundle::for_tests(&[
        (
            "manifest.json",
            r#"{"app_name": "x", "version": "1.0.0", "odd": 1}"#,
        ),
        ("main.py", "def execute(): return {}\n"),
        ("index.html", "<script src=\"a b/index.js\"></script>"),
        ("a b/index.js", SCRIPT),
    ]);
    let mut problems = describe(&bundle);
    problems.extend(sources(&bundle));
    (bundle, Report::new("my app", problems))
}

#[test]
fn people_see_the_line_and_what_to_do() {
    let (bundle, report) = reported();
    insta::assert_snapshot!(report.text(Some(&bundle), false));
}

#[test]
fn programs_get_everything() {
    let (_, report) = reported();
    insta::assert_json_snapshot!(report.json());
}

#[test]
fn editors_get_sarif() {
    let (_, report) = reported();
    let sarif = report.sarif();

    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    assert_eq!(ids.len(), rules.len());
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    // The index of a rule moves with each rule that is added.
    let mut results = run["results"].clone();
    for result in results.as_array_mut().unwrap() {
        result.as_object_mut().unwrap().shift_remove("ruleIndex");
    }
    insta::assert_json_snapshot!(results);
}

#[test]
fn code_hosts_get_a_place_for_everything() {
    let bundle = Bundle::for_tests(&[("main.py", "def execute(data): return {}\n")]);
    let sarif = Report::new("x", describe(&bundle)).sarif();

    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "NR-B01");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "manifest.json");
    assert_eq!(place["region"]["startLine"], 1);
}

#[test]
fn nothing_of_an_author_acts_on_a_terminal() {
    let script = "document.querySelectorAll('\u{1b}]0;x\u{7}\u{202e}');\n";
    let bundle = Bundle::for_tests(&[
        ("manifest.json", r#"{"app_name": "x", "version": "1.0.0"}"#),
        ("main.py", "def execute(data): return {}\n"),
        ("index.js", script),
    ]);
    let report = Report::new("\u{1b}[31mx", sources(&bundle));

    let text = report.text(Some(&bundle), false);
    assert!(text.contains("querySelectorAll"), "{text}");
    let acts = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
    assert_eq!(text.chars().find(|letter| acts(*letter)), None, "{text:?}");
}

#[test]
fn a_long_line_is_not_shown() {
    let script = format!(
        "document.querySelectorAll('p'); var x = '{}';",
        "y".repeat(1_000)
    );
    let mut bundle = reported().0;
    let path = crate::app::BundlePath::parse("index.js").unwrap();
    bundle.insert(path, script.into_bytes().into());
    let report = Report::new("x", sources(&bundle));

    let text = report.text(Some(&bundle), false);
    assert!(text.contains("index.js:1:1"), "{text}");
    assert!(!text.contains("yyyy"), "{text}");
}
