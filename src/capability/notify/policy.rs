//! Which notifications a call may send, how many, and how large.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::value::RawValue;

/// The longest payload, in bytes of JSON text.
pub(crate) const PAYLOAD_BYTES: usize = 256 * 1024;

/// How much of a name that an app made up is shown, in characters.
const MAX_NAME: usize = 64;

/// The notifications that a release declares, fixed when it is made ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NotifyGrant(Arc<BTreeSet<String>>);

impl FromIterator<String> for NotifyGrant {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }
}

/// What one call may send: notifications, and bytes of all their payloads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) count: u32,
    pub(crate) bytes: usize,
}

/// A notification that a call has fired. It is sent if the call succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) action: String,
    /// JSON text without line breaks.
    pub(crate) payload: String,
}

/// Why a notification is not sent. Each case is the app author's to fix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the manifest's `actions` declare no notification `{0}`")]
    Undeclared(String),
    #[error("the payload is not JSON text")]
    NotJson,
    #[error("the payload is larger than {} KiB: send less, and let its readers ask for the rest", PAYLOAD_BYTES / 1024)]
    TooLarge,
    #[error("the call has sent its {0} notifications")]
    TooMany(u32),
    #[error("the payloads of the call's notifications are larger than {} KiB together", .0 / 1024)]
    TooMuch(usize),
}

/// What a call has fired so far.
#[derive(Debug)]
pub(crate) struct Firing {
    grant: NotifyGrant,
    most: Most,
    bytes: usize,
    fired: Vec<Fired>,
}

impl Firing {
    pub(crate) fn new(grant: NotifyGrant, most: Most) -> Self {
        Self {
            grant,
            most,
            bytes: 0,
            fired: Vec::new(),
        }
    }

    /// Takes a notification for the end of the call. `payload` is JSON text.
    pub(crate) fn fire(&mut self, action: &str, payload: &str) -> Result<(), Refused> {
        if !self.grant.0.contains(action) {
            return Err(Refused::Undeclared(action.chars().take(MAX_NAME).collect()));
        }
        if payload.len() > PAYLOAD_BYTES {
            return Err(Refused::TooLarge);
        }
        if self.fired.len() >= usize::try_from(self.most.count).unwrap_or(usize::MAX) {
            return Err(Refused::TooMany(self.most.count));
        }
        let bytes = self.bytes + payload.len();
        if bytes > self.most.bytes {
            return Err(Refused::TooMuch(self.most.bytes));
        }
        let payload: &RawValue = serde_json::from_str(payload).map_err(|_| Refused::NotJson)?;
        self.bytes = bytes;
        self.fired.push(Fired {
            action: action.to_owned(),
            // Outside of texts, where JSON has none, a line break is as good as a space. On one
            // line it fits into every way out.
            payload: payload.get().replace(['\n', '\r'], " "),
        });
        Ok(())
    }

    /// What was fired, in its order.
    pub(crate) fn take(&mut self) -> Vec<Fired> {
        std::mem::take(&mut self.fired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firing(count: u32, bytes: usize) -> Firing {
        let grant = ["sold", "low_stock"].map(str::to_owned);
        Firing::new(grant.into_iter().collect(), Most { count, bytes })
    }

    #[test]
    fn a_declared_notification_is_kept_to_the_letter_on_one_line() {
        let mut firing = firing(10, 1_000);

        firing
            .fire("sold", "{\n\"a\": 1.50,\r\n\"b\": \"x\\ny\"}")
            .unwrap();
        firing.fire("low_stock", "null").unwrap();

        let payloads: Vec<String> = firing.take().into_iter().map(|one| one.payload).collect();
        assert_eq!(payloads, ["{ \"a\": 1.50,  \"b\": \"x\\ny\"}", "null"]);
        assert_eq!(firing.take(), []);
    }

    #[test]
    fn what_no_call_may_send_is_refused_and_not_kept() {
        let mut firing = firing(10, 2 * PAYLOAD_BYTES);
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));

        let undeclared = firing.fire("other", "1");
        assert_eq!(undeclared, Err(Refused::Undeclared("other".to_owned())));
        assert_eq!(firing.fire("sold", "NaN"), Err(Refused::NotJson));
        assert_eq!(firing.fire("sold", "1 2"), Err(Refused::NotJson));
        let large = text(PAYLOAD_BYTES + 1);
        assert_eq!(firing.fire("sold", &large), Err(Refused::TooLarge));

        assert_eq!(firing.take(), []);
        assert_eq!(firing.fire("sold", &text(PAYLOAD_BYTES)), Ok(()));
    }

    #[test]
    fn a_call_sends_so_many_and_so_much() {
        let mut firing_few = firing(2, 1_000);
        assert_eq!(firing_few.fire("sold", "1"), Ok(()));
        assert_eq!(firing_few.fire("sold", "1"), Ok(()));
        assert_eq!(firing_few.fire("sold", "1"), Err(Refused::TooMany(2)));

        let mut firing_little = firing(10, 5);
        assert_eq!(firing_little.fire("sold", "1234"), Ok(()));
        assert_eq!(firing_little.fire("sold", "12"), Err(Refused::TooMuch(5)));
        assert_eq!(firing_little.fire("sold", "1"), Ok(()));
    }
}
