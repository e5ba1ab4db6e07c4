//! What one app may touch, as the server's catalog has it now.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::{Roles, RolesError, names, statements};
use crate::app::Grants;
use crate::app::manifest::Access;
use crate::ids::AppName;
use crate::sql::{Scope, Table};

/// Whose a thing is that belongs to no app.
const HOST: &str = "the host";

impl Roles {
    /// What an app may touch: its own, and what it is granted of others.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked.
    pub(crate) async fn scope(&self, app: &AppName, granted: &Grants) -> Result<Scope, RolesError> {
        let client = self.server.connect().await?;
        Ok(self.scope_within(&client, app, granted).await?)
    }

    /// The same as a transaction sees it that may have changed it.
    pub(crate) async fn scope_within(
        &self,
        client: &Client,
        app: &AppName,
        granted: &Grants,
    ) -> Result<Scope, tokio_postgres::Error> {
        let mut scope = self.own_scope(client, app).await?;
        scope.views = BTreeMap::from([(
            Table::new(Some("noderouter_core"), "job_queue"),
            statements::JOB_COLUMNS,
        )]);
        for (name, access) in granted.tables() {
            match access {
                Access::Read => scope.readable.insert(name),
                Access::Write => scope.writable.insert(name),
            };
        }
        Ok(scope)
    }

    /// What an app owns, as a transaction sees it that may have changed it.
    pub(crate) async fn own_scope(
        &self,
        client: &Client,
        app: &AppName,
    ) -> Result<Scope, tokio_postgres::Error> {
        let own = self.names(app).owner;
        let mut scope = Scope {
            schema: names::own_schema(app).unwrap_or_default().to_owned(),
            ..Scope::default()
        };
        for row in client.query(statements::NAMES, &[&own]).await? {
            let name = Table {
                schema: Some(row.try_get(0)?),
                name: row.try_get(1)?,
            };
            let owner: String = row.try_get(2)?;
            let is_type: bool = row.try_get(3)?;
            if owner != own {
                scope.taken.insert(name, self.owner_for_people(&owner));
            } else if is_type {
                scope.types.insert(name);
            } else {
                scope.own.insert(name);
            }
        }
        Ok(scope)
    }

    /// The app whose role this is. A long name is shown as its role has it, cut.
    fn owner_for_people(&self, role: &str) -> String {
        role.strip_prefix(&names::prefix(&self.key))
            .and_then(|role| role.strip_suffix("_own"))
            .unwrap_or(HOST)
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Grant;
    use crate::postgres::testing::database;

    fn table(text: &str) -> Table {
        let (schema, name) = text.split_once('.').unwrap();
        Table::new(Some(schema), name)
    }

    #[tokio::test]
    async fn a_scope_is_what_the_app_owns_and_is_granted() {
        let test = database().await;
        let roles = test.roles();
        for (app, sql) in [
            (
                "shop",
                "CREATE TABLE items (id serial); CREATE VIEW shop.names AS SELECT id FROM items;
                 CREATE TYPE colour AS ENUM ('red'); CREATE TYPE shop.pair AS (a int)",
            ),
            (
                "crm",
                "CREATE TABLE people (id int); CREATE TABLE crm.notes (id int)",
            ),
        ] {
            let app: AppName = app.parse().unwrap();
            roles.prepare(&app).await.unwrap();
            let limit = std::time::Duration::from_secs(10);
            let owner = test.pools().owner(&app, limit).await.unwrap();
            owner.batch_execute(sql).await.unwrap();
        }
        let host = test.host().await;
        host.batch_execute("CREATE TABLE host_users (id int)")
            .await
            .unwrap();
        let granted = |schema: &str, table: &str, access| Grant::Table {
            schema: schema.to_owned(),
            table: table.to_owned(),
            access,
            owner: "crm".parse().unwrap(),
        };
        let granted: Grants = [
            granted("public", "people", Access::Read),
            granted("crm", "notes", Access::Write),
        ]
        .into_iter()
        .collect();

        let scope = roles
            .scope(&"shop".parse().unwrap(), &granted)
            .await
            .unwrap();

        assert_eq!(scope.schema, "shop");
        assert!(
            scope
                .views
                .contains_key(&table("noderouter_core.job_queue"))
        );
        let own = ["public.items", "public.items_id_seq", "shop.names"].map(table);
        assert_eq!(scope.own, own.into());
        assert_eq!(
            scope.types,
            ["public.colour", "shop.pair"].map(table).into()
        );
        assert_eq!(scope.readable, [table("public.people")].into());
        assert_eq!(scope.writable, [table("crm.notes")].into());
        let taken: Vec<_> = scope
            .taken
            .iter()
            .map(|(name, owner)| (name.to_string(), owner.as_str()))
            .collect();
        assert_eq!(
            taken,
            [
                ("public.host_users".to_owned(), "the host"),
                ("public.people".to_owned(), "crm"),
            ]
        );
    }
}
