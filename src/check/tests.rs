//! Every rule with sources that break it and sources that keep it, and what holds for all rules.

mod backend;
mod bundle;
mod css;
mod guide;
mod hostile;
mod html;
mod js;
mod python;
mod sql;

use std::collections::BTreeSet;

use bytes::Bytes;

use super::*;
use crate::app::{Bundle, BundlePath};

/// A rule, and sources of one file.
struct Vector {
    rule: &'static str,
    file: &'static str,
    /// Sources that break the rule, and the part of each that is shown. An empty part stands for
    /// the bundle as such.
    bad: &'static [(&'static str, &'static str)],
    good: &'static [&'static str],
}

fn vectors() -> impl Iterator<Item = &'static Vector> {
    [
        bundle::VECTORS,
        python::VECTORS,
        sql::VECTORS,
        js::VECTORS,
        css::VECTORS,
        html::VECTORS,
    ]
    .into_iter()
    .flatten()
}

/// A well-made app.
fn app() -> Bundle {
    Bundle::for_tests(&[
        ("manifest.json", include_str!("tests/app/manifest.json")),
        ("main.py", include_str!("tests/app/main.py")),
        ("index.html", include_str!("tests/app/index.html")),
        ("index.js", include_str!("tests/app/index.js")),
        ("style.css", include_str!("tests/app/style.css")),
    ])
}

/// The same with another file.
fn app_with(file: &str, text: &str) -> Bundle {
    let mut bundle = app();
    put(&mut bundle, file, text);
    bundle
}

fn put(bundle: &mut Bundle, file: &str, text: &str) {
    let path = BundlePath::parse(file).unwrap();
    bundle.insert(path, Bytes::copy_from_slice(text.as_bytes()));
}

/// All that is found in a bundle.
fn problems(bundle: &Bundle) -> Vec<Problem> {
    let mut problems = describe(bundle);
    problems.extend(sources(bundle));
    settled(problems)
}

/// The problems of one rule, each as gravity and the part that is shown.
fn of_rule(bundle: &Bundle, rule: &str) -> Vec<(Severity, String)> {
    let of_rule = problems(bundle).into_iter().filter(|it| it.rule.id == rule);
    of_rule
        .map(|problem| {
            let part = problem.place.as_ref().map(|place| {
                let text = bundle.file(&place.file).unwrap();
                let range = place.start.offset..place.end.offset;
                String::from_utf8(text[range].to_vec()).unwrap()
            });
            (problem.severity, part.unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_well_made_app_has_no_problems() {
    let found = problems(&app());
    assert_eq!(found, [], "{found:#?}");
}

#[test]
fn a_manifest_that_cannot_be_used_makes_nothing_else_wrong() {
    for manifest in [
        r#"{"app_name": "app_hello_world", "version": "1"}"#,
        r#"{"version": "1.0.0"}"#,
        "no JSON",
    ] {
        let found = problems(&app_with("manifest.json", manifest));
        let mut files = found.iter().filter_map(|problem| problem.place.as_ref());
        assert!(
            files.all(|place| place.file == "manifest.json"),
            "{found:#?}"
        );
        assert!(!found.is_empty());
    }
}

#[test]
fn sources_that_break_a_rule_are_found_where_they_do() {
    let mut missed = Vec::new();
    for Vector {
        rule, file, bad, ..
    } in vectors()
    {
        let severity = rule::Rule::find(rule).unwrap().severity;
        for (text, part) in *bad {
            let found = of_rule(&app_with(file, text), rule);
            if !found.contains(&(severity, (*part).to_owned())) {
                missed.push(format!("{rule} in\n{text}\nnot at {part:?}: {found:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

#[test]
fn sources_that_keep_a_rule_are_left_alone() {
    let mut wronged = Vec::new();
    for Vector {
        rule, file, good, ..
    } in vectors()
    {
        for text in *good {
            let found = of_rule(&app_with(file, text), rule);
            if !found.is_empty() {
                wronged.push(format!("{rule} in\n{text}\nat {found:?}"));
            }
        }
    }
    assert!(wronged.is_empty(), "{}", wronged.join("\n\n"));
}

#[test]
fn every_rule_has_sources_that_break_it() {
    // These need more than one file, or none at all; each has a test of its own.
    let others = [
        "NR-B01", "NR-B02", "NR-B03", "NR-B05", "NR-B13", "NR-H05", "NR-H08", "NR-J12", "NR-P09",
        "SK-B02", "SK-B20", "SK-B21", "SK-J11", "SK-J12", "SK-J13", "SK-J14",
    ];
    // Only the server knows other apps' tables, its own limits and the values of settings.
    let elsewhere = ["SK-B04", "SK-B05", "SK-B06"];
    let covered: BTreeSet<&str> = vectors()
        .map(|vector| vector.rule)
        .chain(others)
        .chain(elsewhere)
        .collect();
    let all: BTreeSet<&str> = rules::all().map(|rule| rule.id).collect();
    assert_eq!(covered, all);
}

#[test]
fn the_documentation_lists_every_rule() {
    let docs = include_str!("../../docs/authors.md");
    for rule in rules::all() {
        let line = format!("| {} | {} | {} |", rule.id, rule.severity, rule.title);
        assert!(docs.contains(&line), "missing in docs/authors.md:\n{line}");
    }
}

#[test]
fn every_rule_that_a_reader_of_manifests_names_is_listed() {
    let readers = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let mut open = vec![readers];
    let mut named = BTreeSet::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let quoted = text.split('"').map(str::to_owned);
            named.extend(quoted.filter(|word| {
                word.len() == 6 && (word.starts_with("NR-") || word.starts_with("SK-"))
            }));
        }
    }
    assert!(named.len() > 10, "{named:?}");
    for id in named {
        assert!(
            rule::Rule::find(&id).is_some(),
            "{id} stands in no list of rules"
        );
    }
}

#[test]
fn what_is_found_is_the_same_each_time_and_bounded() {
    let text = "document.querySelectorAll('p');\n".repeat(3_000);
    let bundle = app_with("index.js", &text);

    let found = problems(&bundle);
    assert_eq!(found, problems(&bundle));
    let unscoped = found.iter().filter(|it| it.rule.id == "NR-J05").count();
    assert_eq!(unscoped, OF_ONE_RULE);
}
