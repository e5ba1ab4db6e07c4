//! The `notify` capability: notifications to the users who have subscribed to them.
//!
//! The interface is `wit/notify.wit`. Which a call may send is decided in [`policy`]; those of its
//! answer are read in `actions`. Nothing is sent here: what was fired is handed over when the call
//! has succeeded.

mod actions;
pub(crate) mod policy;

use wasmtime::component::{HasData, Linker};

use crate::bindings::skep::app::notify as wit;
use crate::capability::log::{CallLog, Level};
use actions::Entry;
use policy::{Fired, Firing, Most, NotifyGrant, Refused};

/// How many skipped entries of one answer are told in the app's log; the rest are counted.
const TOLD: usize = 10;

/// What one call fires.
pub(crate) struct CallNotify {
    firing: Firing,
    log: CallLog,
}

impl CallNotify {
    pub(crate) fn new(grant: NotifyGrant, most: Most, log: CallLog) -> Self {
        Self {
            firing: Firing::new(grant, most),
            log,
        }
    }

    /// What a call that succeeded has fired: what it sent, then what its answer names.
    ///
    /// An entry that cannot be sent is left out with a line in the app's log.
    pub(crate) fn conclude(&mut self, answer: &str) -> Vec<Fired> {
        let mut skipped = Vec::new();
        for entry in actions::read(answer) {
            match entry {
                Entry::Fire { action, payload } => {
                    if let Err(refused) = self.firing.fire(&action, payload) {
                        skipped.push(refused.to_string());
                    }
                }
                Entry::Skip(why) => skipped.push(why.to_owned()),
            }
        }
        for why in skipped.iter().take(TOLD) {
            let line = format!("a notification was not sent: {why}");
            self.log.host(Level::Warn, "notify", &line);
        }
        if let Some(more) = skipped.len().checked_sub(TOLD).filter(|more| *more > 0) {
            let line = format!("{more} more notifications were not sent");
            self.log.host(Level::Warn, "notify", &line);
        }
        self.firing.take()
    }
}

impl wit::Host for CallNotify {
    fn send(
        &mut self,
        action: String,
        payload: String,
    ) -> wasmtime::Result<Result<(), wit::Error>> {
        let sent = self.firing.fire(&action, &payload);
        Ok(sent.map_err(|refused| match refused {
            Refused::Undeclared(name) => wit::Error::Undeclared(name),
            Refused::NotJson | Refused::TooLarge => wit::Error::Invalid(refused.to_string()),
            Refused::TooMany(_) | Refused::TooMuch(_) => wit::Error::OverLimit(refused.to_string()),
        }))
    }
}

/// Links the interface; `view` borrows a [`CallNotify`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> &mut CallNotify,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, NotifyData>(linker, view)
}

struct NotifyData;

impl HasData for NotifyData {
    type Data<'a> = &'a mut CallNotify;
}
