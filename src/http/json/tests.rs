use axum::body::Body;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Bee {
    name: String,
}

async fn read(content_type: Option<&str>, body: &str) -> Result<Bee, ApiError> {
    let mut request = Request::post("/");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    Json::from_request(request, &()).await.map(|Json(bee)| bee)
}

#[tokio::test]
async fn json_is_read_under_each_of_its_media_types() {
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
    ] {
        let bee = read(Some(content_type), r#"{"name":"maja"}"#)
            .await
            .unwrap();
        assert_eq!(bee.name, "maja", "{content_type}");
    }
}

#[tokio::test]
async fn each_error_is_a_400_that_says_what_to_mend() {
    let json = Some("application/json");
    for (content_type, body, text) in [
        (
            None,
            r#"{"name":"maja"}"#,
            "send the body as JSON, with `Content-Type: application/json`",
        ),
        (
            Some("text/plain"),
            r#"{"name":"maja"}"#,
            "send the body as JSON, with `Content-Type: application/json`",
        ),
        (
            json,
            r#"{"name":"#,
            "the body is not valid JSON: EOF while parsing a value at line 1 column 8",
        ),
        (
            json,
            r#"{"name":"maja"} x"#,
            "the body is not valid JSON: trailing characters at line 1 column 17",
        ),
        (
            json,
            r#"{"name":"maja","legs":6}"#,
            "the body does not fit: unknown field `legs`, expected `name` at line 1 column 21",
        ),
        (
            json,
            "{}",
            "the body does not fit: missing field `name` at line 1 column 2",
        ),
    ] {
        let error = read(content_type, body).await.unwrap_err();

        assert_eq!(error.to_string(), text);
        assert_eq!(error.into_response().status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_too_large() {
    use axum::extract::DefaultBodyLimit;
    use axum::routing::post;
    use tower::ServiceExt;

    let router: axum::Router = axum::Router::new()
        .route("/", post(async |Json(_): Json<Bee>| ()))
        .layer(DefaultBodyLimit::max(8));
    let request = Request::post("/")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"name":"maja"}"#))
        .unwrap();

    let answer = router.oneshot(request).await.unwrap();

    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
