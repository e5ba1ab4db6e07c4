//! Whose the tables are that a manifest names, and that its `tables` would create.

use std::collections::HashMap;

use super::{DeployError, Deployer, plan};
use crate::app::grants::ForeignTable;
use crate::app::{Finding, Manifest};
use crate::ids::AppName;
use crate::postgres::Role;
use crate::store::apps;

/// The contract's own tables, which the host shows to each app as far as they are its own.
const CONTRACT: &str = "noderouter_core";
const PUBLIC: &str = "public";

/// The tables of other apps that an app asks for.
pub(super) struct Reach {
    pub(super) foreign: Vec<ForeignTable>,
    /// What was asked for and is not there.
    pub(super) warnings: Vec<Finding>,
}

impl Deployer {
    /// Finds the owners of the tables that a manifest names. A table that nobody has yet is
    /// for the app to make.
    ///
    /// # Errors
    ///
    /// When a table is no app's.
    pub(super) async fn reach(&self, manifest: &Manifest) -> Result<Reach, DeployError> {
        let footprint: Vec<_> = manifest
            .footprint()
            .into_iter()
            .filter(|((schema, _), _)| *schema != CONTRACT)
            .collect();
        let names: Vec<(&str, &str)> = footprint.iter().map(|(name, _)| *name).collect();
        let owners = self.0.roles.owners(&names).await?;
        let apps = self.apps_by_role().await?;

        let mut reach = Reach {
            foreign: Vec::new(),
            warnings: Vec::new(),
        };
        for (((schema, table), access), role) in footprint.into_iter().zip(owners) {
            let Some(role) = role else {
                reach.warnings.extend(missing(manifest, schema, table));
                continue;
            };
            match apps.get(&role) {
                Some(owner) if *owner == manifest.app_name => {}
                Some(owner) => reach.foreign.push(ForeignTable {
                    schema: schema.to_owned(),
                    table: table.to_owned(),
                    access,
                    owner: owner.clone(),
                }),
                None if role == self.own_role(manifest) => {}
                None => {
                    return Err(DeployError::NoApps {
                        schema: schema.to_owned(),
                        table: table.to_owned(),
                    });
                }
            }
        }
        Ok(reach)
    }

    /// Refuses a manifest whose `tables` would create what somebody else has.
    pub(super) async fn check_names(&self, manifest: &Manifest) -> Result<(), DeployError> {
        let created = plan::created(manifest);
        let names: Vec<(&str, &str)> = created
            .iter()
            .map(|table| {
                let schema = table.schema.as_deref().unwrap_or(PUBLIC);
                (schema, table.name.as_str())
            })
            .collect();
        let owners = self.0.roles.owners(&names).await?;
        let own = self.own_role(manifest);
        for ((schema, table), role) in names.into_iter().zip(owners) {
            let Some(role) = role.filter(|role| *role != own) else {
                continue;
            };
            let owner = match self.apps_by_role().await?.get(&role) {
                Some(app) => format!("the app `{app}`"),
                None => format!("the database role `{role}`"),
            };
            return Err(DeployError::NameTaken {
                app: manifest.app_name.clone(),
                owner,
                table: format!("{schema}.{table}"),
            });
        }
        Ok(())
    }

    fn own_role(&self, manifest: &Manifest) -> String {
        self.0.roles.name(&manifest.app_name, Role::Owner)
    }

    /// All apps, by the role that owns their tables.
    pub(super) async fn apps_by_role(&self) -> Result<HashMap<String, AppName>, DeployError> {
        let names = apps::names(self.0.store.pool()).await?;
        let by_role = |app: AppName| (self.0.roles.name(&app, Role::Owner), app);
        Ok(names.into_iter().map(by_role).collect())
    }
}

/// Only `needs` are tables of others; what an action touches may be made by its own app.
fn missing(manifest: &Manifest, schema: &str, table: &str) -> Option<Finding> {
    let needs = &manifest.needs.tables;
    let is_needed = needs
        .iter()
        .any(|need| need.schema == schema && need.table == table);
    is_needed.then(|| {
        Finding::new(
            "SK-B04",
            format!(
                "`needs.tables` names `{schema}.{table}`, which is not there, so that nothing is \
                 granted: deploy this app again when the one that makes the table is there"
            ),
        )
    })
}
