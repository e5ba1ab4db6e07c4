use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn count(failures: i32, since: OffsetDateTime) -> Count {
    Count { failures, since }
}

#[test]
fn attempts_up_to_both_limits_are_admitted() {
    let counts = Counts {
        address: count(20, NOW),
        username: Some(count(5, NOW)),
    };

    assert_eq!(admit(&counts, NOW), Ok(()));
}

#[test]
fn one_attempt_beyond_either_limit_waits_for_the_windows_end() {
    let since = NOW - Duration::minutes(5);
    let by_username = Counts {
        address: count(6, since),
        username: Some(count(6, since)),
    };
    let by_address = Counts {
        address: count(21, since),
        username: None,
    };

    assert_eq!(admit(&by_username, NOW), Err(Throttled(600)));
    assert_eq!(admit(&by_address, NOW), Err(Throttled(600)));
}

#[test]
fn the_wait_is_the_longer_of_the_two_and_never_nothing() {
    let both = Counts {
        address: count(21, NOW - Duration::minutes(10)),
        username: Some(count(6, NOW)),
    };
    let last_moment = Counts {
        address: count(21, NOW - WINDOW),
        username: None,
    };

    assert_eq!(admit(&both, NOW), Err(Throttled(900)));
    assert_eq!(admit(&last_moment, NOW), Err(Throttled(1)));
}

#[test]
fn a_username_is_one_subject_in_any_case() {
    assert_eq!(username("Anna"), username("anna"));
    assert_ne!(username("anna"), username("annb"));
}

#[test]
fn an_address_is_one_subject_and_an_ipv6_network_too() {
    let of = |text: &str| address(text.parse().unwrap());

    assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
}

#[test]
fn a_username_is_not_taken_for_an_address() {
    assert_ne!(username("10.0.0.1"), address("10.0.0.1".parse().unwrap()));
}
