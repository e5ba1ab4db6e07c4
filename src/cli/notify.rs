//! `skep notify`: what one is told of, and reading it.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::output::{Output, joined};
use super::terminal::on_one_line;

/// Choose which notifications of apps you get, and read them
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
    /// List what you are subscribed to, and what you may subscribe to
    List {
        /// Only of this app
        #[arg(long)]
        app: Option<String>,
        /// Only what you are subscribed to
        #[arg(long)]
        subscribed: bool,
    },
    /// Get an app's notifications of this name from now on
    Subscribe { app: String, action: String },
    /// Get them no more
    Unsubscribe { app: String, action: String },
    /// Print notifications as they come, one a line, until interrupted
    Follow {
        /// First those that came after this id, as far as they are kept
        #[arg(long, value_name = "ID")]
        after: Option<i64>,
    },
}

#[derive(Serialize, Deserialize)]
struct Subscription {
    app_name: String,
    action_name: String,
    display_name: Option<String>,
    required_permission: Option<String>,
    subscribed: bool,
    status: String,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Deserialize)]
struct Page {
    subscriptions: Vec<Subscription>,
    next: Option<String>,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        match self.command {
            Command::List { app, subscribed } => {
                list(client, &mut output, app.as_deref(), subscribed).await
            }
            Command::Subscribe { app, action } => {
                subscribe(client, &mut output, &app, &action, true).await
            }
            Command::Unsubscribe { app, action } => {
                subscribe(client, &mut output, &app, &action, false).await
            }
            Command::Follow { after } => follow(client, &mut output, after).await,
        }
    }
}

async fn subscribe(
    client: &Client,
    output: &mut Output,
    app: &str,
    action: &str,
    subscribed: bool,
) -> anyhow::Result<()> {
    let body = json!({ "app_name": app, "action_name": action, "subscribed": subscribed });
    let answer: Value = client.post("/api/notify/subscribe", &body).await?;
    let text = match subscribed {
        true => format!("you get {app}/{action} from now on: see `skep notify follow`"),
        false => format!("you get {app}/{action} no more"),
    };
    Ok(output.answer(&answer, &text)?)
}

async fn list(
    client: &Client,
    output: &mut Output,
    app: Option<&str>,
    subscribed: bool,
) -> anyhow::Result<()> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let mut path = "/api/notify/subscriptions?limit=1000".to_owned();
        for (key, value) in [
            ("app", app),
            ("subscribed", subscribed.then_some("true")),
            ("after", after.as_deref()),
        ] {
            if let Some(value) = value {
                path.push_str(&format!("&{key}={}", segment(value)));
            }
        }
        let page: Page = client.get(&path).await?;
        all.extend(page.subscriptions);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if all.is_empty() {
        output.line("no app declares a notification for you")?;
    }
    let rows = all
        .iter()
        .map(|it| {
            let permission: Vec<String> = it.required_permission.iter().cloned().collect();
            [
                it.app_name.clone(),
                it.action_name.clone(),
                if it.subscribed { "yes" } else { "no" }.to_owned(),
                it.status.replace('_', " "),
                joined(&permission),
                it.display_name.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    let whole = json!({ "subscriptions": all });
    let heads = [
        "APP",
        "NOTIFICATION",
        "SUBSCRIBED",
        "STATUS",
        "PERMISSION",
        "TITLE",
    ];
    Ok(output.table(&whole, heads, rows)?)
}

/// Prints notifications until the server ends for good. A stream that breaks is taken up where it
/// was.
async fn follow(
    client: &Client,
    output: &mut Output,
    mut after: Option<i64>,
) -> anyhow::Result<()> {
    loop {
        let mut path = "/api/notify/events".to_owned();
        if let Some(id) = after {
            path.push_str(&format!("?last_id={id}"));
        }
        let mut stream = client.stream(&path).await?;
        let mut waiting = Vec::new();
        // A stream that breaks has ended, as one that came to its end.
        while let Ok(Some(part)) = stream.chunk().await {
            waiting.extend_from_slice(&part);
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = waiting.drain(..=end).collect();
                if let Some(event) = line.strip_prefix(b"data: ") {
                    // A payload may be JSON that is no text: a lone half of a character.
                    let Ok(event) = serde_json::from_slice(event) else {
                        eprintln!("a notification is left out: its payload cannot be read as text");
                        continue;
                    };
                    show(output, &event)?;
                    after = event.get("id").and_then(Value::as_i64).or(after);
                }
            }
        }
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }
}

fn show(output: &mut Output, event: &Value) -> anyhow::Result<()> {
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let line = match text("type") {
        "action" => format!(
            "{} {}/{} {}",
            text("triggered_at"),
            text("app_name"),
            text("action_name"),
            event.get("payload").unwrap_or(&Value::Null)
        ),
        "gap" => "some notifications are not kept any more".to_owned(),
        // Not for people.
        _ => return Ok(()),
    };
    Ok(output.event(event, &on_one_line(&line))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::testing::Printed;

    #[test]
    fn a_notification_is_a_line() {
        let event = json!({
            "type": "action", "id": 7, "app_name": "shop", "action_name": "sold",
            "payload": { "n": 1 }, "job_id": null, "triggered_at": "2026-11-21T12:00:00Z",
        });
        let printed = |json: bool, event: &Value| {
            let printed = Printed::default();
            show(&mut printed.output(json), event).unwrap();
            printed.text()
        };

        assert_eq!(
            printed(false, &event),
            "2026-11-21T12:00:00Z shop/sold {\"n\":1}\n"
        );
        assert_eq!(printed(true, &event), format!("{event}\n"));
        assert_eq!(printed(false, &json!({ "type": "ready", "id": 1 })), "");
    }
}
