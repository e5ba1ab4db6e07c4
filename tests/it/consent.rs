//! What an app asks for beyond what every app has: held, accepted, refused, withdrawn.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Answer, Host, until};

const READ: &str = "SELECT to_json(word)::text FROM stock_items";
const WRITE: &str = "INSERT INTO stock_items VALUES ('screw') RETURNING to_json(word)::text";

/// A server with `stock`, which has a table, and `shop`, which asks for nothing.
async fn host() -> Host {
    let host = Host::start().await;
    host.install(&stock()).await;
    host.install(&Bundle::of_guest("shop", "sql")).await;
    host
}

fn stock() -> Bundle {
    let tables = json!([
        "CREATE TABLE IF NOT EXISTS stock_items (word text)",
        "INSERT INTO stock_items VALUES ('nail') ON CONFLICT DO NOTHING",
    ]);
    Bundle::of_guest("stock", "sql").with("tables", tables)
}

/// The `shop` that wants to write the table of `stock`.
fn shop() -> Bundle {
    let needs = json!({ "tables": [{ "table": "stock_items", "access": "write" }] });
    Bundle::of_guest("shop", "sql")
        .version("2.0.0")
        .with("needs", needs)
}

async fn waits(host: &Host, bundle: &Bundle) -> Value {
    let report = host.deploy(bundle).await.expect(202).json();
    assert_eq!(report["state"], "waiting", "{report}");
    report
}

async fn run(host: &Host, sql: &str) -> Answer {
    host.call("shop", json!({ "sql": sql })).await
}

async fn may(host: &Host, sql: &str) -> bool {
    let answer = run(host, sql).await;
    if answer.status == 200 {
        return true;
    }
    // Refused by whichever of the two walls comes first.
    let error = answer.expect(500).error();
    assert!(
        ["0A000", "42501", "42P01", "stock_items"]
            .iter()
            .any(|refusal| error.contains(refusal)),
        "{error}"
    );
    false
}

/// The app's releases as number and state, newest first.
async fn releases(host: &Host, app: &str) -> Vec<String> {
    let path = format!("/admin/api/apps/{app}/releases");
    let list = host.admin().get(&path).await.expect(200).json();
    let releases = list["releases"].as_array().unwrap();
    let state = |release: &Value| {
        let active = if release["active"] == true {
            " active"
        } else {
            ""
        };
        format!(
            "{} {}{active}",
            release["number"],
            release["state"].as_str().unwrap()
        )
    };
    releases.iter().map(state).collect()
}

async fn refuse(host: &Host, number: i32) -> Answer {
    let path = format!("/admin/api/apps/shop/releases/{number}/refuse");
    let body = json!({ "reason": "ask sales first" });
    host.admin().post(&path, &body).await
}

#[tokio::test]
async fn a_deploy_that_asks_for_more_waits_and_serves_once_it_is_accepted() {
    let host = host().await;

    let report = waits(&host, &shop()).await;
    assert!(report["plan"]["consent"] == true, "{report}");
    let added = &report["plan"]["grants"]["added"];
    let expected = json!([{
        "kind": "table", "schema": "public", "table": "stock_items", "access": "write",
        "owner": "stock",
    }]);
    assert_eq!(*added, expected);
    assert_eq!(
        releases(&host, "shop").await,
        ["2 waiting", "1 ready active"]
    );
    assert!(!may(&host, READ).await && !may(&host, WRITE).await);

    host.admin().accept(&report).await.expect(204);

    assert_eq!(releases(&host, "shop").await, ["2 ready active", "1 ready"]);
    let read = run(&host, READ).await.expect(200).json();
    assert_eq!(read, json!({ "result": "nail" }));
    assert!(may(&host, WRITE).await);
    // Rows are granted, the table is not.
    assert!(!may(&host, "DROP TABLE stock_items").await);
    let again = host.admin().accept(&report).await.expect(409).error();
    assert!(
        again.starts_with("release 2 of 'shop' does not wait"),
        "{again}"
    );
}

#[tokio::test]
async fn a_grant_to_read_is_none_to_write() {
    let host = host().await;
    let needs = json!({ "tables": [{ "table": "stock_items" }] });

    host.install(&Bundle::of_guest("shop", "sql").with("needs", needs))
        .await;

    assert!(may(&host, READ).await);
    assert!(!may(&host, WRITE).await);
    assert!(!may(&host, "DELETE FROM stock_items").await);
}

#[tokio::test]
async fn the_footprint_of_an_action_is_asked_for_and_an_apps_own_tables_are_not() {
    let host = host().await;
    let actions = json!([{ "name": "sold", "tables": [
        { "schema": "public", "table": "stock_items", "access": "write" },
        { "schema": "public", "table": "shop_items", "access": "write" },
    ] }]);
    let tables = json!(["CREATE TABLE IF NOT EXISTS shop_items (id int)"]);
    let shop = Bundle::of_guest("shop", "sql")
        .with("actions", actions)
        .with("tables", tables);

    let report = waits(&host, &shop).await;

    let added = report["plan"]["grants"]["added"].as_array().unwrap();
    assert_eq!(added.len(), 1, "{report}");
    assert_eq!(added[0]["table"], "stock_items");
    host.admin().accept(&report).await.expect(204);
    // Now that it has been made, it is the app's own.
    let next = host.deploy(&shop.version("3.0.0")).await.expect(200).json();
    assert_eq!(next["plan"]["consent"], false);
}

#[tokio::test]
async fn a_first_deploy_that_waits_is_shown_and_does_not_serve() {
    let host = Host::start().await;
    host.install(&stock()).await;

    let report = waits(&host, &shop()).await;

    run(&host, "SELECT 1").await.expect(404);
    let list = host.admin().get("/admin/api/apps").await.expect(200).json();
    let app = &list["apps"][0];
    assert_eq!(app["name"], "shop");
    assert_eq!(
        (&app["release"], &app["waiting"]),
        (&Value::Null, &json!(1))
    );
    host.admin().accept(&report).await.expect(204);
    assert!(may(&host, READ).await);
}

#[tokio::test]
async fn an_app_that_never_went_live_can_be_deleted() {
    let host = Host::start().await;
    host.install(&stock()).await;
    let before = host.state().await;
    waits(&host, &shop()).await;

    host.admin()
        .delete("/admin/api/apps/shop?tables=drop")
        .await
        .expect(204);

    assert_eq!(host.state().await, before);
}

#[tokio::test]
async fn a_refused_release_stays_listed_and_the_one_before_serves() {
    let mut host = host().await;
    let report = waits(&host, &shop()).await;

    refuse(&host, 2).await.expect(204);

    assert_eq!(
        releases(&host, "shop").await,
        ["2 refused", "1 ready active"]
    );
    let shown = host
        .admin()
        .get("/admin/api/apps/shop")
        .await
        .expect(200)
        .json();
    let refused = &shown["releases"][0];
    assert_eq!(refused["decided_by"], "admin");
    assert_eq!(refused["reason"], "ask sales first");
    assert!(!may(&host, READ).await);
    host.admin().accept(&report).await.expect(409);
    refuse(&host, 2).await.expect(409);
    let back = json!({ "release": 2 });
    host.admin()
        .post("/admin/api/apps/shop/rollback", &back)
        .await
        .expect(409);

    // Its bytes are gone with the next start; what it was stays.
    let blobs = "SELECT count(*) FROM skep.blobs";
    let count = async |host: &Host| -> i64 {
        host.database()
            .await
            .query_one(blobs, &[])
            .await
            .unwrap()
            .get(0)
    };
    let before = count(&host).await;
    host.kill().await;
    host.restart().await;
    assert!(count(&host).await < before);
    assert_eq!(
        releases(&host, "shop").await,
        ["2 refused", "1 ready active"]
    );
    let plan = host
        .admin()
        .get("/admin/api/apps/shop/releases/2/plan")
        .await;
    assert_eq!(plan.expect(200).json(), report["plan"]);
}

#[tokio::test]
async fn a_newer_deploy_takes_the_place_of_one_that_waits() {
    let host = host().await;
    let first = waits(&host, &shop()).await;

    let second = waits(&host, &shop().version("3.0.0")).await;
    assert_eq!(
        releases(&host, "shop").await,
        ["3 waiting", "2 refused", "1 ready active"]
    );
    host.admin().accept(&first).await.expect(409);

    // Also one that has nothing to wait for.
    host.install(&Bundle::of_guest("shop", "sql").version("4.0.0"))
        .await;
    host.admin().accept(&second).await.expect(409);
    assert_eq!(
        releases(&host, "shop").await,
        ["4 ready active", "3 refused", "2 refused", "1 ready"]
    );
    assert!(!may(&host, READ).await);
}

#[tokio::test]
async fn a_plan_that_is_not_true_any_more_is_shown_anew() {
    let host = host().await;
    host.install(&Bundle::of_guest("shop", "sql").version("1.1.0"))
        .await;
    let report = waits(&host, &shop()).await;
    let back = json!({ "release": 1 });
    host.admin()
        .post("/admin/api/apps/shop/rollback", &back)
        .await
        .expect(204);

    let stale = host.admin().accept(&report).await.expect(409);
    let error = stale.error();
    assert!(
        error.starts_with("the plan is not the one that was accepted"),
        "{error}"
    );
    let body = stale.json();
    assert_eq!(body["code"], "other_plan");
    assert_eq!(body["plan"]["active"]["release"], 1);
    assert!(!may(&host, READ).await);

    let plan = host
        .admin()
        .get("/admin/api/apps/shop/releases/3/plan")
        .await;
    assert_eq!(plan.expect(200).json(), body["plan"]);
    let digest = json!({ "digest": body["plan"]["digest"] });
    let path = "/admin/api/apps/shop/releases/3/accept";
    host.admin().post(path, &digest).await.expect(204);
    assert!(may(&host, READ).await);
}

#[tokio::test]
async fn who_may_consent_accepts_the_shown_plan_in_one_step() {
    let host = host().await;
    let before = host.state().await;
    let admin = host.admin();

    let plan = admin.plan(shop().zip()).await.expect(200).json();
    assert_eq!(host.state().await, before);
    let other = admin
        .deploy_accepted(shop().zip(), "0000")
        .await
        .expect(409);
    assert_eq!(other.json()["plan"], plan);
    assert_eq!(host.state().await, before);

    let digest = plan["digest"].as_str().unwrap();
    let report = admin
        .deploy_accepted(shop().zip(), digest)
        .await
        .expect(200);
    assert_eq!(report.json()["state"], "ready");
    assert!(may(&host, READ).await);
    let shown = admin
        .get("/admin/api/apps/shop/releases")
        .await
        .expect(200)
        .json();
    assert_eq!(shown["releases"][0]["decided_by"], "admin");
}

#[tokio::test]
async fn a_deployer_cannot_consent_and_a_consenter_cannot_deploy() {
    let host = host().await;
    for permission in ["apps", "consent"] {
        let role = json!({
            "name": permission, "permissions": [format!("skep:{permission}")],
        });
        host.admin()
            .post("/admin/api/roles", &role)
            .await
            .expect(201);
    }
    let deployer = host.user("dora", &["apps"]).await;
    let consenter = host.user("carl", &["consent"]).await;

    let before = host.state().await;
    consenter.deploy(shop().zip()).await.expect(403);
    let refused = deployer
        .deploy_accepted(shop().zip(), "0000")
        .await
        .expect(403);
    assert_eq!(
        refused.error(),
        "insufficient permissions: skep:consent required"
    );
    assert_eq!(host.state().await, before);

    let report = deployer.deploy(shop().zip()).await.expect(202).json();
    deployer.accept(&report).await.expect(403);
    let reason = json!({ "reason": "no" });
    let path = "/admin/api/apps/shop/releases/2/refuse";
    deployer.post(path, &reason).await.expect(403);
    let key = "/admin/api/apps/shop/grants?key=table:public.stock_items";
    deployer.delete(key).await.expect(403);
    assert!(!may(&host, READ).await);

    consenter
        .get("/admin/api/apps/shop/releases/2/plan")
        .await
        .expect(200);
    consenter.accept(&report).await.expect(204);
    assert!(may(&host, READ).await);
}

#[tokio::test]
async fn a_frontend_waits_unless_who_deploys_it_may_consent() {
    let host = Host::start().await;
    let role = json!({ "name": "apps", "permissions": ["skep:apps"] });
    host.admin()
        .post("/admin/api/roles", &role)
        .await
        .expect(201);
    let deployer = host.user("dora", &["apps"]).await;
    let app = |page: &str| Bundle::of_guest("app", "echo").file("index.html", page);

    let report = deployer.deploy(app("one").zip()).await.expect(202).json();
    assert_eq!(report["plan"]["frontend"]["before"], Value::Null);
    host.admin().accept(&report).await.expect(204);
    // The same page again, and none at all.
    deployer
        .deploy(app("one").version("2.0.0").zip())
        .await
        .expect(200);
    deployer
        .deploy(app("two").version("3.0.0").zip())
        .await
        .expect(202);
    host.deploy(&app("two").version("3.0.0")).await.expect(200);
    deployer
        .deploy(Bundle::of_guest("app", "echo").zip())
        .await
        .expect(200);
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_at_once_and_does_not_come_back_by_itself() {
    let host = host().await;
    host.install(&shop()).await;
    host.install(&Bundle::of_guest("shop", "sql").version("3.0.0"))
        .await;
    let rollback = async |release: i32| {
        let body = json!({ "release": release });
        host.admin()
            .post("/admin/api/apps/shop/rollback", &body)
            .await
    };
    assert!(!may(&host, READ).await);
    rollback(2).await.expect(204);
    assert!(may(&host, READ).await);

    let path = "/admin/api/apps/shop/grants";
    let withdraw = format!("{path}?key=table:public.stock_items");
    host.admin().delete(&withdraw).await.expect(204);

    assert!(!may(&host, READ).await);
    assert_eq!(
        host.admin().get(path).await.expect(200).json(),
        json!({ "grants": [] })
    );
    let error = host.admin().delete(&withdraw).await.expect(404).error();
    assert_eq!(
        error,
        "'shop' has no grant `table:public.stock_items`: see `skep grants shop`"
    );
    // It still serves, without the grant; the same bundle asks again.
    assert_eq!(
        releases(&host, "shop").await,
        ["3 ready", "2 ready active", "1 ready"]
    );
    waits(&host, &shop()).await;
    rollback(3).await.expect(204);
    rollback(2).await.expect(204);
    assert!(!may(&host, READ).await);
}

#[tokio::test]
async fn a_rollback_does_not_bring_back_what_was_withdrawn() {
    let host = host().await;
    host.install(&shop()).await;
    host.install(&Bundle::of_guest("shop", "sql").version("3.0.0"))
        .await;
    let withdraw = "/admin/api/apps/shop/grants?key=table:public.stock_items";
    host.admin().delete(withdraw).await.expect(204);

    let body = json!({ "release": 2 });
    let answer = host
        .admin()
        .post("/admin/api/apps/shop/rollback", &body)
        .await;

    let error = answer.expect(409).error();
    assert!(
        error.starts_with(
            "release 2 of 'shop' has grants that were withdrawn since: table:public.stock_items"
        ),
        "{error}"
    );
    assert!(!may(&host, READ).await);
}

#[tokio::test]
async fn every_node_hears_of_a_grant_that_comes_and_goes() {
    let host = host().await;
    let other = host.second_node().await;
    let longer = Bundle::of_guest("shop", "sql")
        .with("needs", json!({ "tables": [{ "table": "stock_items" }] }))
        .with("limits", json!({ "wall_ms": 40_000 }));
    until("the other node serves", async || {
        (run(&other, "SELECT 1").await.status == 200).then_some(())
    })
    .await;

    host.install(&longer).await;
    until("the other node has the grant", async || {
        may(&other, READ).await.then_some(())
    })
    .await;

    let withdraw = "/admin/api/apps/shop/grants?key=table:public.stock_items";
    host.admin().delete(withdraw).await.expect(204);
    assert!(!may(&other, READ).await);
}

#[tokio::test]
async fn a_table_that_its_owner_makes_anew_is_granted_again() {
    let host = host().await;
    host.install(&shop()).await;
    let gone = json!(["DROP TABLE IF EXISTS stock_items"]);
    let anew = json!([
        "CREATE TABLE IF NOT EXISTS stock_items (word text)",
        "INSERT INTO stock_items VALUES ('bolt') ON CONFLICT DO NOTHING",
    ]);

    for (version, tables) in [("2.0.0", gone), ("3.0.0", anew)] {
        host.install(&stock().version(version).with("tables", tables))
            .await;
    }

    let read = run(&host, READ).await.expect(200).json();
    assert_eq!(read, json!({ "result": "bolt" }));
}

#[tokio::test]
async fn a_grant_says_who_gave_it_and_whether_it_could_be_withdrawn() {
    let host = host().await;
    host.install(&shop()).await;
    let grant = async || {
        let grants = host
            .admin()
            .get("/admin/api/apps/shop/grants")
            .await
            .expect(200);
        grants.json()["grants"][0].clone()
    };

    let granted = grant().await;
    assert_eq!(granted["key"], "table:public.stock_items");
    assert_eq!(
        granted["text"],
        "read and write table public.stock_items of stock"
    );
    assert_eq!(granted["accepted_by"], "admin");
    assert_eq!(granted["active"], true);
    assert_eq!(granted["idle"], "it has not been used");

    host.install(&Bundle::of_guest("shop", "sql").version("3.0.0"))
        .await;
    assert_eq!(
        grant().await["idle"],
        "the active release does not ask for it"
    );

    host.install(
        &stock()
            .version("2.0.0")
            .with("tables", json!(["DROP TABLE IF EXISTS stock_items"])),
    )
    .await;
    assert_eq!(
        grant().await["idle"],
        "its table is gone, or has become another app's"
    );
}

#[tokio::test]
async fn tables_of_the_host_cannot_be_asked_for() {
    let host = host().await;
    let before = host.state().await;

    for (schema, table) in [("skep", "users"), ("pg_catalog", "pg_authid")] {
        let needs = json!({ "tables": [{ "schema": schema, "table": table }] });
        let bundle = Bundle::of_guest("shop", "sql").with("needs", needs);
        let error = host.deploy(&bundle).await.expect(422).error();
        let expected = format!(
            "the manifest names the table `{schema}.{table}`, which belongs to no app that is \
             installed: an app can be granted tables of other apps only"
        );
        assert_eq!(error, expected);
        assert_eq!(host.state().await, before);
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_no_grant_and_a_warning() {
    let host = host().await;
    let needs = json!({ "tables": [{ "table": "later" }] });

    let report = host
        .install(&Bundle::of_guest("shop", "sql").with("needs", needs))
        .await;

    assert_eq!(report["plan"]["consent"], false);
    assert_eq!(report["warnings"][0]["rule"], "SK-B04");
}

#[tokio::test]
async fn a_release_that_waits_is_there_after_a_restart() {
    let mut host = host().await;
    let report = waits(&host, &shop()).await;
    let before = host.state().await;

    host.kill().await;
    host.restart().await;

    assert_eq!(host.state().await, before);
    host.admin().accept(&report).await.expect(204);
    until("the node has compiled the app", async || {
        (run(&host, "SELECT 1").await.status == 200).then_some(())
    })
    .await;
    assert!(may(&host, READ).await);
}

#[tokio::test]
async fn a_release_whose_loading_fails_after_consent_waits_again() {
    let host = host().await;
    let report = waits(&host, &shop().with("tables", json!(["SELECT 1 / 0"]))).await;
    let before = host.state().await;

    let error = host.admin().accept(&report).await.expect(422).error();

    assert!(error.starts_with("statement 1 of `tables`"), "{error}");
    assert_eq!(host.state().await, before);
    assert!(!may(&host, READ).await);
    // Whoever mends it deploys again; until then it can be tried again.
    host.admin().accept(&report).await.expect(422);
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_carries_out_a_consent_makes_it_wait_again() {
    let mut host = host().await;
    let needs = json!({ "tables": [{ "table": "stock_items" }] });
    let bundle = Bundle::of_guest("shop", "load-wait").with("needs", needs);
    let report = waits(&host, &bundle).await;
    let before = host.state().await;
    let database = host.database().await;
    let gate = host.gate().await;

    let request = host.admin().request(
        reqwest::Method::POST,
        "/admin/api/apps/shop/releases/2/accept",
    );
    let body = json!({ "digest": report["plan"]["digest"] });
    let accepting = tokio::spawn(request.json(&body).send());
    let waiting = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the release is being loaded", async || {
        let rows = database.query(waiting, &[]).await.unwrap();
        (!rows.is_empty()).then_some(())
    })
    .await;
    host.kill().await;
    accepting.await.unwrap().unwrap_err();
    drop(gate);
    host.restart().await;

    assert_eq!(host.state().await, before);
    host.admin().accept(&report).await.expect(204);
    assert_eq!(releases(&host, "shop").await, ["2 ready active", "1 ready"]);
}

#[tokio::test]
async fn two_apps_cannot_have_a_table_of_one_name() {
    let host = host().await;
    let before = host.state().await;

    for statement in [
        "CREATE TABLE IF NOT EXISTS stock_items (id int)",
        "CREATE TABLE IF NOT EXISTS public.stock_items (id int)",
    ] {
        let shop = Bundle::of_guest("shop", "sql").with("tables", json!([statement]));
        let error = host.deploy(&shop).await.expect(409).error();
        assert_eq!(
            error,
            "the table `public.stock_items` belongs to the app `stock`, so that the app `shop` \
             cannot create it: rename it, or put it into the app's own schema"
        );
        assert_eq!(host.state().await, before, "{statement}");
    }
    let own = json!(["CREATE TABLE IF NOT EXISTS shop.stock_items (id int)"]);
    host.install(&Bundle::of_guest("shop", "sql").with("tables", own))
        .await;
}

#[tokio::test]
async fn two_deploys_at_once_cannot_have_a_table_of_one_name() {
    let host = Host::start().await;
    let database = host.database().await;
    let gate = host.gate().await;
    let tables = json!(["CREATE TABLE IF NOT EXISTS load_items (id int)"]);

    // The first has made the table and not committed it; the second waits for that.
    let (client, zip) = (host.admin(), Bundle::of_guest("first", "load-wait").zip());
    let first = tokio::spawn(async move { client.deploy(zip).await });
    until("the first deploy waits", async || {
        let waiting = "SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let rows = database.query(waiting, &[]).await.unwrap();
        (!rows.is_empty()).then_some(())
    })
    .await;
    let zip = Bundle::of_guest("second", "echo")
        .with("tables", tables)
        .zip();
    let client = host.admin();
    let second = tokio::spawn(async move { client.deploy(zip).await });
    until("the second deploy waits for the first", async || {
        let waiting = "SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let rows = database.query(waiting, &[]).await.unwrap();
        (rows.len() == 2).then_some(())
    })
    .await;
    drop(gate);

    first.await.unwrap().expect(200);
    let error = second.await.unwrap().expect(409).error();
    assert!(
        error.starts_with("the table `public.load_items` belongs to the app `first`, so that"),
        "{error}"
    );
    host.call("second", json!({})).await.expect(404);
}
