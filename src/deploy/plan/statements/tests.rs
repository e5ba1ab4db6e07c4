use serde_json::{Value, json};

use super::*;
use crate::app::manifest::noderouter;

fn manifest(fields: &Value) -> Manifest {
    let mut manifest = json!({"app_name": "shop", "version": "1.0.0"});
    let object = manifest.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    noderouter::parse(manifest.to_string().as_bytes())
        .unwrap()
        .manifest
}

fn bundle(files: &[(&str, &'static str)]) -> Bundle {
    Bundle::for_tests(files)
}

fn line(statement: &Statement) -> String {
    let Statement {
        place,
        kind,
        reads,
        writes,
        creates,
        new,
        ..
    } = statement;
    let mark = if *new { "+" } else { " " };
    let names = |names: &[String]| names.join(",");
    format!(
        "{mark}{place} {kind} r[{}] w[{}] c[{}]",
        names(reads),
        names(writes),
        names(creates)
    )
}

fn lines(statements: &[Statement]) -> Vec<String> {
    statements.iter().map(line).collect()
}

const SOURCE: &str = r#"
"""Update the stock; select what is there."""
def execute(data, conn):
    cur.execute("SELECT word FROM items WHERE id = %s", (1,))
    cur.execute(
        "INSERT INTO log (word) "
        "VALUES (%(word)s)", {"word": 1})
    cur.execute(f"DELETE FROM {table}")
    return "select one"
"#;

#[test]
fn statements_of_a_backend_in_javascript_are_listed_too() {
    let bundle = bundle(&[
        (
            "main.js",
            "function execute() { return require('lib/items').all() }",
        ),
        (
            "lib/items.js",
            "exports.all = () => sql(`SELECT id FROM items WHERE id = $1`, [1])",
        ),
        ("js/page.js", "x = 'DELETE FROM items'"),
    ]);

    let found = of_sources(&manifest(&json!({})), &bundle, None);
    assert_eq!(
        lines(&found.listed),
        ["+lib/items.js:1 SELECT r[items] w[] c[]"]
    );
}

#[test]
fn statements_of_the_sources_are_listed_with_place_kind_and_tables() {
    let bundle = bundle(&[
        ("main.py", SOURCE),
        ("libs/other.py", "x = 'DELETE FROM stock.parts'"),
        ("index.js", "'DELETE FROM items'"),
    ]);

    let found = of_sources(&manifest(&json!({})), &bundle, None);

    assert_eq!(
        lines(&found.listed),
        [
            "+libs/other.py:1 DELETE r[] w[stock.parts] c[]",
            "+main.py:4 SELECT r[items] w[] c[]",
            "+main.py:6 INSERT r[] w[log] c[]",
        ]
    );
    assert_eq!(found.built, ["main.py:8"]);
    assert_eq!(found.more, 0);
}

#[test]
fn what_the_active_release_has_too_is_not_new() {
    let manifest = manifest(&json!({}));
    let before = bundle(&[("main.py", "x = 'SELECT a FROM b'")]);
    let after = bundle(&[("main.py", "\n\nx = 'SELECT a FROM b', 'SELECT a FROM c'")]);

    let found = of_sources(&manifest, &after, Some((&manifest, &before)));

    assert_eq!(
        lines(&found.listed),
        [
            " main.py:3 SELECT r[b] w[] c[]",
            "+main.py:3 SELECT r[c] w[] c[]"
        ]
    );
}

#[test]
fn the_manifests_own_statements_are_read_too() {
    let before = manifest(&json!({"tables": ["CREATE TABLE a (id int)"]}));
    let after = manifest(&json!({
        "tables": ["CREATE TABLE a (id int)", "CREATE TABLE IF NOT EXISTS shop.b (id int)"],
        "actions": [{"name": "find", "type": "query", "sql": "SELECT * FROM a WHERE id = $1"}],
    }));

    assert_eq!(
        lines(&of_tables(&after, Some(&before))),
        [
            " tables[0] CREATE TABLE r[] w[] c[a]",
            "+tables[1] CREATE TABLE r[] w[] c[shop.b]",
        ]
    );
    let created: Vec<String> = created(&after).iter().map(ToString::to_string).collect();
    assert_eq!(created, ["a", "shop.b"]);
    let found = of_sources(&after, &bundle(&[]), None);
    assert_eq!(lines(&found.listed), ["+action find SELECT r[a] w[] c[]"]);
}

#[test]
fn a_statement_that_will_be_refused_says_why() {
    let bundle = bundle(&[("main.py", "x = 'SELECT * FROM pg_catalog.pg_authid'")]);

    let found = of_sources(&manifest(&json!({})), &bundle, None);

    let [statement] = found.listed.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(statement.kind, "SELECT");
    assert!(statement.refused.is_some(), "{statement:?}");
}

#[test]
fn parameters_of_python_become_those_of_postgresql() {
    for (python, sql) in [
        ("a = %s AND b = %s", "a = ($1) AND b = ($2)"),
        ("a = %(x)s OR %(y)s = %(x)s", "a = ($1) OR ($2) = ($1)"),
        ("a LIKE 'x%%' AND b % 2", "a LIKE 'x%' AND b % 2"),
        ("%(", "%("),
    ] {
        assert_eq!(with_parameters(python), sql);
    }
}

#[test]
fn only_what_begins_as_a_statement_is_read_as_one() {
    for text in [
        "select 1",
        "  -- why\n/* x */ (SELECT 1)",
        "WITH a AS (SELECT 1) SELECT 1",
        "DELETE\nFROM a",
    ] {
        assert!(looks_like_sql(text), "{text}");
    }
    for text in [
        "",
        "selected",
        "Update: done",
        "-- select",
        "set a",
        "show",
        "ünder",
    ] {
        assert!(!looks_like_sql(text), "{text}");
    }
}
