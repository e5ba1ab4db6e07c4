//! Random statements, judged by the walker and by a server that refuses everything else.
//!
//! The app's role may touch its own tables and call the functions of the walker's list; every
//! other table, the catalog's too, and every other function is closed to it. So what the walker
//! lets pass and the server refuses as a matter of privilege is a hole in the walker.
//!
//! `make fuzz` goes on until it is stopped; the test runs a fixed number of statements.

mod grammar;

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use self::grammar::Grammar;
use super::*;
use crate::ids::AppName;
use crate::postgres::testing::{TestDatabase, database};

/// Closes what the walker must not let pass. Functions that stand behind operators, casts,
/// types and aggregates stay open: statements that use these do not name them.
const CLOSE: &str = "
    DO $$
    DECLARE f record;
    BEGIN
        FOR f IN
            SELECT p.oid::regprocedure AS name
            FROM pg_proc p
            WHERE p.pronamespace = 'pg_catalog'::regnamespace
              AND p.prokind IN ('f', 'a', 'w')
              AND NOT p.proname = ANY (current_setting('fuzz.allowed')::text[])
              AND NOT EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)
              AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)
              AND NOT EXISTS (SELECT FROM pg_type t WHERE p.oid IN
                  (t.typinput, t.typoutput, t.typmodin, t.typmodout, t.typreceive, t.typsend))
              AND NOT EXISTS (SELECT FROM pg_amproc a WHERE a.amproc = p.oid)
              AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE p.oid IN
                  (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                   a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn))
        LOOP
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f.name);
        END LOOP;
    END $$;
    REVOKE ALL ON ALL TABLES IN SCHEMA pg_catalog FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA information_schema FROM PUBLIC";

/// Whose statements they are.
struct Suspect {
    _test: TestDatabase,
    client: Client,
    scope: Scope,
}

impl Suspect {
    async fn new() -> Self {
        let test = database().await;
        let app: AppName = "app_x".parse().unwrap();
        let other: AppName = "app_other".parse().unwrap();
        let wait = Duration::from_secs(10);
        for (name, sql) in [
            (
                &app,
                "CREATE TABLE public.items (id int PRIMARY KEY, v text, a int[]);
                 CREATE TABLE public.tags (id int PRIMARY KEY, v text, a int[]);
                 CREATE TABLE app_x.notes (id int PRIMARY KEY, v text, a int[]);
                 INSERT INTO items VALUES (1, 'x', '{1}'); INSERT INTO tags VALUES (1, 'y', '{2}')",
            ),
            (
                &other,
                "CREATE TABLE app_other.secrets (id serial PRIMARY KEY, v text, a int[]);
                 CREATE TABLE public.other_items (id int PRIMARY KEY, v text, a int[])",
            ),
        ] {
            test.roles().prepare(name).await.unwrap();
            let owner = test.pools().owner(name, wait).await.unwrap();
            owner.batch_execute(sql).await.unwrap();
        }
        let host = test.host().await;
        host.batch_execute("CREATE TABLE public.host_users (id int PRIMARY KEY, v text, a int[])")
            .await
            .unwrap();
        let scope = test
            .roles()
            .scope(&app, &crate::app::Grants::default())
            .await
            .unwrap();
        let allowed: Vec<&str> = names::functions().collect();
        host.execute(
            "SELECT set_config('fuzz.allowed', $1::text[]::text, false)",
            &[&allowed],
        )
        .await
        .unwrap();
        host.batch_execute(CLOSE).await.unwrap();

        let config = test.roles().login(&app);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
            .batch_execute("SET statement_timeout = '100ms'")
            .await
            .unwrap();
        Self {
            _test: test,
            client,
            scope,
        }
    }

    /// What the server says of a statement, as a matter of privilege.
    async fn is_forbidden(&self, sql: &str) -> bool {
        self.control("BEGIN").await;
        let outcome = self.client.query_typed(sql, &[]).await;
        self.control("ROLLBACK").await;
        match outcome {
            Ok(_) => false,
            Err(error) => error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE),
        }
    }

    async fn control(&self, sql: &str) {
        while let Err(error) = self.client.batch_execute(sql).await {
            // A statement's time may run out just as it ends; then the next one is cancelled.
            assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED), "{error}");
        }
    }

    fn is_safe(&self, sql: &str) -> bool {
        inspect(sql).is_ok_and(|verdict| verdict.admit(&self.scope, Place::Call).is_ok())
    }
}

#[derive(Debug, Default)]
struct Tally {
    safe: u64,
    refused: u64,
    /// Refused by both: the server's refusals that the walker foresaw.
    foreseen: u64,
}

impl Tally {
    async fn judge(&mut self, suspect: &Suspect, number: u64) {
        let sql = Grammar::statement(number);
        let safe = suspect.is_safe(&sql);
        let forbidden = suspect.is_forbidden(&sql).await;
        assert!(
            !(safe && forbidden),
            "statement {number} passes the walker and not the server:\n{sql}"
        );
        self.safe += u64::from(safe);
        self.refused += u64::from(!safe);
        self.foreseen += u64::from(forbidden);
    }
}

#[tokio::test]
async fn what_the_walker_lets_pass_the_server_lets_pass() {
    let suspect = Suspect::new().await;
    let mut tally = Tally::default();
    for number in 0..5_000 {
        tally.judge(&suspect, number).await;
    }
    // Or nothing was compared.
    assert!(tally.safe > 500 && tally.foreseen > 500, "{tally:?}");
}

#[tokio::test]
#[ignore = "goes on until a hole is found or it is stopped: `make fuzz`"]
async fn for_ever() {
    let suspect = Suspect::new().await;
    let mut tally = Tally::default();
    let first: u64 = u64::from_le_bytes(crate::services::Entropy.bytes()) >> 8;
    for number in first.. {
        tally.judge(&suspect, number).await;
        if number % 100_000 == 0 {
            println!("{tally:?}");
        }
    }
}
