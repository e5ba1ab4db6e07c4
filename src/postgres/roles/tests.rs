use std::time::Duration;

use secrecy::ExposeSecret;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use super::*;
use crate::postgres::pools::AppPools;
use crate::postgres::testing::{TestDatabase, database};

const WAIT: Duration = Duration::from_secs(10);

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

/// An app with one filled table in `public`, made as its owner role.
async fn install(test: &TestDatabase, pools: &AppPools, name: &str) {
    test.roles().prepare(&app(name)).await.unwrap();
    let owner = pools.owner(&app(name), WAIT).await.unwrap();
    owner
        .batch_execute(&format!(
            "CREATE TABLE {name}_items (id SERIAL PRIMARY KEY, word TEXT);
             INSERT INTO {name}_items (word) VALUES ('of {name}')"
        ))
        .await
        .unwrap();
}

async fn count(client: &Client, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

async fn refusal(client: &Client, sql: &str) -> SqlState {
    match client.batch_execute(sql).await {
        Ok(()) => panic!("`{sql}` was let through"),
        Err(error) => error.code().unwrap_or(&SqlState::INTERNAL_ERROR).clone(),
    }
}

#[tokio::test]
async fn an_app_uses_the_tables_that_its_owner_made() {
    let test = database().await;
    let pools = test.pools();
    install(&test, &pools, "sales").await;

    let call = pools.get(&app("sales"), WAIT).await.unwrap();
    call.batch_execute(
        "INSERT INTO sales_items (word) VALUES ('more');
         UPDATE sales_items SET word = upper(word);
         DELETE FROM sales_items WHERE word = 'MORE';
         SELECT * FROM public.sales_items FOR UPDATE",
    )
    .await
    .unwrap();

    assert_eq!(count(&call, "sales_items").await, 1);
    call.batch_execute("TRUNCATE sales_items").await.unwrap();
    assert_eq!(count(&call, "sales_items").await, 0);
}

#[tokio::test]
async fn an_app_has_a_schema_of_its_own_behind_public() {
    let test = database().await;
    let pools = test.pools();
    test.roles().prepare(&app("Item-Master")).await.unwrap();

    let owner = pools.owner(&app("Item-Master"), WAIT).await.unwrap();
    owner
        .batch_execute(r#"CREATE TABLE "Item-Master".parts (id INT); CREATE TABLE open (id INT)"#)
        .await
        .unwrap();
    let call = pools.get(&app("Item-Master"), WAIT).await.unwrap();

    assert_eq!(count(&call, "parts").await, 0);
    assert_eq!(count(&call, "public.open").await, 0);
    let path: String = call
        .query_one("SHOW search_path", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(path, r#"public, "Item-Master""#);
}

#[tokio::test]
async fn an_app_reaches_nothing_of_another_app_or_the_host() {
    let test = database().await;
    let pools = test.pools();
    let host = test.host().await;
    host.batch_execute("CREATE SCHEMA skep; CREATE TABLE skep.users (id INT)")
        .await
        .unwrap();
    for name in ["one", "two"] {
        install(&test, &pools, name).await;
    }
    let owner = pools.owner(&app("two"), WAIT).await.unwrap();
    owner
        .batch_execute("CREATE TABLE two.kept (id INT)")
        .await
        .unwrap();
    drop(owner);

    let call = pools.get(&app("one"), WAIT).await.unwrap();
    let owner = pools.owner(&app("one"), WAIT).await.unwrap();
    let other = test.roles().name(&app("two"), Role::Owner);
    for sql in [
        "SELECT * FROM two_items",
        "INSERT INTO two_items (word) VALUES ('x')",
        "TRUNCATE two_items",
        "SELECT nextval('two_items_id_seq')",
        "SELECT * FROM two.kept",
        "SELECT * FROM skep.users",
        "CREATE TABLE skep.x (id INT)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE x (id INT)",
        "DROP TABLE two_items",
        "SELECT pg_read_file('/etc/hostname')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT pg_notify('new_job', 'x')",
        "CREATE ROLE mine",
        &format!("SET ROLE \"{other}\""),
    ] {
        for client in [&**call, &owner] {
            let code = refusal(client, sql).await;
            assert!(
                code == SqlState::INSUFFICIENT_PRIVILEGE || code == SqlState::WRONG_OBJECT_TYPE,
                "{sql}: {code:?}"
            );
        }
    }
    for sql in [
        "CREATE TABLE x (id INT)",
        "CREATE TABLE one.x (id INT)",
        "DROP TABLE one_items",
        "ALTER TABLE one_items ADD COLUMN x INT",
        "CREATE INDEX ON one_items (word)",
        "CREATE FUNCTION f() RETURNS INT LANGUAGE SQL AS 'SELECT 1'",
    ] {
        assert_eq!(
            refusal(&call, sql).await,
            SqlState::INSUFFICIENT_PRIVILEGE,
            "{sql}"
        );
    }

    assert_eq!(count(&host, "two_items").await, 1);
    assert_eq!(count(&host, "one_items").await, 1);
}

#[tokio::test]
async fn a_role_of_a_server_cannot_even_enter_a_database_that_is_not_its_own() {
    let test = database().await;
    let other = database().await;
    for test in [&test, &other] {
        test.roles().prepare(&app("sales")).await.unwrap();
    }
    let mut config = test.roles().config(&app("sales"), Role::App);
    config.dbname(other.server().database());

    let error = config.connect(NoTls).await.err().unwrap();

    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

#[tokio::test]
async fn settings_that_a_session_left_behind_are_put_right() {
    let test = database().await;
    let pools = test.pools();
    let roles = test.roles();
    roles.prepare(&app("sales")).await.unwrap();
    let call = pools.get(&app("sales"), WAIT).await.unwrap();
    call.batch_execute(
        "ALTER ROLE CURRENT_USER SET search_path = pg_temp;
         ALTER ROLE CURRENT_USER SET standard_conforming_strings = off",
    )
    .await
    .unwrap();
    drop(call);

    roles.prepare(&app("sales")).await.unwrap();

    pools.evict(&app("sales"));
    let call = pools.get(&app("sales"), WAIT).await.unwrap();
    let shown = |name: &'static str| {
        let call = &call;
        async move {
            let row = call.query_one(&format!("SHOW {name}"), &[]).await.unwrap();
            row.get::<_, String>(0)
        }
    };
    assert_eq!(shown("search_path").await, "public, sales");
    assert_eq!(shown("standard_conforming_strings").await, "on");
    assert_eq!(shown("TimeZone").await, "UTC");
    assert_eq!(shown("DateStyle").await, "ISO, MDY");
    assert_eq!(shown("statement_timeout").await, "15min");
}

#[tokio::test]
async fn kept_tables_come_back_with_their_app() {
    let test = database().await;
    let pools = test.pools();
    let roles = test.roles();
    install(&test, &pools, "sales").await;

    pools.evict(&app("sales"));
    roles.drop(&app("sales"), true).await.unwrap();

    let tables = roles.tables(&app("sales")).await.unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(
        (&*tables[0].schema, &*tables[0].name),
        ("public", "sales_items")
    );
    assert!(pools.get(&app("sales"), WAIT).await.is_err());
    assert!(pools.owner(&app("sales"), WAIT).await.is_err());

    roles.prepare(&app("sales")).await.unwrap();
    let call = pools.get(&app("sales"), WAIT).await.unwrap();
    assert_eq!(count(&call, "sales_items").await, 1);
    call.batch_execute("INSERT INTO sales_items (word) VALUES ('new')")
        .await
        .unwrap();
}

#[tokio::test]
async fn dropped_tables_and_roles_are_gone() {
    let test = database().await;
    let pools = test.pools();
    let roles = test.roles();
    install(&test, &pools, "sales").await;
    let call = pools.get(&app("sales"), WAIT).await.unwrap();

    roles.drop(&app("sales"), false).await.unwrap();

    assert!(
        call.query_one("SELECT 1", &[]).await.is_err(),
        "the session was ended"
    );
    assert_eq!(roles.tables(&app("sales")).await.unwrap(), []);
    let host = test.host().await;
    assert_eq!(
        refusal(&host, "TABLE sales_items").await,
        SqlState::UNDEFINED_TABLE
    );
    assert_no_roles(&test).await;
    // A second time there is nothing to do.
    roles.drop(&app("sales"), false).await.unwrap();
}

#[tokio::test]
async fn tables_that_another_app_builds_on_are_not_dropped() {
    let test = database().await;
    let pools = test.pools();
    let roles = test.roles();
    install(&test, &pools, "base").await;
    install(&test, &pools, "user").await;
    let host = test.host().await;
    host.batch_execute("ALTER TABLE user_items ADD FOREIGN KEY (id) REFERENCES base_items (id)")
        .await
        .unwrap();

    let error = roles.drop(&app("base"), false).await.unwrap_err();

    assert!(
        error
            .to_string()
            .contains("other apps still use tables of `base`"),
        "{error}"
    );
    assert!(error.to_string().contains("user_items"), "{error}");
    assert_eq!(roles.tables(&app("base")).await.unwrap().len(), 1);
    let call = pools.get(&app("base"), WAIT).await.unwrap();
    assert_eq!(count(&call, "base_items").await, 1);
}

#[tokio::test]
async fn objects_that_became_the_owners_in_another_way_are_granted_on_request() {
    let test = database().await;
    let pools = test.pools();
    let roles = test.roles();
    roles.prepare(&app("sales")).await.unwrap();
    let owner = roles.name(&app("sales"), Role::Owner);
    let host = test.host().await;
    host.batch_execute(&format!(
        "CREATE TABLE old (id SERIAL); CREATE TYPE mood AS ENUM ('fine');
         ALTER TABLE old OWNER TO \"{owner}\"; ALTER TYPE mood OWNER TO \"{owner}\""
    ))
    .await
    .unwrap();
    let call = pools.get(&app("sales"), WAIT).await.unwrap();
    assert_eq!(
        refusal(&call, "TABLE old").await,
        SqlState::INSUFFICIENT_PRIVILEGE
    );

    roles.regrant(&app("sales")).await.unwrap();

    call.batch_execute("INSERT INTO old DEFAULT VALUES; SELECT 'fine'::mood")
        .await
        .unwrap();
    assert_eq!(count(&call, "old").await, 1);
}

#[tokio::test]
async fn a_function_of_an_app_never_runs_with_the_hosts_rights() {
    let test = database().await;
    let pools = test.pools();
    let roles = test.roles();
    install(&test, &pools, "sales").await;
    let owner = pools.owner(&app("sales"), WAIT).await.unwrap();
    // Where the host's login is no superuser, it cannot keep the languages from apps.
    let host = test.host().await;
    host.batch_execute("GRANT USAGE ON LANGUAGE sql TO PUBLIC")
        .await
        .unwrap();
    // It fits what `regrant` asks for better than the server's own `format`.
    owner
        .batch_execute(
            "CREATE FUNCTION public.format(text, name, name, text) RETURNS text
             LANGUAGE SQL AS $$ SELECT 'CREATE ROLE thief SUPERUSER' $$",
        )
        .await
        .unwrap();

    roles.prepare(&app("sales")).await.unwrap();
    roles.regrant(&app("sales")).await.unwrap();

    assert_eq!(count(&host, "pg_roles WHERE rolname = 'thief'").await, 0);
}

#[tokio::test]
async fn many_apps_are_prepared_at_once() {
    let test = database().await;
    let work = (0..8).map(|index| {
        let roles = test.roles();
        // Each app twice, as two nodes would.
        async move { roles.prepare(&app(&format!("app{}", index / 2))).await }
    });

    let outcomes = futures_util::future::join_all(work).await;

    for outcome in outcomes {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn the_longest_name_gets_roles_and_no_schema() {
    let test = database().await;
    let pools = test.pools();
    let one = app(&"a".repeat(64));
    test.roles().prepare(&one).await.unwrap();

    let owner = pools.owner(&one, WAIT).await.unwrap();

    owner
        .batch_execute("CREATE TABLE x (id INT)")
        .await
        .unwrap();
    let host = test.host().await;
    assert_eq!(
        count(&host, "pg_namespace WHERE nspname LIKE 'aaa%'").await,
        0
    );
}

#[tokio::test]
async fn a_name_of_the_hosts_own_schemas_is_refused() {
    let test = database().await;
    for name in ["skep", "noderouter_core", "public", "information_schema"] {
        let error = test.roles().prepare(&app(name)).await.unwrap_err();

        assert!(matches!(error, RolesError::Reserved(_)), "{error}");
    }
    assert_no_roles(&test).await;
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let test = database().await;
    let host = test.host().await;
    host.batch_execute("CREATE SCHEMA sales").await.unwrap();

    let error = test.roles().prepare(&app("sales")).await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "the schema `sales` belongs to the database role `skep`, not to the app of that name: \
         rename the app or the schema"
    );
    assert_no_roles(&test).await;
}

async fn assert_no_roles(test: &TestDatabase) {
    let name = test.roles().name(&app("x"), Role::App);
    let prefix = name.trim_end_matches("_x_app");
    let host = test.host().await;
    assert_eq!(
        count(&host, &format!("pg_roles WHERE rolname LIKE '{prefix}%'")).await,
        0
    );
}

/// A host login that is no superuser, as on a managed server.
async fn with_login(test: &TestDatabase, attributes: &str) -> (Server, String) {
    let name = format!("host_of_{}", test.server().database());
    let host = test.host().await;
    host.batch_execute(&format!(
        "CREATE ROLE {name} LOGIN PASSWORD 'pw' {attributes}"
    ))
    .await
    .unwrap();
    (test.server().as_login(&name, "pw"), name)
}

#[tokio::test]
async fn a_login_that_may_not_create_roles_is_told_so() {
    let test = database().await;
    let (server, name) = with_login(&test, "").await;

    let error = Roles::new(server, test.key().clone())
        .prepare(&app("sales"))
        .await
        .unwrap_err();

    assert!(
        error
            .to_string()
            .contains(&format!("ALTER ROLE \"{name}\" CREATEROLE")),
        "{error}"
    );
    assert_no_roles(&test).await;
}

#[tokio::test]
async fn a_login_that_does_not_own_the_database_is_told_so() {
    let test = database().await;
    let (server, name) = with_login(&test, "CREATEROLE").await;

    let error = Roles::new(server, test.key().clone())
        .prepare(&app("sales"))
        .await
        .unwrap_err();

    assert!(error.to_string().contains("ALTER DATABASE"), "{error}");
    assert!(error.to_string().contains(&name), "{error}");
    assert_no_roles(&test).await;
}

#[tokio::test]
async fn a_login_that_owns_the_database_needs_not_be_a_superuser() {
    let test = database().await;
    let (server, name) = with_login(&test, "CREATEROLE").await;
    let host = test.host().await;
    host.batch_execute(&format!(
        "ALTER DATABASE {} OWNER TO {name}",
        test.server().database()
    ))
    .await
    .unwrap();
    let roles = Roles::new(server, test.key().clone());
    let pools = test.pools();

    for _ in 0..2 {
        roles.prepare(&app("sales")).await.unwrap();
    }

    let owner = pools.owner(&app("sales"), WAIT).await.unwrap();
    owner
        .batch_execute("CREATE TABLE items (id INT); CREATE TABLE sales.more (id INT)")
        .await
        .unwrap();
    let call = pools.get(&app("sales"), WAIT).await.unwrap();
    assert_eq!(count(&call, "items").await, 0);
    drop((call, owner));
    roles.drop(&app("sales"), true).await.unwrap();
    roles.prepare(&app("sales")).await.unwrap();
    roles.drop(&app("sales"), false).await.unwrap();
    assert_no_roles(&test).await;
}

#[tokio::test]
async fn no_text_about_roles_and_pools_holds_a_password() {
    let test = database().await;
    let roles = test.roles();
    let password = password_of(&roles, &app("sales"), Role::App);

    let config = roles.config(&app("sales"), Role::App);
    let text = format!("{roles:?} {config:?} {password:?}");

    assert_eq!(
        config.get_password(),
        Some(password.expose_secret().as_bytes())
    );
    assert!(!text.contains(password.expose_secret()), "{text}");
}
