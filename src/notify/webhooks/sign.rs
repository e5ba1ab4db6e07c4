//! Signatures of the Standard Webhooks specification.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::services::Entropy;

const PREFIX: &str = "whsec_";

/// A new secret, as its receiver is given it: 32 random bytes in base64 behind a prefix.
pub(crate) fn generate(entropy: &Entropy) -> Zeroizing<String> {
    let bytes = Zeroizing::new(entropy.bytes::<32>());
    Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(bytes.as_slice())))
}

/// The header `webhook-signature` of a message. None where the secret is not one of ours.
pub(crate) fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let encoded = str::from_utf8(secret).ok()?.strip_prefix(PREFIX)?;
    let key = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    Some(format!("v1,{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_the_specification_shows() {
        let secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;

        let signed = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);

        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed.as_deref(), Some(expected));
    }

    #[test]
    fn two_secrets_differ_and_sign() {
        let (one, two) = (generate(&Entropy), generate(&Entropy));
        let sign = |secret: &str| sign(secret.as_bytes(), "msg_1", 1, b"{}").unwrap();

        assert!(one.starts_with("whsec_"));
        assert_ne!(sign(&one), sign(&two));
        assert_eq!(sign(&one), sign(&one));
    }

    #[test]
    fn what_is_no_secret_signs_nothing() {
        for secret in [&b"secret"[..], b"whsec_!", b"\xff"] {
            assert_eq!(sign(secret, "msg_1", 1, b"{}"), None);
        }
    }
}
