//! Skep from outside: the binary, HTTP, a real PostgreSQL and real components.
//!
//! [`host`] runs a server for a test, [`guest`] and [`python`] make what is deployed to it.
//! The other files are the tests, one subject each.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the parts that tests share may fail a test as tests themselves may"
)]

mod bundle;
mod database;
mod guest;
mod host;
mod job_app;
mod peer;
mod python;

mod audit;
mod authoring;
mod calls;
mod canary;
mod cells;
mod check;
mod cli;
mod consent;
mod crashes;
mod db;
mod deploys;
mod egress;
mod files;
mod hooks;
mod hostile;
mod javascript;
mod job_crashes;
mod jobs;
mod limits;
mod logs;
mod manage;
mod neighbours;
mod notify;
mod nousviz;
mod prompt;
mod queries;
mod receipts;
mod retention;
mod schedules;
mod scratch;
mod secrets;
mod serving;
mod settings;
mod shape;
mod shell;
mod torture;
mod webhooks;
