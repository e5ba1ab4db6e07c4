//! What PostgreSQL keeps of a password (RFC 5803).
//!
//! Made here, so that no statement ever carries the password itself: a server writes
//! statements that fail into its log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// PostgreSQL's own number, and the least that RFC 7677 allows.
const ITERATIONS: u32 = 4096;

/// The verifier of a password, as `ALTER ROLE ... PASSWORD` takes it.
pub(super) fn verifier(password: &str, salt: [u8; 16]) -> String {
    let salted = salted(password, salt);
    let client_key = mac(&salted, b"Client Key");
    let stored_key = Sha256::digest(client_key);
    let server_key = mac(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    )
}

/// PBKDF2 with one block of output, which is all that SCRAM takes.
fn salted(password: &str, salt: [u8; 16]) -> [u8; 32] {
    let mut seed = salt.to_vec();
    seed.extend(1_u32.to_be_bytes());
    let mut round = mac(password.as_bytes(), &seed);
    let mut result = round;
    for _ in 1..ITERATIONS {
        round = mac(password.as_bytes(), &round);
        for (sum, byte) in result.iter_mut().zip(round) {
            *sum ^= byte;
        }
    }
    result
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length fits");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_what_postgresql_makes_of_the_same_password_and_salt() {
        // The exchange of RFC 7677: its server signature follows from this server key.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();

        let verifier = verifier("pencil", salt.try_into().unwrap());

        assert_eq!(
            verifier,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }
}
