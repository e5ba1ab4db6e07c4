//! What apps' roles may do with each other's tables: exactly what was granted.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::names::{self, Role};
use super::statements::{self, quoted};
use super::{Roles, RolesError};
use crate::ids::AppName;

/// One app's right to another's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableGrant {
    pub(crate) app: AppName,
    pub(crate) owner: AppName,
    pub(crate) schema: String,
    pub(crate) table: String,
    /// Reading too.
    pub(crate) write: bool,
}

/// One role's privileges on one object of another app.
type Privileges = BTreeMap<(String, Object), BTreeSet<String>>;

/// An object as GRANT names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    kind: String,
    name: String,
}

impl Roles {
    /// Whose each of these tables is: the name of the owner's role, none for a table that
    /// is not there.
    pub(crate) async fn owners(
        &self,
        tables: &[(&str, &str)],
    ) -> Result<Vec<Option<String>>, RolesError> {
        let schemas: Vec<&str> = tables.iter().map(|(schema, _)| *schema).collect();
        let names: Vec<&str> = tables.iter().map(|(_, name)| *name).collect();
        let client = self.server.connect().await?;
        let rows = client
            .query(statements::TABLE_OWNERS, &[&schemas, &names])
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Gives apps' roles what is granted on the tables of other apps, and takes away whatever
    /// else they have there. `granted` is all of it, of every app. Safe to repeat.
    ///
    /// A table that is gone, or has become another app's, is passed over. It takes effect
    /// when the transaction of `connection`, which is the host's, is committed.
    pub(crate) async fn reconcile(
        &self,
        connection: &mut PgConnection,
        granted: &[TableGrant],
    ) -> sqlx::Result<()> {
        sqlx::query(statements::LOCK)
            .execute(&mut *connection)
            .await?;
        let wanted = self.wanted(&mut *connection, granted).await?;
        let found = self.found(&mut *connection).await?;
        for statement in changes(&found, &wanted) {
            // The names in it come from the catalog, in quotes.
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    /// The privileges that the grants come to, as far as their tables are there.
    async fn wanted(
        &self,
        connection: &mut PgConnection,
        granted: &[TableGrant],
    ) -> sqlx::Result<Privileges> {
        let text = |of: fn(&TableGrant) -> &str| -> Vec<&str> { granted.iter().map(of).collect() };
        let role = |app: &AppName, role: Role| self.name(app, role);
        let grantees: Vec<String> = granted
            .iter()
            .map(|grant| role(&grant.app, Role::App))
            .collect();
        let owners: Vec<String> = granted
            .iter()
            .map(|grant| role(&grant.owner, Role::Owner))
            .collect();
        let writes: Vec<bool> = granted.iter().map(|grant| grant.write).collect();
        let rows = sqlx::query_as(statements::WANTED_GRANTS)
            .bind(grantees)
            .bind(owners)
            .bind(text(|grant| &grant.schema))
            .bind(text(|grant| &grant.table))
            .bind(writes)
            .fetch_all(connection)
            .await?;
        Ok(collected(rows))
    }

    /// The privileges that roles of apps have on what is another app's.
    async fn found(&self, connection: &mut PgConnection) -> sqlx::Result<Privileges> {
        let rows = sqlx::query_as(statements::FOUND_GRANTS)
            .bind(names::prefix(&self.key))
            .fetch_all(connection)
            .await?;
        Ok(collected(rows))
    }
}

fn collected(rows: Vec<(String, String, String, String)>) -> Privileges {
    let mut privileges = Privileges::new();
    for (role, kind, name, privilege) in rows {
        let object = Object { kind, name };
        privileges
            .entry((role, object))
            .or_default()
            .insert(privilege);
    }
    privileges
}

/// The statements that lead from what is found to what is wanted.
fn changes(found: &Privileges, wanted: &Privileges) -> Vec<String> {
    let mut statements = Vec::new();
    let none = BTreeSet::new();
    for ((role, Object { kind, name }), has) in found {
        let key = (
            role.clone(),
            Object {
                kind: kind.clone(),
                name: name.clone(),
            },
        );
        if wanted.get(&key).unwrap_or(&none) != has {
            let role = quoted(role);
            statements.push(format!("REVOKE ALL ON {kind} {name} FROM {role}"));
        }
    }
    for (key, privileges) in wanted {
        if found.get(key) != Some(privileges) {
            let (role, Object { kind, name }) = key;
            let words: Vec<&str> = privileges.iter().map(String::as_str).collect();
            let (words, role) = (words.join(", "), quoted(role));
            statements.push(format!("GRANT {words} ON {kind} {name} TO {role}"));
        }
    }
    statements
}

#[cfg(test)]
mod tests;
