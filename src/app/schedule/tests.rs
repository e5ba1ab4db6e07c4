use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const GRACE: Duration = Duration::minutes(5);

fn nightly() -> Timing {
    Timing::parse("0 2 * * *", "UTC").unwrap()
}

#[test]
fn a_firing_that_is_on_time_stands_for_its_time() {
    let planned = datetime!(2026-11-21 02:00 UTC);

    for missed in [Missed::RunOnce, Missed::Skip] {
        let now = planned + Duration::seconds(2);
        let expected = Firing {
            at: planned,
            missed_from: None,
            is_missed: false,
            next: Some(datetime!(2026-11-22 02:00 UTC)),
        };
        assert_eq!(due(&nightly(), missed, GRACE, planned, now), Some(expected));
        let early = planned - Duration::MICROSECOND;
        assert_eq!(due(&nightly(), missed, GRACE, planned, early), None);
    }
}

#[test]
fn three_days_that_were_missed_are_one_job_or_none() {
    let planned = datetime!(2026-11-21 02:00 UTC);
    let now = datetime!(2026-11-24 01:00 UTC);
    let expected = |is_missed| Firing {
        at: datetime!(2026-11-23 02:00 UTC),
        missed_from: Some(planned),
        is_missed,
        next: Some(datetime!(2026-11-24 02:00 UTC)),
    };

    assert_eq!(
        due(&nightly(), Missed::RunOnce, GRACE, planned, now),
        Some(expected(false))
    );
    assert_eq!(
        due(&nightly(), Missed::Skip, GRACE, planned, now),
        Some(expected(true))
    );
}

#[test]
fn the_newest_of_missed_times_may_still_be_on_time() {
    let planned = datetime!(2026-11-21 02:00 UTC);
    let firing = |now| due(&nightly(), Missed::Skip, GRACE, planned, now).unwrap();

    let at = datetime!(2026-11-23 02:00 UTC);
    assert!(!firing(at + GRACE).is_missed);
    assert_eq!(firing(at + GRACE).at, at);
    assert!(firing(at + GRACE + Duration::MICROSECOND).is_missed);
}

#[test]
fn what_overlaps_is_skipped_waits_or_is_cancelled() {
    use Admission::{CancelAndQueue, Queue, Skip, Wait};
    let cases = [
        (Overlap::SkipIfRunning, false, false, Queue),
        (Overlap::SkipIfRunning, true, false, Skip(Busy::Running)),
        (Overlap::QueueAfter, false, false, Queue),
        (Overlap::QueueAfter, true, false, Wait),
        (Overlap::QueueAfter, true, true, Skip(Busy::Waiting)),
        // Its turn has come, and nobody has queued it yet.
        (Overlap::QueueAfter, false, true, Skip(Busy::Waiting)),
        (Overlap::CancelActive, false, false, Queue),
        (Overlap::CancelActive, true, false, CancelAndQueue),
    ];
    for (overlap, active, waiting, expected) in cases {
        assert_eq!(
            overlap.admit(active, waiting),
            expected,
            "{overlap:?} {active} {waiting}"
        );
    }
}

#[test]
fn common_expressions_have_words() {
    assert_eq!(label("0 */4 * * *"), "Every 4 hours");
    assert_eq!(label("0 6 * * *"), "Daily at 6am");
    assert_eq!(label("7 6 * * *"), "7 6 * * *");
}

proptest! {
    /// However late and often somebody looks, and whichever policy holds: no instant fires
    /// twice, each is later than the one before, and none but the missed are left out.
    #[test]
    fn no_instant_fires_twice(
        cron in prop::sample::select(vec!["* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 1 * *"]),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
        skips in any::<bool>(),
        // Late March, and from there on.
        looks in prop::collection::vec(1_u32..400_000, 1..60),
    ) {
        let timing = Timing::parse(cron, zone).unwrap();
        let missed = if skips { Missed::Skip } else { Missed::RunOnce };
        let mut now = datetime!(2026-03-27 00:00:00.5 UTC);
        let mut planned = timing.after(now).unwrap();
        let mut last = now;
        for look in looks {
            now += Duration::seconds(look.into());
            let Some(firing) = due(&timing, missed, GRACE, planned, now) else {
                prop_assert!(planned > now);
                continue;
            };
            prop_assert!(firing.at > last && firing.at <= now);
            prop_assert_eq!(timing.after(last), Some(firing.missed_from.unwrap_or(firing.at)));
            let next = firing.next.unwrap();
            prop_assert!(next > now);
            // Nothing lies between what was decided and what comes next.
            prop_assert_eq!(timing.after(firing.at), Some(next));
            prop_assert_eq!(firing.is_missed, skips && now - firing.at > GRACE);
            last = firing.at;
            planned = next;
        }
    }
}
