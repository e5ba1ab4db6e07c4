//! Managing roles: named sets of permissions.
//!
//! Nobody makes, changes or deletes a role with permissions beyond their own.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::extract::UsersOperator;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::audit::Entry;
use crate::auth::Identity;
use crate::auth::identity::RoleName;
use crate::auth::permission::Permission;
use crate::services::Services;
use crate::store::audit;
use crate::store::roles::{self, RoleRow};
use crate::store::users;

/// The role that cannot be changed.
const ADMIN: &str = "admin";

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/admin/api/roles", get(list).post(create))
        .route("/admin/api/roles/{name}", put(replace).delete(delete))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RoleBody {
    name: String,
    description: String,
    permissions: Vec<String>,
    /// Cannot be deleted.
    built_in: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RoleList {
    roles: Vec<RoleBody>,
}

/// Lists the roles.
#[utoipa::path(
    get, path = "/admin/api/roles", tag = "roles",
    responses(
        (status = 200, body = RoleList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _operator: UsersOperator,
) -> Result<Json<RoleList>, ApiError> {
    let roles = roles::list(services.store.pool()).await?;
    Ok(Json(RoleList {
        roles: roles.into_iter().map(RoleBody::from).collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRole {
    #[schema(value_type = String)]
    name: RoleName,
    #[serde(default)]
    description: String,
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
}

/// Adds a role.
#[utoipa::path(
    post, path = "/admin/api/roles", tag = "roles", request_body = NewRole,
    responses(
        (status = 201, body = RoleBody),
        (status = 400, body = ErrorBody, description = "malformed name or permission"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the name is taken"),
    )
)]
pub(crate) async fn create(
    State(services): State<Services>,
    operator: UsersOperator,
    Json(body): Json<NewRole>,
) -> Result<(StatusCode, Json<RoleBody>), ApiError> {
    operator.require_all(&body.permissions)?;

    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    if roles::find(&mut *tx, body.name.as_str()).await?.is_some() {
        return Err(ApiError::Conflict(format!(
            "there is a role `{}` already",
            body.name
        )));
    }
    let permissions = sorted(body.permissions);
    let role = roles::put(
        &mut *tx,
        body.name.as_str(),
        &body.description,
        &permissions,
    )
    .await?;
    let entry = entry(&operator, "role.create", &role.name).with("permissions", permissions);
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;

    Ok((StatusCode::CREATED, Json(role.into())))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleContent {
    #[serde(default)]
    description: String,
    /// All the permissions that the role is to give.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<Permission>,
}

/// Replaces a role, or adds it.
#[utoipa::path(
    put, path = "/admin/api/roles/{name}", tag = "roles", request_body = RoleContent,
    params(("name" = String, Path)),
    responses(
        (status = 200, body = RoleBody),
        (status = 201, body = RoleBody, description = "added"),
        (status = 400, body = ErrorBody, description = "malformed name or permission"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`admin` cannot be changed"),
    )
)]
pub(crate) async fn replace(
    State(services): State<Services>,
    operator: UsersOperator,
    Path(name): Path<String>,
    Json(body): Json<RoleContent>,
) -> Result<(StatusCode, Json<RoleBody>), ApiError> {
    let name: RoleName = name
        .parse()
        .map_err(|error| ApiError::Invalid(format!("{error}")))?;
    refuse_admin(name.as_str())?;
    operator.require_all(&body.permissions)?;

    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    let old = roles::find(&mut *tx, name.as_str()).await?;
    if let Some(old) = &old {
        operator.require_all(&old.permissions)?;
    }
    let permissions = sorted(body.permissions);
    let role = roles::put(&mut *tx, name.as_str(), &body.description, &permissions).await?;
    let before = old.as_ref().map(|old| old.permissions.clone());
    let entry = entry(&operator, "role.replace", &role.name)
        .with("permissions", permissions)
        .with("permissions_before", before);
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;

    services.auth.forget();
    let status = match old {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok((status, Json(role.into())))
}

/// Deletes a role that nobody holds.
#[utoipa::path(
    delete, path = "/admin/api/roles/{name}", tag = "roles",
    params(("name" = String, Path)),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "built in, or somebody holds it"),
    )
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    operator: UsersOperator,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let mut tx = services.store.pool().begin().await?;
    users::lock_rights(&mut tx).await?;
    let role = roles::find(&mut *tx, &name)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("no such role: `{name}`")))?;
    if role.built_in {
        return Err(ApiError::Conflict(format!(
            "the role `{name}` is built in and cannot be deleted"
        )));
    }
    operator.require_all(&role.permissions)?;
    let holders = roles::holders(&mut *tx, &name).await?;
    if holders > 0 {
        return Err(ApiError::Conflict(format!(
            "users who hold the role `{name}`: {holders}; take it from them first"
        )));
    }

    roles::delete(&mut *tx, &name).await?;
    let entry = entry(&operator, "role.delete", &name).with("permissions", role.permissions);
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;

    Ok(StatusCode::NO_CONTENT)
}

fn entry(operator: &Identity, action: &'static str, role: &str) -> Entry {
    Entry::new(operator.actor(), action, "role", role)
}

fn refuse_admin(name: &str) -> Result<(), ApiError> {
    if name == ADMIN {
        return Err(ApiError::Conflict(format!(
            "the role `{ADMIN}` gives everything and cannot be changed"
        )));
    }
    Ok(())
}

fn sorted(permissions: Vec<Permission>) -> Vec<String> {
    let mut permissions: Vec<String> = permissions.into_iter().map(String::from).collect();
    permissions.sort();
    permissions.dedup();
    permissions
}

impl From<RoleRow> for RoleBody {
    fn from(role: RoleRow) -> Self {
        Self {
            name: role.name,
            description: role.description,
            permissions: role.permissions,
            built_in: role.built_in,
        }
    }
}

#[cfg(test)]
mod tests;
