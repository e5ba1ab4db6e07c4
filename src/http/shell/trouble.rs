//! What a page says that cannot show its app: what the matter is, and who can mend it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::layout::{self, View, text};
use crate::http::error::ApiError;
use crate::http::request_id;
use crate::services::Services;

/// After so many seconds it is worth to look again.
const SOON: u16 = 5;

/// How an app is that cannot be shown.
#[derive(Debug)]
pub(super) enum Situation {
    /// There is no app of this name.
    NotFound,
    /// No release of it has gone live, and none waits.
    NeverLive,
    /// Its first release waits for consent.
    Waiting {
        number: i32,
        /// Whether the caller may see what it asks for.
        may_look: bool,
    },
    /// The caller lacks this permission.
    Forbidden(String),
    Disabled,
    /// Its code is being compiled for this server.
    Starting,
    /// It has no `index.html`.
    NoPage,
    /// Its page cannot be shown, for this reason.
    Broken(String),
}

/// Why there is no app to be seen.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Of an app, as people know it; else as the address has it.
    App(Situation, Option<String>),
    Api(ApiError),
}

impl Situation {
    pub(super) fn of(self, title: &str) -> Trouble {
        Trouble::App(self, Some(title.to_owned()))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::NeverLive | Self::NoPage => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Waiting { .. } | Self::Disabled | Self::Starting => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the matter is, what to do, and where to look.
    fn words(&self, name: &str) -> (&'static str, String, Option<(String, &'static str)>) {
        match self {
            Self::NotFound => (
                "There is no such app",
                "The address may be mistyped, or the app was deleted.".to_owned(),
                None,
            ),
            Self::NeverLive => (
                "This app has never gone live",
                "No release of it was accepted yet. Whoever deploys it can try again.".to_owned(),
                None,
            ),
            Self::Waiting { number, may_look } => (
                "This app waits for consent",
                format!(
                    "Release {number} goes live when somebody with the permission skep:consent has \
                     looked at what it asks for."
                ),
                may_look.then(|| {
                    let address = format!("/admin/apps/{name}/releases/{number}");
                    (address, "Look at the release")
                }),
            ),
            Self::Forbidden(permission) => (
                "You may not open this app",
                format!(
                    "It requires the permission {permission}. Whoever manages users here can give \
                     you a role with it."
                ),
                None,
            ),
            Self::Disabled => (
                "This app is switched off",
                "An operator has disabled it. Nothing of what it keeps is lost.".to_owned(),
                None,
            ),
            Self::Starting => (
                "This app is getting ready",
                "Its code is being compiled for this server. The page loads again by itself."
                    .to_owned(),
                None,
            ),
            Self::NoPage => (
                "This app has no page",
                "It is called by programs: its bundle has no index.html.".to_owned(),
                None,
            ),
            Self::Broken(why) => (
                "The page of this app cannot be shown",
                format!("For its author to mend: {why}."),
                None,
            ),
        }
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<Situation> for Trouble {
    fn from(situation: Situation) -> Self {
        Self::App(situation, None)
    }
}

impl Trouble {
    /// Answers with a page that says it.
    pub(super) fn answer(
        self,
        services: &Services,
        name: &str,
        username: String,
    ) -> Result<Response, ApiError> {
        let (situation, title) = match self {
            Self::App(situation, title) => (situation, title),
            Self::Api(ApiError::Forbidden(permission)) => (Situation::Forbidden(permission), None),
            Self::Api(error) => return failed(error, services, name, username),
        };
        let status = situation.status();
        let (what, how, link) = situation.words(name);
        let is_starting = matches!(situation, Situation::Starting);
        let link = link.map(|(address, words)| {
            format!(
                "<a class=\"btn btn-primary\" href=\"{}\">{words}</a>",
                text(&address)
            )
        });
        let view = View {
            title: title.unwrap_or_else(|| what.to_owned()),
            app: None,
            username,
            head: if is_starting {
                format!("<meta http-equiv=\"refresh\" content=\"{SOON}\">")
            } else {
                String::new()
            },
            content: message(what, &how, link.as_deref().unwrap_or_default()),
            nonce_place: None,
        };
        let mut response = layout::answer(services, status, &view)?;
        if is_starting {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(SOON));
        }
        Ok(response)
    }
}

/// An error of ours: its cause is logged, and the page has what finds it there.
fn failed(
    error: ApiError,
    services: &Services,
    name: &str,
    username: String,
) -> Result<Response, ApiError> {
    let how = format!("{error}. What happened is in the server's log.");
    // As an answer to a program it is mapped to its status, and its cause is logged.
    let status = error.into_response().status();
    let request = request_id::current().map_or(String::new(), |id| {
        format!("<p class=\"text-body-secondary\">Request <code>{id}</code></p>")
    });
    let view = View {
        title: name.to_owned(),
        app: None,
        username,
        head: String::new(),
        content: message("This app cannot be shown now", &how, &request),
        nonce_place: None,
    };
    layout::answer(services, status, &view)
}

/// Words in the place of an app. The last are HTML.
fn message(what: &str, how: &str, more: &str) -> String {
    format!(
        "<main class=\"skep-message\"><h1>{}</h1><p>{}</p>{more}</main>",
        text(what),
        text(how)
    )
}
