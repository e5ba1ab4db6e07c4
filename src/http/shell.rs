//! Apps in the browser: `/apps/{app}/` is an app's page within the layout, and what lies below
//! it the files of its bundle that are for browsers.
//!
//! Whoever may call an app may see its page. A page comes with words for people, whatever is
//! wrong; a file that cannot be had is an error as everywhere.

mod files;
mod layout;
mod trouble;

use axum::Router;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use self::layout::View;
use self::trouble::{Situation, Trouble};
use super::assets::{self, Kept};
use super::auth::extract::AppsCaller;
use super::consent::require_insight;
use super::error::ApiError;
use crate::deploy::NotServing;
use crate::ids::AppName;
use crate::services::Services;
use crate::shell::NONCE;
use crate::store::apps;
use crate::ui;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/apps", get(|| async { Redirect::to("/admin/apps") }))
        .route("/apps/", get(|| async { Redirect::to("/admin/apps") }))
        .route("/apps/{app}", get(add_slash))
        .route("/apps/{app}/", get(page))
        .route("/apps/{app}/{*path}", get(file))
        .route("/assets/shell/{digest}/{file}", get(part))
}

/// Without its last slash, an address in the page would lead elsewhere.
async fn add_slash(Path(app): Path<String>, OriginalUri(address): OriginalUri) -> Response {
    let Ok(app) = app.parse::<AppName>() else {
        return ApiError::NotFound("there is no app of this name".to_owned()).into_response();
    };
    let query = address.query().map(|query| format!("?{query}"));
    Redirect::temporary(&format!("/apps/{app}/{}", query.unwrap_or_default())).into_response()
}

async fn page(
    State(services): State<Services>,
    caller: Result<AppsCaller, ApiError>,
    Path(app): Path<String>,
    OriginalUri(address): OriginalUri,
) -> Result<Response, ApiError> {
    let username = match &caller {
        Ok(caller) => caller.username.clone(),
        Err(ApiError::Unauthenticated) => return Ok(log_in(&address)),
        Err(_) => String::new(),
    };
    match open(&services, caller, &app).await {
        Ok(view) => layout::answer(&services, StatusCode::OK, &view),
        Err(trouble) => trouble.answer(&services, &app, username),
    }
}

/// Where one logs in, and comes back from.
fn log_in(address: &Uri) -> Response {
    let next = address.path_and_query().map_or("", PathAndQuery::as_str);
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Redirect::to(&format!("/admin/login?next={next}")).into_response()
}

/// The page of an app that the caller may see now.
async fn open(
    services: &Services,
    caller: Result<AppsCaller, ApiError>,
    name: &str,
) -> Result<View, Trouble> {
    let caller = caller?;
    let app: AppName = name.parse().map_err(|_| Situation::NotFound)?;
    let shown = apps::find_shown(services.store.pool(), &app)
        .await
        .map_err(ApiError::from)?
        .ok_or(Situation::NotFound)?;
    let title = shown.manifest.display_name.clone();
    let of_app = |situation: Situation| situation.of(&title);

    if let Some(permission) = &shown.manifest.required_permission
        && !caller.may(permission)
    {
        return Err(of_app(Situation::Forbidden(permission.clone())));
    }
    let serving = match services.serving.find(&app) {
        Ok(serving) => serving,
        Err(NotServing::Disabled(_)) => return Err(of_app(Situation::Disabled)),
        Err(NotServing::Starting(_)) => return Err(of_app(Situation::Starting)),
        Err(NotServing::NotFound(_)) => {
            return Err(of_app(match (shown.active, shown.waiting) {
                (None, Some(number)) => Situation::Waiting {
                    number,
                    may_look: require_insight(&caller).is_ok(),
                },
                // Another node knows of it already.
                (Some(_), _) => Situation::Starting,
                (None, None) => Situation::NeverLive,
            }));
        }
    };
    // As calls see it: the database may be a moment ahead of this node, or behind.
    if let Some(permission) = &serving.required_permission
        && !caller.may(permission)
    {
        return Err(of_app(Situation::Forbidden(permission.to_string())));
    }
    let release = serving.image.settings().release;
    let frontend = services
        .frontends
        .of(&app, release)
        .await
        .map_err(ApiError::from)?;
    match &frontend.page {
        None => Err(of_app(Situation::NoPage)),
        Some(Err(error)) => Err(of_app(Situation::Broken(error.to_string()))),
        Some(Ok(page)) => Ok(View {
            title,
            app: Some(app),
            username: caller.username.clone(),
            head: page.head.clone(),
            content: format!(
                "<main>\n<div class=\"nr-app\">\n{}\n</div>\n</main>",
                page.body
            ),
            nonce_place: Some(NONCE),
        }),
    }
}

/// A file of an app, as the page asks for it.
async fn file(
    State(services): State<Services>,
    caller: AppsCaller,
    Path((app, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let app: AppName = app.parse()?;
    let serving = services.serving.find(&app)?;
    if let Some(permission) = &serving.required_permission {
        caller.require(permission)?;
    }
    // Somebody went there: the page is in the layout.
    if path == "index.html" && is_visit(request.headers()) {
        return Ok(Redirect::temporary(&format!("/apps/{app}/")).into_response());
    }
    let release = serving.image.settings().release;
    let now = services.frontends.of(&app, release).await?;
    let missing = || ApiError::NotFound(format!("the app `{app}` has no such file for browsers"));
    let (digest, name) = files::parts(&path);
    let Some(digest) = digest else {
        let file = now.file(name).ok_or_else(missing)?;
        return Ok(files::serve(file, request.headers(), Kept::WhileSame));
    };
    // A page that was loaded before the last deploy goes on with the files that it began with.
    let named = if now.digest.as_deref() == Some(digest) {
        Some(now)
    } else {
        services.frontends.with_digest(&app, digest).await?
    };
    let named = named.ok_or_else(missing)?;
    let file = named.file(name).ok_or_else(missing)?;
    Ok(files::serve(file, request.headers(), Kept::ForGood))
}

/// Whether a browser is going to show the answer as a page of its own.
fn is_visit(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-dest")
        .is_some_and(|target| target == "document")
        || headers
            .get(header::ACCEPT)
            .and_then(|kinds| kinds.to_str().ok())
            .is_some_and(|kinds| kinds.starts_with("text/html"))
}

/// A script or style of the layout.
async fn part(Path((digest, name)): Path<(String, String)>, request: Request) -> Response {
    let kept = if digest == ui::SHELL_DIGEST {
        Kept::ForGood
    } else {
        Kept::WhileSame
    };
    match ui::shell(&name) {
        Some(file) if name != layout::FILE => assets::serve(file, request.headers(), kept),
        Some(_) | None => ApiError::NotFound("there is no such file".to_owned()).into_response(),
    }
}

#[cfg(test)]
mod tests;
