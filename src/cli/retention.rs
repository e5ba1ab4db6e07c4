//! `skep retention`: shows what is kept, and purges it.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Client;
use super::logs::Since;
use super::output::Output;

/// Show what is kept, how much of it there is and for how long, and purge it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Remove what is too old or too much now, rather than within the hour
    ///
    /// It goes in small pieces, and nobody waits for it. The audit log records who asked.
    Purge {
        /// calls, logs, jobs, notifications, credential_reads, releases, images or work; everything, if not said
        kind: Option<String>,
        /// What is older than this goes, rather than what the policy says, such as 12h or 30d. Of
        /// releases, only those that the policy does not keep
        #[arg(long, value_name = "TIME", requires = "kind")]
        older_than: Option<Since>,
        /// Only show what would go
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct Kinds {
    kinds: Vec<Kind>,
}

#[derive(Serialize, Deserialize)]
struct Kind {
    kind: String,
    rows: i64,
    bytes: i64,
    oldest: Option<String>,
    policy: String,
    automatic: bool,
}

#[derive(Serialize, Deserialize)]
struct Purged {
    gone: Vec<Gone>,
    dry_run: bool,
}

#[derive(Serialize, Deserialize)]
struct Gone {
    kind: String,
    rows: i64,
    bytes: Option<i64>,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        match &self.command {
            None => show(client, &mut output).await,
            Some(Command::Purge {
                kind,
                older_than,
                dry_run,
            }) => {
                let older_than = older_than.map(Since::ago).transpose()?;
                let body = json!({
                    "kind": kind,
                    "older_than_seconds": older_than.map(time::Duration::whole_seconds),
                    "dry_run": dry_run,
                });
                let purged: Purged = client.post("/api/retention/purge", &body).await?;
                let heads = match purged.dry_run {
                    true => ["WHAT", "WOULD GO", "SIZE"],
                    false => ["WHAT", "GONE", "SIZE"],
                };
                let row = |gone: &Gone| {
                    let size = gone.bytes.map_or_else(|| "-".to_owned(), size);
                    [gone.kind.clone(), gone.rows.to_string(), size]
                };
                let rows = purged.gone.iter().map(row).collect();
                Ok(output.table(&purged, heads, rows)?)
            }
        }
    }
}

async fn show(client: &Client, output: &mut Output) -> anyhow::Result<()> {
    let list: Kinds = client.get("/api/retention").await?;
    let row = |kind: &Kind| {
        [
            kind.kind.clone(),
            kind.rows.to_string(),
            size(kind.bytes),
            kind.oldest.clone().unwrap_or_else(|| "-".to_owned()),
            kind.policy.clone(),
        ]
    };
    let rows = list.kinds.iter().map(row).collect();
    let heads = ["WHAT", "NUMBER", "SIZE", "OLDEST", "KEPT"];
    Ok(output.table(&list, heads, rows)?)
}

/// Bytes in the unit that fits, with a tenth.
fn size(bytes: i64) -> String {
    let mut unit = "B";
    let mut tenths = bytes.saturating_mul(10);
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10 * 1024 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_shown_in_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (5 * 1024 * 1024 * 1024, "5.0 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
