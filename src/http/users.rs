//! Managing users.
//!
//! Whoever may manage users is still no administrator: nobody changes a user, or hands
//! out a role, that has permissions beyond their own.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::UsersOperator;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::audit::Entry;
use crate::auth::identity::{RoleName, Username};
use crate::auth::{Identity, password};
use crate::ids::UserId;
use crate::services::Services;
use crate::store::users::{self, NewUser, UserRow};
use crate::store::{audit, roles, sessions};

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/admin/api/users", get(list).post(create))
        .route(
            "/admin/api/users/{username}",
            get(find).patch(update).delete(delete),
        )
        .route("/admin/api/users/{username}/password", post(reset_password))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserBody {
    username: String,
    enabled: bool,
    roles: Vec<String>,
    /// What the roles add up to.
    permissions: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    users: Vec<UserBody>,
}

/// Lists the users.
#[utoipa::path(
    get, path = "/admin/api/users", tag = "users",
    responses(
        (status = 200, body = UserList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _operator: UsersOperator,
) -> Result<Json<UserList>, ApiError> {
    let users = users::list(services.store.pool()).await?;
    Ok(Json(UserList {
        users: users.into_iter().map(UserBody::from).collect(),
    }))
}

/// Shows one user.
#[utoipa::path(
    get, path = "/admin/api/users/{username}", tag = "users",
    params(("username" = String, Path)),
    responses(
        (status = 200, body = UserBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    _operator: UsersOperator,
    Path(username): Path<String>,
) -> Result<Json<UserBody>, ApiError> {
    let mut connection = services.store.pool().acquire().await?;
    Ok(Json(existing(&mut connection, &username).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUserBody {
    #[schema(value_type = String)]
    username: Username,
    #[schema(value_type = String)]
    password: SecretString,
    /// `user`, if not named.
    #[schema(value_type = Option<Vec<String>>)]
    roles: Option<Vec<RoleName>>,
    /// True, if not said.
    enabled: Option<bool>,
}

/// Adds a user.
#[utoipa::path(
    post, path = "/admin/api/users", tag = "users", request_body = NewUserBody,
    responses(
        (status = 201, body = UserBody),
        (status = 400, body = ErrorBody, description = "unsuitable, or no such role"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the username is taken"),
    )
)]
pub(crate) async fn create(
    State(services): State<Services>,
    operator: UsersOperator,
    Json(body): Json<NewUserBody>,
) -> Result<(StatusCode, Json<UserBody>), ApiError> {
    password::admit(&body.password)?;
    let password_hash = services.auth.hash(body.password).await?;

    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    let user = NewUser {
        id: UserId(services.entropy.id(&services.clock)),
        username: body.username.as_str(),
        password_hash: &password_hash,
        enabled: body.enabled.unwrap_or(true),
        now: services.clock.now(),
    };
    if !users::insert(&mut *tx, &user).await? {
        return Err(ApiError::Conflict(format!(
            "there is a user `{}` already",
            user.username
        )));
    }
    let roles = body.roles.map_or_else(|| vec!["user".to_owned()], names);
    admit_roles(&mut tx, &operator, &roles).await?;
    users::set_roles(&mut tx, user.id, &roles, user.now).await?;
    let created = existing(&mut tx, user.username).await?;
    let entry = entry(&operator, "user.create", user.username)
        .with("roles", roles)
        .with("enabled", user.enabled);
    audit::record(&mut tx, user.now, entry).await?;
    tx.commit().await?;

    Ok((StatusCode::CREATED, Json(created.into())))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    enabled: Option<bool>,
    /// All the roles that the user is to have.
    #[schema(value_type = Option<Vec<String>>)]
    roles: Option<Vec<RoleName>>,
}

/// Enables or disables a user, or changes the roles. Disabling ends the sessions.
#[utoipa::path(
    patch, path = "/admin/api/users/{username}", tag = "users", request_body = UserChange,
    params(("username" = String, Path)),
    responses(
        (status = 200, body = UserBody),
        (status = 400, body = ErrorBody, description = "no such role"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "no administrator would be left"),
    )
)]
pub(crate) async fn update(
    State(services): State<Services>,
    operator: UsersOperator,
    Path(username): Path<String>,
    Json(change): Json<UserChange>,
) -> Result<Json<UserBody>, ApiError> {
    let now = services.clock.now();
    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    let user = existing(&mut tx, &username).await?;
    operator.require_all(&user.permissions)?;

    let mut entry = entry(&operator, "user.update", &user.username);
    if let Some(roles) = change.roles.map(names) {
        admit_roles(&mut tx, &operator, &roles).await?;
        users::set_roles(&mut tx, user.id, &roles, now).await?;
        entry = entry.with("roles", roles).with("roles_before", user.roles);
    }
    if let Some(enabled) = change.enabled {
        entry = entry.with("enabled", enabled);
        users::set_enabled(&mut *tx, user.id, enabled, now).await?;
        if !enabled {
            sessions::delete_of_user(&mut *tx, user.id, None).await?;
        }
    }
    keep_an_administrator(&mut tx).await?;
    let changed = existing(&mut tx, &username).await?;
    audit::record(&mut tx, now, entry).await?;
    tx.commit().await?;

    services.auth.forget();
    Ok(Json(changed.into()))
}

/// Deletes a user, and with it the user's sessions and API tokens.
#[utoipa::path(
    delete, path = "/admin/api/users/{username}", tag = "users",
    params(("username" = String, Path)),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "no administrator would be left"),
    )
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    operator: UsersOperator,
    Path(username): Path<String>,
) -> Result<StatusCode, ApiError> {
    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    let user = existing(&mut tx, &username).await?;
    operator.require_all(&user.permissions)?;

    users::delete(&mut *tx, user.id).await?;
    keep_an_administrator(&mut tx).await?;
    let entry = entry(&operator, "user.delete", &user.username).with("roles", user.roles);
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;

    services.auth.forget();
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    #[schema(value_type = String)]
    password: SecretString,
}

/// Gives a user a new password, and ends the user's sessions. API tokens stay.
#[utoipa::path(
    post, path = "/admin/api/users/{username}/password", tag = "users",
    request_body = NewPassword, params(("username" = String, Path)),
    responses(
        (status = 204),
        (status = 400, body = ErrorBody, description = "the password is unsuitable"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn reset_password(
    State(services): State<Services>,
    operator: UsersOperator,
    Path(username): Path<String>,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, ApiError> {
    password::admit(&body.password)?;
    let hash = services.auth.hash(body.password).await?;

    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    let user = existing(&mut tx, &username).await?;
    operator.require_all(&user.permissions)?;

    let now = services.clock.now();
    users::set_password(&mut *tx, user.id, &hash, now).await?;
    sessions::delete_of_user(&mut *tx, user.id, None).await?;
    let entry = entry(&operator, "user.password", &user.username);
    audit::record(&mut tx, now, entry).await?;
    tx.commit().await?;

    services.auth.forget();
    Ok(StatusCode::NO_CONTENT)
}

fn entry(operator: &Identity, action: &'static str, username: &str) -> Entry {
    Entry::new(operator.actor(), action, "user", username)
}

async fn existing(connection: &mut PgConnection, username: &str) -> Result<UserRow, ApiError> {
    users::find(connection, username)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("no such user: `{username}`")))
}

/// Refuses roles that do not exist, or that give more than the operator has.
async fn admit_roles(
    connection: &mut PgConnection,
    operator: &Identity,
    names: &[String],
) -> Result<(), ApiError> {
    let roles = roles::find_all(connection, names).await?;
    if let Some(unknown) = names
        .iter()
        .find(|name| !roles.iter().any(|role| role.name == **name))
    {
        return Err(ApiError::Invalid(format!("no such role: `{unknown}`")));
    }
    for role in &roles {
        operator.require_all(&role.permissions)?;
    }
    Ok(())
}

/// Refuses a change after which nobody could undo it.
async fn keep_an_administrator(connection: &mut PgConnection) -> Result<(), ApiError> {
    if users::has_administrator(connection).await? {
        Ok(())
    } else {
        Err(ApiError::Conflict(
            "this is the last enabled user with the role `admin`: give the role to somebody else \
             first"
                .to_owned(),
        ))
    }
}

fn names(roles: Vec<RoleName>) -> Vec<String> {
    roles.into_iter().map(String::from).collect()
}

impl From<UserRow> for UserBody {
    fn from(user: UserRow) -> Self {
        Self {
            username: user.username,
            enabled: user.enabled,
            roles: user.roles,
            permissions: user.permissions,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

#[cfg(test)]
mod tests;
