//! Authority as types in a handler's signature.
//!
//! A handler that takes one of these cannot be reached without it. A missing or bad
//! credential is a 401; a missing permission is a 403 with the contract's text.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{cookie, cross_site};
use crate::auth::{Identity, permission};
use crate::http::error::ApiError;
use crate::services::Services;

/// Somebody whose credential is good.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated(pub(crate) Arc<Identity>);

impl FromRequestParts<Services> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, ApiError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }

        let identity = if let Some(token) = bearer(&parts.headers) {
            services.auth.identify(token).await?
        } else if let Some(token) = cookie::read(&parts.headers) {
            // A browser sends the cookie along with whatever any page makes it send.
            if !cross_site::admit(parts) {
                return Err(ApiError::CrossSite);
            }
            services.auth.identify(token).await?
        } else {
            return Err(ApiError::Unauthenticated);
        };

        let authenticated = Self(identity);
        parts.extensions.insert(authenticated.clone());
        Ok(authenticated)
    }
}

/// The bearer token. Any other scheme is for a proxy in front of us.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Deref for Authenticated {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

macro_rules! authorities {
    ($($(#[$doc:meta])* $name:ident = $permission:path;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name(pub(crate) Arc<Identity>);

        impl FromRequestParts<Services> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(
                parts: &mut Parts,
                services: &Services,
            ) -> Result<Self, ApiError> {
                let Authenticated(identity) =
                    Authenticated::from_request_parts(parts, services).await?;
                identity.require($permission)?;
                Ok(Self(identity))
            }
        }

        impl Deref for $name {
            type Target = Identity;

            fn deref(&self) -> &Identity {
                &self.0
            }
        }
    )+};
}

authorities! {
    /// Somebody who may call apps at all: every user, but not every API token. What an
    /// app itself requires is asked for beside.
    AppsCaller = permission::CALL;
    /// Somebody who may deploy and manage apps.
    AppsOperator = permission::APPS;
    /// Somebody who may read the audit log.
    Auditor = permission::AUDIT;
    /// Somebody who may set credentials of apps.
    CredentialsOperator = permission::CREDENTIALS;
    /// Somebody who may read the metrics.
    MetricsReader = permission::METRICS;
    /// Somebody who may consent to what an app asks for, and take it back.
    Consenter = permission::CONSENT;
    /// Somebody who may manage users, roles and other people's API tokens.
    UsersOperator = permission::USERS;
}
