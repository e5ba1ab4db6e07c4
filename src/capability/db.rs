//! The `db` capability: the app's tables in PostgreSQL.
//!
//! The interface is `wit/db.wit`. Limits are in [`policy`]; a [`session`] sends
//! statements, and cancels them on the server when the call's time is over; what belongs to a
//! job's attempt is in [`fence`] and [`jobs`]; [`decode`] and
//! [`encode`] translate values. Which tables an app reaches is decided by its login role,
//! see [`crate::postgres`].

pub(crate) mod connection;
mod decode;
mod encode;
mod error;
pub(crate) mod fence;
mod inspect;
pub(crate) mod jobs;
pub(crate) mod policy;
mod savepoints;
pub(crate) mod session;

pub(crate) use inspect::{Inspector, Migration};
#[expect(unreachable_pub, reason = "the generated bindings export them")]
pub use {connection::Connection, error::DbError};

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use crate::bindings::skep::app::db as wit;
use session::Database;

/// One call's view of the database.
pub(crate) struct Db<'a> {
    pub(crate) database: &'a Database,
    pub(crate) table: &'a mut ResourceTable,
}

impl wit::Host for Db<'_> {
    async fn execute(
        &mut self,
        sql: String,
        params: Vec<wit::Value>,
    ) -> Result<wit::Outcome, DbError> {
        let mut connection = Connection::autocommit(self.database.clone());
        connection.execute(&sql, &params).await
    }

    fn convert_error(&mut self, error: DbError) -> wasmtime::Result<wit::Error> {
        error.for_guest()
    }
}

impl wit::HostConnection for Db<'_> {
    async fn new(&mut self) -> wasmtime::Result<Resource<Connection>> {
        let connection = Connection::transactional(self.database.clone());
        Ok(self.table.push(connection)?)
    }

    async fn set_modes(
        &mut self,
        connection: Resource<Connection>,
        modes: wit::TransactionModes,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&connection)?.set_modes(modes);
        Ok(())
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        sql: String,
        params: Vec<wit::Value>,
    ) -> Result<wit::Outcome, DbError> {
        self.table
            .get_mut(&connection)?
            .execute(&sql, &params)
            .await
    }

    async fn commit(&mut self, connection: Resource<Connection>) -> Result<(), DbError> {
        self.table.get_mut(&connection)?.commit().await
    }

    async fn commit_on_return(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.get(&connection)?.commit_on_return();
        Ok(())
    }

    async fn rollback(&mut self, connection: Resource<Connection>) -> Result<(), DbError> {
        self.table.get_mut(&connection)?.rollback().await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?.close().await;
        Ok(())
    }
}

/// Links the interface; `view` borrows a [`Db`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> Db<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, DbData>(linker, view)
}

#[cfg(test)]
mod tests;

struct DbData;

impl HasData for DbData {
    type Data<'a> = Db<'a>;
}
