//! The audit log: read, checked, exported, and cut at its beginning.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::auth::extract::{Auditor, Authenticated};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::audit::{self, Hash, Link, Place};
use crate::auth::permission;
use crate::services::Services;
use crate::store::audit as log;

/// Entries of a list, if not said otherwise, and at most.
const LISTED: u16 = 100;
const MOST: u16 = 1_000;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/audit", get(list))
        .route("/api/audit/export", get(export))
        .route("/api/audit/verify", get(verify))
        .route("/api/audit/cut", post(cut))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this app, its credentials and settings.
    app: Option<String>,
    /// Done by this user.
    actor: Option<String>,
    /// Not older than this time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>)]
    since: Option<OffsetDateTime>,
    /// With a smaller number than this: for the next page.
    before: Option<i64>,
    /// At most so many: 100, if not said; 1000 at most.
    limit: Option<u16>,
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryBody {
    /// Counted from 1, without gaps.
    seq: i64,
    /// RFC 3339, in UTC, to the microsecond.
    at: String,
    /// Whose login it was done with.
    actor: String,
    /// `subject.verb`, such as `user.create`.
    action: String,
    subject_kind: String,
    subject: String,
    details: Value,
    /// The hash of the entry before, in hexadecimal.
    previous: String,
    /// SHA-256 of this entry without `hash`, as JSON with sorted keys and no spaces.
    hash: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EntryList {
    /// Newest first.
    #[schema(value_type = Vec<EntryBody>)]
    entries: Vec<Value>,
}

/// Lists entries of the audit log, newest first.
#[utoipa::path(
    get, path = "/api/audit", tag = "audit", params(ListQuery),
    responses(
        (status = 200, body = EntryList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _: Auditor,
    Query(query): Query<ListQuery>,
) -> Result<Json<EntryList>, ApiError> {
    let filter = log::Filter {
        app: query.app,
        actor: query.actor,
        since: query.since,
        before: query.before,
    };
    let limit = query.limit.unwrap_or(LISTED).min(MOST);
    let links = log::list(services.store.pool(), &filter, limit.into()).await?;
    Ok(Json(EntryList {
        entries: links.iter().map(Link::body).collect(),
    }))
}

/// Gives the whole audit log as JSON lines, oldest first, in the form that is hashed.
#[utoipa::path(
    get, path = "/api/audit/export", tag = "audit",
    responses(
        (status = 200, content_type = "application/x-ndjson", body = EntryBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn export(State(services): State<Services>, _: Auditor) -> Response {
    // Page by page: the log may be larger than the memory.
    let lines = stream::try_unfold(0, move |after| {
        let store = services.store.clone();
        async move {
            let links = log::page(store.pool(), after).await?;
            let Some(last) = links.last() else {
                return Ok::<_, sqlx::Error>(None);
            };
            let next = last.seq;
            let text: String = links.iter().map(|link| link.line() + "\n").collect();
            Ok(Some((text, next)))
        }
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(lines)).into_response()
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyQuery {
    /// The last entry that you have noted, as `SEQ:HASH`: the log must still hold it.
    noted: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceBody {
    seq: i64,
    hash: String,
}

/// What came of following the chain.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictBody {
    whole: bool,
    /// The last entry that was cut off; number 0 where none was.
    anchor: PlaceBody,
    /// The last entry up to which everything is good. Note it elsewhere: nothing else shows
    /// that the end of the log was cut off.
    good: PlaceBody,
    broken: Option<BrokenBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BrokenBody {
    /// The first entry that is not good.
    seq: i64,
    reason: String,
}

/// Follows the chain of the audit log from its beginning to its end.
#[utoipa::path(
    get, path = "/api/audit/verify", tag = "audit", params(VerifyQuery),
    responses(
        (status = 200, body = VerdictBody, description = "see `whole`"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn verify(
    State(services): State<Services>,
    _: Auditor,
    Query(query): Query<VerifyQuery>,
) -> Result<Json<VerdictBody>, ApiError> {
    let noted = query.noted.as_deref().map(noted).transpose()?;
    let verdict = log::verify(services.store.pool(), noted).await?;
    Ok(Json(VerdictBody {
        whole: verdict.broken.is_none(),
        anchor: verdict.anchor.into(),
        good: verdict.good.into(),
        broken: verdict.broken.map(|broken| BrokenBody {
            seq: broken.seq(),
            reason: broken.to_string(),
        }),
    }))
}

fn noted(text: &str) -> Result<Place, ApiError> {
    let place = text.split_once(':').and_then(|(seq, hash)| {
        Some(Place {
            seq: seq.parse().ok()?,
            hash: from_hex(hash)?,
        })
    });
    place.ok_or_else(|| {
        ApiError::Invalid("`noted` must be SEQ:HASH, as `skep audit verify` prints it".to_owned())
    })
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutBody {
    /// Entries from before this time go.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String)]
    before: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CutAnswer {
    /// How many entries went.
    removed: u64,
}

/// Removes the oldest entries of the audit log. Export them first: they are gone. The hash of
/// the last one is kept, so that what remains can still be checked. It takes the permission `*`.
#[utoipa::path(
    post, path = "/api/audit/cut", tag = "audit", request_body = CutBody,
    responses(
        (status = 200, body = CutAnswer),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn cut(
    State(services): State<Services>,
    caller: Authenticated,
    Json(body): Json<CutBody>,
) -> Result<Json<CutAnswer>, ApiError> {
    caller.require(permission::EVERYTHING)?;
    let now = services.clock.now();
    let mut tx = services.store.pool().begin().await?;
    let removed = log::cut(&mut tx, body.before, caller.actor(), now).await?;
    tx.commit().await?;
    tracing::warn!(removed, by = caller.username, "cut the audit log");
    Ok(Json(CutAnswer { removed }))
}

impl From<Place> for PlaceBody {
    fn from(place: Place) -> Self {
        Self {
            seq: place.seq,
            hash: audit::hex(&place.hash),
        }
    }
}

#[cfg(test)]
mod tests;
