//! A host's HTTP interface on a database of its own, to send requests to.

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::Duration;
use time::macros::datetime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::auth::Auth;
use crate::config::Config;
use crate::ids::AppName;
use crate::serve::{self, Node};
use crate::services::{Clock, Services};
use crate::store::testing::TestDatabase;

pub(crate) const ADMIN_PASSWORD: &str = "the admin's own";
pub(crate) const PASSWORD: &str = "somebody's own";

/// A host with the user `admin`. Its clock stands still until it is moved.
pub(crate) struct TestHost {
    pub(crate) services: Services,
    router: Router,
    database: TestDatabase,
    _data: TempDir,
}

/// Somebody who sends requests.
pub(crate) struct Client<'a> {
    host: &'a TestHost,
    headers: HeaderMap,
    address: SocketAddr,
}

/// A file that came back.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Null, if the body was empty.
    pub(crate) body: Value,
}

impl TestHost {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::for_tests()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let database = TestDatabase::create().await;
        let data = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual(datetime!(2026-11-21 12:00 UTC));
        let services = services(config, &database, clock, data.path());
        services
            .auth
            .bootstrap(Some(&SecretString::from(ADMIN_PASSWORD)))
            .await
            .expect("the first user is made");
        Self {
            router: super::router(services.clone()),
            services,
            database,
            _data: data,
        }
    }

    /// What another node on the same database shares with this one, and no memory.
    pub(crate) fn another_node(&self) -> Services {
        let auth = Auth::new(
            self.services.store.clone(),
            self.services.clock.clone(),
            self.services.entropy.clone(),
            self.database.database.key(),
            Duration::HOUR,
        );
        Services {
            auth,
            ..self.services.clone()
        }
    }

    /// An app with a release that is active, though nothing can run it.
    pub(crate) async fn live_app(&self, name: &str) -> AppName {
        self.database.live_app(name).await
    }

    pub(crate) async fn declare_schedules(&self, app: &AppName, schedules: Value) {
        self.database.declare_schedules(app, schedules).await;
    }

    /// Serves on a port of its own, until the test's runtime ends.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = self.router.clone();
        tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await
        });
        address
    }

    pub(crate) fn anonymous(&self) -> Client<'_> {
        Client {
            host: self,
            headers: HeaderMap::new(),
            address: SocketAddr::from(([10, 0, 0, 1], 4711)),
        }
    }

    pub(crate) fn bearer(&self, token: &str) -> Client<'_> {
        self.anonymous()
            .with("authorization", &format!("Bearer {token}"))
    }

    /// The token of a new session.
    pub(crate) async fn token_of(&self, username: &str, password: &str) -> String {
        let answer = self.anonymous().login(username, password).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        text(&answer.body["token"])
    }

    pub(crate) async fn admin(&self) -> Client<'_> {
        self.bearer(&self.token_of("admin", ADMIN_PASSWORD).await)
    }

    /// A new user who holds a role of the same name with these permissions.
    pub(crate) async fn user(&self, username: &str, permissions: &[&str]) -> Client<'_> {
        let admin = self.admin().await;
        let role = json!({ "permissions": permissions });
        let answer = admin
            .put(&format!("/admin/api/roles/{username}"), &role)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        let user = json!({ "username": username, "password": PASSWORD, "roles": [username] });
        let answer = admin.post("/admin/api/users", &user).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        self.bearer(&self.token_of(username, PASSWORD).await)
    }
}

fn services(config: Config, database: &TestDatabase, clock: Clock, data: &Path) -> Services {
    let config = Config {
        data: data.to_owned(),
        ..config
    };
    serve::assemble(Node {
        config,
        key: database.database.key().clone(),
        clock,
        server: database.database.server().clone(),
        store: database.store.clone(),
        database_health: None,
        draining: CancellationToken::new(),
    })
    .expect("a node")
}

impl Client<'_> {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .insert(name, value.parse().expect("a header's value"));
        self
    }

    pub(crate) fn at(mut self, address: [u8; 4]) -> Self {
        self.address = SocketAddr::from((address, 4711));
        self
    }

    pub(crate) async fn login(&self, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        self.post("/api/auth/login", &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let File {
            status,
            headers,
            body,
        } = self.ask(method, path, body).await;
        Answer {
            status,
            headers,
            body: if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body).expect("a JSON body")
            },
        }
    }

    /// Asks for something that is not JSON.
    pub(crate) async fn file(&self, path: &str) -> File {
        self.ask(Method::GET, path, None).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<String>) -> File {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(self.address));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let mut request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .expect("a request");
        request.headers_mut().extend(self.headers.clone());

        let response = self.host.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        File {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn must_be(&self, status: StatusCode, error: &str) {
        assert_eq!(
            (self.status, self.body["error"].as_str()),
            (status, Some(error)),
            "{self:?}"
        );
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
