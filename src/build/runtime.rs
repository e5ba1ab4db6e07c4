//! What the builder's command needs beside itself: nothing where it is a binary, a Python
//! where it is a script that a Python package installed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::BuilderMissing;
use crate::launch;

/// A script's first line is not longer.
const FIRST_LINE: u64 = 4096;

/// The folders that the command reads and runs programs from.
///
/// # Errors
///
/// When the command is a script that the user who builds cannot reach.
pub(super) fn of(command: &Path) -> Result<Vec<PathBuf>, super::BuildError> {
    let Some(interpreter) = interpreter(command)? else {
        return Ok(Vec::new());
    };
    let script = command.canonicalize()?;
    let real = interpreter.canonicalize()?;
    for path in [&script, &interpreter, &real] {
        if let Some(folder) = launch::in_the_way(path) {
            let command = command.to_owned();
            return Err(BuilderMissing::OutOfReach { command, folder }.into());
        }
    }
    Ok([&script, &interpreter, &real]
        .into_iter()
        .filter_map(|path| installation(path))
        .collect())
}

/// The interpreter that a script names in its first line.
fn interpreter(command: &Path) -> io::Result<Option<PathBuf>> {
    let mut start = Vec::new();
    File::open(command)?
        .take(FIRST_LINE)
        .read_to_end(&mut start)?;
    let line = start.split(|byte| *byte == b'\n').next();
    let Some(words) = line.and_then(|line| line.strip_prefix(b"#!")) else {
        return Ok(None);
    };
    let words = words.trim_ascii();
    let name = words.split(|byte| *byte == b' ').next().unwrap_or(words);
    Ok(Some(PathBuf::from(OsStr::from_bytes(name))))
}

/// The folder that `bin`, where a program is, is in with what the program needs.
fn installation(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    match folder.parent() {
        Some(prefix) if prefix.parent().is_some() => Some(prefix.to_owned()),
        // `/bin` and the like: all of `/` is not what it needs.
        Some(_) | None => Some(folder.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_interpreter_and_a_binary_none() {
        let folder = tempfile::tempdir().unwrap();
        let command = folder.path().join("builder");
        for (start, expected) in [
            (
                "#!/opt/venv/bin/python3 -I\nimport sys\n",
                Some("/opt/venv/bin/python3"),
            ),
            ("#! /bin/sh", Some("/bin/sh")),
            ("\x7fELF\n#!/bin/sh", None),
            ("", None),
        ] {
            std::fs::write(&command, start).unwrap();

            assert_eq!(
                interpreter(&command).unwrap().as_deref(),
                expected.map(Path::new)
            );
        }
    }

    #[test]
    fn a_program_is_installed_above_its_folder_but_never_in_all_there_is() {
        for (program, expected) in [
            ("/opt/venv/bin/python3", "/opt/venv"),
            ("/usr/bin/python3", "/usr"),
            ("/bin/python3", "/bin"),
            ("/python3", "/"),
        ] {
            assert_eq!(
                installation(Path::new(program)),
                Some(expected.into()),
                "{program}"
            );
        }
    }
}
