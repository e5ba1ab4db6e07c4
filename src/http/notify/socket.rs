//! `GET /api/ws/notify`: notifications by WebSocket.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::Instant;

use super::FollowQuery;
use crate::http::auth::extract::AppsCaller;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::query::Query;
use crate::notify::frame::{Frame, Word};
use crate::notify::queue::{End, Queue};
use crate::notify::{Sink, Stopped, Subscriber};
use crate::services::Services;

/// The largest message of a client, in bytes. Nothing is expected of one.
const MESSAGE_BYTES: usize = 4 * 1024;
/// What is read at once. Every open socket has that much.
const READ_BYTES: usize = 1024;
/// Messages that a client may send at once, and how fast it may send more. Answers to pings count.
const MESSAGES: u32 = 60;
const ONE_MORE: Duration = Duration::from_secs(1);
/// How long one message may take to be sent.
const SEND: Duration = Duration::from_secs(30);
/// How long a client may take for one message when more wait than are kept for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a socket's end may take.
const GOODBYE: Duration = Duration::from_secs(10);

/// Opens a WebSocket that notifications come by, as text messages.
///
/// A notification is `{"type": "action", "id", "app_name", "action_name", "payload", "job_id",
/// "triggered_at"}`. `{"type": "ready", "id"}` says that all up to that id was sent, and new ones
/// follow; `{"type": "gap", "last_id"}`, that something after `last_id` is not kept any more;
/// `{"type": "reconnect", "last_id"}`, that the client read too slowly and is to connect again.
/// A client remembers the greatest `id` and gives it as `last_id` when it connects again.
#[utoipa::path(
    get, path = "/api/ws/notify", tag = "notifications", params(FollowQuery),
    responses(
        (status = 101, description = "the socket is open"),
        (status = 400, body = ErrorBody, description = "not the beginning of a WebSocket"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "another site's page asked for it"),
        (status = 429, body = ErrorBody, description = "the caller has too many open"),
        (status = 503, body = ErrorBody, description = "the server has too many open, or stops"),
    )
)]
pub(crate) async fn open(
    State(services): State<Services>,
    caller: AppsCaller,
    Query(query): Query<FollowQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|error| {
        ApiError::Invalid(format!(
            "open a WebSocket here, or read `GET /api/notify/events`: {}",
            error.body_text()
        ))
    })?;
    let subscriber = services.notifications.open(&caller)?;
    let ping = services.notifications.settings().ping;
    Ok(upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(READ_BYTES)
        // Each message is sent at once.
        .write_buffer_size(0)
        .on_upgrade(move |socket| serve(socket, subscriber, query.last_id, ping)))
}

/// Why a socket ends.
enum Over {
    End(End),
    /// The client went away, or said nothing for too long.
    Gone,
    Flood,
    TooSlow,
    Failed,
}

async fn serve(socket: WebSocket, subscriber: Subscriber, last_id: Option<i64>, ping: Duration) {
    let mut channel = Channel {
        socket,
        last_id: last_id.unwrap_or_default(),
    };
    let mut after = last_id;
    let over = loop {
        let over = match subscriber.follow(after, &mut channel).await {
            Ok(()) => pass_on(&subscriber, &mut channel, ping).await,
            Err(Stopped::End(end)) => Over::End(end),
            Err(Stopped::Sink(over)) => over,
            Err(Stopped::Database(error)) => {
                tracing::warn!(%error, "what a subscriber has missed cannot be read");
                Over::Failed
            }
        };
        // Who fell behind and still reads goes on from the table.
        if !matches!(over, Over::End(End::Behind)) {
            break over;
        }
        after = Some(channel.last_id);
    };
    // Its place is free, and nothing waits for it any more.
    drop(subscriber);
    let _ = tokio::time::timeout(GOODBYE, channel.say_goodbye(over)).await;
}

/// Sends what is new until something ends it.
async fn pass_on(subscriber: &Subscriber, channel: &mut Channel, ping: Duration) -> Over {
    let queue = subscriber.queue();
    let mut heard = Heard::new(Instant::now());
    let mut pings = tokio::time::interval_at(Instant::now() + ping, ping);
    loop {
        let sent = tokio::select! {
            next = queue.next() => match next {
                Ok(frame) => pass(queue, channel, &frame).await,
                Err(end) => Err(Over::End(end)),
            },
            message = channel.socket.recv() => heard.message(message, Instant::now()),
            _ = pings.tick() => match heard.ask() {
                Ok(()) => channel.send(Message::Ping(Bytes::new())).await,
                silent => silent,
            },
        };
        if let Err(over) = sent {
            return over;
        }
    }
}

/// Sends one frame. Who has not read it some time after falling behind is too slow.
async fn pass(queue: &Queue, channel: &mut Channel, frame: &Frame) -> Result<(), Over> {
    let mut sending = std::pin::pin!(channel.frame(frame));
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

/// What came from the client, and how much of it may come.
struct Heard {
    /// Messages that may still come at once.
    allowed: u32,
    counted: Instant,
    /// Nothing has come since this was asked last.
    silent: bool,
}

impl Heard {
    fn new(now: Instant) -> Self {
        Self {
            allowed: MESSAGES,
            counted: now,
            silent: false,
        }
    }

    fn message(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        now: Instant,
    ) -> Result<(), Over> {
        match message {
            Some(Ok(Message::Close(_))) | None | Some(Err(_)) => return Err(Over::Gone),
            // What a client says is not listened to.
            Some(Ok(
                Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_),
            )) => {}
        }
        self.silent = false;
        let more = now.duration_since(self.counted).as_secs() / ONE_MORE.as_secs();
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(MESSAGES);
            self.allowed = self.allowed.saturating_add(more).min(MESSAGES);
            self.counted = now;
        }
        match self.allowed.checked_sub(1) {
            Some(left) => {
                self.allowed = left;
                Ok(())
            }
            None => Err(Over::Flood),
        }
    }

    /// Expects something until this is asked again.
    fn ask(&mut self) -> Result<(), Over> {
        if std::mem::replace(&mut self.silent, true) {
            return Err(Over::Gone);
        }
        Ok(())
    }
}

/// A socket, and how far its client has read.
struct Channel {
    socket: WebSocket,
    last_id: i64,
}

impl Channel {
    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match tokio::time::timeout(SEND, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over::Gone),
            Err(_) => Err(Over::TooSlow),
        }
    }

    /// Says why it ends, as far as the client still listens.
    async fn say_goodbye(mut self, over: Over) {
        let (code, reason) = match over {
            Over::Gone => return,
            Over::Flood => (close_code::POLICY, "you send too many messages"),
            Over::Failed => (close_code::ERROR, "internal error: connect again"),
            Over::TooSlow | Over::End(End::Behind) => {
                let word = Word::Reconnect {
                    last_id: self.last_id,
                };
                if self.word(word).await.is_err() {
                    return;
                }
                (
                    close_code::AGAIN,
                    "you read too slowly: connect again with your last_id",
                )
            }
            Over::End(End::LoggedOut) => (close_code::POLICY, "the login has ended"),
            Over::End(End::Stopping) => (close_code::AWAY, "the server stops: connect again"),
        };
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        if self.send(Message::Close(Some(frame))).await.is_ok() {
            // What was not read yet would make of the end a broken connection.
            while let Some(Ok(_)) = self.socket.recv().await {}
        }
    }
}

impl Sink for Channel {
    type Error = Over;

    async fn word(&mut self, word: Word) -> Result<(), Over> {
        if let Word::Ready { id } = word {
            self.last_id = id;
        }
        self.send(Message::Text(word.json().into())).await
    }

    async fn frame(&mut self, frame: &Frame) -> Result<(), Over> {
        self.send(Message::Text(frame.json.clone())).await?;
        self.last_id = frame.id;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pong() -> Option<Result<Message, axum::Error>> {
        Some(Ok(Message::Pong(Bytes::new())))
    }

    #[test]
    fn a_client_may_say_so_much_and_more_after_a_while() {
        let now = Instant::now();
        let later = now + ONE_MORE * 2;
        let mut heard = Heard::new(now);

        for _ in 0..MESSAGES {
            assert!(heard.message(pong(), now).is_ok());
        }
        assert!(heard.message(pong(), now).is_err());
        for _ in 0..2 {
            assert!(heard.message(pong(), later).is_ok());
        }
        assert!(heard.message(pong(), later).is_err());
    }

    #[test]
    fn who_says_nothing_between_two_pings_is_gone() {
        let now = Instant::now();
        let mut heard = Heard::new(now);

        assert!(heard.ask().is_ok());
        assert!(heard.message(pong(), now).is_ok());
        assert!(heard.ask().is_ok());
        assert!(heard.ask().is_err());
    }
}
