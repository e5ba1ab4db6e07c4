use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::json;
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn signer() -> Signer {
    Signer::new(&HostKey::from_bytes([7; 32]))
}

fn claims() -> Claims {
    Claims::new(
        UserId(Uuid::from_u128(1)),
        SessionId(Uuid::from_u128(2)),
        NOW,
        NOW + Duration::HOUR,
    )
}

fn signed(signer: &Signer) -> String {
    signer.sign(&claims()).unwrap().expose_secret().to_owned()
}

/// A token with our signature, but with a header and claims of one's own choice.
fn signed_with(algorithm: Algorithm, claims: &serde_json::Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &signer().signing).unwrap()
}

#[test]
fn a_token_says_what_was_signed() {
    let signer = signer();

    assert_eq!(signer.read(&signed(&signer), NOW), Some(claims()));
}

#[test]
fn a_token_ends_at_the_second_it_expires() {
    let signer = signer();
    let token = signed(&signer);
    let end = NOW + Duration::HOUR;

    assert!(signer.read(&token, end - Duration::SECOND).is_some());
    assert_eq!(signer.read(&token, end), None);
}

#[test]
fn a_token_of_another_key_is_refused() {
    let other = Signer::new(&HostKey::from_bytes([8; 32]));

    assert_eq!(signer().read(&signed(&other), NOW), None);
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let token = signed(&signer());
    let claims = token.split('.').nth(1).unwrap();
    for header in [
        r#"{"alg":"none","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
    ] {
        let header = URL_SAFE_NO_PAD.encode(header);
        for forged in [format!("{header}.{claims}."), format!("{header}.{claims}")] {
            assert_eq!(signer().read(&forged, NOW), None, "{forged}");
        }
    }
}

#[test]
fn a_token_with_changed_claims_is_refused() {
    let token = signed(&signer());
    let mut parts = token.split('.');
    let (header, signature) = (parts.next().unwrap(), parts.nth(1).unwrap());
    let mut changed = serde_json::to_value(claims()).unwrap();
    changed["sub"] = json!(Uuid::from_u128(3));
    let changed = URL_SAFE_NO_PAD.encode(changed.to_string());

    assert_eq!(
        signer().read(&format!("{header}.{changed}.{signature}"), NOW),
        None
    );
}

#[test]
fn another_algorithm_is_refused_even_with_our_key() {
    let claims = serde_json::to_value(claims()).unwrap();

    assert!(
        signer()
            .read(&signed_with(Algorithm::HS256, &claims), NOW)
            .is_some()
    );
    assert_eq!(
        signer().read(&signed_with(Algorithm::HS512, &claims), NOW),
        None
    );
}

#[test]
fn every_claim_is_needed_and_the_issuer_must_be_us() {
    let whole = serde_json::to_value(claims()).unwrap();
    for claim in ["iss", "sub", "sid", "iat", "exp"] {
        let mut lacking = whole.clone();
        lacking.as_object_mut().unwrap().remove(claim);
        assert_eq!(
            signer().read(&signed_with(Algorithm::HS256, &lacking), NOW),
            None,
            "{claim}"
        );
    }
    let mut foreign = whole;
    foreign["iss"] = json!("somebody");
    assert_eq!(
        signer().read(&signed_with(Algorithm::HS256, &foreign), NOW),
        None
    );
}

#[test]
fn what_is_no_token_at_all_is_refused() {
    for text in ["", ".", "..", "a.b.c", "skep_x", "é.é.é"] {
        assert_eq!(signer().read(text, NOW), None, "{text}");
    }
}
