//! What one app gets on the server: two roles, a schema, and nothing of anybody else's.
//!
//! The *owner* role runs migrations and owns the tables; the *app* role, as which calls
//! run, may only read and write them. Neither is a member of anything. This is the wall
//! behind the one that inspects SQL: what gets past that still finds nothing here.

#[cfg(test)]
mod attacks;
mod grants;
mod names;
mod scope;
mod statements;
#[cfg(test)]
mod tests;

pub(crate) use grants::TableGrant;
pub(crate) use names::{Role, own_schema};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Transaction};

use self::names::Names;
use super::server::Server;
use crate::ids::AppName;
use crate::services::HostKey;

/// Makes, finds and removes the roles of apps. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Roles {
    server: Server,
    key: HostKey,
}

/// A table of an app, for people to see before they drop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnedTable {
    pub(crate) schema: String,
    pub(crate) name: String,
    /// As the planner estimates them; `None` if the table was never analysed.
    pub(crate) rows: Option<i64>,
    /// With indexes and long values.
    pub(crate) bytes: i64,
}

/// Why an app's roles are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RolesError {
    /// Without roles only the inspection of SQL keeps apps apart.
    #[error(
        "the database login `{0}` may not create roles, so apps cannot have roles of their own: \
         run `ALTER ROLE \"{0}\" CREATEROLE`"
    )]
    MayNotCreateRoles(String),
    #[error(
        "the database login `{login}` does not own the database `{database}`, and cannot close \
         its schema `public` to other roles: run `ALTER DATABASE \"{database}\" OWNER TO \
         \"{login}\"`, and in it `ALTER SCHEMA public OWNER TO \"{login}\"`"
    )]
    NotOwner { login: String, database: String },
    #[error("the name `{0}` is kept for a schema of Skep's own: give the app another name")]
    Reserved(AppName),
    #[error(
        "the schema `{schema}` belongs to the database role `{owner}`, not to the app of that \
         name: rename the app or the schema"
    )]
    SchemaTaken { schema: String, owner: String },
    #[error("other apps still use tables of `{app}`: {detail}")]
    StillUsed { app: AppName, detail: String },
    #[error("the database failed: {0}")]
    Database(#[from] tokio_postgres::Error),
}

/// The host's own login, as far as it matters here.
struct HostLogin {
    name: String,
    superuser: bool,
    owns_database: bool,
}

impl Roles {
    pub(crate) fn new(server: Server, key: HostKey) -> Self {
        Self { server, key }
    }

    /// Checks that the host's login may make roles and owns the database.
    ///
    /// # Errors
    ///
    /// When it does not; the text says what to run.
    pub(crate) async fn check_login(&self) -> Result<(), RolesError> {
        let mut client = self.server.connect().await?;
        let (_, host) = begin(&mut client).await?;
        if host.owns_database {
            Ok(())
        } else {
            Err(self.not_owner(&host))
        }
    }

    /// Refuses the names of schemas that are not an app's to have.
    pub(crate) fn admit(app: &AppName) -> Result<(), RolesError> {
        if names::is_reserved(app) {
            Err(RolesError::Reserved(app.clone()))
        } else {
            Ok(())
        }
    }

    /// Gives an app its roles and schema, and puts them right where they exist already.
    ///
    /// Tables that were kept when the app was removed are its own again. Safe to repeat,
    /// and from several nodes at once.
    ///
    /// # Errors
    ///
    /// When the name is reserved or its schema somebody else's, or the host's login may
    /// not do this; nothing is changed then.
    pub(crate) async fn prepare(&self, app: &AppName) -> Result<(), RolesError> {
        let names = self.names(app);
        Self::admit(app)?;
        let mut client = self.server.connect().await?;
        let (tx, host) = begin(&mut client).await?;
        let database = self.server.database();
        if !host.owns_database {
            return Err(self.not_owner(&host));
        }

        if host.superuser {
            tx.batch_execute(statements::CLOSE_FUNCTIONS).await?;
        }
        tx.batch_execute(&statements::close_database(database))
            .await?;
        for role in [&names.app, &names.owner] {
            if !exists(&tx, role).await? {
                tx.batch_execute(&statements::create(role)).await?;
            }
            // Without membership, only a superuser could act on what the role owns.
            if !host.superuser {
                tx.batch_execute(&statements::join(role, &host.name))
                    .await?;
            }
        }
        let verifiers =
            [Role::App, Role::Owner].map(|role| names::verifier(&self.key, &names, role));
        tx.batch_execute(&statements::configure(&names, &verifiers, database))
            .await?;
        if let Some(schema) = own_schema(app) {
            match schema_owner(&tx, schema).await? {
                None => {}
                Some(owner) if owner == names.owner => {}
                Some(owner) => {
                    let schema = schema.to_owned();
                    return Err(RolesError::SchemaTaken { schema, owner });
                }
            }
            tx.batch_execute(&statements::schema(schema, &names))
                .await?;
        }
        regrant(&tx, &names).await?;
        self.check(&tx, &names, &host).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lets the app's role use all that its owner role owns.
    ///
    /// New tables are granted as they are made; this is for objects that became the
    /// owner's in another way.
    pub(crate) async fn regrant(&self, app: &AppName) -> Result<(), RolesError> {
        let mut client = self.server.connect().await?;
        let (tx, _) = begin(&mut client).await?;
        regrant(&tx, &self.names(app)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lets the sessions of an app's calls see its jobs, and finish those that they work at.
    ///
    /// # Errors
    ///
    /// When the app has no row or no roles yet.
    pub(crate) async fn admit_to_jobs(&self, app: &AppName) -> Result<(), RolesError> {
        let names = self.names(app);
        let mut client = self.server.connect().await?;
        let (tx, _) = begin(&mut client).await?;
        let secret = names::queue_secret(&self.key, &names.app);
        let own: [&(dyn ToSql + Sync); 3] = [&names.app, &app.as_str(), &secret];
        tx.execute(statements::OWN_ROLE, &own).await?;
        tx.batch_execute(&statements::jobs(&names.app)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes an app's access away, and its tables too unless they are to be kept.
    ///
    /// # Errors
    ///
    /// When something of another app depends on the tables; nothing is changed then.
    pub(crate) async fn drop(&self, app: &AppName, keep_tables: bool) -> Result<(), RolesError> {
        let names = self.names(app);
        let mut client = self.server.connect().await?;
        let (tx, _) = begin(&mut client).await?;
        let database = self.server.database();

        for role in [&names.app, &names.owner] {
            if !exists(&tx, role).await? {
                continue;
            }
            let keep = keep_tables && *role == names.owner;
            let statements = if keep {
                statements::suspend(role, database)
            } else {
                statements::drop(role)
            };
            // While the role is there: nobody can say later whose sessions these were.
            tx.query(statements::TERMINATE, &[role]).await?;
            tx.batch_execute(&statements)
                .await
                .map_err(|error| still_used(app, error))?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The tables that an app owns, also after it was removed and they were kept.
    pub(crate) async fn tables(&self, app: &AppName) -> Result<Vec<OwnedTable>, RolesError> {
        let client = self.server.connect().await?;
        let rows = client
            .query(statements::TABLES, &[&self.names(app).owner])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(OwnedTable {
                    schema: row.try_get(0)?,
                    name: row.try_get(1)?,
                    rows: row.try_get(2)?,
                    bytes: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// The name of one of an app's roles, as the server knows it.
    pub(crate) fn name(&self, app: &AppName, role: Role) -> String {
        let names = self.names(app);
        match role {
            Role::App => names.app,
            Role::Owner => names.owner,
        }
    }

    /// What the database wants to be told by whoever queues a job of the app.
    pub(super) fn queue_secret(&self, app: &AppName) -> Vec<u8> {
        names::queue_secret(&self.key, &self.name(app, Role::App))
    }

    /// How to log in as one of an app's roles.
    pub(super) fn config(&self, app: &AppName, role: Role) -> Config {
        let name = self.name(app, role);
        let password = names::password(&self.key, &name);
        self.server.config_as(&name, &password)
    }

    /// How a test logs in as the role of an app's calls.
    #[cfg(test)]
    pub(crate) fn login(&self, app: &AppName) -> Config {
        self.config(app, Role::App)
    }

    fn names(&self, app: &AppName) -> Names {
        Names::new(&self.key, app)
    }

    /// Makes sure that what was granted and revoked took effect: a server only warns a
    /// login that may not.
    async fn check(
        &self,
        tx: &Transaction<'_>,
        names: &Names,
        host: &HostLogin,
    ) -> Result<(), RolesError> {
        let holds: bool = tx
            .query_one(statements::CHECK, &[&names.app, &names.owner])
            .await?
            .try_get(0)?;
        if holds {
            return Ok(());
        }
        Err(self.not_owner(host))
    }

    fn not_owner(&self, host: &HostLogin) -> RolesError {
        RolesError::NotOwner {
            login: host.name.clone(),
            database: self.server.database().to_owned(),
        }
    }
}

/// Begins a transaction that no other node's overlaps, as a login that may do all this.
async fn begin(client: &mut Client) -> Result<(Transaction<'_>, HostLogin), RolesError> {
    let tx = client.transaction().await?;
    let row = tx.query_one(statements::HOST_LOGIN, &[]).await?;
    let name: String = row.try_get(0)?;
    let superuser: bool = row.try_get(1)?;
    let may_create_roles: bool = row.try_get(2)?;
    if !superuser && !may_create_roles {
        return Err(RolesError::MayNotCreateRoles(name));
    }
    let host = HostLogin {
        name,
        superuser,
        owns_database: row.try_get(3)?,
    };
    tx.batch_execute(statements::LOCK).await?;
    Ok((tx, host))
}

async fn exists(tx: &Transaction<'_>, role: &str) -> Result<bool, tokio_postgres::Error> {
    let found = tx.query_opt(statements::ROLE, &[&role]).await?;
    Ok(found.is_some())
}

async fn schema_owner(
    tx: &Transaction<'_>,
    schema: &str,
) -> Result<Option<String>, tokio_postgres::Error> {
    tx.query_opt(statements::SCHEMA_OWNER, &[&schema])
        .await?
        .map(|row| row.try_get(0))
        .transpose()
}

async fn regrant(tx: &Transaction<'_>, names: &Names) -> Result<(), tokio_postgres::Error> {
    let rows = tx
        .query(statements::REGRANT, &[&names.owner, &names.app])
        .await?;
    let statements: Vec<String> = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    tx.batch_execute(&statements.join(";")).await
}

fn still_used(app: &AppName, error: tokio_postgres::Error) -> RolesError {
    match error.as_db_error() {
        Some(cause) if *cause.code() == SqlState::DEPENDENT_OBJECTS_STILL_EXIST => {
            RolesError::StillUsed {
                app: app.clone(),
                detail: cause.detail().unwrap_or(cause.message()).to_owned(),
            }
        }
        _ => RolesError::Database(error),
    }
}

/// The passwords of apps' roles, for whoever checks that no text contains them.
#[cfg(test)]
pub(in crate::postgres) fn password_of(
    roles: &Roles,
    app: &AppName,
    role: Role,
) -> secrecy::SecretString {
    names::password(&roles.key, &roles.name(app, role))
}
