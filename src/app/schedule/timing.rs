//! When a schedule fires: a cron expression in a time zone.
//!
//! The time zones are part of the binary, so that all nodes agree and none needs the machine's.
//! Where a clock goes forward, a fixed time that does not exist that day fires at the first
//! moment after the gap; one with `*` or steps in its time goes on after it. Where a clock goes
//! back, a fixed time fires once, at the first of the two.

use std::sync::LazyLock;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The longest cron expression, in bytes.
const CRON_BYTES: usize = 200;
/// An expression that does not come between these years never comes: leap days on a certain
/// weekday are at most 40 years apart.
const FIRST: i64 = 946_684_800;
const LAST: Duration = Duration::days(60 * 366);
/// Changes of a zone's clock that a search is begun anew behind, where it does not come over one.
const TRIES: usize = 3;

/// One of the five fields of an expression.
struct Field {
    name: &'static str,
    /// Its largest number.
    most: u32,
    /// Names of months and days, and the last of a month.
    may_have_letters: bool,
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        most: 59,
        may_have_letters: false,
    },
    Field {
        name: "hour",
        most: 23,
        may_have_letters: false,
    },
    Field {
        name: "day of month",
        most: 31,
        may_have_letters: true,
    },
    Field {
        name: "month",
        most: 12,
        may_have_letters: true,
    },
    Field {
        name: "day of week",
        most: 7,
        may_have_letters: true,
    },
];

/// When a schedule fires.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    cron: Cron,
    zone: TimeZone,
    delay: Duration,
}

/// Why a cron expression and a time zone are not when something fires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTiming {
    #[error(
        "`{cron}` has {fields} fields instead of five: minute, hour, day of month, month and day \
         of week, such as `0 2 * * 1-5`"
    )]
    Fields { cron: String, fields: usize },
    #[error("`{cron}` is no cron expression: {why}; write one such as `0 2 * * 1-5`")]
    Cron { cron: String, why: String },
    #[error(
        "`{0}` is no time zone of the IANA database: write one such as `Europe/Berlin`, or `UTC`"
    )]
    Zone(String),
    #[error("`{0}` never comes: there is no such day in any year")]
    Never(String),
}

impl BadTiming {
    /// Whether it is the time zone that must be mended.
    pub(crate) fn is_of_zone(&self) -> bool {
        matches!(self, Self::Zone(_))
    }
}

impl Timing {
    /// Reads an expression of five fields, and the name of a time zone.
    ///
    /// # Errors
    ///
    /// When one of them is not that, or the expression never comes.
    pub(crate) fn parse(cron: &str, zone: &str) -> Result<Self, BadTiming> {
        let timing = Self {
            cron: pattern(cron)?,
            zone: time_zone(zone)?,
            delay: Duration::ZERO,
        };
        let first = OffsetDateTime::from_unix_timestamp(FIRST).ok();
        let comes = first.and_then(|first| {
            let next = timing.after(first)?;
            (next - first < LAST).then_some(next)
        });
        match comes {
            Some(_) => Ok(timing),
            None => Err(BadTiming::Never(cron.to_owned())),
        }
    }

    /// The same, later by up to so many seconds. How many follows from the schedule's name.
    pub(crate) fn spread(mut self, seconds: u32, app: &str, schedule: &str) -> Self {
        let digest = Sha256::digest(format!("{app}/{schedule}"));
        let chance = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let delay = chance % (u64::from(seconds) + 1);
        self.delay = Duration::seconds(i64::try_from(delay).unwrap_or_default());
        self
    }

    /// The zone's name as the IANA database writes it.
    pub(crate) fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first firing after a moment. None where there is none before the year 5000.
    pub(crate) fn after(&self, moment: OffsetDateTime) -> Option<OffsetDateTime> {
        let from = self.seen_from_here(moment)?;
        let found = self.cron.find_next_occurrence(&from, false).ok();
        // A gap of more than two hours ends the search: Samoa has left out a whole day.
        let found = found.or_else(|| {
            let changes = self.zone.following(from.timestamp());
            changes.take(TRIES).find_map(|change| {
                let behind = change.timestamp().to_zoned(self.zone.clone());
                self.cron.find_next_occurrence(&behind, true).ok()
            })
        })?;
        self.found(&found).filter(|found| *found > moment)
    }

    /// The last firing at a moment or before it.
    pub(crate) fn until(&self, moment: OffsetDateTime) -> Option<OffsetDateTime> {
        let from = self.seen_from_here(moment)?;
        let found = self.cron.find_previous_occurrence(&from, true).ok();
        let found = found.or_else(|| {
            let changes = self.zone.preceding(from.timestamp());
            changes.take(TRIES).find_map(|change| {
                let before = Timestamp::from_second(change.timestamp().as_second() - 1).ok()?;
                let before = before.to_zoned(self.zone.clone());
                self.cron.find_previous_occurrence(&before, true).ok()
            })
        })?;
        self.found(&found).filter(|found| *found <= moment)
    }

    /// The next firings after a moment.
    pub(crate) fn next(&self, moment: OffsetDateTime, most: usize) -> Vec<OffsetDateTime> {
        let firings = std::iter::successors(self.after(moment), |last| self.after(*last));
        firings.take(most).collect()
    }

    /// The time that a firing stands for: what it would be without the delay.
    pub(crate) fn nominal(&self, firing: OffsetDateTime) -> OffsetDateTime {
        firing - self.delay
    }

    fn seen_from_here(&self, moment: OffsetDateTime) -> Option<Zoned> {
        let second = (moment - self.delay).unix_timestamp();
        let moment = Timestamp::from_second(second).ok()?;
        Some(moment.to_zoned(self.zone.clone()))
    }

    fn found(&self, found: &Zoned) -> Option<OffsetDateTime> {
        let second = found.timestamp().as_second();
        Some(OffsetDateTime::from_unix_timestamp(second).ok()? + self.delay)
    }
}

/// Reads a cron expression of five fields, without seconds, years and nicknames.
pub(crate) fn pattern(cron: &str) -> Result<Cron, BadTiming> {
    let bad = |why: &str| BadTiming::Cron {
        cron: cron.chars().take(64).collect(),
        why: why.to_owned(),
    };
    if cron.len() > CRON_BYTES {
        return Err(bad("it is too long"));
    }
    if cron.chars().any(|char| char.is_control() && char != '\t') {
        return Err(bad("it has more than one line"));
    }
    let fields: Vec<&str> = cron.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let (cron, fields) = (cron.to_owned(), fields.len());
        return Err(BadTiming::Fields { cron, fields });
    }
    for (text, field) in fields.iter().zip(&FIELDS) {
        field.check(text).map_err(|why| bad(&why))?;
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    parser.parse(cron).map_err(|error| {
        let why = error.to_string();
        bad(why.strip_prefix("Component error: ").unwrap_or(&why))
    })
}

impl Field {
    /// Refuses what the parser lets pass though it cannot be meant.
    fn check(&self, text: &str) -> Result<(), String> {
        let name = self.name;
        if !self.may_have_letters && text.contains(char::is_alphabetic) {
            return Err(format!("the {name} is `{text}`, and has no names"));
        }
        let steps = text.split(',').filter_map(|part| part.split_once('/'));
        for (_, step) in steps {
            if step.parse::<u32>().is_ok_and(|step| step > self.most) {
                let most = self.most;
                return Err(format!(
                    "the step `{step}` of the {name} is more than {most}"
                ));
            }
        }
        Ok(())
    }
}

fn time_zone(name: &str) -> Result<TimeZone, BadTiming> {
    let zone = ZONES.get(name).ok();
    // A zone without a name would be one that is unknown.
    zone.filter(|zone| zone.iana_name().is_some())
        .ok_or_else(|| BadTiming::Zone(name.chars().take(64).collect()))
}

#[cfg(test)]
mod tests;
