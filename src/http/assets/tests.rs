use axum::body::Bytes;
use axum::http::StatusCode;

use crate::http::testing::TestHost;
use crate::ui;

const DAYJS: &str = "/assets/vendor/dayjs.min.js";

#[tokio::test]
async fn anybody_gets_every_library_with_its_type_and_a_tag() {
    let host = TestHost::start().await;
    for asset in ui::LIBRARIES {
        let answer = host.anonymous().file(asset.path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", asset.path);
        assert_eq!(answer.headers["content-type"], asset.kind);
        assert_eq!(answer.headers["etag"], format!("\"{}\"", asset.digest));
        assert_eq!(answer.headers["cache-control"], "public, no-cache");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(
            answer.headers["cross-origin-resource-policy"],
            "same-origin"
        );
        assert_eq!(answer.body, Bytes::from_static(asset.plain));
    }
}

#[tokio::test]
async fn a_library_comes_in_the_form_that_the_client_takes() {
    let host = TestHost::start().await;
    let asset = ui::library(DAYJS).unwrap();
    for (accepted, encoding, tag, bytes) in [
        ("gzip, br", Some("br"), "-br", asset.brotli),
        ("gzip", Some("gzip"), "-gz", asset.gzip),
        ("identity", None, "", asset.plain),
    ] {
        let client = host.anonymous().with("accept-encoding", accepted);
        let answer = client.file(DAYJS).await;
        let sent = answer.headers.get("content-encoding");
        assert_eq!(sent.map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(answer.headers["vary"], "accept-encoding");
        assert_eq!(answer.headers["etag"], format!("\"{}{tag}\"", asset.digest));
        assert_eq!(answer.body, Bytes::from_static(bytes));
    }
}

#[tokio::test]
async fn who_has_a_library_is_not_sent_it_again() {
    let host = TestHost::start().await;
    let tag = format!("\"{}-br\"", ui::library(DAYJS).unwrap().digest);
    for (known, status) in [
        (tag.as_str(), StatusCode::NOT_MODIFIED),
        (&format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("\"other\"", StatusCode::OK),
    ] {
        let client = host
            .anonymous()
            .with("accept-encoding", "br")
            .with("if-none-match", known);
        let answer = client.file(DAYJS).await;
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.headers["etag"], tag);
        assert_eq!(answer.body.is_empty(), status == StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn an_address_with_the_digest_is_kept_for_good() {
    let host = TestHost::start().await;
    let digest = ui::library(DAYJS).unwrap().digest;
    for (query, kept) in [
        (
            format!("?v={digest}"),
            "public, max-age=31536000, immutable",
        ),
        ("?v=0".to_owned(), "public, no-cache"),
        (String::new(), "public, no-cache"),
    ] {
        let answer = host.anonymous().file(&format!("{DAYJS}{query}")).await;
        assert_eq!(answer.headers["cache-control"], kept, "{query}");
    }
}

#[tokio::test]
async fn a_library_that_is_not_here_is_told_with_those_that_are() {
    let host = TestHost::start().await;
    for path in [
        "/assets/vendor/jquery.min.js",
        "/assets/vendor/echarts.min.js.map",
        "/static/css/dayjs.min.js",
    ] {
        let answer = host.anonymous().get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains("/assets/vendor/echarts.min.js, "), "{error}");
    }
}

#[tokio::test]
async fn the_licences_are_served_beside_the_libraries() {
    let host = TestHost::start().await;
    let answer = host.anonymous().file("/assets/vendor/LICENSES.txt").await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.body, Bytes::from_static(ui::LICENCES.as_bytes()));
}
