use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio_postgres::Client;

use super::*;
use crate::postgres::pools::AppPools;
use crate::postgres::testing::{TestDatabase, database};

const WAIT: Duration = Duration::from_secs(10);

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

/// Two apps, of which `stock` has tables with rows, and the connection of `shop`'s calls.
struct Case {
    test: TestDatabase,
    pools: AppPools,
    roles: Roles,
}

impl Case {
    async fn new() -> Self {
        let test = database().await;
        let case = Self {
            pools: test.pools(),
            roles: test.roles(),
            test,
        };
        for name in ["stock", "shop"] {
            case.roles.prepare(&app(name)).await.unwrap();
        }
        case.make("items").await;
        case
    }

    async fn owner(&self) -> Client {
        self.pools.owner(&app("stock"), WAIT).await.unwrap()
    }

    async fn make(&self, table: &str) {
        let sql = format!(
            "CREATE TABLE {table} (id serial PRIMARY KEY, word text);
             INSERT INTO {table} (word) VALUES ('nail')"
        );
        self.owner().await.batch_execute(&sql).await.unwrap();
    }

    async fn reconcile(&self, granted: &[TableGrant]) {
        let options = self.test.server().sqlx_options();
        let mut host = PgConnection::connect_with(&options).await.unwrap();
        let mut tx = host.begin().await.unwrap();
        self.roles.reconcile(&mut tx, granted).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Whether a call of `shop` may run this.
    async fn may(&self, sql: &str) -> bool {
        let call = self.pools.get(&app("shop"), WAIT).await.unwrap();
        match call.batch_execute(sql).await {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code().unwrap().code(), "42501", "{sql}: {error}");
                false
            }
        }
    }
}

fn grant(schema: &str, table: &str, write: bool) -> TableGrant {
    TableGrant {
        app: app("shop"),
        owner: app("stock"),
        schema: schema.to_owned(),
        table: table.to_owned(),
        write,
    }
}

const READ: &str = "SELECT * FROM items";
const WRITES: [&str; 3] = [
    "INSERT INTO items (word) VALUES ('screw')",
    "UPDATE items SET word = upper(word)",
    "DELETE FROM items",
];

#[tokio::test]
async fn without_a_grant_another_apps_table_is_closed() {
    let case = Case::new().await;

    case.reconcile(&[]).await;

    assert!(!case.may(READ).await);
}

#[tokio::test]
async fn a_grant_to_read_gives_reading_and_no_more() {
    let case = Case::new().await;
    case.make("other").await;

    case.reconcile(&[grant("public", "items", false)]).await;

    assert!(case.may(READ).await);
    for sql in WRITES {
        assert!(!case.may(sql).await, "{sql}");
    }
    assert!(!case.may("SELECT * FROM other").await);
}

#[tokio::test]
async fn a_grant_to_write_gives_rows_and_their_numbers_and_not_the_table() {
    let case = Case::new().await;

    case.reconcile(&[grant("public", "items", true)]).await;
    // Once more changes nothing.
    case.reconcile(&[grant("public", "items", true)]).await;

    assert!(case.may(READ).await);
    for sql in WRITES {
        assert!(case.may(sql).await, "{sql}");
    }
    for sql in [
        "TRUNCATE items",
        "DROP TABLE items",
        "SELECT setval('items_id_seq', 1)",
    ] {
        assert!(!case.may(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn a_table_in_another_apps_schema_can_be_granted() {
    let case = Case::new().await;
    case.make("stock.kept").await;
    case.make("stock.closed").await;
    assert!(!case.may("SELECT * FROM stock.kept").await);

    case.reconcile(&[grant("stock", "kept", false)]).await;

    assert!(case.may("SELECT * FROM stock.kept").await);
    assert!(!case.may("SELECT * FROM stock.closed").await);

    case.reconcile(&[]).await;
    assert!(!case.may("SELECT * FROM stock.kept").await);
}

#[tokio::test]
async fn what_is_granted_no_more_is_taken_away() {
    let case = Case::new().await;
    case.reconcile(&[grant("public", "items", true)]).await;

    case.reconcile(&[grant("public", "items", false)]).await;
    assert!(case.may(READ).await);
    assert!(!case.may("DELETE FROM items").await);
    assert!(!case.may("SELECT nextval('items_id_seq')").await);

    case.reconcile(&[]).await;
    assert!(!case.may(READ).await);
}

#[tokio::test]
async fn what_an_app_gives_away_by_itself_is_taken_back() {
    let case = Case::new().await;
    let shop = case.roles.name(&app("shop"), Role::App);
    for sql in [
        format!("GRANT SELECT ON items TO {}", quoted(&shop)),
        format!("GRANT SELECT (id, word) ON items TO {}", quoted(&shop)),
    ] {
        case.owner().await.batch_execute(&sql).await.unwrap();
        assert!(case.may(READ).await);

        case.reconcile(&[]).await;
        assert!(!case.may(READ).await, "{sql}");
    }
}

#[tokio::test]
async fn a_table_that_is_gone_is_passed_over_and_granted_again_when_it_is_back() {
    let case = Case::new().await;
    let granted = [
        grant("public", "items", true),
        grant("public", "gone", false),
    ];
    case.reconcile(&granted).await;
    let drop = "DROP TABLE items";
    case.owner().await.batch_execute(drop).await.unwrap();
    case.reconcile(&granted).await;

    case.make("items").await;
    assert!(!case.may(READ).await);

    case.reconcile(&granted).await;
    assert!(case.may(READ).await);
}

#[tokio::test]
async fn a_table_that_has_become_another_apps_is_not_granted() {
    let case = Case::new().await;
    let thief = app("thief");
    case.roles.prepare(&thief).await.unwrap();
    let owner = case.pools.owner(&thief, WAIT).await.unwrap();
    let sql = "CREATE TABLE loot (id int)";
    owner.batch_execute(sql).await.unwrap();

    case.reconcile(&[grant("public", "loot", false)]).await;

    assert!(!case.may("SELECT * FROM loot").await);
}

#[tokio::test]
async fn what_others_than_apps_were_granted_is_left_alone() {
    let case = Case::new().await;
    let host = case.test.host().await;
    let role = format!("reports_{}", case.test.server().database());
    let sql = format!("CREATE ROLE {role}; GRANT SELECT ON items TO {role}");
    host.batch_execute(&sql).await.unwrap();

    case.reconcile(&[]).await;

    let sql = "SELECT has_table_privilege($1::text::name, 'items', 'SELECT')";
    let may: bool = host.query_one(sql, &[&role]).await.unwrap().get(0);
    let sql = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    host.batch_execute(&sql).await.unwrap();
    assert!(may);
}

#[tokio::test]
async fn a_table_has_an_owner_or_is_not_there() {
    let case = Case::new().await;
    let host = case.test.host().await;
    let sql = "CREATE TABLE public.hosts (id int)";
    host.batch_execute(sql).await.unwrap();

    let owners = case
        .roles
        .owners(&[("public", "gone"), ("public", "items"), ("public", "hosts")])
        .await
        .unwrap();

    let stock = case.roles.name(&app("stock"), Role::Owner);
    assert_eq!(owners[..2], [None, Some(stock.clone())]);
    assert!(owners[2].as_ref().is_some_and(|owner| *owner != stock));
}
