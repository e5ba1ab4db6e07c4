//! The floor of the benchmark: the same work by an axum handler, with no sandbox, no login
//! and no limits around it.
//!
//! Run as `calls-peer ADDRESS`; the database comes from libpq's variables (`PGHOST` and so
//! on).

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// As many as Skep gives one app.
const CONNECTIONS: u32 = 8;

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum Request {
    Ping { value: Value },
    Get { id: i64 },
    Add { name: String, amount: i32 },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: calls-peer ADDRESS")?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        // FastAPI's pool and Skep's ask nothing of the database before a statement either.
        .test_before_acquire(false)
        .connect_with(PgConnectOptions::new())
        .await?;
    let router = Router::new().route("/", post(call)).with_state(pool);
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn call(
    State(pool): State<PgPool>,
    Json(request): Json<Request>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let answer = match request {
        Request::Ping { value } => Ok(json!({ "pong": value })),
        Request::Get { id } => get(&pool, id).await,
        Request::Add { name, amount } => add(&pool, &name, amount).await,
    };
    answer
        .map(Json)
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn get(pool: &PgPool, id: i64) -> sqlx::Result<Value> {
    let row: Option<(String, i32)> =
        sqlx::query_as("SELECT name, amount FROM tally_entries WHERE id = $1")
            .bind(id)
            .fetch_optional(pool)
            .await?;
    Ok(match row {
        Some((name, amount)) => json!({ "id": id, "name": name, "amount": amount }),
        None => json!({ "error": format!("there is no entry {id}") }),
    })
}

async fn add(pool: &PgPool, name: &str, amount: i32) -> sqlx::Result<Value> {
    let insert = "INSERT INTO tally_entries (name, amount) VALUES ($1, $2) RETURNING id";
    let id: i64 = sqlx::query_scalar(insert)
        .bind(name)
        .bind(amount)
        .fetch_one(pool)
        .await?;
    Ok(json!({ "id": id }))
}
