//! The log as it grows, as Server-Sent Events.
//!
//! Lines of all nodes come in the order of their numbers, and none is left out: who comes back
//! with `Last-Event-ID` goes on where they were.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{LineBody, admit, level, text};
use crate::capability::log::Origin;
use crate::http::auth::extract::Authenticated;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::query::Query;
use crate::ids::{CallId, JobId};
use crate::services::{Full, Place, Services};
use crate::store::logs::{self, Filter};

/// How many one user may follow at once, and all of a node together.
pub(crate) const OF_USER: usize = 8;
pub(crate) const OF_ALL: usize = 128;
/// How often it is looked for new lines.
const PAUSE: Duration = Duration::from_millis(300);
/// Lines that are looked through at once.
const WINDOW: i64 = 5_000;
/// How long one answer lasts: whoever comes back is asked again who they are.
const LIFE: Duration = Duration::from_secs(300);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowQuery {
    /// Of this app; of all, if not said.
    app: Option<String>,
    /// Of this level or above: debug, info, warn or error.
    level: Option<String>,
    /// Only from this source: log, stdout, stderr, failure or host.
    source: Option<String>,
    /// Only of the call of this id.
    call: Option<Uuid>,
    /// Only of calls that worked at the job of this id.
    job: Option<Uuid>,
    /// Only with this text in the message or the detail.
    q: Option<String>,
    /// Lines of a higher number than this; those that come from now on, if not said. The header
    /// `Last-Event-ID` overrides it.
    after: Option<i64>,
}

/// Follows the logs of apps as Server-Sent Events: `id` is a line's number and `data` the line as
/// JSON. An answer lasts for five minutes; come back with `Last-Event-ID`, as browsers do.
#[utoipa::path(
    get, path = "/api/logs/follow", tag = "logs", params(FollowQuery),
    responses(
        (status = 200, content_type = "text/event-stream", body = LineBody),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody, description = "too many follow already"),
    )
)]
pub(crate) async fn follow(
    State(services): State<Services>,
    caller: Authenticated,
    headers: HeaderMap,
    Query(query): Query<FollowQuery>,
) -> Result<Response, ApiError> {
    admit(&caller)?;
    let filter = Filter {
        app: query.app.as_deref().map(str::parse).transpose()?,
        level: level(query.level.as_deref())?,
        source: query.source.as_deref().map(Origin::known).transpose()?,
        call: query.call.map(CallId),
        job: query.job.map(JobId),
        since: None,
        until: None,
        text: text(query.q)?,
    };
    let place = services.followers.enter(caller.user)?;
    let newest = logs::newest(services.store.pool()).await?;
    let after = last_event(&headers)?.or(query.after).unwrap_or(newest);
    let follower = Follower {
        filter,
        // Numbers may have begun anew, where a backup was restored.
        after: after.clamp(0, newest),
        until: Instant::now() + LIFE,
        services,
        _place: place,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let events = follower.next().await?;
        Some((stream::iter(events), follower))
    });
    let events = events.flatten().map(Ok::<_, Infallible>);
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    // A proxy must not wait for the end of it.
    let headers = [("x-accel-buffering", "no")];
    Ok((headers, Sse::new(events).keep_alive(alive)).into_response())
}

fn last_event(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(id) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let id = id.to_str().ok().and_then(|id| id.parse().ok());
    id.map(Some)
        .ok_or_else(|| ApiError::Invalid("`Last-Event-ID` is not the number of a line".to_owned()))
}

/// Somebody who follows.
struct Follower {
    services: Services,
    filter: Filter,
    /// The number up to which everything was looked at.
    after: i64,
    until: Instant,
    _place: Place,
}

impl Follower {
    /// The next lines; none at the end. They wait here until the reader takes them, and no
    /// more are fetched meanwhile.
    async fn next(&mut self) -> Option<Vec<Event>> {
        let store = self.services.store.clone();
        while Instant::now() < self.until {
            let newest = match logs::newest(store.pool()).await {
                Ok(newest) => newest,
                Err(error) => return gone(&error),
            };
            if newest <= self.after {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => continue,
                    () = self.services.draining.cancelled() => return None,
                }
            }
            let upto = newest.min(self.after.saturating_add(WINDOW));
            let rows = match logs::between(store.pool(), &self.filter, (self.after, upto)).await {
                Ok(rows) => rows,
                Err(error) => return gone(&error),
            };
            self.after = upto;
            if rows.is_empty() {
                // Without data: it says where to go on, and nothing else.
                return Some(vec![Event::default().id(upto.to_string())]);
            }
            let events = rows.into_iter().filter_map(|row| {
                let id = row.seq.to_string();
                Event::default().id(id).json_data(LineBody::from(row)).ok()
            });
            return Some(events.collect());
        }
        None
    }
}

/// The reader comes back by itself.
fn gone(error: &sqlx::Error) -> Option<Vec<Event>> {
    tracing::warn!(%error, "a follower of logs was let go");
    None
}

impl From<Full> for ApiError {
    fn from(full: Full) -> Self {
        let text = match full {
            Full::User(most) => {
                format!("you follow {most} logs already, and may not follow more: close one")
            }
            Full::All => "too many follow logs on this server: try again later".to_owned(),
        };
        Self::Unavailable(text, 5)
    }
}
