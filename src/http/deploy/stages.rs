//! The answer to a deploy line by line, as it goes on.

use std::convert::Infallible;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::deploy::Listener;
use crate::http::error::ApiError;
use crate::http::request_id;

const LINES: &str = "application/x-ndjson";
/// For proxies of the kind that would keep lines until there are many.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The last line.
#[derive(Serialize)]
struct End {
    status: u16,
    body: Box<RawValue>,
}

/// Whether the client asks for lines.
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|kinds| kinds == LINES)
}

/// Answers with a line for each stage that is over, and with what comes of it at last. Work that
/// the client does not wait for goes on.
pub(super) fn answer<W>(work: impl FnOnce(Listener) -> W) -> Response
where
    W: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    let (sender, laps) = mpsc::unbounded_channel();
    let work = work(Some(sender));
    let work = request_id::carry(async { end(work.await).await });
    let lines = stream::unfold(Some((Box::pin(work), laps)), |going| async {
        let (mut work, mut laps) = going?;
        tokio::select! {
            biased;
            Some(lap) = laps.recv() => Some((line(&lap), Some((work, laps)))),
            end = &mut work => {
                let mut last = Vec::new();
                while let Ok(lap) = laps.try_recv() {
                    last.extend(line(&lap));
                }
                last.extend(line(&end));
                Some((last, None))
            }
        }
    });
    let lines = futures_util::StreamExt::map(lines, |line| Ok::<_, Infallible>(Bytes::from(line)));
    let headers = [(header::CONTENT_TYPE, LINES), (BUFFERING, "no")];
    (headers, Body::from_stream(lines)).into_response()
}

/// What the answer would have been.
async fn end(answer: Result<Response, ApiError>) -> End {
    let answer = answer.into_response();
    let status = answer.status().as_u16();
    // It is in memory already.
    let body = to_bytes(answer.into_body(), usize::MAX).await;
    let body = body
        .ok()
        .and_then(|body| String::from_utf8(body.into()).ok());
    let body = body.and_then(|body| RawValue::from_string(body).ok());
    End {
        status,
        body: body.unwrap_or_else(|| RawValue::NULL.to_owned()),
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Neither a stage nor an answer has keys that are no texts.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
