//! Logging in and out, changing one's password, and the first user.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use time::OffsetDateTime;

use super::Auth;
use super::identity::Identity;
use super::password::{self, Unsuitable};
use super::session::Claims;
use super::throttle::{self, Throttled};
use crate::audit::{Actor, Entry};
use crate::ids::SessionId;
use crate::store::audit;
use crate::store::login_failures::{self, Attempt};
use crate::store::sessions::{self, NewSession};
use crate::store::users::{self, LoginRow, NewUser};

/// The first user, and its role.
const ADMIN: &str = "admin";

/// A session that has just begun.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) token: SecretString,
    pub(crate) expires_at: OffsetDateTime,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// Unknown, disabled, or the wrong password: the text does not tell which.
    #[error("wrong username or password")]
    Refused,
    #[error("too many failed logins: try again in {0} s")]
    Throttled(u64),
    #[error(transparent)]
    Store(#[from] sqlx::Error),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// Why there is no first user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootstrapError {
    #[error("the configured `admin_password` (SKEP_ADMIN_PASSWORD) cannot be used: {0}")]
    Password(#[from] Unsuitable),
    #[error("cannot make the user `{ADMIN}`: {0}")]
    Store(#[from] sqlx::Error),
    #[error("cannot make the user `{ADMIN}`: {0:#}")]
    Internal(#[from] anyhow::Error),
}

impl Auth {
    /// Begins a session for whoever knows the password.
    pub(crate) async fn login(
        &self,
        username: &str,
        password: SecretString,
        address: IpAddr,
    ) -> Result<Login, LoginError> {
        let user = self.check(username, password, address).await?;
        self.begin(&user, address).await
    }

    /// Begins a session for a user who has shown in another way who they are. Failed logins of
    /// others do not keep them out.
    pub(crate) async fn login_as(
        &self,
        username: &str,
        address: IpAddr,
    ) -> Result<Login, LoginError> {
        let user = users::find_login(self.0.store.pool(), username).await?;
        let user = user.filter(|user| user.enabled);
        self.begin(&user.ok_or(LoginError::Refused)?, address).await
    }

    async fn begin(&self, user: &LoginRow, address: IpAddr) -> Result<Login, LoginError> {
        let now = self.0.clock.now();
        let session = NewSession {
            id: SessionId(self.0.entropy.id(&self.0.clock)),
            user: user.id,
            password_hash: &user.password_hash,
            now,
            // Tokens count in whole seconds; the row is to say the same.
            expires_at: (now + self.0.session_lifetime).truncate_to_second(),
        };
        let claims = Claims::new(user.id, session.id, now, session.expires_at);
        let token = self.0.signer.sign(&claims).map_err(anyhow::Error::from)?;
        let mut tx = self.0.store.pool().begin().await?;
        sessions::delete_expired(&mut *tx, now).await?;
        if !sessions::insert(&mut *tx, &session).await? {
            return Err(LoginError::Refused);
        }
        let entry = Entry::new(
            Actor::user(&user.username, None),
            "session.begin",
            "session",
            session.id.to_string(),
        );
        let entry = entry.with("address", address.to_string());
        audit::record(&mut tx, now, entry).await?;
        tx.commit().await?;
        Ok(Login {
            token,
            expires_at: session.expires_at,
        })
    }

    /// Finds the user of a username and password, and counts the failures.
    async fn check(
        &self,
        username: &str,
        password: SecretString,
        address: IpAddr,
    ) -> Result<LoginRow, LoginError> {
        let subject = throttle::username(username);
        let (client, address) = (address, throttle::address(address));

        // Taken before the attempt is counted: attempts count as failed while they last,
        // and so only as many at a time as there are turns.
        let turn = self.0.passwords.turn().await?;
        let now = self.0.clock.now();
        let attempt = Attempt {
            address: &address,
            username: &subject,
            address_limit: throttle::ADDRESS_LIMIT,
            now,
            window_start: now - throttle::WINDOW,
        };
        let pool = self.0.store.pool();
        let counts = login_failures::begin(pool, &attempt).await?;
        throttle::admit(&counts, now).map_err(|Throttled(wait)| LoginError::Throttled(wait))?;

        let user = users::find_login(pool, username).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let matches = turn.matches(password, hash).await?;
        let known = user.as_ref().map(|user| user.username.clone());
        let Some(user) = user.filter(|user| matches && user.enabled) else {
            // The throttle above bounds how many of these one client can cause.
            let entry = refused_login(known.as_deref(), client);
            audit::record_alone(pool, now, entry).await?;
            return Err(LoginError::Refused);
        };

        login_failures::clear(pool, &subject).await?;
        login_failures::take_back(pool, &address).await?;
        login_failures::delete_old(pool, attempt.window_start).await?;
        Ok(user)
    }

    /// Ends the session of an identity.
    pub(crate) async fn logout(&self, identity: &Identity, session: SessionId) -> sqlx::Result<()> {
        let mut tx = self.0.store.pool().begin().await?;
        sessions::delete(&mut *tx, session).await?;
        let entry = Entry::new(
            identity.actor(),
            "session.end",
            "session",
            session.to_string(),
        );
        audit::record(&mut tx, self.0.clock.now(), entry).await?;
        tx.commit().await?;
        self.forget();
        Ok(())
    }

    /// Changes a user's own password, given the old one, and ends the user's other
    /// sessions. The new one must have been admitted.
    pub(crate) async fn change_password(
        &self,
        identity: &Identity,
        old: SecretString,
        new: SecretString,
        address: IpAddr,
    ) -> Result<(), LoginError> {
        self.check(&identity.username, old, address).await?;
        let hash = self.hash(new).await?;

        let now = self.0.clock.now();
        let mut tx = self.0.store.pool().begin().await?;
        users::set_password(&mut *tx, identity.user, &hash, now).await?;
        sessions::delete_of_user(&mut *tx, identity.user, identity.session()).await?;
        let entry = Entry::new(
            identity.actor(),
            "user.password",
            "user",
            &identity.username,
        );
        audit::record(&mut tx, now, entry).await?;
        tx.commit().await?;

        self.forget();
        Ok(())
    }

    /// Makes the user `admin` if there is no user yet.
    ///
    /// The answer is the password, if it had to be made up: to be shown once.
    ///
    /// # Errors
    ///
    /// When the configured password cannot be used, or the database fails.
    pub(crate) async fn bootstrap(
        &self,
        configured: Option<&SecretString>,
    ) -> Result<Option<SecretString>, BootstrapError> {
        if users::any(self.0.store.pool()).await? {
            return Ok(None);
        }
        let (password, made_up) = match configured {
            Some(configured) => {
                password::admit(configured)?;
                (configured.clone(), None)
            }
            None => {
                let random = URL_SAFE_NO_PAD.encode(self.0.entropy.bytes::<15>());
                let made_up = SecretString::from(random);
                (made_up.clone(), Some(made_up))
            }
        };
        let hash = self.hash(password).await?;

        let mut tx = self.0.store.pool().begin().await?;
        users::lock_rights(&mut tx).await?;
        // Another node may have been faster; its password is the one that counts.
        if users::any(&mut *tx).await? {
            return Ok(None);
        }
        let user = NewUser {
            id: self.new_user_id(),
            username: ADMIN,
            password_hash: &hash,
            enabled: true,
            now: self.0.clock.now(),
        };
        users::insert(&mut *tx, &user).await?;
        users::set_roles(&mut tx, user.id, &[ADMIN.to_owned()], user.now).await?;
        let entry = Entry::new(Actor::host(), "user.create", "user", ADMIN);
        let entry = entry.with("roles", vec![ADMIN]);
        audit::record(&mut tx, user.now, entry).await?;
        tx.commit().await?;
        Ok(made_up)
    }
}

/// What is told of a failed login. A name that is no user's may be a password that somebody
/// typed into the wrong field, so it is not kept.
fn refused_login(username: Option<&str>, client: IpAddr) -> Entry {
    let subject = username.unwrap_or("(unknown)");
    Entry::new(Actor::nobody(), "session.refused", "user", subject)
        .with("address", client.to_string())
}

#[cfg(test)]
mod tests;
