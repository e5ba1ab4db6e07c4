//! `skep new`: a folder with an app that works, to begin from.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::output::Output;
use crate::ids::AppName;
use crate::starter::templates::{self, Names, Template};

/// What `skep new` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArguments {
    /// The app's name, which is also its folder's and its part of the URL
    name: String,
    /// Folder to make the app's own folder in
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
    /// What to begin with
    #[arg(long, short, value_enum, default_value_t)]
    template: Template,
}

/// Makes the app's folder, and says what to do next.
pub(crate) fn run(arguments: &NewArguments) -> anyhow::Result<()> {
    let name: AppName = arguments.name.parse()?;
    let folder = arguments.path.join(name.as_str());
    let template = arguments.template;
    let files = create(&folder, &name, template)?;

    let folder = folder.display().to_string();
    let text = format!(
        "made {folder} with {files} files; next:\n  skep dev {folder}\n  skep check {folder}\n  \
         skep test {folder}\n  skep deploy {folder}\n  skep call {}",
        template.call(&name)
    );
    Output::text().line(&text)?;
    Ok(())
}

/// Writes a template into a folder that is new or empty, and counts its files.
fn create(folder: &Path, name: &AppName, template: Template) -> anyhow::Result<usize> {
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", folder.display()));
        }
    };
    if !is_empty {
        bail!(
            "the folder `{}` is not empty: choose another name, or another place with --path",
            folder.display()
        );
    }

    let files = templates::files(template, &Names::of(name));
    for (path, text) in &files {
        write(&folder.join(path), text)?;
    }
    Ok(files.len())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests;
