//! What an app prints: each line of stdout and stderr becomes a line of its log.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::{CallLog, Level, Origin, policy};

/// The end of stdout or stderr in one cell.
///
/// A reused cell serves many calls, so the log behind it is exchanged with each.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Arc<Mutex<Buffer>>);

#[derive(Debug)]
struct Buffer {
    log: CallLog,
    level: Level,
    origin: Origin,
    partial: Vec<u8>,
}

impl Lines {
    pub(crate) fn stdout(log: CallLog) -> Self {
        Self::new(log, Level::Info, Origin::Stdout)
    }

    pub(crate) fn stderr(log: CallLog) -> Self {
        Self::new(log, Level::Warn, Origin::Stderr)
    }

    fn new(log: CallLog, level: Level, origin: Origin) -> Self {
        Self(Arc::new(Mutex::new(Buffer {
            log,
            level,
            origin,
            partial: Vec::new(),
        })))
    }

    /// Sends what comes from now on to another call's log.
    pub(crate) fn redirect(&self, log: CallLog) {
        self.finish();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).log = log;
    }

    /// Writes a last line that has no line break.
    pub(crate) fn finish(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_line();
    }

    fn take(&self, bytes: &[u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(bytes);
    }
}

impl Buffer {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            // A line without an end must not fill the host's memory.
            let room = policy::MESSAGE_BYTES.saturating_sub(self.partial.len());
            self.partial.extend(text.iter().take(room));
            if ends {
                self.write_line();
            }
        }
    }

    fn write_line(&mut self) {
        if self.partial.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.partial);
        self.log
            .write(self.level, self.origin, line.trim_end(), None);
        self.partial.clear();
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
