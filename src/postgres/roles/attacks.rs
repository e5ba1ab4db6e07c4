//! The second wall alone: every known attack, sent to the server as an app's roles, with
//! nothing before it that inspects SQL.

use std::fmt::Write;
use std::time::Duration;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::ids::AppName;
use crate::postgres::testing::{TestDatabase, database};

const ATTACKS: &str = include_str!("../../../tests/sql/attacks.sql");
/// What the tables of others hold, and no app may ever see.
const CANARY: &str = "canary-of-another";
const WAIT: Duration = Duration::from_secs(60);

/// The statements of a list, each behind a comment that says what it is.
fn statements(list: &str) -> Vec<&str> {
    list.split("\n-- ")
        .filter_map(|entry| entry.split_once('\n'))
        .map(|(_, sql)| sql.trim())
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum As {
    /// The role of calls.
    App,
    /// The role of deploys, which owns the tables.
    Owner,
}

struct Victim {
    test: TestDatabase,
    attacker: AppName,
}

impl Victim {
    async fn new() -> Self {
        let test = database().await;
        let attacker: AppName = "app_x".parse().unwrap();
        let other: AppName = "app_other".parse().unwrap();
        test.roles().prepare(&attacker).await.unwrap();
        test.roles().prepare(&other).await.unwrap();

        let owner = test.pools().owner(&other, WAIT).await.unwrap();
        owner
            .batch_execute(&format!(
                "CREATE TABLE app_other.secrets (id SERIAL PRIMARY KEY, v TEXT);
                 INSERT INTO app_other.secrets (v) VALUES ('{CANARY}')"
            ))
            .await
            .unwrap();
        let host = test.host().await;
        host.batch_execute(&format!(
            "CREATE TABLE public.host_users (id INT, name TEXT);
             INSERT INTO public.host_users VALUES (1, '{CANARY}')"
        ))
        .await
        .unwrap();
        Self { test, attacker }
    }

    /// A session that no other attack has touched, with tables of the attacker's own.
    async fn session(&self, role: As) -> Client {
        let pools = self.test.pools();
        let owner = pools.owner(&self.attacker, WAIT).await.unwrap();
        owner
            .batch_execute(
                "CREATE TABLE IF NOT EXISTS public.items
                     (id BIGSERIAL PRIMARY KEY, title TEXT, owner TEXT, created_at TIMESTAMPTZ);
                 INSERT INTO public.items (title) VALUES ('own')",
            )
            .await
            .unwrap();
        let client = match role {
            As::Owner => owner,
            As::App => {
                let config = self.test.roles().login(&self.attacker);
                let (client, connection) = config.connect(NoTls).await.unwrap();
                tokio::spawn(connection);
                client
            }
        };
        client
            .batch_execute("SET statement_timeout = '200ms'; SET lock_timeout = '200ms'")
            .await
            .unwrap();
        client
    }

    /// What the others' tables hold now.
    async fn state(&self) -> String {
        let host = self.test.host().await;
        let rows = host
            .simple_query(
                "SELECT * FROM app_other.secrets; SELECT * FROM public.host_users;
                 SELECT c.relname, pg_get_userbyid(c.relowner), c.relacl::text
                 FROM pg_class c WHERE c.relname IN ('secrets', 'host_users')
                 ORDER BY c.relname;
                 SELECT rolname, rolsuper, rolconfig::text
                 FROM pg_roles r WHERE pg_has_role(r.oid, 'pg_read_all_data', 'MEMBER')
                 ORDER BY rolname",
            )
            .await
            .unwrap();
        printed(&rows)
    }
}

fn printed(messages: &[SimpleQueryMessage]) -> String {
    let mut text = String::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            for place in 0..row.len() {
                write!(text, "{}|", row.get(place).unwrap_or("NULL")).unwrap();
            }
            text.push('\n');
        }
    }
    text
}

#[tokio::test]
async fn no_attack_brings_a_role_what_is_anothers() {
    let victim = Victim::new().await;
    let before = victim.state().await;
    assert!(before.contains(CANARY), "{before}");
    let attacks = statements(ATTACKS);
    assert!(attacks.len() > 100, "{}", attacks.len());

    for role in [As::App, As::Owner] {
        for sql in &attacks {
            let client = victim.session(role).await;
            // A simple query, which may even hold several statements: worse than what is sent.
            let brought = match client.simple_query(sql).await {
                Ok(messages) => printed(&messages),
                Err(error) => format!("{error:?}"),
            };
            assert!(!brought.contains(CANARY), "{role:?}: {sql}\n{brought}");
        }
    }

    assert_eq!(victim.state().await, before);
}

#[tokio::test]
async fn the_attacks_would_work_for_who_may_do_everything() {
    // Or the test above would prove nothing.
    let victim = Victim::new().await;
    let mut leaks = 0;
    for sql in statements(ATTACKS) {
        if sql.contains("COMMIT") || sql.starts_with("TRUNCATE") || sql.starts_with("DELETE") {
            continue;
        }
        victim.session(As::Owner).await;
        let host = victim.test.host().await;
        host.batch_execute("SET statement_timeout = '200ms'; BEGIN")
            .await
            .unwrap();
        if let Ok(messages) = host.simple_query(sql).await {
            leaks += usize::from(printed(&messages).contains(CANARY));
        }
    }

    assert!(leaks > 10, "{leaks}");
}
