//! SQL of the manifest and of the sources.

use super::*;

const MANIFEST: &str = "manifest.json";
const MAIN: &str = "main.py";

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        rule: "NR-B16",
        file: MANIFEST,
        bad: &[
            (
                r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE TABLE x_a (id int)"]}"#,
                r#""CREATE TABLE x_a (id int)""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE TABLE IF NOT EXISTS a (id int)", "INSERT INTO a VALUES (1)"]}"#,
                r#""INSERT INTO a VALUES (1)""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "tables": ["DROP TABLE IF EXISTS a", "CREATE TABLE IF NOT EXISTS a (id int)"]}"#,
                r#""DROP TABLE IF EXISTS a""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE TABLE IF NOT EXISTS a (id int)", "TRUNCATE a"]}"#,
                r#""TRUNCATE a""#,
            ),
        ],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE SCHEMA IF NOT EXISTS x", "CREATE TABLE IF NOT EXISTS x.a (id int PRIMARY KEY)", "CREATE INDEX IF NOT EXISTS a_id ON x.a (id)", "INSERT INTO x.a VALUES (1) ON CONFLICT DO NOTHING"]}"#,
        ],
    },
    Vector {
        rule: "NR-B17",
        file: MANIFEST,
        bad: &[
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT $2::text", "params": [{"name": "p"}]}]}"#,
                r#""SELECT $2::text""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT 1", "params": [{"name": "p"}]}]}"#,
                r#""SELECT 1""#,
            ),
        ],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT $1::text, $1::int, '$9'", "params": [{"name": "p"}]}]}"#,
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT $1::text"}]}"#,
        ],
    },
    Vector {
        rule: "SK-B11",
        file: MANIFEST,
        bad: &[
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT pg_sleep(1)"}]}"#,
                r#""SELECT pg_sleep(1)""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "n", "display_name": "N"}, {"name": "a", "type": "query", "sql": "CREATE TABLE t (id int)"}]}"#,
                r#""CREATE TABLE t (id int)""#,
            ),
        ],
        good: &[
            // Module-level code may make the table.
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT id FROM elsewhere"}]}"#,
        ],
    },
    Vector {
        rule: "SK-B12",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "DELETE FROM t"}]}"#,
            r#""DELETE FROM t""#,
        )],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "mutation", "sql": "DELETE FROM t"}]}"#,
        ],
    },
    Vector {
        rule: "SK-S01",
        file: MANIFEST,
        bad: &[
            (
                r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE EXTENSION IF NOT EXISTS hstore"]}"#,
                r#""CREATE EXTENSION IF NOT EXISTS hstore""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE SCHEMA IF NOT EXISTS other"]}"#,
                r#""CREATE SCHEMA IF NOT EXISTS other""#,
            ),
        ],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE TABLE IF NOT EXISTS a (id uuid DEFAULT gen_random_uuid())"]}"#,
        ],
    },
    Vector {
        rule: "SK-S02",
        file: MAIN,
        bad: &[
            (
                "def execute(data, conn=None):\n    conn.cursor().execute('SELECT a FROM other_items')\n",
                "'SELECT a FROM other_items'",
            ),
            (
                "Q = 'DELETE FROM other_items'\ndef execute(data, conn=None):\n    conn.cursor().execute(Q)\n",
                "'DELETE FROM other_items'",
            ),
        ],
        good: &[
            // A later statement makes the table, and a WITH query is none.
            "def execute(data, conn=None):\n    cur.execute('WITH a AS (SELECT 1) SELECT * FROM a, hw_b')\n\
             cur.execute('CREATE TABLE IF NOT EXISTS hw_b (id int)')\n",
            // Somebody makes tables that nobody can see.
            "cur.execute(f'CREATE TABLE IF NOT EXISTS {name} (id int)')\n\
             def execute(data, conn=None):\n    cur.execute('SELECT a FROM other_items')\n",
            "def execute(data, conn=None):\n    print('Select one from the list')\n",
            "def execute(data, conn=None):\n    cur.execute('SELECT id FROM noderouter_core.job_queue')\n",
        ],
    },
    Vector {
        rule: "SK-S03",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "tables": ["CREATE TABEL a (id int)"]}"#,
            r#""CREATE TABEL a (id int)""#,
        )],
        good: &[],
    },
];

fn warnings_of(main: &str, rule: &str) -> Vec<(Severity, String)> {
    of_rule(&app_with(MAIN, main), rule)
}

#[test]
fn what_is_wrong_with_sql_in_sources_is_no_error() {
    let main = |sql: &str| format!("def execute(data, conn=None):\n    cur.execute({sql:?})\n");

    for (sql, rule) in [
        ("SELECT pg_sleep(1)", "SK-S01"),
        ("SELEC 1", ""),
        ("SELECT FROM FROM a", "SK-S03"),
        ("SELECT 1; SELECT 2", "SK-S03"),
    ] {
        let found = warnings_of(&main(sql), rule);
        let expected: Vec<Severity> = (!rule.is_empty())
            .then_some(Severity::Warning)
            .into_iter()
            .collect();
        let found: Vec<_> = found.into_iter().map(|(severity, _)| severity).collect();
        assert_eq!(found, expected, "{sql}");
    }
}

#[test]
fn a_table_that_is_given_up_is_a_warning() {
    let manifest = r#"{"app_name": "x", "version": "1.0.0", "tables": ["DROP TABLE IF EXISTS a"]}"#;
    let found = of_rule(&app_with(MANIFEST, manifest), "NR-B16");
    assert_eq!(
        found,
        [(Severity::Warning, r#""DROP TABLE IF EXISTS a""#.to_owned())]
    );
}

#[test]
fn parameters_of_psycopg_can_stand_wherever_values_do() {
    for sql in [
        "SELECT id FROM app_hello_world_items WHERE id IN %s AND name LIKE 'a%%'",
        "INSERT INTO app_hello_world_items (name) VALUES %s",
        "SELECT now() - INTERVAL %s",
        "SELECT id FROM app_hello_world_items LIMIT %(n)s OFFSET %(m)s",
        "SELECT id FROM app_hello_world_items WHERE id = ANY(%s::int[])",
    ] {
        let main = include_str!("app/main.py")
            .replace("SELECT id FROM app_hello_world_items WHERE name = %s", sql);
        assert_eq!(problems(&app_with(MAIN, &main)), [], "{sql}");
    }
}

#[test]
fn tables_that_the_manifest_asks_for_are_known() {
    let mut bundle = app_with(
        MAIN,
        "def execute(data, conn=None):\n    cur.execute('SELECT a FROM item_master.items')\n",
    );
    assert_eq!(of_rule(&bundle, "SK-S02").len(), 1);

    put(
        &mut bundle,
        MANIFEST,
        r#"{"app_name": "app_hello_world", "version": "1.0.0",
            "needs": {"tables": [{"schema": "item_master", "table": "items"}]}}"#,
    );
    assert_eq!(of_rule(&bundle, "SK-S02"), []);
}
