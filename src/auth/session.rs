//! The signed token of a session.
//!
//! The signature spares the database the tokens that are not ours. Whether the session
//! still lasts is for its row to say, so logging out takes effect at once.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::ids::{SessionId, UserId};
use crate::services::HostKey;

const ISSUER: &str = "skep";

/// What a session's token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    pub(crate) sub: UserId,
    pub(crate) sid: SessionId,
    iat: i64,
    exp: i64,
}

/// Signs and reads the tokens of sessions.
pub(crate) struct Signer {
    signing: EncodingKey,
    reading: DecodingKey,
    rules: Validation,
}

impl Claims {
    pub(crate) fn new(
        user: UserId,
        session: SessionId,
        now: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: user,
            sid: session,
            iat: now.unix_timestamp(),
            exp: expires_at.unix_timestamp(),
        }
    }

    /// When the session ends, if nobody ends it before.
    pub(crate) fn expires_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.exp).ok()
    }
}

impl Signer {
    pub(crate) fn new(key: &HostKey) -> Self {
        let key = key.derive("jwt");
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        rules.set_issuer(&[ISSUER]);
        // It would ask the system's clock; `read` asks ours.
        rules.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(key.as_slice()),
            reading: DecodingKey::from_secret(key.as_slice()),
            rules,
        }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> jsonwebtoken::errors::Result<SecretString> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)
            .map(SecretString::from)
    }

    /// What a token says, if we signed it and it has not expired.
    pub(crate) fn read(&self, token: &str, now: OffsetDateTime) -> Option<Claims> {
        let claims: Claims = jsonwebtoken::decode(token, &self.reading, &self.rules)
            .ok()?
            .claims;
        (now < claims.expires_at()?).then_some(claims)
    }
}

#[cfg(test)]
mod tests;
