//! Who may do what: users, their roles, and the credentials that prove who a request is from.
//!
//! A credential is a session's signed token or an API token. Both are rows of the
//! database, so that ending one takes effect; [`cache`] keeps calls from asking it each
//! time. How credentials travel in HTTP is in `http::auth`.

mod again;
mod cache;
pub(crate) mod identity;
mod login;
pub(crate) mod password;
pub(crate) mod permission;
mod session;
mod throttle;
pub(crate) mod token;

pub(crate) use again::Credential;
pub(crate) use identity::{Identity, Via};
pub(crate) use login::{Login, LoginError};

use std::sync::Arc;
use std::time::Instant;

use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use self::cache::Cache;
use self::password::Passwords;
use self::session::Signer;
use crate::ids::UserId;
use crate::services::{Clock, Entropy, HostKey};
use crate::store::users::PrincipalRow;
use crate::store::{Store, sessions, tokens};

/// Finds out who a request is from, and lets people log in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Auth(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    entropy: Entropy,
    passwords: Passwords,
    signer: Signer,
    cache: Cache,
    session_lifetime: Duration,
}

/// Why a credential tells us nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentifyError {
    /// Malformed, forged, expired, revoked, or of a user who may not log in. Which of
    /// these is nobody's business.
    #[error("the credential proves nobody")]
    Unknown,
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

impl Auth {
    pub(crate) fn new(
        store: Store,
        clock: Clock,
        entropy: Entropy,
        key: &HostKey,
        session_lifetime: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            entropy,
            passwords: Passwords::new(),
            signer: Signer::new(key),
            cache: Cache::new(),
            session_lifetime,
        }))
    }

    /// Finds out who a bearer credential or session cookie proves.
    pub(crate) async fn identify(&self, credential: &str) -> Result<Arc<Identity>, IdentifyError> {
        let digest = token::digest(credential);
        let now = self.0.clock.now();
        let cached = self.0.cache.get(&digest, Instant::now());
        if let Some(identity) = cached.filter(|identity| !identity.has_expired(now)) {
            return Ok(identity);
        }

        let mark = self.0.cache.mark(Instant::now());
        let identity = if token::is_token(credential) {
            self.find_token(&digest, now).await?
        } else {
            self.find_session(credential, now).await?
        };
        let identity = Arc::new(identity.ok_or(IdentifyError::Unknown)?);
        self.0.cache.insert(digest, Arc::clone(&identity), mark);
        Ok(identity)
    }

    async fn find_session(
        &self,
        credential: &str,
        now: OffsetDateTime,
    ) -> sqlx::Result<Option<Identity>> {
        let Some(claims) = self.0.signer.read(credential, now) else {
            return Ok(None);
        };
        let principal = sessions::find_principal(self.0.store.pool(), claims.sid, now).await?;
        Ok(principal
            .filter(|principal| principal.user_id == claims.sub)
            .map(|principal| identity(principal, Via::Session(claims.sid), claims.expires_at())))
    }

    async fn find_token(
        &self,
        digest: &token::Digest,
        now: OffsetDateTime,
    ) -> sqlx::Result<Option<Identity>> {
        let Some(row) = tokens::find_bearer(self.0.store.pool(), digest, now).await? else {
            return Ok(None);
        };
        if row
            .last_used_at
            .is_none_or(|last| last <= now - tokens::USE_RESOLUTION)
        {
            tokens::note_use(self.0.store.pool(), row.id, now).await?;
        }
        let via = Via::Token(row.id, row.scopes.into_iter().collect());
        Ok(Some(identity(row.principal, via, row.expires_at)))
    }

    /// Makes what was just changed about users, roles, sessions or tokens take effect at
    /// once on this node. To be called after the commit.
    pub(crate) fn forget(&self) {
        self.0.cache.clear();
    }

    /// Hashes a password that [`password::admit`] has accepted.
    pub(crate) async fn hash(&self, password: SecretString) -> anyhow::Result<String> {
        self.0.passwords.hash(password, &self.0.entropy).await
    }

    fn new_user_id(&self) -> UserId {
        UserId(self.0.entropy.id(&self.0.clock))
    }
}

fn identity(principal: PrincipalRow, via: Via, expires_at: Option<OffsetDateTime>) -> Identity {
    Identity {
        user: principal.user_id,
        username: principal.username,
        roles: principal.roles.into_iter().collect(),
        permissions: principal.permissions.into_iter().collect(),
        via,
        expires_at,
    }
}
