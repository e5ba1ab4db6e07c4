mod network;

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Empty, Full};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::capability::log::Identity;
use crate::capability::log::book::LogBook;
use crate::capability::log::policy::Most;
use crate::ids::{CallId, ReleaseId};
use crate::services::{Clock, Entropy};
use network::{Scripted, accept, acceptor, is_closed, listen, pem, read_head};

const LONG: Duration = Duration::from_secs(60);
const OUTSIDE: &[&[&str]] = &[&["93.184.216.34"]];
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A call that may send to these origins.
fn call(network: &Arc<Scripted>, granted: &[&str], wall: Duration) -> Egress {
    call_trusting(network, granted, wall, RootCertStore::empty())
}

fn call_trusting(
    network: &Arc<Scripted>,
    granted: &[&str],
    wall: Duration,
    roots: RootCertStore,
) -> Egress {
    let network: Arc<dyn super::network::Network> = Arc::clone(network) as _;
    let granted = granted.iter().map(|origin| manifest::Egress {
        origin: origin.parse().unwrap(),
        private: false,
    });
    let id = || Entropy.id(&Clock::system());
    let most = Most {
        lines: 100,
        bytes: 100_000,
    };
    let log = CallLog::new(
        Identity {
            app: "app".parse().unwrap(),
            release: ReleaseId(id()),
            call: CallId(id()),
            job: None,
        },
        most,
        LogBook::unwritten(Clock::system()),
    );
    Egress::new(
        Gateway::new(network, roots).unwrap(),
        granted.collect(),
        log,
        Instant::now() + wall,
    )
}

fn get(url: &str) -> Request<WasiBody> {
    let body = Empty::new().map_err(|never| match never {});
    Request::get(url).body(body.boxed_unsync()).unwrap()
}

/// Sends a request as a cell does; what carries the answer's body runs on its own.
async fn send(egress: &Egress, request: Request<WasiBody>) -> Result<Response<WasiBody>, Code> {
    let answer = egress
        .clone()
        .send_request(request, None, Box::new(async { Ok(()) }));
    let (answer, worker) = Pin::from(answer).await?;
    tokio::spawn(Pin::from(worker));
    Ok(answer)
}

async fn text(answer: Response<WasiBody>) -> Result<String, Code> {
    let bytes = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Answers every request the same, for as long as it is asked.
fn serve(listener: TcpListener, answer: &'static [u8]) {
    tokio::spawn(async move {
        loop {
            let mut stream = accept(&listener).await;
            read_head(&mut stream).await;
            stream.write_all(answer).await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_granted_request_goes_to_the_address_that_was_checked() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com:8080"], LONG);
    let body = Full::new(Bytes::from("hello")).map_err(|never| match never {});
    let request = Request::post("http://API.example.com.:8080/a/b?c=d")
        .header("x-own", "1")
        .header("content-length", "5")
        .body(body.boxed_unsync())
        .unwrap();

    let server = async {
        let mut stream = accept(&listener).await;
        let head = read_head(&mut stream).await;
        let mut body = [0; 5];
        stream.read_exact(&mut body).await.unwrap();
        let answer = b"HTTP/1.1 201 Created\r\nx-theirs: 2\r\ntransfer-encoding: chunked\r\n\r\n\
            3\r\nabc\r\n0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        (head, body)
    };
    let ((head, body), answer) = tokio::join!(server, send(&egress, request));

    assert!(head.starts_with("POST /a/b?c=d HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("\r\nhost: api.example.com:8080\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nx-own: 1\r\n"), "{head}");
    assert_eq!(&body, b"hello");
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["x-theirs"], "2");
    assert_eq!(text(answer).await.unwrap(), "abc");
    assert_eq!(network.connected(), ["93.184.216.34:8080"]);
    let usage = egress.usage();
    assert_eq!(usage.requests, 1);
    assert_eq!(usage.sent, head.len() as u64 + 5);
    assert!(usage.received > 60 && usage.received < 120, "{usage:?}");
}

#[tokio::test]
async fn what_is_not_granted_is_neither_looked_up_nor_connected() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);

    for url in [
        "http://evil.example/",
        "https://api.example.com/",
        "http://a@api.example.com/",
    ] {
        let refused = send(&egress, get(url)).await.unwrap_err();
        assert!(
            matches!(
                refused,
                Code::HttpRequestDenied | Code::HttpRequestUriInvalid
            ),
            "{url}: {refused}"
        );
    }

    assert_eq!(network.lookups.load(Ordering::Relaxed), 0);
    assert_eq!(network.connected(), [""; 0]);
    assert_eq!(egress.usage(), EgressUsage::default());
}

#[tokio::test]
async fn a_name_that_comes_to_stand_for_this_machine_is_not_followed() {
    let listener = listen().await;
    let network = Scripted::new(&listener, &[&["93.184.216.34"], &["127.0.0.1"]]);
    let egress = call(&network, &["http://api.example.com"], LONG);
    serve(listener, OK);

    let first = send(&egress, get("http://api.example.com/")).await;
    assert_eq!(text(first.unwrap()).await.unwrap(), "ok");
    let second = send(&egress, get("http://api.example.com/")).await;

    assert!(matches!(second, Err(Code::DestinationIpProhibited)));
    // One look-up for each, and none between the check and the connection.
    assert_eq!(network.lookups.load(Ordering::Relaxed), 2);
    assert_eq!(network.connected(), ["93.184.216.34:80"]);
}

#[tokio::test]
async fn a_mixed_answer_of_the_resolver_is_refused_whole() {
    let listener = listen().await;
    let network = Scripted::new(&listener, &[&["93.184.216.34", "10.0.0.1"]]);
    let egress = call(&network, &["http://api.example.com"], LONG);

    let refused = send(&egress, get("http://api.example.com/")).await;

    assert!(matches!(refused, Err(Code::DestinationIpProhibited)));
    assert_eq!(network.connected(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);
    serve(
        listener,
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n",
    );

    let answer = send(&egress, get("http://api.example.com/")).await.unwrap();

    assert_eq!(answer.status(), StatusCode::FOUND);
    let target = answer.headers()["location"].to_str().unwrap();
    let followed = send(&egress, get(target)).await;
    assert!(matches!(followed, Err(Code::HttpRequestDenied)));
    assert_eq!(network.connected(), ["93.184.216.34:80"]);
}

#[tokio::test]
async fn a_slow_answer_is_cut_at_the_calls_deadline_and_the_peer_sees_it() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(
        &network,
        &["http://api.example.com"],
        Duration::from_millis(300),
    );

    let server = async {
        let mut stream = accept(&listener).await;
        read_head(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nslow";
        stream.write_all(head).await.unwrap();
        is_closed(&mut stream).await
    };
    let client = async {
        let answer = send(&egress, get("http://api.example.com/")).await.unwrap();
        text(answer).await
    };
    let (closed, body) = tokio::join!(server, client);

    assert!(closed);
    let error = body.unwrap_err().to_string();
    assert!(error.contains("the time of the call is over"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_at_the_calls_deadline() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(
        &network,
        &["http://api.example.com"],
        Duration::from_millis(300),
    );

    let server = async {
        let mut stream = accept(&listener).await;
        is_closed(&mut stream).await
    };
    let request = get("http://api.example.com/");
    let (closed, answer) = tokio::join!(server, send(&egress, request));

    assert!(closed);
    let error = answer.unwrap_err().to_string();
    assert!(error.contains("the time of the call is over"), "{error}");
}

#[tokio::test]
async fn the_end_of_a_call_cuts_what_it_left_open() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);

    let server = async {
        let mut stream = accept(&listener).await;
        read_head(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\n\r\nmore to come";
        stream.write_all(head).await.unwrap();
        is_closed(&mut stream).await
    };
    let client = async {
        let answer = send(&egress, get("http://api.example.com/")).await.unwrap();
        drop(egress.cut_on_drop());
        text(answer).await
    };
    let (closed, body) = tokio::join!(server, client);

    assert!(closed);
    assert!(matches!(body, Err(Code::ConnectionTerminated)));
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);
    serve(
        listener,
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
    );

    let answer = send(&egress, get("http://api.example.com/")).await.unwrap();

    assert!(matches!(
        text(answer).await,
        Err(Code::ConnectionTerminated)
    ));
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_calls_limit() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);

    let server = async {
        let mut stream = accept(&listener).await;
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let part = vec![b'x'; 1 << 20];
        while stream.write_all(&part).await.is_ok() {}
    };
    let client = async {
        let answer = send(&egress, get("http://api.example.com/")).await.unwrap();
        text(answer).await
    };
    let ((), body) = tokio::join!(server, client);

    assert!(matches!(
        body,
        Err(Code::HttpResponseBodySize(Some(policy::RECEIVED_BYTES)))
    ));
}

#[tokio::test]
async fn an_endless_head_is_cut() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);

    let server = async {
        let mut stream = accept(&listener).await;
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nx-long: ")
            .await
            .unwrap();
        let part = vec![b'x'; 1 << 16];
        while stream.write_all(&part).await.is_ok() {}
    };
    let request = get("http://api.example.com/");
    let ((), answer) = tokio::join!(server, send(&egress, request));

    assert!(matches!(
        answer,
        Err(Code::HttpResponseHeaderSectionSize(_))
    ));
}

#[tokio::test]
async fn no_more_is_sent_than_the_calls_limit() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);
    let size = usize::try_from(policy::SENT_BYTES).unwrap();
    let body = Full::new(Bytes::from(vec![0; size])).map_err(|never| match never {});
    let request = Request::post("http://api.example.com/")
        .body(body.boxed_unsync())
        .unwrap();

    let server = async {
        let mut stream = accept(&listener).await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        all.len()
    };
    let (arrived, answer) = tokio::join!(server, send(&egress, request));

    assert!(matches!(
        answer,
        Err(Code::HttpRequestBodySize(Some(policy::SENT_BYTES)))
    ));
    assert!(arrived <= size, "{arrived}");
}

#[tokio::test]
async fn a_call_sends_so_many_requests_and_no_more() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);
    serve(listener, OK);

    for _ in 0..policy::REQUESTS {
        let answer = send(&egress, get("http://api.example.com/")).await.unwrap();
        text(answer).await.unwrap();
    }
    let refused = send(&egress, get("http://api.example.com/")).await;

    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains("the call has sent its 100 requests"),
        "{text}"
    );
    assert_eq!(egress.usage().requests, policy::REQUESTS);
}

#[tokio::test]
async fn a_call_has_so_many_requests_open_and_no_more() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let egress = call(&network, &["http://api.example.com"], LONG);
    serve(listener, OK);

    let mut open = Vec::new();
    for _ in 0..policy::OPEN {
        open.push(send(&egress, get("http://api.example.com/")).await.unwrap());
    }
    let refused = send(&egress, get("http://api.example.com/")).await;

    assert!(matches!(refused, Err(Code::ConnectionLimitReached)));
    assert_eq!(network.connected().len(), policy::OPEN);
}

#[tokio::test]
async fn https_wants_a_certificate_of_the_name_from_an_authority_that_is_trusted() {
    let listener = listen().await;
    let network = Scripted::new(&listener, OUTSIDE);
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(pem("ca.pem")).unwrap())
        .unwrap();
    tokio::spawn(async move {
        let acceptor = acceptor();
        loop {
            let Ok(mut stream) = acceptor.accept(accept(&listener).await).await else {
                continue;
            };
            read_head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let granted = ["https://api.example.com", "https://www.example.com"];

    let trusting = call_trusting(&network, &granted, LONG, roots);
    let good = send(&trusting, get("https://api.example.com/")).await;
    let other_name = send(&trusting, get("https://www.example.com/")).await;
    let strict = call(&network, &granted, LONG);
    let unknown = send(&strict, get("https://api.example.com/")).await;

    assert_eq!(text(good.unwrap()).await.unwrap(), "ok");
    assert!(matches!(other_name, Err(Code::TlsCertificateError)));
    assert!(matches!(unknown, Err(Code::TlsCertificateError)));
}

#[tokio::test]
async fn a_file_without_certificates_is_no_file_of_authorities() {
    let good = Gateway::open(Some(&pem("ca.pem")));
    let bad = Gateway::open(Some(&pem("server.key")));
    let missing = Gateway::open(Some(&pem("missing.pem")));

    assert!(good.is_ok());
    for error in [bad.err().unwrap(), missing.err().unwrap()] {
        let text = format!("{error:#}");
        assert!(text.starts_with("cannot use `egress_ca_file` "), "{text}");
    }
}
