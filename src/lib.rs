//! Skep runs a company's mini-apps, each call sealed in a WebAssembly cell.
//!
//! The layers, each using only those below it:
//!
//! - [`http`] and [`cli`]: what people and programs speak to; [`ui`]: what browsers are given;
//!   [`serve`]: one node;
//! - [`nodes`]: which of them there are; [`live`]: what one has beside where apps are developed;
//! - [`retention`]: what is kept, and how the rest goes;
//! - [`deploy`], [`jobs`], [`auth`], [`ledger`]: a bundle becomes a release; work that runs later;
//!   who may do what; what calls have used;
//! - [`shell`]: apps' pages, made ready for browsers;
//! - [`notify`]: what apps fire reaches the users who subscribed;
//! - [`build`], [`cell`]: a component is made; the sandbox that a call runs in;
//! - [`capability`]: what a cell may reach;
//! - [`check`]: what an author should mend in a bundle;
//! - [`starter`]: what authors begin from;
//! - [`app`]: what an app is, without I/O beyond reading it;
//! - [`sql`]: what a statement does, before it is sent;
//! - [`store`]: the host's own tables; [`postgres`]: the database server;
//! - [`launch`], [`services`], [`config`], [`audit`], [`limits`], [`files`], [`ids`]: what all of
//!   them stand on.

pub(crate) mod app;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod bindings;
pub(crate) mod build;
pub(crate) mod capability;
pub(crate) mod cell;
pub(crate) mod check;
pub(crate) mod cli;
pub(crate) mod config;
pub(crate) mod deploy;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod ids;
pub(crate) mod jobs;
pub(crate) mod launch;
pub(crate) mod ledger;
pub(crate) mod limits;
pub(crate) mod live;
pub(crate) mod nodes;
pub(crate) mod notify;
pub(crate) mod postgres;
pub(crate) mod retention;
pub(crate) mod schedules;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod shell;
pub(crate) mod sql;
pub(crate) mod starter;
pub(crate) mod store;
pub(crate) mod ui;

pub use cli::run;
