//! `GET /api/notify/events`: notifications as a stream of server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::FollowQuery;
use crate::http::auth::extract::AppsCaller;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::query::Query;
use crate::notify::frame::{Frame, Word};
use crate::notify::queue::{End, Queue};
use crate::notify::{Sink, Stopped, Subscriber};
use crate::services::Services;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// For proxies of the kind that would keep events until there are many.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Events between the one who makes them and the connection.
const WAITING: usize = 4;
/// How often something is said where nothing happens, so that a dead connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b":\n\n";
/// How soon a browser comes again whose stream has ended.
const RETRY: &[u8] = b"retry: 2000\n\n";
/// How long a client may take for one event when more wait than are kept for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last word may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// Streams notifications as server-sent events, for clients that have no WebSocket.
///
/// The data of each is what `/api/ws/notify` sends, and its id that of the notification: a
/// browser's `EventSource` gives it as `Last-Event-ID` when it connects again, and gets what it
/// missed. A stream ends after `{"type": "reconnect"}`, when the login ends, and when the server
/// stops.
#[utoipa::path(
    get, path = "/api/notify/events", tag = "notifications",
    params(
        FollowQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "as `last_id`, and before it"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 429, body = ErrorBody, description = "the caller has too many open"),
        (status = 503, body = ErrorBody, description = "the server has too many open, or stops"),
    )
)]
pub(crate) async fn open(
    State(services): State<Services>,
    caller: AppsCaller,
    Query(query): Query<FollowQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last_id = match headers.get(LAST_EVENT_ID) {
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.trim().parse().ok());
            Some(id.ok_or_else(|| {
                ApiError::Invalid("`Last-Event-ID` must be the id of a notification".to_owned())
            })?)
        }
        None => query.last_id,
    };
    let subscriber = services.notifications.open(&caller)?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let events = Events {
        sender,
        last_id: last_id.unwrap_or_default(),
    };
    tokio::spawn(serve(events, subscriber, last_id));

    let body = stream::unfold(receiver, async |mut receiver| {
        let event = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(event), receiver))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (BUFFERING, "no"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Why a stream ends.
enum Over {
    End(End),
    /// The client went away.
    Gone,
    TooSlow,
}

async fn serve(mut events: Events, subscriber: Subscriber, last_id: Option<i64>) {
    let mut after = last_id;
    let over = loop {
        let Err(over) = follow(&mut events, &subscriber, after).await;
        // Who fell behind and still reads goes on from the table.
        if !matches!(over, Over::End(End::Behind)) {
            break over;
        }
        after = Some(events.last_id);
    };
    drop(subscriber);
    if let Over::TooSlow = over {
        let last_id = events.last_id;
        let word = events.word(Word::Reconnect { last_id });
        let _ = tokio::time::timeout(GOODBYE, word).await;
    }
}

async fn follow(
    events: &mut Events,
    subscriber: &Subscriber,
    after: Option<i64>,
) -> Result<std::convert::Infallible, Over> {
    events.send(Bytes::from_static(RETRY)).await?;
    let followed = subscriber.follow(after, events).await;
    followed.map_err(|stopped| match stopped {
        Stopped::End(end) => Over::End(end),
        Stopped::Sink(over) => over,
        Stopped::Database(error) => {
            tracing::warn!(%error, "what a subscriber has missed cannot be read");
            Over::Gone
        }
    })?;
    let queue = subscriber.queue();
    loop {
        let next = tokio::select! {
            next = tokio::time::timeout(KEEP_ALIVE, queue.next()) => next,
            () = events.sender.closed() => return Err(Over::Gone),
        };
        let (event, id) = match next {
            Ok(Ok(frame)) => (frame.event(), Some(frame.id)),
            Ok(Err(end)) => return Err(Over::End(end)),
            Err(_) => (Bytes::from_static(COMMENT), None),
        };
        pass(queue, events, event).await?;
        events.last_id = id.unwrap_or(events.last_id);
    }
}

/// Sends one event. Who has not read it some time after falling behind is too slow.
async fn pass(queue: &Queue, events: &Events, event: Bytes) -> Result<(), Over> {
    let mut sending = std::pin::pin!(events.send(event));
    let end = tokio::select! {
        sent = &mut sending => return sent,
        end = queue.ended() => end,
    };
    match end {
        End::Behind => tokio::time::timeout(PATIENCE, sending)
            .await
            .unwrap_or(Err(Over::TooSlow)),
        End::LoggedOut | End::Stopping => Err(Over::End(end)),
    }
}

/// The way to the connection, and how far was sent.
struct Events {
    sender: mpsc::Sender<Bytes>,
    last_id: i64,
}

impl Events {
    async fn send(&self, event: Bytes) -> Result<(), Over> {
        self.sender.send(event).await.map_err(|_| Over::Gone)
    }
}

impl Sink for Events {
    type Error = Over;

    async fn word(&mut self, word: Word) -> Result<(), Over> {
        if let Word::Ready { id } = word {
            self.last_id = id;
        }
        self.send(word.event()).await
    }

    async fn frame(&mut self, frame: &Frame) -> Result<(), Over> {
        self.send(frame.event()).await?;
        self.last_id = frame.id;
        Ok(())
    }
}
