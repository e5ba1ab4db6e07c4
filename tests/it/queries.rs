//! Statements that a manifest names: checked at the deploy, and run by name.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::Host;
use crate::job_app::until_status;
use crate::python;

async fn install(host: &Host) {
    let manifest = std::fs::read(python::source("queries").join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let app = python::bundle("queries")
        .with("tables", manifest["tables"].clone())
        .with("actions", manifest["actions"].clone());
    let _turn = python::turn();
    host.install(&app).await;
}

#[tokio::test]
async fn an_app_without_a_connection_works_by_its_statements() {
    let host = python::host().await;
    install(&host).await;
    let call = async |data: Value| host.call("queries", data).await;

    // The schema is the host's to make, and what `tables` fill is there.
    let listed = call(json!({ "action": "list" })).await.expect(200).json();
    assert_eq!(
        listed,
        json!({ "items": [
            { "code": "seed", "price": 0.1, "stock": 0, "made": "2026-01-02T03:04:05Z", "total": 1 },
        ] })
    );

    // Each statement is a transaction of its own: what was done before one that fails stays.
    let items = json!([{ "code": "a", "stock": 2 }, { "code": "b" }]);
    let error = call(json!({ "action": "add", "items": items }))
        .await
        .expect(500)
        .error();
    assert!(
        error.starts_with("query 'add_item' failed (400): null value"),
        "{error}"
    );
    let found = call(json!({ "action": "list", "params": { "search": "A" } }))
        .await
        .json();
    assert_eq!(found["items"][0]["stock"], 2);
    assert_eq!(found["items"].as_array().unwrap().len(), 1);

    let run = async |data: Value| {
        let mut data = data;
        data["action"] = json!("run");
        call(data).await.expect(200).json()
    };
    assert_eq!(
        run(json!({ "name": "find_item", "params": ["a"] })).await,
        json!({ "rows": [{ "stock": 2 }] })
    );
    assert_eq!(
        run(json!({ "name": "find_item", "params": { "code": "a" } })).await,
        json!({
            "status": 400,
            "error": "query 'find_item' has no parameter schema in manifest.json for app 'queries'",
        })
    );
    let unknown = run(json!({ "name": "drop_all" })).await;
    assert_eq!(unknown["status"], 404, "{unknown}");
    assert_eq!(run(json!({ "name": "clear" })).await, json!({ "rows": [] }));

    // In a job too.
    let job = json!({ "action": "add", "items": [{ "code": "c", "stock": 1 }] });
    let admin = host.admin();
    let queued = admin
        .post("/api/async/queries", &job)
        .await
        .expect(202)
        .json();
    until_status(&admin, queued["job_id"].as_str().unwrap(), "completed").await;
    let listed = call(json!({ "action": "list" })).await.json();
    assert_eq!(listed["items"][0]["code"], "c");
}

/// An app with one table and one statement.
fn app(sql: &str) -> Bundle {
    let actions = json!([{ "name": "act", "type": "mutation", "sql": sql }]);
    Bundle::of_guest("shop", "echo")
        .with(
            "tables",
            json!(["CREATE TABLE IF NOT EXISTS shop.items (id int, name text)"]),
        )
        .with("actions", actions)
}

#[tokio::test]
async fn a_statement_that_cannot_run_is_refused_by_the_name_of_its_action() {
    let host = Host::start().await;
    let stock = json!(["CREATE TABLE IF NOT EXISTS stock_items (id int)"]);
    host.install(&Bundle::of_guest("stock", "echo").with("tables", stock))
        .await;
    let before = host.state().await;

    for (sql, expected) in [
        ("SELECT pg_sleep(1)", "the function `pg_sleep`"),
        ("SELEC 1", "syntax error"),
        ("DROP TABLE shop.items", "belongs into `tables`"),
        (
            "SELECT id FROM stock_items",
            "`stock_items` is neither a table of this app",
        ),
        (
            "SELECT id FROM shop.item",
            "`shop.item` is neither a table of this app",
        ),
        (
            "SELECT nme FROM shop.items",
            "column \"nme\" does not exist",
        ),
        ("UPDATE shop.items SET id = $1::bool", "is of type boolean"),
        (
            "SELECT id FROM shop.items WHERE id = $2",
            "could not determine data type of parameter $1",
        ),
    ] {
        let error = host.deploy(&app(sql)).await.expect(422).error();

        assert!(error.contains("manifest.json"), "{error}");
        assert!(error.contains("cannot be run"), "{error}");
        assert!(error.contains("`act`"), "{error}");
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
        assert_eq!(host.state().await, before, "{sql}");
    }
    let two = json!([
        { "name": "one", "type": "query", "sql": "SELECT a FROM shop.items" },
        { "name": "two", "type": "query", "sql": "SELECT b FROM shop.items" },
    ]);
    let error = host
        .deploy(&app("").with("actions", two))
        .await
        .expect(422)
        .error();
    assert!(
        error.contains("`one`") && error.contains("`two`"),
        "{error}"
    );

    let report = host
        .install(&app("SELECT name FROM shop.items WHERE id = $1"))
        .await;
    assert_eq!(report["warnings"], json!([]));
}

#[tokio::test]
async fn a_statement_may_use_what_the_app_is_granted_and_nothing_else() {
    let host = Host::start().await;
    let needs = json!({ "tables": [{ "table": "stock_items" }] });
    let read = || app("SELECT id FROM stock_items").with("needs", needs.clone());

    // Nobody has the table yet: the deploy warns, and goes live.
    let report = host.install(&read()).await;
    assert!(
        report["warnings"].to_string().contains("SK-B04"),
        "{report}"
    );

    let stock = json!(["CREATE TABLE IF NOT EXISTS stock_items (id int)"]);
    host.install(&Bundle::of_guest("stock", "echo").with("tables", stock))
        .await;
    host.install(&read().version("2.0.0")).await;

    let write = app("DELETE FROM stock_items").with("needs", needs.clone());
    let error = host.deploy(&write).await.expect(422).error();
    assert!(
        error.contains("`stock_items` is granted to this app for reading only"),
        "{error}"
    );
}
