//! Requests of Python apps, sent with the libraries that authors use.

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, Setup, until};
use crate::peer::{self, Peer};
use crate::python;

/// A server with the app, which may send to these origins.
async fn host_with(setup: Setup, granted: &[String], reused: bool) -> Host {
    let host = python::host_with(setup).await;
    let bundle = python::egress()
        .with("needs", json!({ "egress": granted }))
        .with("instances", json!(if reused { "reused" } else { "fresh" }));
    let _turn = python::turn();
    host.install(&bundle).await;
    host
}

async fn host(granted: &[String]) -> Host {
    host_with(Setup::embedded(), granted, false).await
}

async fn ask(host: &Host, what: &str, with: Value) -> Value {
    let data = json!({ "do": what, "with": with });
    host.call("egress", data).await.expect(200).json()
}

#[tokio::test]
async fn urllib_and_http_client_work_as_outside_a_cell() {
    let peer = Peer::start().await;
    let host = host(&[peer.origin()]).await;

    assert_eq!(
        ask(&host, "urllib", json!([peer.url("/hello")])).await,
        json!({ "status": 200, "reason": "OK", "header": "1", "body": "hello" })
    );
    assert_eq!(
        ask(&host, "urllib", json!([peer.url("/to-hello")])).await["body"],
        "hello"
    );
    assert_eq!(
        ask(&host, "urllib_status", json!([peer.url("/teapot")])).await["result"],
        json!([418, "short and stout"])
    );
    let put = ask(&host, "urllib_post", json!([peer.url("/echo?x=1")])).await;
    assert_eq!(put["method"], "PUT");
    assert_eq!(put["path"], "/echo?x=1");
    assert_eq!(put["body"], "a=1");
    assert_eq!(put["headers"]["x-own"], "mine");
    assert_eq!(put["headers"]["host"], format!("127.0.0.1:{}", peer.port));
    assert_eq!(
        ask(&host, "client", json!(["127.0.0.1", peer.port])).await["result"],
        json!([200, "OK", 11, 10, "application/json"])
    );
}

#[tokio::test]
async fn requests_and_httpx_work_as_outside_a_cell() {
    let peer = Peer::start().await;
    let host = host(&[peer.origin()]).await;
    let echo = peer.url("/echo");

    let got = ask(&host, "requests", json!([echo])).await;
    assert_eq!(got["status"], 200);
    assert_eq!(got["json"]["path"], "/echo?q=%C3%A4+b");
    assert_eq!(got["json"]["headers"]["x-own"], "mine");
    let posted = ask(&host, "requests_post", json!([echo])).await;
    assert_eq!(posted["method"], "POST");
    assert_eq!(posted["headers"]["content-type"], "application/json");
    assert_eq!(posted["body"], "{\"a\": [1, \"\\u00fc\"]}");
    assert_eq!(
        ask(&host, "requests_session", json!([echo, 12])).await["result"],
        json!(vec![200; 12])
    );
    assert_eq!(
        ask(&host, "requests_upload", json!([echo, 300])).await["result"],
        json!([307_200, 300, "multipart/form-data; boundary="])
    );
    let parts = ask(&host, "requests_stream", json!([peer.url("/big")])).await;
    let sizes = parts["result"].as_array().unwrap();
    assert_eq!(
        sizes.iter().map(|size| size.as_u64().unwrap()).sum::<u64>(),
        1_000_000
    );
    assert_eq!(
        ask(&host, "head", json!([peer.url("/hello")])).await["result"],
        json!([200, ""])
    );
    let posted = ask(&host, "httpx", json!([echo])).await;
    assert_eq!(posted["body"], "{\"a\":1}");
    assert_eq!(
        ask(&host, "versions", json!([])).await["result"],
        json!([true, true])
    );
}

#[tokio::test]
async fn what_is_not_granted_is_refused_with_the_fix_and_reaches_nobody() {
    let peer = Peer::start().await;
    let other = Peer::start().await;
    // The name is granted, but it stands for this machine.
    let named = format!("http://localhost:{}", other.port);
    let host = host(&[peer.origin(), named.clone()]).await;

    let refused = ask(&host, "urllib", json!([other.url("/echo")])).await;
    assert_eq!(refused["error"], "URLError");
    assert_eq!(refused["reason"], "PermissionError");
    let text = refused["text"].as_str().unwrap();
    let fix = format!(
        "`{}` is not granted to the app: ask for it in `needs.egress` of manifest.json",
        other.origin()
    );
    assert!(text.contains(&fix), "{text}");
    let refused = ask(&host, "requests", json!([other.url("/echo")])).await;
    assert_eq!(refused["error"], "ConnectionError");
    assert!(
        refused["text"].as_str().unwrap().contains(&fix),
        "{refused}"
    );

    let refused = ask(&host, "requests", json!([format!("{named}/echo")])).await;
    assert_eq!(refused["error"], "ConnectionError");
    assert!(
        refused["text"]
            .as_str()
            .unwrap()
            .contains("where the app must not send"),
        "{refused}"
    );
    // Following a redirect is a request like any other.
    let refused = ask(&host, "requests", json!([peer.url("/to-localhost")])).await;
    assert_eq!(refused["error"], "ConnectionError");
    let refused = ask(&host, "raw", json!(["127.0.0.1", peer.port])).await;
    assert_eq!(refused["error"], "NotHttp");

    assert_eq!(other.asked(), [""; 0]);
    assert_eq!(peer.asked(), ["/to-localhost"]);
    let line = host
        .logged("the refusal", |line| {
            line["part"] == "egress"
                && line["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(&fix))
        })
        .await;
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["app"], "egress");
    // Neither path nor query is written down.
    let text = serde_json::to_string(&host.log()).unwrap();
    assert!(text.contains("GET http://127.0.0.1"), "{text}");
    assert!(!text.contains("/to-localhost"), "{text}");
}

#[tokio::test]
async fn what_goes_wrong_is_the_exception_that_libraries_expect() {
    let peer = Peer::start().await;
    let nobody = format!("http://127.0.0.1:{}", unused_port().await);
    let host = host(&[
        peer.origin(),
        nobody.clone(),
        "http://no-such-host.invalid".to_owned(),
    ])
    .await;

    for (what, url, expected) in [
        (
            "urllib",
            nobody.clone(),
            ["URLError", "ConnectionRefusedError"],
        ),
        ("requests", nobody, ["ConnectionError", "ConnectionError"]),
        (
            "urllib",
            "http://no-such-host.invalid".to_owned(),
            ["URLError", "gaierror"],
        ),
        (
            "requests_timeout",
            peer.url("/silent"),
            ["ReadTimeout", "ReadTimeout"],
        ),
    ] {
        let failed = ask(&host, what, json!([url])).await;
        let shown = [&failed["error"], &failed["reason"]];
        assert_eq!(shown, expected, "{url}: {failed}");
    }
    let failed = ask(&host, "requests", json!([peer.url("/too-big")])).await;
    assert!(
        failed["text"]
            .as_str()
            .unwrap()
            .contains("body size exceeds limit: 16777216 bytes"),
        "{failed}"
    );
    let failed = ask(&host, "leave_many", json!([peer.url("/endless"), 9])).await;
    assert!(
        failed["text"]
            .as_str()
            .unwrap()
            .contains("too many requests open"),
        "{failed}"
    );
    until("the endless answers are cut", async || peer.endless_ended()).await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_peer_is_stopped_at_its_time_and_the_peer_sees_it() {
    let peer = Peer::start().await;
    let host = python::host().await;
    let bundle = python::egress()
        .with("needs", json!({ "egress": [peer.origin()] }))
        .with("limits", json!({ "wall_ms": 1500 }));
    {
        let _turn = python::turn();
        host.install(&bundle).await;
    }

    let data = json!({ "do": "urllib", "with": [peer.url("/endless")], "raise": true });
    let error = host.call("egress", data).await.expect(504).error();

    assert_eq!(error, "the call was stopped: it took longer than its 1.5 s");
    until("the endless answer is cut", async || peer.endless_ended()).await;
}

#[tokio::test]
async fn a_reused_cell_does_not_keep_a_connection_for_its_next_call() {
    let peer = Peer::start().await;
    let host = host_with(Setup::embedded(), &[peer.origin()], true).await;

    let kept = ask(&host, "keep", json!([peer.url("/endless")])).await;
    assert_eq!(kept["result"], 200);
    until("the endless answer is cut", async || peer.endless_ended()).await;
    assert_eq!(peer.endless_running(), 0);

    // The object is still there, but nothing comes from it any more.
    let used = ask(&host, "use_kept", json!([])).await;
    assert_ne!(used, json!({ "result": "drop " }));
    let again = ask(&host, "urllib", json!([peer.url("/hello")])).await;
    assert_eq!(again["body"], "hello");
}

#[tokio::test]
async fn https_trusts_the_authorities_that_the_operator_names_and_no_others() {
    let port = peer::secure().await;
    let url = format!("https://127.0.0.1:{port}");
    let ca = peer::tls("ca.pem");

    let trusting = Setup::embedded().setting("SKEP_EGRESS_CA_FILE", ca.to_str().unwrap());
    let trusting = host_with(trusting, std::slice::from_ref(&url), false).await;
    let strict = host(std::slice::from_ref(&url)).await;

    assert_eq!(
        ask(&trusting, "urllib", json!([url])).await["body"],
        "secret"
    );
    assert_eq!(
        ask(&trusting, "requests_secure", json!([url])).await["result"],
        "secret"
    );
    let refused = ask(&strict, "urllib", json!([url])).await;
    assert_eq!(refused["reason"], "SSLCertVerificationError");
    let refused = ask(&strict, "requests_secure", json!([url])).await;
    assert_eq!(refused["error"], "SSLError");
    strict
        .logged("the fix", |line| {
            line["message"].as_str().is_some_and(|text| {
                text.contains("add the authority that signed it with `egress_ca_file`")
            })
        })
        .await;
}

async fn unused_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_component_that_sends_requests_deploys_and_its_headers_are_bounded() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "headers")).await;

    let error = host.call("app", json!({})).await.expect(500).error();

    assert!(
        error.starts_with("the app crashed: the headers of a request are too large: "),
        "{error}"
    );
}
