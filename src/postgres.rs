//! The database server: embedded, or the operator's own; and what of it each app gets.
//!
//! - [`cluster`]: the embedded server; [`server`]: how to log in to either kind;
//! - [`roles`]: an app's two roles and its schema; [`pools`]: its connections.

mod account;
mod binaries;
mod cluster;
mod folder;
mod initdb;
mod leftovers;
mod pools;
mod roles;
mod scram;
mod server;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use cluster::{Cluster, ClusterError, Health, Settings};
pub(crate) use pools::{AppPools, PoolError, PoolLimits, cancel};
pub(crate) use roles::{OwnedTable, Role, Roles, RolesError, TableGrant};
pub(crate) use server::Server;
