//! Who did what: entries that are chained by their hashes. No I/O; rows are written in
//! `store::audit`.
//!
//! An entry is hashed as JSON with its keys sorted and no spaces, so that an export can be
//! checked without Skep.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::ids::{AppName, TokenId};

/// The SHA-256 that names an entry.
pub(crate) type Hash = [u8; 32];

/// The longest text of a subject or actor, in characters. Longer ones are cut.
const MAX_TEXT: usize = 256;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actor {
    name: String,
    /// The API token that it was done with.
    token: Option<TokenId>,
}

impl Actor {
    pub(crate) fn user(name: &str, token: Option<TokenId>) -> Self {
        Self {
            name: name.to_owned(),
            token,
        }
    }

    /// The host itself.
    pub(crate) fn host() -> Self {
        Self::user("(skep)", None)
    }

    /// Somebody who has not logged in.
    pub(crate) fn nobody() -> Self {
        Self::user("(nobody)", None)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Something that was done, before it is in the chain.
///
/// Details must hold no secret: everybody with `skep:audit` reads them, for ever.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    actor: Actor,
    action: &'static str,
    kind: &'static str,
    subject: String,
    details: Map<String, Value>,
}

impl Entry {
    /// `action` is `subject.verb`, such as `user.create`; `kind` says what the subject is.
    pub(crate) fn new(
        actor: Actor,
        action: &'static str,
        kind: &'static str,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            actor,
            action,
            kind,
            subject: subject.into(),
            details: Map::new(),
        }
    }

    /// Something that was done to an app.
    pub(crate) fn of_app(actor: Actor, action: &'static str, app: &AppName) -> Self {
        Self::new(actor, action, "app", app.as_str())
    }

    /// Adds a detail.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// The link of the chain behind `previous` that this becomes.
    pub(crate) fn link(self, previous: &Place, now: OffsetDateTime) -> Link {
        let mut details = self.details;
        if let Some(token) = self.actor.token {
            details.insert("token".to_owned(), token.to_string().into());
        }
        let mut link = Link {
            seq: previous.seq + 1,
            at: now,
            actor: cut(&self.actor.name),
            action: self.action.to_owned(),
            kind: self.kind.to_owned(),
            subject: cut(&self.subject),
            details: Value::Object(details),
            previous: previous.hash,
            hash: [0; 32],
        };
        link.hash = link.computed();
        link
    }
}

/// A place in the chain: an entry's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
}

/// An entry in the chain, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    /// Without gaps.
    pub(crate) seq: i64,
    pub(crate) at: OffsetDateTime,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) details: Value,
    pub(crate) previous: Hash,
    pub(crate) hash: Hash,
}

impl Link {
    pub(crate) fn place(&self) -> Place {
        Place {
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// The entry as people and programs get it; without `hash` it is what is hashed.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.content();
        body.insert("hash".to_owned(), hex(&self.hash).into());
        Value::Object(body)
    }

    /// The line of an export: the body in the form that is hashed.
    pub(crate) fn line(&self) -> String {
        canonical(&self.body())
    }

    fn content(&self) -> Map<String, Value> {
        let content = json!({
            "seq": self.seq,
            "at": timestamp(self.at),
            "actor": self.actor,
            "action": self.action,
            "subject_kind": self.kind,
            "subject": self.subject,
            "details": self.details,
            "previous": hex(&self.previous),
        });
        match content {
            Value::Object(content) => content,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        }
    }

    fn computed(&self) -> Hash {
        Sha256::digest(canonical(&Value::Object(self.content()))).into()
    }
}

/// Where a chain stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("entry {0} is missing")]
    Missing(i64),
    #[error("entry {0} is not what was written: its content does not give its hash")]
    Changed(i64),
    #[error("entry {0} does not follow the one before it")]
    Unlinked(i64),
    #[error("entry {0} is not the one that was noted")]
    NotNoted(i64),
}

impl Broken {
    pub(crate) fn seq(&self) -> i64 {
        match self {
            Self::Missing(seq) | Self::Changed(seq) | Self::Unlinked(seq) | Self::NotNoted(seq) => {
                *seq
            }
        }
    }
}

/// Follows a chain, entry by entry.
#[derive(Debug)]
pub(crate) struct Walk {
    at: Place,
    noted: Option<Place>,
}

impl Walk {
    /// Begins behind the anchor. `noted` is a place that the chain must come through, such as
    /// one that an operator has written down.
    pub(crate) fn new(anchor: Place, noted: Option<Place>) -> Self {
        // What was cut off with an anchor cannot be compared any more.
        let noted = noted.filter(|noted| noted.seq > anchor.seq || *noted == anchor);
        Self { at: anchor, noted }
    }

    pub(crate) fn at(&self) -> Place {
        self.at
    }

    /// Takes the next entry.
    pub(crate) fn step(&mut self, link: &Link) -> Result<(), Broken> {
        if link.seq != self.at.seq + 1 {
            return Err(Broken::Missing(self.at.seq + 1));
        }
        if link.previous != self.at.hash {
            return Err(Broken::Unlinked(link.seq));
        }
        if link.computed() != link.hash {
            return Err(Broken::Changed(link.seq));
        }
        self.at = link.place();
        match self.noted {
            Some(noted) if noted.seq == link.seq && noted.hash != link.hash => {
                Err(Broken::NotNoted(link.seq))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Ends the walk: a noted place beyond the end means that the end was cut off.
    pub(crate) fn finish(&self) -> Result<Place, Broken> {
        match self.noted {
            Some(noted) if noted.seq > self.at.seq => Err(Broken::Missing(self.at.seq + 1)),
            Some(_) | None => Ok(self.at),
        }
    }
}

/// In lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The time in UTC, with exactly six digits behind the second.
fn timestamp(at: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    at.to_offset(time::UtcOffset::UTC)
        .format(format)
        .unwrap_or_default()
}

/// JSON with sorted keys and no spaces.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort();
            let members: Vec<String> = keys
                .into_iter()
                .filter_map(|key| {
                    let value = object.get(key)?;
                    Some(format!(
                        "{}:{}",
                        Value::from(key.as_str()),
                        canonical(value)
                    ))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests;
