//! What the host is made of: nodes, database, and what apps take of it.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::auth::permission;
use crate::ids::AppName;
use crate::nodes::{GONE, VERSION};
use crate::postgres::Health;
use crate::services::Services;
use crate::store::{nodes, system};

pub(crate) fn router() -> Router<Services> {
    Router::new().route("/api/system", get(find))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SystemBody {
    /// Of the program on the node that answers.
    version: &'static str,
    /// The name of the node that answers.
    node: String,
    /// All that were heard of in the last day, without those that have stopped as they should.
    nodes: Vec<NodeBody>,
    database: DatabaseBody,
    /// What apps have in tables, the largest first.
    apps: Vec<AppSizeBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct NodeBody {
    name: String,
    version: String,
    /// The address that it serves on, as it knows it.
    listen: String,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    seen_at: OffsetDateTime,
    /// Whether it was heard of a moment ago.
    alive: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DatabaseBody {
    /// Whether this node runs it.
    embedded: bool,
    /// Whether the embedded one is being started again.
    restarting: bool,
    /// Of the server.
    version: String,
    /// On the disk.
    bytes: i64,
    /// Of them what Skep keeps for itself: bundles, logs, calls and the like.
    host_bytes: i64,
    /// Of all nodes and apps.
    connections: i64,
    /// What the server allows.
    connections_most: i32,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AppSizeBody {
    #[schema(value_type = String)]
    app: AppName,
    tables: i64,
    /// With indexes.
    bytes: i64,
}

/// Shows the nodes, the database, and what apps take of it.
#[utoipa::path(
    get, path = "/api/system", tag = "health",
    responses(
        (status = 200, body = SystemBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    caller: Authenticated,
) -> Result<Json<SystemBody>, ApiError> {
    if !caller.may(permission::APPS) {
        caller.require(permission::READ)?;
    }
    let pool = services.store.pool();
    let nodes = nodes::list(pool).await?;
    let database = system::database(pool).await?;
    let sizes = services.deployer.sizes().await?;
    let health = services.database_health.as_ref();

    Ok(Json(SystemBody {
        version: VERSION,
        node: services.jobs.node().to_owned(),
        nodes: nodes.into_iter().map(NodeBody::from).collect(),
        database: DatabaseBody {
            embedded: health.is_some(),
            restarting: health.is_some_and(|health| *health.borrow() == Health::Restarting),
            version: database.version,
            bytes: database.bytes,
            host_bytes: database.host_bytes,
            connections: database.connections,
            connections_most: database.connections_most,
        },
        apps: sizes
            .into_iter()
            .map(|size| AppSizeBody {
                app: size.app,
                tables: size.tables,
                bytes: size.bytes,
            })
            .collect(),
    }))
}

impl From<nodes::NodeRow> for NodeBody {
    fn from(row: nodes::NodeRow) -> Self {
        Self {
            name: row.name,
            version: row.version,
            listen: row.listen,
            started_at: row.started_at,
            seen_at: row.seen_at,
            alive: row.silent < GONE,
        }
    }
}

#[cfg(test)]
mod tests;
