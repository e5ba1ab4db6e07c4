//! What one process shares: the clock, randomness, the host's key, the pool.
//!
//! Handlers get a [`Services`] as their axum state. Nothing here decides anything.

mod clock;
mod entropy;
mod key;

pub(crate) use clock::Clock;
pub(crate) use entropy::Entropy;
pub(crate) use key::{HostKey, KeyError};

use std::sync::Arc;

use crate::config::Config;
use crate::store::Store;

/// Everything that a request may need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) key: HostKey,
    pub(crate) store: Store,
}
