//! What apps reach of the database, and what they do not.

use serde_json::json;

use crate::bundle::Bundle;
use crate::host::Host;

#[tokio::test]
async fn an_app_cannot_read_another_apps_table_or_the_hosts() {
    let host = Host::start().await;
    let owner = Bundle::of_guest("owner", "sql").with(
        "tables",
        json!([
            "CREATE TABLE IF NOT EXISTS owner_items (name text)",
            "INSERT INTO owner_items VALUES ('secret') ON CONFLICT DO NOTHING"
        ]),
    );
    host.install(&owner).await;
    host.install(&Bundle::of_guest("other", "sql")).await;

    let own = host.call(
        "owner",
        json!({ "sql": "SELECT to_json(name)::text FROM owner_items" }),
    );
    assert_eq!(own.await.expect(200).json(), json!({ "result": "secret" }));

    for (sql, sqlstate) in [
        ("SELECT name FROM owner_items", "42P01"),
        ("DELETE FROM owner_items", "42P01"),
        ("SELECT username FROM skep.users", "42P01"),
        ("SELECT rolpassword FROM pg_catalog.pg_authid", "42P01"),
        ("DROP TABLE owner_items", "0A000"),
        ("CREATE TABLE public.mine (id int)", "0A000"),
    ] {
        let answer = host.call("other", json!({ "sql": sql })).await.expect(500);
        assert_eq!(answer.error(), sqlstate, "{sql}");
    }
    let database = host.database().await;
    let left = database.query_one("SELECT count(*) FROM owner_items", &[]);
    assert_eq!(left.await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn an_app_cannot_become_another_role_or_change_its_own() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "sql")).await;

    for (sql, sqlstate) in [
        ("SET ROLE skep", "0A000"),
        ("SET SESSION AUTHORIZATION skep", "0A000"),
        ("ALTER ROLE CURRENT_USER SUPERUSER", "0A000"),
        ("/* ; */ alter user current_user PASSWORD 'x'", "0A000"),
        ("CREATE ROLE other LOGIN", "0A000"),
        ("DO 'begin end'", "0A000"),
        ("COPY (SELECT 1) TO PROGRAM 'id'", "0A000"),
        ("NOTIFY skep_apps, 'app'", "0A000"),
        ("PREPARE mine AS SELECT 1", "0A000"),
        ("SELECT pg_read_file('/etc/passwd')", "42501"),
        ("SELECT ('/etc/passwd').pg_read_file", "42501"),
    ] {
        let answer = host.call("app", json!({ "sql": sql })).await.expect(500);
        assert_eq!(answer.error(), sqlstate, "{sql}");
    }
}

#[tokio::test]
async fn results_over_a_limit_are_refused_in_words() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "sql")).await;

    for (sql, error) in [
        (
            "SELECT 1 FROM generate_series(1, 10001)",
            "the result has more than 10000 rows: add a LIMIT, or read it in parts",
        ),
        (
            "SELECT repeat('x', 17000000)",
            "the result is larger than 16777216 bytes: select fewer columns, or read it in parts",
        ),
    ] {
        let answer = host.call("app", json!({ "sql": sql })).await.expect(500);
        assert_eq!(answer.error(), error, "{sql}");
    }
    host.call("app", json!({ "sql": "SELECT 1" }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_call_holds_so_many_connections_and_no_more() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "connections")).await;

    // What the first call left open is closed for the second.
    for _ in 0..2 {
        let answer = host.call("app", json!({})).await.expect(500);
        assert_eq!(
            answer.error(),
            "the call holds more than 8 connections open: close them, or use one"
        );
    }
}

#[tokio::test]
async fn a_statement_that_fails_says_its_sqlstate() {
    let host = Host::start().await;
    let unique = json!(["CREATE TABLE IF NOT EXISTS app_items (id int PRIMARY KEY)"]);
    host.install(&Bundle::of_guest("app", "sql").with("tables", unique))
        .await;

    for (sql, sqlstate) in [
        ("SELEC 1", "42601"),
        ("SELECT 1 FROM nowhere", "42P01"),
        ("SELECT 1 / 0", "22012"),
        ("INSERT INTO app_items VALUES (1), (1)", "23505"),
    ] {
        let answer = host.call("app", json!({ "sql": sql })).await.expect(500);
        assert_eq!(answer.error(), sqlstate, "{sql}");
    }
}
