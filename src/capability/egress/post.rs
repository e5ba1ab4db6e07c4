//! Requests of the host's own, held to the same rules about addresses as those of apps.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1;
use tokio::time::timeout;
use wasmtime_wasi_http::io::TokioIo;

use super::error::EgressError;
use super::network::Gateway;
use super::{policy, send};
use crate::app::manifest::Egress;

/// A request that posts something.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    /// Where to, as an operator allowed it.
    pub(crate) rule: Egress,
    /// Beginning with `/`.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// From the beginning to the head of the answer.
    pub(crate) limit: Duration,
}

impl Gateway {
    /// Posts something, and says with which status it was answered. The answer itself is not read,
    /// and a redirect not followed.
    ///
    /// # Errors
    ///
    /// When there is no answer in time, for whatever reason.
    pub(crate) async fn post(&self, post: Post) -> Result<StatusCode, EgressError> {
        let limit = post.limit;
        let exchange = async {
            let connecting = timeout(policy::CONNECT, send::connect(self, &post.rule));
            let stream = connecting
                .await
                .map_err(|_| EgressError::ConnectTimeout)??;
            let request = request(post)?;
            let broken = |error: hyper::Error| EgressError::of_http(&error);
            let (mut sender, connection) = http1::Builder::new()
                .max_buf_size(policy::ANSWER_HEAD_BYTES)
                .max_headers(policy::ANSWER_HEADERS)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(broken)?;
            let mut connection = std::pin::pin!(connection);
            let mut answer = std::pin::pin!(sender.send_request(request));
            let mut alive = true;
            loop {
                tokio::select! {
                    biased;
                    answer = &mut answer => return Ok(answer.map_err(broken)?.status()),
                    // Why it ended is what the answer says.
                    _ = &mut connection, if alive => alive = false,
                }
            }
        };
        timeout(limit, exchange)
            .await
            .map_err(|_| EgressError::ReadTimeout)?
    }
}

fn request(post: Post) -> Result<Request<Full<Bytes>>, EgressError> {
    let mut request = Request::new(Full::new(post.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = post.path.parse().map_err(|_| EgressError::RequestBody)?;
    *request.headers_mut() = post.headers;
    let host = HeaderValue::try_from(post.rule.origin.authority());
    let host = host.map_err(|_| EgressError::UnknownName)?;
    request.headers_mut().insert(HOST, host);
    // A connection serves one request.
    let close = HeaderValue::from_static("close");
    request.headers_mut().insert(CONNECTION, close);
    Ok(request)
}
