//! `skep credentials`: sets and deletes the secrets of apps. None is ever shown.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Client, segment};
use super::output::Output;

/// Set and delete the credentials of apps
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what an app declares and what is set, without the secrets
    List { app: String },
    /// Set a credential: asked for, or from a file, or from standard input
    ///
    /// A file is taken as it stands. Of standard input, one line break at the end is left out.
    Set {
        app: String,
        name: String,
        /// Take the bytes of this file
        #[arg(long, short)]
        file: Option<PathBuf>,
    },
    /// Take a credential away
    Delete { app: String, name: String },
    /// List which calls of an app read which credential, refusals included
    Reads {
        app: String,
        /// How many, the newest first
        #[arg(short = 'n', long, default_value_t = 50)]
        limit: u16,
    },
    /// Seal all credentials of all apps with the first of the sealing keys
    RotateKey,
}

#[derive(Serialize, Deserialize)]
struct Credential {
    name: String,
    description: String,
    declared: bool,
    granted: bool,
    set: bool,
    size: Option<i32>,
    key_id: Option<String>,
    updated_by: Option<String>,
    updated_at: Option<String>,
    last_read_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Credentials {
    credentials: Vec<Credential>,
}

#[derive(Serialize, Deserialize)]
struct Set {
    name: String,
    size: usize,
    declared: bool,
    granted: bool,
}

#[derive(Serialize, Deserialize)]
struct OneRead {
    name: String,
    release: String,
    call: String,
    outcome: String,
    at: String,
}

#[derive(Serialize, Deserialize)]
struct Reads {
    reads: Vec<OneRead>,
}

#[derive(Serialize, Deserialize)]
struct Key {
    key_id: String,
    credentials: i64,
}

#[derive(Serialize, Deserialize)]
struct Rotation {
    key_id: String,
    resealed: u64,
    broken: Vec<String>,
    in_use: Vec<Key>,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        match self.command {
            Command::List { app } => list(client, &mut output, &app).await,
            Command::Set { app, name, file } => {
                let secret = secret(file.as_deref())?;
                let bytes = secret.expose_secret().to_vec();
                let set: Set = client.put_bytes(&path(&app, &name), bytes).await?;
                let mut text = format!("{app} can read `{name}` ({} bytes)", set.size);
                if !set.declared {
                    text = format!(
                        "`{name}` is set ({} bytes); the active release of {app} does not declare \
                         it and cannot read it",
                        set.size
                    );
                } else if !set.granted {
                    text = format!(
                        "`{name}` is set ({} bytes); {app} was not granted it and cannot read it: \
                         see `skep grants {app}`",
                        set.size
                    );
                }
                Ok(output.answer(&set, &text)?)
            }
            Command::Delete { app, name } => {
                let () = client.delete(&path(&app, &name)).await?;
                Ok(output.line(&format!("{app} cannot read `{name}` any more"))?)
            }
            Command::Reads { app, limit } => reads(client, &mut output, &app, limit).await,
            Command::RotateKey => rotate(client, &mut output).await,
        }
    }
}

fn path(app: &str, name: &str) -> String {
    format!("/api/apps/{}/credentials/{}", segment(app), segment(name))
}

/// The secret, from wherever it comes.
fn secret(file: Option<&Path>) -> anyhow::Result<SecretSlice<u8>> {
    if let Some(file) = file {
        let bytes = std::fs::read(file);
        let bytes = bytes.with_context(|| format!("cannot read `{}`", file.display()))?;
        return Ok(bytes.into());
    }
    if io::stdin().is_terminal() {
        let asked = rpassword::prompt_password("The credential (not shown): ");
        let asked = asked.context("cannot ask for the credential")?;
        return Ok(asked.into_bytes().into());
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .context("cannot read the credential from standard input")?;
    Ok(without_line_break(bytes).into())
}

/// What `echo` and editors put behind a text belongs to no secret.
fn without_line_break(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    bytes
}

async fn list(client: &Client, output: &mut Output, app: &str) -> anyhow::Result<()> {
    let path = format!("/api/apps/{}/credentials", segment(app));
    let list: Credentials = client.get(&path).await?;
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = list
        .credentials
        .iter()
        .map(|credential| {
            let state = match (credential.set, credential.declared, credential.granted) {
                (true, true, true) => "set",
                (true, true, false) => "set, not granted",
                (true, false, _) => "set, not declared",
                (false, true, false) => "not set, not granted",
                (false, ..) => "not set",
            };
            [
                credential.name.clone(),
                state.to_owned(),
                credential
                    .size
                    .map_or("-".to_owned(), |size| size.to_string()),
                or_dash(&credential.updated_by),
                or_dash(&credential.updated_at),
                or_dash(&credential.last_read_at),
                or_dash(&credential.key_id),
            ]
        })
        .collect();
    let heads = [
        "NAME",
        "STATE",
        "BYTES",
        "BY",
        "CHANGED",
        "LAST READ",
        "KEY",
    ];
    Ok(output.table(&list, heads, rows)?)
}

async fn reads(client: &Client, output: &mut Output, app: &str, limit: u16) -> anyhow::Result<()> {
    let path = format!("/api/apps/{}/credential-reads?limit={limit}", segment(app));
    let list: Reads = client.get(&path).await?;
    let rows = list
        .reads
        .iter()
        .map(|read| {
            [
                read.at.clone(),
                read.name.clone(),
                read.outcome.clone(),
                read.call.clone(),
            ]
        })
        .collect();
    Ok(output.table(&list, ["TIME", "NAME", "OUTCOME", "CALL"], rows)?)
}

async fn rotate(client: &Client, output: &mut Output) -> anyhow::Result<()> {
    let rotation: Rotation = client
        .post("/api/credentials/rotate-key", &json!({}))
        .await?;
    let text = format!(
        "sealed {} credentials with the key {}",
        rotation.resealed, rotation.key_id
    );
    output.answer(&rotation, &text)?;
    if !rotation.broken.is_empty() {
        bail!(
            "these do not open, and stay as they are: {}; set them again",
            rotation.broken.join(", ")
        );
    }
    Ok(output.line("every other key may be forgotten now")?)
}

#[cfg(test)]
mod tests {
    use super::without_line_break;

    #[test]
    fn one_line_break_at_the_end_is_left_out() {
        for (typed, taken) in [
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret", "secret"),
            ("two\nlines\n\n", "two\nlines\n"),
            ("\n", ""),
        ] {
            assert_eq!(without_line_break(typed.into()), taken.as_bytes());
        }
    }
}
