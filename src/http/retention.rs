//! What is kept, how much of it there is, and the purge.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::audit::Entry;
use crate::auth::permission;
use crate::retention::{Gone, Kind, Order, PurgeError, UnknownKind};
use crate::services::Services;
use crate::store::audit;

/// The shortest and the longest age that can be named, in seconds.
const AGE: std::ops::RangeInclusive<i64> = 0..=100 * 366 * 86_400;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/retention", get(list))
        .route("/api/retention/purge", post(purge))
}

/// Something that is kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct KindBody {
    kind: Kind,
    /// Rows, releases or files.
    rows: i64,
    /// On the disk, indexes included.
    bytes: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    oldest: Option<OffsetDateTime>,
    /// What is kept of it.
    policy: String,
    /// Whether the rest goes by itself.
    automatic: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct KindList {
    /// `images` and `work` are those of the node that answers.
    kinds: Vec<KindBody>,
}

/// Shows what is kept, how much of it there is, and for how long.
#[utoipa::path(
    get, path = "/api/retention", tag = "retention",
    responses(
        (status = 200, body = KindList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: Authenticated,
) -> Result<Json<KindList>, ApiError> {
    if !caller.may(permission::RETENTION) {
        caller.require(permission::READ)?;
    }
    let retention = &services.retention;
    let mut kinds = Vec::with_capacity(Kind::ALL.len());
    for kind in Kind::ALL {
        let measure = retention.measure(*kind).await?;
        kinds.push(KindBody {
            kind: *kind,
            rows: measure.rows,
            bytes: measure.bytes,
            oldest: measure.oldest,
            policy: kind.policy(retention.keep()),
            automatic: kind.is_automatic(),
        });
    }
    Ok(Json(KindList { kinds }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurgeBody {
    /// What to purge; everything that is purged by itself, if not said.
    #[schema(value_type = Option<Kind>)]
    kind: Option<String>,
    /// What is older than so many seconds goes, rather than what the policy says; of releases,
    /// only those that the policy does not keep. It takes a `kind`.
    older_than_seconds: Option<i64>,
    /// Only says what would go.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct GoneBody {
    kind: Kind,
    rows: i64,
    /// Null where it is not known. What rows took is used again by later ones.
    bytes: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PurgeAnswer {
    /// What went, or would go.
    gone: Vec<GoneBody>,
    dry_run: bool,
}

/// Removes what is too old or too much, now. Nobody waits for it: it goes in small pieces. Should
/// it be cut, what is gone is gone, and the next one goes on.
#[utoipa::path(
    post, path = "/api/retention/purge", tag = "retention", request_body = PurgeBody,
    responses(
        (status = 200, body = PurgeAnswer),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "another node purges it just now"),
    )
)]
pub(crate) async fn purge(
    State(services): State<Services>,
    caller: Authenticated,
    Json(body): Json<PurgeBody>,
) -> Result<Json<PurgeAnswer>, ApiError> {
    caller.require(permission::RETENTION)?;
    let kinds = match &body.kind {
        Some(kind) => vec![kind.parse()?],
        None if body.older_than_seconds.is_some() => {
            return Err(ApiError::Invalid(
                "`older_than_seconds` is for one `kind`: name it".to_owned(),
            ));
        }
        None => {
            let automatic = Kind::ALL.iter().filter(|kind| kind.is_automatic());
            automatic.copied().collect()
        }
    };
    let older_than = body.older_than_seconds.map(age).transpose()?;
    let order = Order {
        older_than,
        dry_run: body.dry_run,
    };
    if kinds.contains(&Kind::Audit) {
        return Err(PurgeError::Audit.into());
    }
    if !body.dry_run {
        // Before anything is gone.
        for kind in &kinds {
            let entry = Entry::new(caller.actor(), "retention.purge", "retention", kind.name())
                .with("older_than_seconds", body.older_than_seconds);
            let mut tx = services.store.pool().begin().await?;
            audit::record(&mut tx, services.clock.now(), entry).await?;
            tx.commit().await?;
        }
    }
    // A task of its own: whoever goes away must not leave the rest.
    let purging = tokio::spawn(async move {
        let mut gone = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let Gone { rows, bytes } = services.retention.purge(kind, order).await?;
            gone.push(GoneBody { kind, rows, bytes });
        }
        Ok::<_, PurgeError>(gone)
    });
    let purged = purging.await.map_err(anyhow::Error::from)?;
    Ok(Json(PurgeAnswer {
        gone: purged?,
        dry_run: body.dry_run,
    }))
}

fn age(seconds: i64) -> Result<time::Duration, ApiError> {
    if AGE.contains(&seconds) {
        return Ok(time::Duration::seconds(seconds));
    }
    let text = format!(
        "`older_than_seconds` is {seconds}: it must be from 0 to {}",
        AGE.end()
    );
    Err(ApiError::Invalid(text))
}

impl From<UnknownKind> for ApiError {
    fn from(error: UnknownKind) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<PurgeError> for ApiError {
    fn from(error: PurgeError) -> Self {
        match error {
            PurgeError::Busy(_) => Self::Conflict(error.to_string()),
            PurgeError::Audit => Self::Invalid(error.to_string()),
            PurgeError::Database(_) | PurgeError::Files(..) => Self::Internal(error.into()),
        }
    }
}
