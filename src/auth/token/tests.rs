use secrecy::ExposeSecret;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

#[test]
fn a_token_is_a_prefix_and_32_random_bytes() {
    let one = generate(&Entropy);
    let two = generate(&Entropy);

    let random = one.expose_secret().strip_prefix("skep_").unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32);
    assert!(is_token(one.expose_secret()));
    assert_ne!(one.expose_secret(), two.expose_secret());
    assert!(!format!("{one:?}").contains(random));
}

#[test]
fn a_sessions_token_is_not_taken_for_one() {
    assert!(!is_token("eyJhbGciOiJIUzI1NiJ9.e30.x"));
}

#[test]
fn a_token_lasts_90_days_unless_asked_otherwise() {
    assert_eq!(
        end(Lifetime::Default, NOW, None),
        Ok(Some(NOW + Duration::days(90)))
    );
    assert_eq!(
        end(Lifetime::Days(366), NOW, None),
        Ok(Some(NOW + Duration::days(366)))
    );
    assert_eq!(end(Lifetime::Unlimited, NOW, None), Ok(None));
    for days in [0, 367, u16::MAX] {
        assert_eq!(end(Lifetime::Days(days), NOW, None), Err(Refused::Days));
    }
}

#[test]
fn a_token_makes_none_that_outlives_it() {
    let maker_ends = Some(NOW + Duration::days(7));

    assert_eq!(end(Lifetime::Days(7), NOW, maker_ends), Ok(maker_ends));
    for longer in [Lifetime::Days(8), Lifetime::Default, Lifetime::Unlimited] {
        assert_eq!(end(longer, NOW, maker_ends), Err(Refused::OutlivesMaker));
    }
}

#[test]
fn a_token_has_a_readable_name_and_some_scopes() {
    assert_eq!(admit("ci", 1), Ok(()));
    assert_eq!(admit(&"ä".repeat(100), 64), Ok(()));
    for name in ["", "a\nb", &"a".repeat(101)] {
        assert_eq!(admit(name, 1), Err(Refused::Name));
    }
    for scopes in [0, 65] {
        assert_eq!(admit("ci", scopes), Err(Refused::Scopes));
    }
}
