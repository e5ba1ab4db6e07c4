use std::net::SocketAddr;

use axum::Router;
use axum::extract::Multipart;
use axum::routing::{get, post};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::cli::login::log_in;
use crate::cli::logout;
use crate::cli::output::testing::Printed;
use crate::http::testing::{ADMIN_PASSWORD, TestHost};

/// Settings of somebody with a home, and no variables set.
fn somebody() -> (TempDir, ClientConfig) {
    let home = tempfile::tempdir().unwrap();
    let config = ClientConfig {
        url: None,
        token: None,
        session_file: Some(home.path().join("skep").join("session.json")),
    };
    (home, config)
}

fn session(url: &str) -> Session {
    Session {
        url: url.to_owned(),
        token: "kept".into(),
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn token_for(client: &Client) -> Option<&str> {
    client.token.as_ref().map(ExposeSecret::expose_secret)
}

#[test]
fn the_environment_overrides_the_login_and_the_login_the_default() {
    let (_home, mut config) = somebody();
    let client = Client::from_session(&config).unwrap();
    assert_eq!(client.url(), "http://127.0.0.1:3000");
    assert_eq!(token_for(&client), None);

    session("http://kept.example")
        .save(config.session_file.as_ref().unwrap())
        .unwrap();
    let client = Client::from_session(&config).unwrap();
    assert_eq!(client.url(), "http://kept.example");
    assert_eq!(token_for(&client), Some("kept"));

    config.token = Some("given".into());
    let client = Client::from_session(&config).unwrap();
    assert_eq!(token_for(&client), Some("given"));
}

#[test]
fn a_kept_token_is_for_its_own_server_only() {
    let (_home, mut config) = somebody();
    session("http://kept.example")
        .save(config.session_file.as_ref().unwrap())
        .unwrap();

    config.url = Some("http://other.example".into());
    let client = Client::from_session(&config).unwrap();
    assert_eq!(client.url(), "http://other.example");
    assert_eq!(token_for(&client), None);

    config.url = Some("http://KEPT.example/".into());
    let client = Client::from_session(&config).unwrap();
    assert_eq!(token_for(&client), Some("kept"));
}

#[test]
fn what_is_no_address_is_said_to_be_none() {
    for text in [
        "",
        "skep.example",
        "skep.example:3000",
        "ftp://skep.example",
    ] {
        let error = Client::anonymous(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{text}` is not the address of a server: write it like `http://127.0.0.1:3000`"
            )
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}");

    let answer = Client::anonymous(&url).unwrap().get::<Value>("/").await;

    assert_eq!(
        answer.unwrap_err().to_string(),
        format!(
            "cannot reach Skep at `{url}`: Connection refused (os error 111); start it with `skep \
             serve`, or name another server with `skep login URL`"
        )
    );
}

#[tokio::test]
async fn the_servers_own_words_reach_the_user() {
    let router = Router::new()
        .route(
            "/ours",
            get(async || {
                (
                    StatusCode::CONFLICT,
                    axum::Json(json!({ "error": "taken" })),
                )
            }),
        )
        .route(
            "/nousviz",
            get(async || {
                (
                    StatusCode::CONFLICT,
                    axum::Json(json!({ "detail": "held" })),
                )
            }),
        )
        .route("/page", get(async || "<html>"))
        .route("/nothing", get(async || StatusCode::NO_CONTENT));
    let url = serve(router).await;
    let client = Client::anonymous(&url).unwrap();
    let error = async |path: &str| client.get::<Value>(path).await.unwrap_err().to_string();

    assert_eq!(error("/ours").await, "taken");
    assert_eq!(error("/nousviz").await, "held");
    assert_eq!(
        error("/page").await,
        format!("what answers at `{url}` is not Skep (HTTP 200 OK): check the address")
    );
    assert_eq!(
        error("/missing").await,
        format!("what answers at `{url}` is not Skep (HTTP 404 Not Found): check the address")
    );
    let () = client.get("/nothing").await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let router = Router::new().route(
        "/",
        get(async || axum::response::Redirect::temporary("http://evil.example/")),
    );
    let url = serve(router).await;

    let answer = Client::anonymous(&url).unwrap().get::<Value>("/").await;

    assert!(matches!(answer, Err(ClientError::Foreign { .. })));
}

#[tokio::test]
async fn files_are_uploaded_as_a_form() {
    let router = Router::new().route(
        "/",
        post(async |mut form: Multipart| {
            let field = form.next_field().await.unwrap().unwrap();
            let name = field.file_name().unwrap().to_owned();
            let bytes = field.bytes().await.unwrap();
            axum::Json(json!({ "name": name, "bytes": bytes.len() }))
        }),
    );
    let url = serve(router).await;
    let file = reqwest::multipart::Part::bytes(vec![1, 2, 3]).file_name("app.zip");
    let form = Form::new().part("file", file);

    let answer: Value = Client::anonymous(&url)
        .unwrap()
        .upload("/", form)
        .await
        .unwrap();

    assert_eq!(answer, json!({ "name": "app.zip", "bytes": 3 }));
}

#[tokio::test]
async fn a_login_is_kept_used_and_ended() {
    let host = TestHost::start().await;
    let url = format!("http://{}", host.serve().await);
    let (_home, config) = somebody();
    let anonymous = Client::anonymous(&url).unwrap();

    let refused = log_in(&config, &anonymous, "admin", &"wrong password".into()).await;
    assert_eq!(
        format!("{:#}", refused.unwrap_err()),
        "cannot log in: wrong username or password"
    );
    assert!(kept(&config).unwrap().is_none());

    log_in(&config, &anonymous, "admin", &ADMIN_PASSWORD.into())
        .await
        .unwrap();
    let client = Client::from_session(&config).unwrap();
    let me: Value = client.get("/api/auth/me").await.unwrap();
    assert_eq!(me["username"], "admin");

    let printed = Printed::default();
    logout::Arguments {}
        .run(&config, &mut printed.output(false))
        .await
        .unwrap();
    assert_eq!(printed.text(), format!("logged out of {url}\n"));
    assert!(kept(&config).unwrap().is_none());
    let answer = client.get::<Value>("/api/auth/me").await;
    assert_eq!(
        answer.unwrap_err().to_string(),
        format!("not logged in at `{url}`: run `skep login`")
    );
}

#[tokio::test]
async fn logging_out_without_the_server_forgets_the_login_and_says_so() {
    let (_home, config) = somebody();
    let path = config.session_file.as_ref().unwrap();
    // Nothing listens on the port that means none.
    session("http://127.0.0.1:9").save(path).unwrap();

    let answer = logout::Arguments {}
        .run(&config, &mut Printed::default().output(false))
        .await;

    let error = answer.unwrap_err().to_string();
    assert_eq!(
        error,
        "the login is forgotten here, but lasts on the server until it expires"
    );
    assert!(kept(&config).unwrap().is_none());
}

#[test]
fn a_segment_of_a_path_holds_any_text() {
    assert_eq!(segment("anna@example.com"), "anna%40example.com");
    assert_eq!(segment("a/b?c=ä"), "a%2Fb%3Fc%3D%C3%A4");
}

#[test]
fn the_token_is_not_seen_in_debug_output() {
    let mut client = Client::anonymous("http://127.0.0.1:3000").unwrap();
    client.token = Some("hunter2".into());

    assert!(!format!("{client:?}").contains("hunter2"));
}
