//! What an app has made in the database, before it is kept.
//!
//! All apps share the schema `public`, so a function, an operator or a cast that one makes there
//! could be taken for PostgreSQL's own by the statements of another, and would run with the
//! other's rights. A table that is open to everybody could be taken for the other's own.

use tokio_postgres::Client;

use super::DeployError;

/// Nothing that the app has made is looked at with operators that it may have made.
const SEARCH_PATH: &str = "SET LOCAL search_path = pg_catalog";

/// What no app may have. Each query asks for the objects of the role that is logged in.
const FORBIDDEN: &str = "
    WITH me AS (SELECT oid FROM pg_roles WHERE rolname = session_user),
    relation AS (SELECT c.oid, c.relname, c.relacl FROM pg_class c, me WHERE c.relowner = me.oid)
    SELECT 'function', proname::text FROM pg_proc, me WHERE proowner = me.oid
    UNION ALL SELECT 'operator', oprname::text FROM pg_operator, me WHERE oprowner = me.oid
    UNION ALL SELECT 'cast', format_type(castsource, NULL) FROM pg_cast c, pg_type t, me
        WHERE t.oid IN (c.castsource, c.casttarget) AND t.typowner = me.oid
    UNION ALL SELECT 'rule', r.rulename::text FROM pg_rewrite r JOIN relation ON relation.oid = ev_class
        WHERE r.rulename <> '_RETURN'
    UNION ALL SELECT 'trigger', t.tgname::text FROM pg_trigger t JOIN relation ON relation.oid = tgrelid
        WHERE NOT t.tgisinternal
    UNION ALL SELECT 'policy', p.polname::text FROM pg_policy p JOIN relation ON relation.oid = polrelid
    UNION ALL SELECT 'grant to everybody on', relname::text FROM relation, aclexplode(relacl) AS acl
        WHERE acl.grantee = 0
    UNION ALL SELECT 'grant to everybody on', a.attname::text
        FROM pg_attribute a JOIN relation ON relation.oid = attrelid, aclexplode(a.attacl) AS acl
        WHERE acl.grantee = 0
    LIMIT 1";

/// Refuses a deploy whose app has made what could act in the name of another.
pub(super) async fn check(client: &Client) -> Result<(), DeployError> {
    client.batch_execute(SEARCH_PATH).await?;
    let Some(row) = client.query_opt(FORBIDDEN, &[]).await? else {
        return Ok(());
    };
    let kind: String = row.try_get(0)?;
    let why = if kind.starts_with("grant") {
        "its tables are its own; other apps get at them only by an operator's grant"
    } else {
        "it could act in the statements of other apps; do it in the app's own code"
    };
    Err(DeployError::Object {
        kind,
        name: row.try_get(1)?,
        why,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::AppName;
    use crate::postgres::testing::database;

    async fn owner(test: &crate::postgres::testing::TestDatabase) -> Client {
        let app: AppName = "shop".parse().unwrap();
        test.roles().prepare(&app).await.unwrap();
        let client = test
            .pools()
            .owner(&app, Duration::from_secs(10))
            .await
            .unwrap();
        client
            .batch_execute("BEGIN; CREATE TABLE items (id serial PRIMARY KEY, name varchar(9))")
            .await
            .unwrap();
        client
    }

    #[tokio::test]
    async fn what_could_act_for_another_app_is_refused() {
        for (sql, expected) in [
            (
                "CREATE OPERATOR public.=== (FUNCTION = pg_catalog.int4eq, LEFTARG = int4, RIGHTARG = int4)",
                "the app made the operator `===`",
            ),
            (
                "CREATE RULE quiet AS ON INSERT TO items DO ALSO NOTHING",
                "the app made the rule `quiet`",
            ),
            (
                "GRANT SELECT ON items TO PUBLIC",
                "the app made the grant to everybody on `items`",
            ),
            (
                "GRANT SELECT (name) ON items TO PUBLIC",
                "the app made the grant to everybody on `name`",
            ),
        ] {
            let test = database().await;
            let client = owner(&test).await;
            client.batch_execute(sql).await.unwrap();

            let error = check(&client).await.unwrap_err().to_string();

            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn tables_and_what_belongs_to_them_are_let_be() {
        let test = database().await;
        let client = owner(&test).await;
        client
            .batch_execute(
                "CREATE VIEW names AS SELECT name FROM items;
                 CREATE INDEX by_name ON items (name);
                 CREATE TYPE colour AS ENUM ('red');
                 ALTER TABLE items ADD parent int REFERENCES items, ADD CHECK (id > 0)",
            )
            .await
            .unwrap();

        check(&client).await.unwrap();
    }

    #[tokio::test]
    async fn an_app_has_no_language_to_write_functions_in() {
        for sql in [
            "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''x'''",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'",
            "DO 'begin end'",
        ] {
            let test = database().await;
            let client = owner(&test).await;

            let error = client.batch_execute(sql).await.unwrap_err();

            assert_eq!(error.code().unwrap().code(), "42501", "{sql}");
        }
    }
}
