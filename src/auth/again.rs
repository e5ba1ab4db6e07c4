//! Looking again at credentials that were proved before: what they give now.
//!
//! For connections that last. The database is asked each time; the credentials themselves, which
//! nobody keeps, are not needed for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::identity::{Identity, Via};
use super::{Auth, identity};
use crate::ids::{SessionId, TokenId};
use crate::store::credentials_of_users::{self as rows, GoodRow};

/// Which credential proved somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Credential {
    Session(SessionId),
    Token(TokenId),
}

impl Identity {
    /// The credential that proved it.
    pub(crate) fn credential(&self) -> Credential {
        match &self.via {
            Via::Session(id) => Credential::Session(*id),
            Via::Token(id, _) => Credential::Token(*id),
        }
    }
}

impl Auth {
    /// What each of these credentials gives now. One that proves nobody any more is left out.
    pub(crate) async fn look_again(
        &self,
        credentials: &[Credential],
    ) -> sqlx::Result<HashMap<Credential, Arc<Identity>>> {
        let (mut sessions, mut tokens) = (Vec::new(), Vec::new());
        for credential in credentials {
            match credential {
                Credential::Session(id) => sessions.push(*id),
                Credential::Token(id) => tokens.push(*id),
            }
        }
        let now = self.0.clock.now();
        let good = rows::good(self.0.store.pool(), &sessions, &tokens, now).await?;
        Ok(good.into_iter().filter_map(found).collect())
    }
}

fn found(row: GoodRow) -> Option<(Credential, Arc<Identity>)> {
    let (credential, via) = match (row.session, row.token) {
        (Some(id), None) => (Credential::Session(id), Via::Session(id)),
        (None, Some(id)) => {
            let scopes: BTreeSet<String> = row.scopes.unwrap_or_default().into_iter().collect();
            (Credential::Token(id), Via::Token(id, scopes))
        }
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let identity = identity(row.principal, via, row.expires_at);
    Some((credential, Arc::new(identity)))
}
