//! The HTTP interface: one file per resource and audience.

pub(crate) mod error;
