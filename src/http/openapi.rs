//! The description of this interface: `GET /api/openapi.json`.

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    apps, audit, auth, calls, consent, credentials, deploy, health, jobs, logs, metrics, notify,
    prompt, receipts, retention, roles, schedules, settings, system, tokens, usage, users,
    webhooks,
};
use crate::services::Services;

pub(crate) fn router() -> Router<Services> {
    Router::new().route("/api/openapi.json", get(document))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Skep",
        description = "Runs a company's mini-apps, each sealed in a WebAssembly cell.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        calls::call, receipts::list, receipts::find, usage::list, usage::summary, usage::timeline,
        deploy::deploy, prompt::find,
        consent::list, consent::plan, consent::accept, consent::refuse,
        consent::grants, consent::withdraw,
        apps::list, apps::find, apps::roll_back, apps::enable, apps::disable,
        apps::delete,
        auth::login, auth::logout, auth::me, auth::change_password,
        users::list, users::create, users::find, users::update, users::delete,
        users::reset_password,
        roles::list, roles::create, roles::replace, roles::delete,
        tokens::list_own, tokens::create, tokens::revoke_own, tokens::list_all, tokens::revoke_any,
        jobs::enqueue, jobs::find, jobs::list, jobs::show, jobs::cancel, jobs::retry, jobs::purge,
        credentials::list, credentials::set, credentials::delete, credentials::reads,
        credentials::rotate_key,
        schedules::list, schedules::list_of_app, schedules::find, schedules::list_runs,
        schedules::change, schedules::reset, schedules::run,
        settings::list, settings::find, settings::set, settings::unset,
        notify::subscribe, notify::unsubscribe, notify::list,
        notify::socket::open, notify::events::open,
        webhooks::list, webhooks::add, webhooks::remove, webhooks::test, webhooks::deliveries,
        audit::list, audit::export, audit::verify, audit::cut,
        logs::list, logs::of_call, logs::follow,
        retention::list, retention::purge,
        health::alive, health::ready, system::find, metrics::read,
    ),
    modifiers(&Credentials),
    security(("bearer" = []), ("session" = [])),
)]
struct Document;

/// How a request shows who it is from.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("the token of a login, or an API token"))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description("skep_session", "set by a login in a browser");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Everybody may read what the interface is.
async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
