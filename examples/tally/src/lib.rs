//! Tally, a mini-app in Rust: named amounts and what they add up to.
//!
//! The world that it is built for is `wit/world.wit`. Its table comes from `tables` in
//! `manifest.json`; what it asks of the database is in [`entries`].

mod entries;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

wit_bindgen::generate!({ path: "../../wit", world: "app" });

struct Tally;

export!(Tally);

#[derive(Deserialize)]
struct Add {
    name: String,
    amount: i32,
}

#[derive(Deserialize)]
struct Get {
    id: i64,
}

#[derive(Deserialize)]
struct Total {
    name: String,
}

/// Why there is no answer of the usual kind.
enum Problem {
    /// The caller can fix it and reads the text as `{"error": text}`.
    Request(String),
    /// The call failed: an operator finds it in the app's log.
    Failed(Failure),
}

impl Guest for Tally {
    fn execute(data: String) -> Result<String, Failure> {
        match answer(&data) {
            Ok(answer) => Ok(answer.to_string()),
            Err(Problem::Request(text)) => Ok(json!({ "error": text }).to_string()),
            Err(Problem::Failed(failure)) => Err(failure),
        }
    }
}

fn answer(data: &str) -> Result<Value, Problem> {
    let request: Value = read(serde_json::from_str(data))?;
    let action = request.get("action").and_then(Value::as_str);
    match action.unwrap_or_default() {
        "ping" => Ok(json!({ "pong": request.get("value") })),
        "add" => {
            let Add { name, amount } = fields(request)?;
            if name.is_empty() {
                return Err(Problem::Request("name is required".to_owned()));
            }
            Ok(json!({ "id": entries::add(&name, amount)? }))
        }
        "get" => {
            let Get { id } = fields(request)?;
            let (name, amount) = entries::get(id)?
                .ok_or_else(|| Problem::Request(format!("there is no entry {id}")))?;
            Ok(json!({ "id": id, "name": name, "amount": amount }))
        }
        "total" => {
            let Total { name } = fields(request)?;
            let (count, total) = entries::total(&name)?;
            Ok(json!({ "name": name, "entries": count, "total": total }))
        }
        "" => Err(Problem::Request("action is required".to_owned())),
        other => Err(Problem::Request(format!("unknown action '{other}'"))),
    }
}

/// Reads what one action needs of a request.
fn fields<T: DeserializeOwned>(request: Value) -> Result<T, Problem> {
    read(serde_json::from_value(request))
}

fn read<T>(parsed: Result<T, serde_json::Error>) -> Result<T, Problem> {
    parsed.map_err(|error| Problem::Request(error.to_string()))
}
