//! One client of a server, as somebody or nobody.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::Answer;

/// Sends requests to one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn anonymous(url: &str) -> Self {
        // That there is one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            http,
            url: url.to_owned(),
            token: None,
        }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Begins a session; what comes back is its token.
    pub(crate) async fn log_in(&self, username: &str, password: &str) -> String {
        let body = json!({ "username": username, "password": password });
        let answer = self.post("/api/auth/login", &body).await.expect(200);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Calls an app.
    pub(crate) async fn call(&self, app: &str, data: &Value) -> Answer {
        self.post(&format!("/api/sync/{app}"), data).await
    }

    /// Calls an app with a body as it stands.
    pub(crate) async fn call_raw(&self, app: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request(Method::POST, &format!("/api/sync/{app}"));
        self.send(request.body(body.into())).await
    }

    /// Calls an app whose server may go away meanwhile.
    pub(crate) async fn try_call(&self, app: &str, data: &Value) -> reqwest::Result<Answer> {
        let request = self.request(Method::POST, &format!("/api/sync/{app}"));
        Answer::read(request.json(data).send().await?).await
    }

    /// Asks a server that may be away.
    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        self.try_send(self.request(Method::GET, path)).await
    }

    /// Sends a request to a server that may go away meanwhile.
    pub(crate) async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        Answer::read(request.send().await?).await
    }

    pub(crate) async fn deploy(&self, zip: Vec<u8>) -> Answer {
        self.try_deploy(zip).await.unwrap()
    }

    /// Deploys to a server that may go away meanwhile.
    pub(crate) async fn try_deploy(&self, zip: Vec<u8>) -> reqwest::Result<Answer> {
        let form = Form::new().part("file", Part::bytes(zip).file_name("app.zip"));
        let request = self.request(Method::POST, "/admin/api/apps/deploy");
        Answer::read(request.multipart(form).send().await?).await
    }

    /// Deploys with consent to the plan of this digest.
    pub(crate) async fn deploy_accepted(&self, zip: Vec<u8>, digest: &str) -> Answer {
        let form = Form::new()
            .part("file", Part::bytes(zip).file_name("app.zip"))
            .text("accept", digest.to_owned());
        let request = self.request(Method::POST, "/admin/api/apps/deploy");
        self.send(request.multipart(form)).await
    }

    /// Asks what a deploy would change.
    pub(crate) async fn plan(&self, zip: Vec<u8>) -> Answer {
        let form = Form::new().part("file", Part::bytes(zip).file_name("app.zip"));
        let request = self.request(Method::POST, "/admin/api/apps/deploy?plan=true");
        self.send(request.multipart(form)).await
    }

    /// Consents to what a deploy has reported that it waits for.
    pub(crate) async fn accept(&self, report: &Value) -> Answer {
        let (app, number) = (report["app"].as_str().unwrap(), &report["number"]);
        let path = format!("/admin/api/apps/{app}/releases/{number}/accept");
        let digest = &report["plan"]["digest"];
        self.post(&path, &json!({ "digest": digest })).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await.unwrap()
    }
}
