//! Reading and writing a file of the scratch folder as a stream.
//!
//! Each write is counted as it is done, so the bounds hold however long a stream stays open.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::descriptor::{CHUNK, Open};
use super::tree::Refusal;

/// Reads a file from an offset on.
pub(super) struct Reader {
    file: Arc<Open>,
    offset: u64,
}

/// Writes a file from an offset on, or always at its end.
pub(super) struct Writer {
    file: Arc<Open>,
    offset: Option<u64>,
}

impl Reader {
    pub(super) fn new(file: Arc<Open>, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl Writer {
    pub(super) fn new(file: Arc<Open>, offset: Option<u64>) -> Self {
        Self { file, offset }
    }
}

impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.file.read(self.offset, size).map_err(failed)?;
        if bytes.is_empty() {
            return Err(StreamError::Closed);
        }
        self.offset += bytes.len() as u64;
        Ok(bytes.into())
    }
}

impl OutputStream for Writer {
    /// A refusal does not close the stream, though WASI would have it so: once there is room
    /// again, Python can still write what it has in its buffer when it closes the file.
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let end = self.file.write(self.offset, &bytes).map_err(failed)?;
        self.offset = self.offset.map(|_| end);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

/// [`super::code`] finds the refusal in it again.
fn failed(refusal: Refusal) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::new(refusal))
}
