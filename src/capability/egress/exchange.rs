//! One request and its answer, from being admitted to the end of its connection.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use hyper::body::{Body, Frame, Incoming};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::Error as Code;

use super::CallEgress;
use super::error::EgressError;
use crate::app::Origin;
use crate::capability::log::Level;

/// What belongs to one request. Everything that still works for it holds it; when the last of
/// them is gone, the request is written down and its place is free.
pub(super) struct Exchange {
    pub(super) call: Arc<CallEgress>,
    method: Method,
    origin: Origin,
    began: Instant,
    status: AtomicU16,
    sent: AtomicU64,
    received: AtomicU64,
    failure: OnceLock<EgressError>,
    _place: OwnedSemaphorePermit,
}

impl Exchange {
    pub(super) fn new(
        call: Arc<CallEgress>,
        method: Method,
        origin: Origin,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            call,
            method,
            origin,
            began: Instant::now(),
            status: AtomicU16::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            failure: OnceLock::new(),
            _place: place,
        }
    }

    /// Notes why the exchange failed. The first cause counts: what follows is its doing.
    pub(super) fn fail(&self, error: EgressError) -> EgressError {
        self.failure.get_or_init(|| error).clone()
    }

    pub(super) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Waits until nothing may go on any more, and says why.
    pub(super) async fn over(&self) -> EgressError {
        tokio::select! {
            () = self.call.over.cancelled() => EgressError::CallOver,
            () = tokio::time::sleep_until(self.call.deadline) => EgressError::Deadline,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Self { method, origin, .. } = self;
        let status = self.status.load(Ordering::Relaxed);
        let sent = self.sent.load(Ordering::Relaxed);
        let received = self.received.load(Ordering::Relaxed);
        let ms = self.began.elapsed().as_millis();
        let numbers = format!("sent {sent} bytes, received {received} bytes, {ms} ms");
        let (level, outcome) = match self.failure.get() {
            Some(error) => (Level::Warn, error.to_string()),
            None if status == 0 => (Level::Info, "given up".to_owned()),
            None => (Level::Info, status.to_string()),
        };
        // Never the path, headers or body, which may hold secrets.
        let line = format!("{method} {origin}: {outcome}; {numbers}");
        self.call.log.host(level, "egress", &line);
    }
}

/// A connection whose bytes are counted, and which breaks at the call's limits.
pub(super) struct Metered<S> {
    stream: S,
    exchange: Arc<Exchange>,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, exchange: Arc<Exchange>) -> Self {
        Self { stream, exchange }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        let exchange = &self.exchange;
        exchange.received.fetch_add(read as u64, Ordering::Relaxed);
        if exchange.call.counters.receive(read) {
            Poll::Ready(Ok(()))
        } else {
            let error = exchange.fail(EgressError::Received);
            Poll::Ready(Err(io::Error::other(error)))
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = self.exchange.call.counters.reserve_sending(bytes.len());
        let Some(part) = bytes.get(..room).filter(|part| !part.is_empty()) else {
            let error = self.exchange.fail(EgressError::Sent);
            return Poll::Ready(Err(io::Error::other(error)));
        };
        let wrote = Pin::new(&mut self.stream).poll_write(context, part);
        let written = match &wrote {
            Poll::Ready(Ok(written)) => *written,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        let exchange = &self.exchange;
        exchange.call.counters.give_back(room - written);
        exchange.sent.fetch_add(written as u64, Ordering::Relaxed);
        wrote
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of an answer, which ends with an error where the exchange failed.
pub(super) struct AnswerBody {
    incoming: Incoming,
    exchange: Arc<Exchange>,
    /// How long the guest waits for the next part.
    patience: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
    since: Option<Instant>,
}

impl AnswerBody {
    pub(super) fn new(
        incoming: Incoming,
        exchange: Arc<Exchange>,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            incoming,
            exchange,
            patience,
            waiting: None,
            since: None,
        }
    }

    fn stop_waiting(&mut self) {
        self.waiting = None;
        if let Some(since) = self.since.take() {
            self.exchange.call.counters.waited(since.elapsed());
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Code>>> {
        self.since.get_or_insert_with(Instant::now);
        let Some(patience) = self.patience else {
            return Poll::Pending;
        };
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        let error = self.exchange.fail(EgressError::ReadTimeout);
        Poll::Ready(Some(Err(error.code())))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Code;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Code>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
            return self.wait(context);
        };
        self.stop_waiting();
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                let error = self.exchange.fail(EgressError::of_http(&error));
                Some(Err(error.code()))
            }
            // A connection that was cut looks like one that came to its end.
            None => {
                let failure = self.exchange.failure.get();
                failure.map(|error| Err(error.code()))
            }
        })
    }
}
