//! The capability on a real server, called as a guest would call it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use super::policy::{self, OverLimit};
use super::session::{Database, Source, Usage};
use super::{Connection, DbError, Inspector, Migration};
use crate::bindings::skep::app::db as wit;
use crate::capability::log::book::LogBook;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity};
use crate::ids::{AppName, CallId, ReleaseId};
use crate::limits::{Budget, Limits};
use crate::postgres::AppPools;
use crate::postgres::testing::{TestDatabase, database};
use crate::services::{Clock, Entropy};
use crate::sql;

const CONNECT: Duration = Duration::from_secs(10);
/// What takes longer than any test.
const SLOW: &str = "SELECT count(*) FROM generate_series(1, 100000000000)";

struct App {
    name: AppName,
    pools: AppPools,
    database: TestDatabase,
    inspector: Inspector,
}

impl App {
    /// An app with the table `items (id int primary key, name text)`.
    async fn with_items() -> Self {
        let database = database().await;
        let name: AppName = "shop".parse().unwrap();
        database.roles().prepare(&name).await.unwrap();
        let pools = database.pools();
        let owner = pools.owner(&name, CONNECT).await.unwrap();
        owner
            .batch_execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
            .await
            .unwrap();
        Self {
            inspector: database.inspector(&name).await,
            name,
            pools,
            database,
        }
    }

    async fn owner(&self) -> Client {
        self.pools.owner(&self.name, CONNECT).await.unwrap()
    }

    fn log(&self) -> CallLog {
        let id = || Entropy.id(&Clock::system());
        let most = Most {
            lines: 10,
            bytes: 10_000,
        };
        let identity = Identity {
            app: self.name.clone(),
            release: ReleaseId(id()),
            call: CallId(id()),
            job: None,
        };
        CallLog::new(identity, most, LogBook::unwritten(Clock::system()))
    }

    /// The database as a call of this app finds it.
    fn call(&self, wall: Duration) -> Database {
        let source = Source::App {
            pools: self.pools.clone(),
            app: self.name.clone(),
            inspector: self.inspector.clone(),
        };
        Database::new(source, Instant::now() + wall, budget(), self.log(), None)
    }

    /// One more call, with time enough.
    fn next_call(&self) -> Database {
        self.call(Duration::from_secs(30))
    }

    async fn count(&self) -> i64 {
        let outcome = ask(&self.next_call(), "SELECT count(*) FROM items")
            .await
            .unwrap();
        text(&outcome.rows[0][0]).parse().unwrap()
    }
}

/// What a call may use where nobody says otherwise.
fn budget() -> Budget {
    let limits = Limits::STANDARD;
    limits.budget(&limits.default)
}

async fn ask(database: &Database, sql: &str) -> Result<wit::Outcome, DbError> {
    ask_with(database, sql, &[]).await
}

async fn ask_with(
    database: &Database,
    sql: &str,
    params: &[wit::Value],
) -> Result<wit::Outcome, DbError> {
    Connection::autocommit(database.clone())
        .execute(sql, params)
        .await
}

fn text(value: &wit::Value) -> String {
    match value {
        wit::Value::Null => "NULL".to_owned(),
        wit::Value::Boolean(value) => if *value { "t" } else { "f" }.to_owned(),
        wit::Value::Integer(value) => value.to_string(),
        wit::Value::Float(value) => value.to_string(),
        wit::Value::Text(value) | wit::Value::Array(value) => value.clone(),
        wit::Value::Bytes(value) => super::encode::hex(value),
    }
}

fn sqlstate(result: &Result<wit::Outcome, DbError>) -> &str {
    match result {
        Err(DbError::Sql(error)) => error.code().code(),
        Err(DbError::Refused(refusal)) => refusal.code().sqlstate(),
        Err(DbError::NoSavepoint(_)) => "3B001",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn values_come_as_postgresql_prints_them() {
    let app = App::with_items().await;
    let call = app.next_call();
    for value in [
        "1::int2",
        "2147483647",
        "-9223372036854775807",
        "true",
        "'a''b'::varchar",
        "'ab '::char(4)",
        "12.50",
        "-0.0001",
        "1e30::numeric",
        "'NaN'::numeric",
        "'Infinity'::numeric",
        "0.1::float4",
        "1.5::float8",
        "'{\"a\": [1]}'::jsonb",
        "'{\"a\":1}'::json",
        "'0188f1a0-0000-7000-8000-000000000001'::uuid",
        "'2026-02-28'::date",
        "'infinity'::date",
        "'0044-03-15 BC'::date",
        "'12:30:00.5'::time",
        "'12:30:00+02'::timetz",
        "'1999-12-31 23:59:59.999999'::timestamp",
        "'2026-03-01 12:30+01'::timestamptz",
        "'-infinity'::timestamptz",
        "'1 year 2 mons -3 days 04:05:06'::interval",
        "'-1 day'::interval",
        "'10.0.0.1'::inet",
        "'10.0.0.0/8'::cidr",
        "'::1/64'::inet",
        "'\\x00ff'::bytea",
        "NULL::int",
    ] {
        let sql = format!(
            "SELECT v, CASE WHEN v IS NULL THEN 'NULL' ELSE format('%s', v) END FROM (SELECT {value} AS v) AS t"
        );
        let row = ask(&call, &sql).await.unwrap().rows.remove(0);

        let printed = text(&row[1]).trim_end().to_owned();
        assert_eq!(text(&row[0]).trim_end(), printed, "{value}");
    }
}

#[tokio::test]
async fn arrays_come_as_nested_lists() {
    let app = App::with_items().await;
    let call = app.next_call();
    for (sql, expected) in [
        ("SELECT ARRAY[1, NULL, 3]", "[1,null,3]"),
        ("SELECT ARRAY[[1, 2], [3, 4]]", "[[1,2],[3,4]]"),
        ("SELECT '{}'::text[]", "[]"),
        (
            "SELECT ARRAY['a,b', 'NULL', '\"']",
            r#"["a,b","NULL","\""]"#,
        ),
        ("SELECT ARRAY[1.50, 2]::numeric[]", r#"["1.50","2"]"#),
        ("SELECT ARRAY['NaN', 1.5]::float8[]", r#"["NaN",1.5]"#),
        ("SELECT ARRAY['2026-01-02']::date[]", r#"["2026-01-02"]"#),
        ("SELECT ARRAY['{\"a\": 1}']::jsonb[]", r#"["{\"a\": 1}"]"#),
    ] {
        let outcome = ask(&call, sql).await.unwrap();
        assert_eq!(text(&outcome.rows[0][0]), expected, "{sql}");
        assert!(outcome.columns[0].type_name.ends_with("[]"));
    }
}

#[tokio::test]
async fn parameters_take_the_type_that_the_statement_needs() {
    let app = App::with_items().await;
    let call = app.next_call();
    let sql = "SELECT $1::uuid, $2::date, $3::int[], $4::jsonb, $5::bytea, $6::numeric, $7::text";
    let params = [
        wit::Value::Text("0188f1a0-0000-7000-8000-000000000001".into()),
        wit::Value::Text("2026-02-28".into()),
        wit::Value::Array("[1, null]".into()),
        wit::Value::Text("{\"a\": 1}".into()),
        wit::Value::Bytes(vec![0, 1]),
        wit::Value::Float(0.5),
        wit::Value::Null,
    ];

    let row = ask_with(&call, sql, &params).await.unwrap().rows.remove(0);

    let shown: Vec<String> = row.iter().map(text).collect();
    assert_eq!(
        shown,
        [
            "0188f1a0-0000-7000-8000-000000000001",
            "2026-02-28",
            "[1,null]",
            "{\"a\": 1}",
            r"\x0001",
            "0.5",
            "NULL"
        ]
    );
}

#[tokio::test]
async fn an_empty_result_has_its_columns() {
    let app = App::with_items().await;

    let outcome = ask(&app.next_call(), "SELECT id, name FROM items")
        .await
        .unwrap();

    let names: Vec<&str> = outcome.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["id", "name"]);
    assert!(outcome.rows.is_empty());
}

#[tokio::test]
async fn an_unknown_type_says_what_to_do() {
    let app = App::with_items().await;

    let error = ask(&app.next_call(), "SELECT '(1,2)'::point AS p")
        .await
        .unwrap_err();

    let text = error.to_string();
    assert!(text.starts_with("column `p` has type point"), "{text}");
    assert!(text.contains("cast it to text"), "{text}");
}

#[tokio::test]
async fn a_transaction_is_kept_by_commit_and_undone_otherwise() {
    let app = App::with_items().await;
    let call = app.next_call();
    let mut connection = Connection::transactional(call.clone());

    connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await
        .unwrap();
    assert_eq!(app.count().await, 0);
    connection.commit().await.unwrap();
    assert_eq!(app.count().await, 1);

    connection
        .execute("INSERT INTO items VALUES (2, 'b')", &[])
        .await
        .unwrap();
    connection.rollback().await.unwrap();
    connection
        .execute("INSERT INTO items VALUES (3, 'c')", &[])
        .await
        .unwrap();
    connection.close().await;
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn an_error_aborts_the_transaction_until_it_is_rolled_back() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await
        .unwrap();

    let duplicate = connection
        .execute("INSERT INTO items VALUES (1, 'b')", &[])
        .await;
    assert_eq!(sqlstate(&duplicate), "23505");
    let after = connection.execute("SELECT 1", &[]).await;
    assert_eq!(sqlstate(&after), "25P02");

    connection.rollback().await.unwrap();
    connection.execute("SELECT 1", &[]).await.unwrap();
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn statements_that_begin_or_end_a_transaction_act_on_the_calls_own() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());

    for sql in ["BEGIN", "INSERT INTO items VALUES (1, 'a')", "COMMIT"] {
        connection.execute(sql, &[]).await.unwrap();
    }
    assert_eq!(app.count().await, 1);

    for sql in ["INSERT INTO items VALUES (2, 'a')", "/* x */ rollback"] {
        connection.execute(sql, &[]).await.unwrap();
    }
    assert_eq!(app.count().await, 1);
    assert_eq!(
        sqlstate(&connection.execute("PREPARE TRANSACTION 'x'", &[]).await),
        "0A000"
    );
}

#[tokio::test]
async fn a_refused_statement_never_arrives_and_ends_the_transaction_as_any_error() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await
        .unwrap();

    let refused = connection.execute("SELECT * FROM pg_authid", &[]).await;
    assert_eq!(sqlstate(&refused), "42P01");
    let after = connection.execute("SELECT 1", &[]).await;
    assert_eq!(sqlstate(&after), "25P02");
    connection.commit().await.unwrap();

    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn a_refused_statement_is_undone_by_going_back_to_a_savepoint() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    for sql in ["INSERT INTO items VALUES (1, 'a')", "SAVEPOINT row"] {
        connection.execute(sql, &[]).await.unwrap();
    }

    let refused = connection.execute("SELECT pg_sleep(1)", &[]).await;
    assert_eq!(sqlstate(&refused), "42501");
    for sql in [
        "ROLLBACK TO SAVEPOINT row",
        "INSERT INTO items VALUES (2, 'b')",
        "RELEASE SAVEPOINT row",
    ] {
        connection.execute(sql, &[]).await.unwrap();
    }
    connection.commit().await.unwrap();

    assert_eq!(app.count().await, 2);
}

#[tokio::test]
async fn only_savepoints_that_the_app_set_can_be_named() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    for sql in ["ROLLBACK TO SAVEPOINT host", "RELEASE SAVEPOINT host"] {
        assert_eq!(sqlstate(&connection.execute(sql, &[]).await), "3B001");
        connection.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn what_would_outlive_its_transaction_is_refused() {
    let app = App::with_items().await;
    let call = app.next_call();
    for sql in [
        "SET application_name = 'mine'",
        "SET statement_timeout = 0",
        "RESET ALL",
        "LISTEN x",
        "NOTIFY x",
        "PREPARE p AS SELECT 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "CREATE TEMP TABLE t (id int)",
        "COPY items TO STDOUT",
        "LOCK TABLE items",
    ] {
        assert_eq!(sqlstate(&ask(&call, sql).await), "0A000", "{sql}");
    }
    assert_eq!(
        sqlstate(&ask(&call, "SELECT pg_advisory_lock(1)").await),
        "42501"
    );
}

#[tokio::test]
async fn transactions_begin_with_the_modes_that_were_set() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    connection.set_modes(wit::TransactionModes {
        isolation: Some(wit::Isolation::Serializable),
        read_only: Some(true),
        deferrable: Some(true),
    });

    let write = connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await;
    assert_eq!(sqlstate(&write), "25006");
    connection.rollback().await.unwrap();

    connection.set_modes(wit::TransactionModes {
        isolation: None,
        read_only: None,
        deferrable: None,
    });
    connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_transaction_that_a_call_left_open_is_nothing_to_the_next() {
    let app = App::with_items().await;
    for id in 0..20 {
        let call = app.next_call();
        let mut connection = Connection::transactional(call.clone());
        let sql = format!("INSERT INTO items VALUES ({id}, 'a')");
        connection.execute(&sql, &[]).await.unwrap();
        call.finish();
    }

    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn a_call_whose_time_is_over_leaves_no_statement_running() {
    let app = App::with_items().await;
    let call = app.call(Duration::from_millis(200));
    let began = Instant::now();

    let result = ask(&call, &format!("{SLOW} /* of the call */")).await;

    assert!(matches!(result, Err(DbError::TimedOut)), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
    let host = app.database.host().await;
    loop {
        let row = host
            .query_one(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE query LIKE '%of the call%' AND state = 'active' AND pid <> pg_backend_pid()",
                &[],
            )
            .await
            .unwrap();
        if row.get::<_, i64>(0) == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it still runs");
    }
    assert!(matches!(
        ask(&call, "SELECT 1").await,
        Err(DbError::TimedOut)
    ));
}

#[tokio::test]
async fn a_result_over_the_limit_is_refused_and_the_call_goes_on() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());

    let rows = format!("SELECT generate_series(1, {})", budget().rows + 1);
    let result = connection.execute(&rows, &[]).await;
    assert!(
        matches!(result, Err(DbError::OverLimit(OverLimit::Rows(_)))),
        "{result:?}"
    );

    let after = connection.execute("SELECT 1", &[]).await;
    assert!(matches!(after, Err(DbError::Aborted)), "{after:?}");

    connection.rollback().await.unwrap();
    let bytes = format!("SELECT repeat('x', {})", budget().result + 1);
    let result = connection.execute(&bytes, &[]).await;
    assert!(
        matches!(result, Err(DbError::OverLimit(OverLimit::ResultBytes(_)))),
        "{result:?}"
    );

    connection.rollback().await.unwrap();
    connection.execute("SELECT 1", &[]).await.unwrap();
}

#[tokio::test]
async fn nothing_is_kept_of_a_transaction_whose_result_was_too_large() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    let sql = format!(
        "INSERT INTO items SELECT n, 'x' FROM generate_series(1, {}) AS n RETURNING id",
        budget().rows + 1
    );

    let result = connection.execute(&sql, &[]).await;
    assert!(
        matches!(result, Err(DbError::OverLimit(OverLimit::Rows(_)))),
        "{result:?}"
    );
    connection.commit().await.unwrap();

    assert_eq!(app.count().await, 0);
    connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await
        .unwrap();
    connection.commit().await.unwrap();
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn a_lost_connection_is_never_taken_for_a_commit() {
    let app = App::with_items().await;
    let mut connection = Connection::transactional(app.next_call());
    connection
        .execute("INSERT INTO items VALUES (1, 'a')", &[])
        .await
        .unwrap();

    let host = app.database.host().await;
    let ended = host
        .query(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'INSERT%'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(ended.len(), 1);
    let lost = connection
        .execute("INSERT INTO items VALUES (2, 'b')", &[])
        .await;
    assert!(matches!(lost, Err(DbError::Unavailable(_))), "{lost:?}");
    let again = connection
        .execute("INSERT INTO items VALUES (3, 'c')", &[])
        .await;
    assert!(matches!(again, Err(DbError::Lost)), "{again:?}");
    assert!(matches!(connection.commit().await, Err(DbError::Lost)));

    assert_eq!(app.count().await, 0);
    connection
        .execute("INSERT INTO items VALUES (4, 'd')", &[])
        .await
        .unwrap();
    connection.commit().await.unwrap();
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn a_statement_over_the_limit_is_never_sent() {
    let app = App::with_items().await;
    let long = format!("SELECT 1{}", " ".repeat(sql::TEXT_BYTES));

    assert_eq!(sqlstate(&ask(&app.next_call(), &long).await), "54000");
}

#[tokio::test]
async fn a_call_has_so_many_connections() {
    let app = App::with_items().await;
    let call = app.next_call();
    let mut held = Vec::new();
    for _ in 0..policy::CONNECTIONS {
        let mut connection = Connection::transactional(call.clone());
        connection.execute("SELECT 1", &[]).await.unwrap();
        held.push(connection);
    }

    let result = Connection::transactional(call.clone())
        .execute("SELECT 1", &[])
        .await;

    assert!(
        matches!(result, Err(DbError::OverLimit(OverLimit::Connections))),
        "{result:?}"
    );
    call.finish();
}

#[tokio::test]
async fn an_app_changes_no_tables_outside_of_a_deploy() {
    let app = App::with_items().await;
    let call = app.next_call();

    for sql in [
        "CREATE TABLE more (id int)",
        "DROP TABLE items",
        "ALTER TABLE items ADD c int",
    ] {
        assert_eq!(sqlstate(&ask(&call, sql).await), "0A000", "{sql}");
    }
}

#[tokio::test]
async fn in_a_deploy_commits_are_savepoints_of_one_transaction() {
    let mut app = App::with_items().await;
    let owner = Arc::new(app.owner().await);
    owner.batch_execute("BEGIN").await.unwrap();
    let migration = Migration::new(
        Arc::clone(&owner),
        app.name.clone(),
        app.database.roles(),
        Arc::default(),
    );
    let source = Source::Deploy(Arc::new(migration));
    let deadline = Instant::now() + Duration::from_secs(30);
    let load = Database::new(source, deadline, budget(), app.log(), None);
    let mut connection = Connection::transactional(load.clone());

    connection
        .execute("CREATE SCHEMA IF NOT EXISTS shop", &[])
        .await
        .unwrap();
    connection
        .execute("CREATE TABLE more (id int)", &[])
        .await
        .unwrap();
    connection.commit().await.unwrap();
    connection.execute("DROP TABLE items", &[]).await.unwrap();
    connection.rollback().await.unwrap();
    assert_eq!(
        sqlstate(&ask(&load, "SELECT * FROM nothing").await),
        "42P01"
    );
    ask(&load, "INSERT INTO more VALUES (1)").await.unwrap();

    // Nothing of it shows before the deploy commits, and then all that was kept.
    assert_eq!(
        sqlstate(&ask(&app.next_call(), "SELECT * FROM more").await),
        "42P01"
    );
    owner.batch_execute("COMMIT").await.unwrap();
    app.inspector = app.database.inspector(&app.name).await;
    assert_eq!(
        ask(&app.next_call(), "SELECT * FROM more")
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn what_a_call_reads_and_sends_is_counted_also_where_it_does_not_get_the_result() {
    let app = App::with_items().await;
    let call = app.next_call();
    assert_eq!(call.usage(), Usage::default());

    let parameter = [wit::Value::Text("abc".to_owned())];
    let two = "SELECT 'a', $1 UNION ALL SELECT 'b', 'd'";
    ask_with(&call, two, &parameter).await.unwrap();
    let read = call.usage();
    assert_eq!((read.statements, read.rows), (1, 2));
    assert_eq!(read.sent, u64::try_from(two.len() + 3).unwrap());
    // Two letters and two texts, and what the protocol needs around them.
    assert!(read.received >= 6, "{read:?}");

    let many = format!("SELECT 1 FROM generate_series(1, {})", budget().rows + 5);
    assert!(ask(&call, &many).await.is_err());
    let rows = u64::try_from(budget().rows + 1).unwrap();
    assert_eq!(call.usage().rows, read.rows + rows);

    // What is refused is never sent, and asked for nevertheless.
    let before = call.usage();
    assert!(ask(&call, "SELECT '\0'").await.is_err());
    let refused = call.usage();
    assert_eq!(refused.statements, before.statements + 1);
    assert_eq!((refused.sent, refused.rows), (before.sent, before.rows));
}

#[tokio::test]
async fn waiting_for_a_connection_is_waiting_for_the_database() {
    let app = App::with_items().await;
    let busy = app.next_call();
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut connection = Connection::transactional(busy.clone());
        connection.execute("SELECT 1", &[]).await.unwrap();
        held.push(connection);
    }
    let call = app.call(Duration::from_millis(50));

    assert!(ask(&call, "SELECT 1").await.is_err());

    assert!(call.usage().waited > Duration::ZERO);
}
