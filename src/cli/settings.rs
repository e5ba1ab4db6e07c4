//! `skep settings`: shows and changes the settings of an app.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::Output;

/// Show and change the settings of an app
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app
    app: String,
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what the app reads
    Get { key: String },
    /// Set a value
    Set {
        key: String,
        /// As text, number, `true` or `false`, whatever the setting's type is
        #[arg(required_unless_present = "file", allow_hyphen_values = true)]
        value: Option<String>,
        /// Take the text of this file
        #[arg(long, short, conflicts_with = "value")]
        file: Option<PathBuf>,
    },
    /// Take a value away, so that the default counts again
    Unset { key: String },
}

#[derive(Serialize, Deserialize)]
struct Setting {
    key: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    value: Option<Value>,
    set: bool,
    unfit: Option<String>,
    updated_by: Option<String>,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    settings: Vec<Setting>,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        let all = format!("/api/apps/{}/settings", segment(&self.app));
        let one = |key: &str| format!("{all}/{}", segment(key));
        match self.command {
            None => list(client, &mut output, &all).await,
            Some(Command::Get { key }) => {
                let setting: Setting = client.get(&one(&key)).await?;
                let text = shown(setting.value.as_ref());
                Ok(output.answer(&setting, &text)?)
            }
            Some(Command::Set { key, value, file }) => {
                let declared: Setting = client.get(&one(&key)).await?;
                let text = match (value, file) {
                    (Some(value), _) => value,
                    (None, Some(file)) => std::fs::read_to_string(&file)
                        .with_context(|| format!("cannot read `{}` as text", file.display()))?,
                    (None, None) => bail!("say a value, or a file with `--file`"),
                };
                let body = json!({ "value": typed(&declared.kind, text) });
                let setting: Setting = client.put(&one(&key), &body).await?;
                let text = format!("{key} is {}", shown(setting.value.as_ref()));
                Ok(output.answer(&setting, &text)?)
            }
            Some(Command::Unset { key }) => {
                let () = client.delete(&one(&key)).await?;
                Ok(output.line(&format!("{key} is not set any more"))?)
            }
        }
    }
}

/// A value of the setting's type, as far as the text is one; else the server says what it
/// should be.
fn typed(kind: &str, text: String) -> Value {
    match kind {
        "number" | "port" | "toggle" => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        _ => Value::String(text),
    }
}

/// A text as it stands, anything else as JSON.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "(not set)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)),
        ) => other.to_string(),
    }
}

async fn list(client: &Client, output: &mut Output, path: &str) -> anyhow::Result<()> {
    let list: Settings = client.get(path).await?;
    if list.settings.is_empty() {
        output.line("the app declares no settings")?;
    }
    let rows = list
        .settings
        .iter()
        .map(|setting| {
            let state = match (&setting.unfit, setting.set, &setting.value) {
                (Some(unfit), ..) => unfit.as_str(),
                (None, true, _) => "set",
                (None, false, Some(_)) => "default",
                (None, false, None) => "not set",
            };
            [
                setting.key.clone(),
                setting.kind.clone(),
                excerpt(&shown(setting.value.as_ref())),
                state.to_owned(),
                setting.label.clone(),
            ]
        })
        .collect();
    Ok(output.table(&list, ["KEY", "TYPE", "VALUE", "STATE", "TITLE"], rows)?)
}

/// As much of a value as fits into a table.
fn excerpt(text: &str) -> String {
    let line: String = text
        .chars()
        .take_while(|c| !c.is_control())
        .take(40)
        .collect();
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_what_the_type_says() {
        assert_eq!(typed("text", "5".into()), json!("5"));
        assert_eq!(typed("number", "5".into()), json!(5));
        assert_eq!(typed("toggle", "false".into()), json!(false));
        assert_eq!(typed("port", "eighty".into()), json!("eighty"));
        assert_eq!(typed("text", String::new()), json!(""));
    }

    #[test]
    fn a_table_shows_the_beginning_of_a_long_value() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt("two\nlines"), "two…");
        assert_eq!(excerpt(&"ü".repeat(50)), format!("{}…", "ü".repeat(40)));
    }
}
