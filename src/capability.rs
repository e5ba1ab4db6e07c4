//! What a cell may reach, one capability a file.
//!
//! The interface of each is in `wit/`; what an app may do with it is decided in its
//! `policy`. Host traits are implemented on views that borrow from the cell's state for
//! one host call.

pub(crate) mod caller;
pub(crate) mod credentials;
pub(crate) mod db;
pub(crate) mod egress;
pub(crate) mod jobs;
pub(crate) mod log;
pub(crate) mod notify;
pub(crate) mod schedules;
pub(crate) mod settings;
