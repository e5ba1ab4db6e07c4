//! Statements that must pass, and that PostgreSQL itself takes.

use super::{entries, inspect, judge};
use crate::sql::{Ddl, Kind, Place};
use crate::store::testing::TestDatabase;

#[test]
fn every_statement_of_the_first_list_passes() {
    for (title, sql) in entries(include_str!("../../../tests/sql/legitimate.sql")) {
        assert_eq!(judge(&sql, Place::Call), Ok(()), "{title}");
    }
}

#[test]
fn statements_of_newer_servers_pass() {
    for (title, sql) in entries(include_str!("newer.sql")) {
        assert_eq!(judge(&sql, Place::Call), Ok(()), "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_what_postgresql_takes_and_its_columns_are_known() {
    let database = TestDatabase::create().await;
    let host = database.database.host().await;
    for (title, sql) in entries(include_str!("tables.sql")) {
        assert_eq!(judge(&sql, Place::Deploy), Ok(()), "{title}");
        let in_call = judge(&sql, Place::Call).expect_err(&title);
        assert!(in_call.to_string().contains("`load`"), "{title}");
        let made = host.batch_execute(&sql).await;
        made.unwrap_or_else(|error| panic!("{title}: {:?}", error.as_db_error()));
    }
    host.batch_execute("BEGIN").await.expect("a transaction");
    let lists = [
        include_str!("../../../tests/sql/legitimate.sql"),
        include_str!("more.sql"),
    ];
    let mut wrong = Vec::new();
    for (title, sql) in lists.into_iter().flat_map(entries) {
        assert_eq!(judge(&sql, Place::Call), Ok(()), "{title}");
        let returns_rows = inspect(&sql).expect("a verdict").returns_rows();
        let has_columns = match host.prepare(&sql).await {
            Ok(prepared) => !prepared.columns().is_empty() || sql == "SELECT FROM items",
            Err(error) => {
                wrong.push((title, error.as_db_error().map(ToString::to_string)));
                host.batch_execute("ROLLBACK; BEGIN")
                    .await
                    .expect("a transaction");
                continue;
            }
        };
        assert_eq!(returns_rows, has_columns, "{title}");
    }
    assert_eq!(wrong, []);
}

#[test]
fn transactions_savepoints_and_cursors_are_named() {
    let name = || "a".to_owned();
    for (sql, kind) in [
        ("BEGIN", Kind::Begin),
        (
            "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
            Kind::Begin,
        ),
        (" ;; /* a /* b */ */ -- x\n commit work;", Kind::Commit),
        ("END", Kind::Commit),
        ("ABORT", Kind::Rollback),
        ("rollback", Kind::Rollback),
        ("SAVEPOINT a", Kind::Savepoint(name())),
        ("RELEASE SAVEPOINT A", Kind::Release(name())),
        ("rollback/**/work to \"a\"", Kind::RollbackTo(name())),
        ("DECLARE a CURSOR FOR SELECT 1", Kind::Declare(name())),
        ("FETCH FORWARD 10 FROM a", Kind::Fetch(name())),
        ("MOVE ABSOLUTE 3 FROM a", Kind::Move(name())),
        ("CLOSE a", Kind::Close(name())),
        ("WITH a AS (DELETE FROM items) SELECT 1", Kind::Select),
        ("VALUES (1)", Kind::Select),
        ("TRUNCATE items", Kind::Truncate),
    ] {
        let verdict = inspect(sql).expect(sql);
        assert_eq!(*verdict.kind(), kind, "{sql}");
        assert_eq!(verdict.admit(&super::scope(), Place::Call), Ok(()), "{sql}");
    }
}

#[test]
fn what_a_statement_touches_is_told() {
    let verdict = inspect(
        "WITH moved AS (DELETE FROM items USING public.tags RETURNING items.*) \
         INSERT INTO shop.orders SELECT lower(title) FROM moved, nodes FOR UPDATE OF nodes",
    )
    .expect("a verdict");
    let names = |names: &mut dyn Iterator<Item = &super::Table>| -> Vec<String> {
        names.map(ToString::to_string).collect()
    };

    assert_eq!(names(&mut verdict.reads()), ["nodes", "public.tags"]);
    assert_eq!(
        names(&mut verdict.writes()),
        ["items", "nodes", "shop.orders"]
    );
    assert_eq!(verdict.functions().collect::<Vec<_>>(), ["lower"]);
    assert!(!verdict.returns_rows());
}

#[test]
fn what_a_change_of_tables_touches_is_told() {
    let names = |names: &mut dyn Iterator<Item = &super::Table>| -> Vec<String> {
        names.map(ToString::to_string).collect()
    };
    let create = inspect("CREATE TABLE shop.t (a int REFERENCES tags, b mood)").expect("a verdict");
    let index = inspect("CREATE INDEX i ON shop.orders (id)").expect("a verdict");
    let rename = inspect("ALTER TABLE items RENAME TO things").expect("a verdict");
    let drop = inspect("DROP TABLE items, tags").expect("a verdict");

    assert_eq!(*create.kind(), Kind::Ddl(Ddl::CreateTable));
    assert_eq!(names(&mut create.creates()), ["shop.t"]);
    assert_eq!(names(&mut create.reads()), ["tags"]);
    assert_eq!(names(&mut index.creates()), ["shop.i"]);
    assert_eq!(names(&mut index.alters()), ["shop.orders"]);
    assert_eq!(names(&mut rename.creates()), ["things"]);
    assert_eq!(names(&mut rename.alters()), ["items"]);
    assert_eq!(names(&mut drop.drops()), ["items", "tags"]);
}

#[test]
fn a_new_table_may_point_to_itself_and_to_nothing_else_that_is_not_there() {
    for sql in [
        "CREATE TABLE fresh (id int PRIMARY KEY, parent int REFERENCES fresh)",
        "CREATE TABLE fresh (id int PRIMARY KEY, parent int REFERENCES public.fresh (id))",
        "CREATE TABLE shop.fresh (id int, FOREIGN KEY (id) REFERENCES shop.fresh)",
    ] {
        assert_eq!(judge(sql, Place::Deploy), Ok(()), "{sql}");
    }
    for sql in [
        "CREATE TABLE fresh (id int REFERENCES shop.fresh)",
        "CREATE VIEW fresh AS SELECT * FROM fresh",
    ] {
        assert!(judge(sql, Place::Deploy).is_err(), "{sql}");
    }
}

#[test]
fn granted_tables_are_reached_as_they_are_granted() {
    for sql in [
        "SELECT * FROM readonly JOIN sales.prices ON true",
        "SELECT * FROM public.readonly",
        "INSERT INTO shared SELECT * FROM readonly",
        "SELECT * FROM shared FOR UPDATE",
        "SELECT * FROM items, readonly FOR UPDATE OF items",
        "SELECT * FROM orders",
    ] {
        assert_eq!(judge(sql, Place::Call), Ok(()), "{sql}");
    }
}
