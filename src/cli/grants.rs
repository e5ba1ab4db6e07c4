//! `skep grants`: what an app was granted, and taking it back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Client, segment};
use super::output::Output;

/// Show what an app was granted, and what of it could be withdrawn
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    app: String,
    /// Take this grant back, such as `table:public.items`
    #[arg(long, value_name = "GRANT")]
    withdraw: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize, Deserialize)]
struct List {
    grants: Vec<Grant>,
}

#[derive(Serialize, Deserialize)]
struct Grant {
    key: String,
    text: String,
    accepted_by: String,
    accepted_at: String,
    uses: Option<i64>,
    last_used: Option<String>,
    idle: Option<String>,
    #[serde(flatten)]
    rest: Value,
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        let path = format!("/admin/api/apps/{}/grants", segment(&self.app));
        if let Some(key) = self.withdraw {
            let () = client
                .delete(&format!("{path}?key={}", segment(&key)))
                .await?;
            return Ok(output.line(&format!("{} has no grant {key} any more", self.app))?);
        }
        let list: List = client.get(&path).await?;
        if list.grants.is_empty() {
            let text = format!("{} has nothing beyond what every app has", self.app);
            return Ok(output.answer(&list, &text)?);
        }
        let rows = list.grants.iter().map(Grant::row).collect();
        let heads = [
            "GRANT",
            "IT MAY",
            "SINCE",
            "BY",
            "USES",
            "LAST USED",
            "WITHDRAW?",
        ];
        Ok(output.table(&list, heads, rows)?)
    }
}

impl Grant {
    fn row(&self) -> [String; 7] {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            self.key.clone(),
            self.text.clone(),
            self.accepted_at.clone(),
            self.accepted_by.clone(),
            self.uses
                .map_or_else(|| "not counted".to_owned(), |uses| uses.to_string()),
            or_dash(&self.last_used),
            self.idle.clone().unwrap_or_default(),
        ]
    }
}
