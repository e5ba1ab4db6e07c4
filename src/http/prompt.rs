//! What a coding assistant needs to know to write an app, as `skep prompt` prints it.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::query::Query;
use crate::services::Services;
use crate::starter::assistant;
use crate::starter::templates::Template;

pub(crate) fn router() -> Router<Services> {
    Router::new().route("/api/prompt", get(find))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromptQuery {
    /// The app at its end: python, dashboard, job or javascript; python, if not said.
    #[serde(default)]
    template: Template,
}

/// Gives a coding assistant everything that it needs to write an app, as Markdown.
#[utoipa::path(
    get, path = "/api/prompt", tag = "apps", params(PromptQuery),
    responses(
        (status = 200, content_type = "text/markdown", body = String),
        (status = 400, body = ErrorBody, description = "no such template"),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn find(
    _: Authenticated,
    Query(query): Query<PromptQuery>,
) -> Result<Response, ApiError> {
    let text = assistant::text(query.template)?;
    Ok((
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")],
        text,
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::http::testing::TestHost;

    #[tokio::test]
    async fn whoever_is_logged_in_reads_it_with_the_app_they_want() {
        let host = TestHost::start().await;
        let admin = host.admin().await;
        for (query, file) in [
            ("", "`main.py`"),
            ("?template=python", "`main.py`"),
            ("?template=javascript", "`main.js`"),
        ] {
            let answer = admin.file(&format!("/api/prompt{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{query}");
            assert_eq!(
                answer.headers["content-type"],
                "text/markdown; charset=utf-8"
            );
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let (_, app) = text.split_once("## An app that works").unwrap();
            assert!(app.contains(file), "{query}");
        }

        let wrong = admin.get("/api/prompt?template=cobol").await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        let nobody = host.anonymous().get("/api/prompt").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    }
}
