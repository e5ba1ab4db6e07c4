//! JavaScript backends.

use super::*;

const MAIN: &str = "main.js";

/// A rule, and scripts that break it where the part that follows stands.
const BAD: &[(&str, Severity, &str, &str)] = &[
    (
        "SK-J01",
        Severity::Error,
        "function execute() { return ]; }",
        "]",
    ),
    (
        "SK-J01",
        Severity::Error,
        "export function execute() {}",
        "export",
    ),
    (
        "SK-J11",
        Severity::Error,
        "function run(payload) { return {}; }",
        "",
    ),
    (
        "SK-J12",
        Severity::Error,
        "var a = require('lib/missing'); function execute() {}",
        "'lib/missing'",
    ),
    (
        "SK-J12",
        Severity::Warning,
        "function execute() { return require('./lib/missing.js'); }",
        "'./lib/missing.js'",
    ),
    (
        "SK-J13",
        Severity::Error,
        "sql('SELECT 1'); function execute() {}",
        "sql('SELECT 1')",
    ),
    (
        "SK-J14",
        Severity::Warning,
        "function execute(payload) { return sql('SELECT 1 WHERE ' + payload.a); }",
        "'SELECT 1 WHERE ' + payload.a",
    ),
    (
        "SK-J14",
        Severity::Warning,
        "function execute(payload) { var a = payload.a.trim(); return sql(`SELECT ${a}`); }",
        "`SELECT ${a}`",
    ),
    (
        "SK-S02",
        Severity::Warning,
        "function execute() { return sql('SELECT id FROM ' + 'other_items'); }",
        "'SELECT id FROM ' + 'other_items'",
    ),
    (
        "SK-S02",
        Severity::Warning,
        "const ALL = `SELECT id FROM other_items`; function execute() { return sql(ALL); }",
        "ALL",
    ),
    (
        "SK-S01",
        Severity::Warning,
        "function execute() { return sql('CREATE TABLE hw_a (id int)'); }",
        "'CREATE TABLE hw_a (id int)'",
    ),
    (
        "SK-S03",
        Severity::Warning,
        "function execute() { return sql('SELECT FROM FROM'); }",
        "'SELECT FROM FROM'",
    ),
    (
        "NR-B17",
        Severity::Warning,
        "function execute() { return sql('SELECT $1::int, $2::int', [1]); }",
        "'SELECT $1::int, $2::int'",
    ),
    (
        "NR-P08",
        Severity::Warning,
        "function execute() { return { _actions: [{ name: 'nobody' }] }; }",
        "{ name: 'nobody' }",
    ),
];

/// Scripts with nothing to mend.
const GOOD: &[&str] = &[
    "'use strict'\nvar items = require('lib/items')\nfunction execute(payload) { return items.all() }",
    "if (globalThis.nothing) return;\nexports.execute = async function (payload) { return {}; };",
    "module.exports = { execute(payload) { return {}; } };",
    "module.exports = require('./lib/items');",
    "var skep = require('skep'); const execute = (payload) => ({ who: skep.caller.current() });",
    "try { require('lib/optional'); } catch (error) {}\nfunction execute() {}",
    // Names and orders of the app's own.
    "var ORDERS = { name: 'name', id: 'id' };\nfunction execute(payload) {\n\
     return sql('SELECT id FROM js_items ORDER BY ' + (ORDERS[payload.order] || 'id'));\n}",
    "function execute(payload) { return sql('SELECT $1::text', [payload.a]); }",
    "function execute(payload) { return sql('SELECT $1::text, $2::text', values(payload)); }\n\
     function values(payload) { return [1, 2]; }",
    "function execute(payload) { return { _actions: [{ name: 'item_added', payload: {} }] }; }",
    "function execute(payload) { return { _actions: [{ ...payload.action }] }; }",
    "function execute(payload) { var sql = console.log; return sql('SELECT FROM FROM'); }",
];

fn backend(main: &str) -> Bundle {
    let mut bundle = Bundle::for_tests(&[
        (
            "manifest.json",
            r#"{"app_name": "js", "version": "1.0.0",
                "tables": ["CREATE TABLE IF NOT EXISTS js_items (id int, name text)"],
                "actions": [{"name": "item_added", "display_name": "Added"}]}"#,
        ),
        (
            "lib/items.js",
            "exports.all = function () { return sql('SELECT id FROM js_items'); };\n\
             exports.execute = exports.all;",
        ),
    ]);
    put(&mut bundle, MAIN, main);
    bundle
}

#[test]
fn what_is_wrong_with_a_backend_is_found_where_it_is() {
    for (rule, severity, main, part) in BAD {
        let found = of_rule(&backend(main), rule);
        assert_eq!(found, [(*severity, (*part).to_owned())], "{rule} in {main}");
    }
}

#[test]
fn a_good_backend_is_left_alone() {
    for main in GOOD {
        let mut found = problems(&backend(main));
        // What a module may do without, it says so.
        found.retain(|problem| !main.contains("try {") || problem.severity == Severity::Error);
        assert_eq!(found, [], "{found:#?} in {main}");
    }
}

#[test]
fn modules_are_followed_from_the_manifest_too() {
    let mut bundle = backend("function execute() { return require('lib/deep').run(); }");
    put(
        &mut bundle,
        "lib/deep.js",
        "exports.run = require('./deeper').run;",
    );
    put(&mut bundle, "lib/deeper.js", "exports.run = function ( {");
    assert_eq!(of_rule(&bundle, "SK-J01").len(), 1);

    let mut bundle = backend("function execute() {}");
    put(
        &mut bundle,
        "lib/work.js",
        "sql('SELECT 1'); exports.run = () => {};",
    );
    assert_eq!(of_rule(&bundle, "SK-J13"), []);
    put(
        &mut bundle,
        "manifest.json",
        r#"{"app_name": "js", "version": "1.0.0", "tasks": {"a": {"run": "lib/work.js:run"}}}"#,
    );
    assert_eq!(of_rule(&bundle, "SK-J13").len(), 1);
}

#[test]
fn a_main_script_beside_a_python_backend_is_the_pages() {
    let bundle = app_with(MAIN, "sql('SELECT 1');");

    assert_eq!(problems(&bundle), []);
}

#[test]
fn a_page_is_given_no_file_of_the_backend() {
    let mut bundle = backend("function execute() {}");
    put(
        &mut bundle,
        "index.html",
        "<!doctype html><html><body><script src=\"main.js\"></script></body></html>",
    );

    let found = problems(&bundle);
    let missing = found.iter().find(|it| it.rule.id == "NR-H07").unwrap();
    assert_eq!(missing.severity, Severity::Error);
    assert_eq!(
        missing.text,
        "`main.js` belongs to the backend: no browser is given it"
    );
}
