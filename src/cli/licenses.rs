//! `skep licenses`: under which licences the libraries are that Skep serves to browsers.

use std::io::{self, Write};

use crate::ui;

/// Prints the licences of all of them.
pub(crate) fn run() -> anyhow::Result<()> {
    io::stdout().lock().write_all(ui::LICENCES.as_bytes())?;
    Ok(())
}
