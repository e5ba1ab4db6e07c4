//! What waits to be sent to one subscriber: never much, and nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::frame::Frame;

/// The most that waits for one reader.
pub(super) const FRAMES: usize = 256;
/// Bytes of frames that wait for one reader; a single one may be larger.
pub(super) const BYTES: usize = 1024 * 1024;
/// Room for more than this is given back when nothing waits.
const KEPT: usize = 16;

/// Between the hub, which puts in without waiting, and one reader.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    end: Option<End>,
}

/// Why a subscriber is sent no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// More came than is kept for a reader. What it missed is in the table.
    Behind,
    /// The login has ended, or proves nobody any more.
    LoggedOut,
    /// The server stops.
    Stopping,
}

impl Queue {
    /// Hands over a frame. Where too many wait already, none is kept: the reader is to read from
    /// the table what it missed.
    pub(super) fn push(&self, frame: &Arc<Frame>) {
        let mut inner = self.lock();
        if inner.end.is_some() {
            return;
        }
        let bytes = inner.bytes + frame.json.len();
        if inner.frames.len() >= FRAMES || (bytes > BYTES && !inner.frames.is_empty()) {
            inner.close(End::Behind);
        } else {
            inner.bytes = bytes;
            inner.frames.push_back(Arc::clone(frame));
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// Begins anew after [`End::Behind`]; any other end is for good.
    pub(super) fn restart(&self) {
        let mut inner = self.lock();
        if inner.end == Some(End::Behind) {
            inner.end = None;
        }
    }

    /// Ends it. What waits is not sent.
    pub(super) fn end(&self, end: End) {
        self.lock().close(end);
        self.changed.notify_waiters();
    }

    /// The next frame, when there is one, or why there is none any more.
    pub(crate) async fn next(&self) -> Result<Arc<Frame>, End> {
        loop {
            let changed = self.changed.notified();
            if let Some(next) = self.lock().next() {
                return next;
            }
            changed.await;
        }
    }

    /// Waits until it has ended, whatever waits in it.
    pub(crate) async fn ended(&self) -> End {
        loop {
            let changed = self.changed.notified();
            let end = self.lock().end;
            if let Some(end) = end {
                return end;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close(&mut self, end: End) {
        match self.end {
            None | Some(End::Behind) => self.end = Some(end),
            Some(End::LoggedOut | End::Stopping) => {}
        }
        self.frames = VecDeque::new();
        self.bytes = 0;
    }

    fn next(&mut self) -> Option<Result<Arc<Frame>, End>> {
        if let Some(end) = self.end {
            return Some(Err(end));
        }
        let frame = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(frame.json.len());
        if self.frames.is_empty() && self.frames.capacity() > KEPT {
            self.frames = VecDeque::new();
        }
        Some(Ok(frame))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::store::notifications::NotificationRow;

    fn frame(id: i64, bytes: usize) -> Arc<Frame> {
        let row = NotificationRow {
            id,
            app: "shop".parse().unwrap(),
            action: "sold".to_owned(),
            payload: format!("\"{}\"", "x".repeat(bytes)),
            job_id: None,
            triggered_at: datetime!(2026-11-21 12:00 UTC),
            declared: true,
            required_permission: None,
        };
        Arc::new(Frame::new(&row).unwrap())
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in() {
        let queue = Queue::default();
        for id in 0..100 {
            queue.push(&frame(id, 1));
        }
        for id in 0..100 {
            assert_eq!(queue.next().await.unwrap().id, id);
        }
        // Who waits already is woken.
        let (next, ()) = tokio::join!(queue.next(), async { queue.push(&frame(100, 1)) });
        assert_eq!(next.unwrap().id, 100);
    }

    #[tokio::test]
    async fn a_reader_who_falls_behind_holds_nothing_until_it_begins_anew() {
        let queue = Queue::default();
        let held = frame(0, 1);
        for _ in 0..FRAMES {
            queue.push(&held);
        }
        assert_eq!(Arc::strong_count(&held), FRAMES + 1);

        queue.push(&held);

        assert_eq!(queue.ended().await, End::Behind);
        assert_eq!(queue.next().await.unwrap_err(), End::Behind);
        assert_eq!(Arc::strong_count(&held), 1);
        queue.push(&held);
        assert_eq!(Arc::strong_count(&held), 1);

        queue.restart();
        queue.push(&held);
        assert_eq!(queue.next().await.unwrap().id, 0);
    }

    #[tokio::test]
    async fn bytes_count_but_one_large_frame_passes() {
        let queue = Queue::default();
        queue.push(&frame(0, 2 * BYTES));
        assert_eq!(queue.next().await.unwrap().id, 0);

        for id in 1..=3 {
            queue.push(&frame(id, BYTES / 2));
        }
        assert_eq!(queue.next().await.unwrap_err(), End::Behind);
    }

    #[tokio::test]
    async fn the_first_end_that_is_one_counts() {
        let queue = Queue::default();
        queue.end(End::Behind);
        queue.end(End::LoggedOut);
        queue.restart();
        queue.end(End::Stopping);
        assert_eq!(queue.next().await.unwrap_err(), End::LoggedOut);
    }
}
