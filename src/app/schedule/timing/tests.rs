use proptest::prelude::*;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

use super::*;

const BERLIN: &str = "Europe/Berlin";

fn at(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

#[track_caller]
fn timing(cron: &str, zone: &str) -> Timing {
    Timing::parse(cron, zone).unwrap()
}

#[track_caller]
fn firings(cron: &str, zone: &str, after: &str, expected: &[&str]) {
    let expected: Vec<OffsetDateTime> = expected.iter().map(|text| at(text)).collect();
    assert_eq!(
        timing(cron, zone).next(at(after), expected.len()),
        expected,
        "{cron} in {zone} after {after}"
    );
}

#[test]
fn times_are_those_of_the_zone() {
    firings(
        "0 2 * * *",
        BERLIN,
        "2026-01-10T00:00:00Z",
        &["2026-01-10T02:00:00+01:00", "2026-01-11T02:00:00+01:00"],
    );
    firings(
        "0 2 * * *",
        BERLIN,
        "2026-07-10T00:00:00Z",
        &["2026-07-11T02:00:00+02:00"],
    );
    firings(
        "30 9 * * 1-5",
        "Asia/Kolkata",
        "2026-11-20T12:00:00Z",
        &["2026-11-23T09:30:00+05:30"],
    );
}

#[test]
fn a_fixed_time_that_a_clock_leaves_out_fires_after_the_gap() {
    // At 2:00 on 29 March 2026 clocks in Berlin go to 3:00.
    firings(
        "30 2 * * *",
        BERLIN,
        "2026-03-28T12:00:00Z",
        &["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
    );
    // Half an hour is left out on Lord Howe Island.
    firings(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        &["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
    );
}

#[test]
fn steps_leave_out_what_a_clock_leaves_out() {
    firings(
        "*/30 * * * *",
        BERLIN,
        "2026-03-29T00:20:00Z",
        &[
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:30:00+02:00",
        ],
    );
}

#[test]
fn a_fixed_time_that_comes_twice_fires_once_at_the_first() {
    // At 3:00 on 25 October 2026 clocks in Berlin go back to 2:00.
    firings(
        "30 2 * * *",
        BERLIN,
        "2026-10-24T12:00:00Z",
        &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
    );
    // Asked in the second pass, the first is over.
    firings(
        "45 2 * * *",
        BERLIN,
        "2026-10-25T02:10:00+01:00",
        &["2026-10-26T02:45:00+01:00"],
    );
}

#[test]
fn steps_fire_in_both_passes_of_an_hour_that_comes_twice() {
    firings(
        "*/30 * * * *",
        BERLIN,
        "2026-10-25T01:50:00+02:00",
        &[
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ],
    );
}

#[test]
fn days_that_not_every_month_or_year_has_are_waited_for() {
    firings(
        "0 0 29 2 *",
        "UTC",
        "2026-11-21T00:00:00Z",
        &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"],
    );
    firings(
        "0 0 31 * *",
        "UTC",
        "2026-01-31T00:00:00Z",
        &["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"],
    );
    firings(
        "59 23 L * *",
        "UTC",
        "2028-01-31T23:59:00Z",
        &["2028-02-29T23:59:00Z", "2028-03-31T23:59:00Z"],
    );
    // 2100 is no leap year.
    firings(
        "0 0 29 2 *",
        "UTC",
        "2096-03-01T00:00:00Z",
        &["2104-02-29T00:00:00Z"],
    );
}

#[test]
fn a_day_of_month_and_a_day_of_week_fire_on_either() {
    // The 13th, and every Friday.
    firings(
        "0 0 13 * 5",
        "UTC",
        "2026-10-08T00:00:00Z",
        &[
            "2026-10-09T00:00:00Z",
            "2026-10-13T00:00:00Z",
            "2026-10-16T00:00:00Z",
        ],
    );
    // With a plus, only where both fall together.
    firings(
        "0 0 13 * +5",
        "UTC",
        "2026-03-14T00:00:00Z",
        &["2026-11-13T00:00:00Z"],
    );
    // Sunday is 0 and 7.
    for sunday in ["0", "7", "SUN"] {
        firings(
            &format!("0 0 * * {sunday}"),
            "UTC",
            "2026-11-21T00:00:00Z",
            &["2026-11-22T00:00:00Z"],
        );
    }
}

#[test]
fn a_day_that_a_zone_left_out_stops_no_search() {
    // Samoa had no 30 December 2011.
    firings(
        "0 5 * * *",
        "Pacific/Apia",
        "2011-12-29T12:00:00-10:00",
        &["2011-12-31T05:00:00+14:00"],
    );
}

#[test]
fn what_is_no_schedule_is_refused_with_the_fix() {
    for (cron, said) in [
        ("0 2 * *", "has 4 fields instead of five"),
        ("", "has 0 fields instead of five"),
        ("0 0 2 * * *", "has 6 fields instead of five"),
        ("@daily", "has 1 fields instead of five"),
        ("61 * * * *", "is no cron expression"),
        ("0 2 * * MOO", "is no cron expression"),
        ("5/10 * * * *", "is no cron expression"),
        ("*/0 * * * *", "is no cron expression"),
        ("MON 2 * * *", "the minute is `MON`, and has no names"),
        (
            "*/1000 * * * *",
            "the step `1000` of the minute is more than 59",
        ),
        (
            "0 2,3-9/24 * * *",
            "the step `24` of the hour is more than 23",
        ),
        ("0 2 * * *\n", "it has more than one line"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ] {
        let refused = Timing::parse(cron, "UTC").unwrap_err().to_string();
        assert!(refused.contains(said), "{cron}: {refused}");
        assert!(!refused.contains("Component"), "{cron}: {refused}");
    }
    let refused = Timing::parse("0 2 * * *", "Europe/Berln").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`Europe/Berln` is no time zone of the IANA database: write one such as `Europe/Berlin`, \
         or `UTC`"
    );
    assert!(Timing::parse("0 2 * * *", "").is_err());
    assert!(Timing::parse("0 2 * * *", "../etc/passwd").is_err());
}

#[test]
fn a_zone_has_one_name_however_it_is_written() {
    assert_eq!(timing("0 2 * * *", "europe/berlin").zone(), BERLIN);
    assert_eq!(timing("0 2 * * *", "UTC").zone(), "UTC");
}

#[test]
fn a_schedule_is_spread_by_its_name_and_always_by_the_same() {
    let midnight = datetime!(2026-11-22 00:00 UTC);
    let delay = |app: &str| {
        let timing = timing("0 0 * * *", "UTC").spread(600, app, "nightly");
        let next = timing.after(datetime!(2026-11-21 12:00 UTC)).unwrap();
        assert_eq!(timing.until(next), Some(next));
        assert!(timing.until(next - Duration::SECOND).unwrap() < midnight);
        next - midnight
    };

    let delays: std::collections::BTreeSet<Duration> =
        (0..100).map(|n| delay(&format!("app{n}"))).collect();
    assert!(delays.len() > 50, "{delays:?}");
    assert!(*delays.first().unwrap() >= Duration::ZERO);
    assert!(*delays.last().unwrap() <= Duration::seconds(600));
    assert_eq!(delay("app1"), delay("app1"));
}

proptest! {
    /// Forward and back agree on which moments are firings, in zones whose clocks change.
    #[test]
    fn firings_are_the_same_seen_from_both_sides(
        cron in prop::sample::select(vec![
            "* * * * *", "*/7 * * * *", "30 2 * * *", "15 1-3 * * *", "0 */6 * * *",
            "45 23 * * 0", "0 0 1 * *", "0 0 29 2 *", "30 1,2,3 25-31 3,10 *", "0 0 L * *",
            "5 4 13 * 5",
        ]),
        zone in prop::sample::select(vec![
            "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
            "America/Sao_Paulo", "Africa/Casablanca",
        ]),
        second in 1_735_689_600_i64..1_830_297_600,
    ) {
        let timing = timing(cron, zone);
        let moment = OffsetDateTime::from_unix_timestamp(second).unwrap();

        let next = timing.after(moment).unwrap();
        prop_assert!(next > moment);
        prop_assert_eq!(timing.until(next), Some(next));
        let last = timing.until(moment).unwrap();
        prop_assert!(last <= moment);
        prop_assert_eq!(timing.after(last), Some(next));
        prop_assert_eq!(timing.until(next - Duration::SECOND), Some(last));
    }
}
