//! What a server has beside where apps are developed: word of every deploy, call and line of a
//! log as it comes, and a link that logs in.
//!
//! [`deploy`](crate::deploy) has apps run from their sources; `http/live.rs` serves open pages.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::broadcast;

use crate::cell::{Record, Witness};
use crate::ids::AppName;
use crate::services::Entropy;
use crate::store::logs::NewLine;

/// Words that wait for the slowest who listens; it misses those before.
const WAITING: usize = 1024;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    key: SecretString,
    words: broadcast::Sender<Word>,
}

/// What has happened.
#[derive(Debug, Clone)]
pub(crate) enum Word {
    /// A release of an app serves.
    Deployed(AppName),
    /// A deploy of an app failed, for this reason.
    Failed(AppName, String),
    /// A call is over.
    Ended(Box<Record>),
    /// An app has logged a line.
    Line(Box<NewLine>),
}

impl Live {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        let key = URL_SAFE_NO_PAD.encode(entropy.bytes::<24>());
        Self(Arc::new(Inner {
            key: key.into(),
            words: broadcast::Sender::new(WAITING),
        }))
    }

    /// What has to be in the link that logs in.
    pub(crate) fn key(&self) -> &SecretString {
        &self.0.key
    }

    /// Whether somebody brings the key.
    pub(crate) fn admits(&self, key: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        // How long this takes says nothing about the key.
        digest(key) == digest(self.0.key.expose_secret())
    }

    pub(crate) fn say(&self, word: Word) {
        // Nobody has to listen.
        let _ = self.0.words.send(word);
    }

    /// Everything that happens from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Word> {
        self.0.words.subscribe()
    }
}

/// Tells of calls that are over, beside whoever is told of them anyway.
pub(crate) struct Telling<W> {
    pub(crate) live: Live,
    pub(crate) then: W,
}

impl<W: Witness> Witness for Telling<W> {
    fn ended(&self, call: Record) {
        self.live.say(Word::Ended(Box::new(call.clone())));
        self.then.ended(call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_is_let_in() {
        let live = Live::new(&Entropy);

        let key = live.key().expose_secret().to_owned();
        assert!(live.admits(&key));
        for other in ["", &key[1..], &format!("{key} ")] {
            assert!(!live.admits(other), "{other}");
        }
    }

    #[test]
    fn who_listens_hears_what_comes_then() {
        let live = Live::new(&Entropy);
        let app: AppName = "shop".parse().unwrap();
        live.say(Word::Deployed(app.clone()));

        let mut heard = live.listen();
        live.say(Word::Failed(app.clone(), "no".to_owned()));

        let word = heard.try_recv().unwrap();
        assert!(matches!(word, Word::Failed(of, why) if of == app && why == "no"));
        assert!(heard.try_recv().is_err());
    }
}
