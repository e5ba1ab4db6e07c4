//! Servers that apps send requests to, here on 127.0.0.1.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server of HTTP that answers in several ways and remembers what it was asked.
pub(crate) struct Peer {
    pub(crate) port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    paths: Mutex<Vec<String>>,
    endless: AtomicUsize,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let router = Router::new()
            .route("/echo", any(echo))
            .route("/hello", get(|| async { ([("x-theirs", "1")], "hello") }))
            .route(
                "/teapot",
                get(|| async { (StatusCode::IM_A_TEAPOT, "short and stout") }),
            )
            .route("/to-localhost", get(redirect))
            .route("/to-hello", get(|| async { Redirect::to("/hello") }))
            .route("/big", get(|| async { vec![b'x'; 1_000_000] }))
            .route("/too-big", get(|| async { vec![b'x'; 17 << 20] }))
            .route("/endless", get(endless))
            .route("/silent", get(std::future::pending::<()>))
            .with_state((port, Arc::clone(&seen)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, seen }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// The paths of `/echo` and redirects that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen.paths.lock().unwrap().clone()
    }

    /// Whether every endless answer was ended by who asked for it.
    pub(crate) fn endless_ended(&self) -> Option<()> {
        (self.seen.endless.load(Ordering::SeqCst) == 0).then_some(())
    }

    pub(crate) fn endless_running(&self) -> usize {
        self.seen.endless.load(Ordering::SeqCst)
    }
}

type Shared = State<(u16, Arc<Seen>)>;

async fn echo(
    State((_, seen)): Shared,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    seen.paths.lock().unwrap().push(uri.to_string());
    let headers: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    axum::Json(json!({
        "method": method.as_str(),
        "path": uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    }))
    .into_response()
}

async fn redirect(State((port, seen)): Shared) -> Redirect {
    seen.paths.lock().unwrap().push("/to-localhost".to_owned());
    Redirect::to(&format!("http://localhost:{port}/echo"))
}

/// An answer that goes on until its connection is closed.
async fn endless(State((_, seen)): Shared) -> Body {
    struct Running(Arc<Seen>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.endless.fetch_sub(1, Ordering::SeqCst);
        }
    }
    seen.endless.fetch_add(1, Ordering::SeqCst);
    let first = Some(Running(seen));
    Body::from_stream(futures_util::stream::unfold(first, async |running| {
        let running = running?;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from("drop ")), Some(running)))
    }))
}

/// A server of https with the certificate of `tests/tls`, and its port.
pub(crate) async fn secure() -> u16 {
    let chain = CertificateDer::pem_file_iter(tls("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(tls("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    port
}

pub(crate) fn tls(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}
