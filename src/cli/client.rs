//! The one HTTP client of the commands that call a server.

mod events;
mod surrogates;

pub(crate) use events::Events;

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::session::{Session, SessionError};
use crate::config::ClientConfig;

const DEFAULT_URL: &str = "http://127.0.0.1:3000";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls one server, as one user or nobody.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<SecretString>,
}

/// Why there is no answer, or a bad one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("`{0}` is not the address of a server: write it like `{DEFAULT_URL}`")]
    Address(String),
    #[error(
        "cannot reach Skep at `{url}`: {cause}; start it with `skep serve`, or name another \
         server with `skep login URL`"
    )]
    Unreachable { url: String, cause: String },
    #[error("the connection to `{url}` broke: {cause}")]
    Broken { url: String, cause: String },
    #[error("not logged in at `{0}`: run `skep login`")]
    NotLoggedIn(String),
    /// The text is the server's own.
    #[error("{error}")]
    Refused { status: StatusCode, error: String },
    #[error("what answers at `{url}` is not Skep (HTTP {status}): check the address")]
    Foreign { url: String, status: StatusCode },
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("cannot make an HTTP client: {0}")]
    Setup(reqwest::Error),
}

impl Client {
    /// A client for the server and user that the environment or the kept login names.
    pub(crate) fn from_session(config: &ClientConfig) -> Result<Self, ClientError> {
        let session = kept(config)?;
        let url = address(config, session.as_ref());
        // A login is for its own server: no other gets to see the token.
        let kept_token = session
            .filter(|session| session.url == url)
            .map(|session| session.token);
        let mut client = Self::anonymous(&url)?;
        client.token = config.token.clone().or(kept_token);
        Ok(client)
    }

    /// A client for nobody in particular.
    pub(crate) fn anonymous(url: &str) -> Result<Self, ClientError> {
        let url = normal(url)?;
        // That there is one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A token goes to the server that it is for, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(ClientError::Setup)?;
        Ok(Self {
            http,
            url,
            token: None,
        })
    }

    /// The same for whoever has this token.
    pub(crate) fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(self.request(Method::PATCH, path).json(body))
            .await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Posts a form with files.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
    ) -> Result<T, ClientError> {
        self.send(self.request(Method::POST, path).multipart(form))
            .await
    }

    /// Puts bytes as they are.
    pub(crate) async fn put_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        bytes: Vec<u8>,
    ) -> Result<T, ClientError> {
        self.send(self.request(Method::PUT, path).body(bytes)).await
    }

    /// Gets what is no JSON, as it is.
    pub(crate) async fn read(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let request = self.request(Method::GET, path);
        let (_, bytes) = self.exchange(request).await?;
        Ok(bytes.into())
    }

    /// Begins to get what comes bit by bit.
    pub(crate) async fn stream(&self, path: &str) -> Result<reqwest::Response, ClientError> {
        let request = self.request(Method::GET, path);
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = response.bytes().await;
        Err(self.refusal(status, &bytes.map_err(|error| self.failure(&error))?))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let (status, bytes) = self.exchange(request).await?;
        let body = if bytes.is_empty() { b"null" } else { &*bytes };
        serde_json::from_slice(body)
            .or_else(|_| serde_json::from_slice(&surrogates::mended(body)))
            .map_err(|_| ClientError::Foreign {
                url: self.url.clone(),
                status,
            })
    }

    /// Sends a request, and reads the answer to its end if it is a good one.
    async fn exchange(&self, request: RequestBuilder) -> Result<(StatusCode, Bytes), ClientError> {
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| self.failure(&error))?;
        if !status.is_success() {
            return Err(self.refusal(status, &bytes));
        }
        Ok((status, bytes))
    }

    fn failure(&self, error: &reqwest::Error) -> ClientError {
        let url = self.url.clone();
        let cause = root_cause(error);
        if error.is_connect() {
            ClientError::Unreachable { url, cause }
        } else {
            ClientError::Broken { url, cause }
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key| body.get(key).and_then(Value::as_str);
        if text("code") == Some("unauthenticated") {
            return ClientError::NotLoggedIn(self.url.clone());
        }
        // `detail` is what the NousViz and federated paths call it.
        match text("error").or_else(|| text("detail")) {
            Some(error) => ClientError::Refused {
                status,
                error: error.to_owned(),
            },
            None => ClientError::Foreign {
                url: self.url.clone(),
                status,
            },
        }
    }
}

/// The login that is kept, if there is one.
pub(crate) fn kept(config: &ClientConfig) -> Result<Option<Session>, SessionError> {
    match &config.session_file {
        Some(path) => Session::load(path),
        None => Ok(None),
    }
}

/// The server to call: the environment's, else the one that was logged in to, else the
/// one on this machine.
pub(crate) fn address(config: &ClientConfig, session: Option<&Session>) -> String {
    let url = config
        .url
        .as_deref()
        .or_else(|| session.map(|session| session.url.as_str()))
        .unwrap_or(DEFAULT_URL);
    // So that a login is known again, however its address is written.
    normal(url).unwrap_or_else(|_| url.to_owned())
}

fn normal(url: &str) -> Result<String, ClientError> {
    let wrong = || ClientError::Address(url.to_owned());
    let parsed = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        return Err(wrong());
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// The innermost error says what went wrong; those around it say where we were.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// One segment of a path, whatever the text.
pub(crate) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

#[cfg(test)]
mod tests;
