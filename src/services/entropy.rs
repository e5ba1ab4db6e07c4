//! The only source of randomness.

use rand::Rng;
use uuid::Uuid;

use super::Clock;

/// Random bytes and ids from the operating system's generator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entropy;

impl Entropy {
    /// Random bytes fit for keys and tokens.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }

    /// An id whose order is the order of creation (UUID version 7).
    pub(crate) fn id(&self, clock: &Clock) -> Uuid {
        let now = clock.now();
        let millis = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}
