//! Dates, times and intervals in ISO style, as PostgreSQL prints them with `DateStyle = ISO`
//! and `IntervalStyle = postgres`.

use std::fmt::Write as _;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Days since 2000-01-01.
pub(super) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        days => {
            let (day, era) = civil(days.into());
            day + era
        }
    }
}

/// Microseconds since 2000-01-01 00:00.
pub(super) fn timestamp(micros: i64) -> String {
    instant(micros, "")
}

/// Microseconds since 2000-01-01 00:00 UTC.
pub(super) fn timestamp_with_zone(micros: i64) -> String {
    instant(micros, "+00")
}

fn instant(micros: i64, zone: &str) -> String {
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        micros => {
            let (day, era) = civil(micros.div_euclid(DAY));
            format!("{day} {}{zone}{era}", time(micros.rem_euclid(DAY)))
        }
    }
}

/// Microseconds since midnight.
pub(super) fn time(micros: i64) -> String {
    let seconds = micros / SECOND;
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    push_fraction(&mut text, micros % SECOND);
    text
}

fn push_fraction(text: &mut String, micros: i64) {
    if micros != 0 {
        let fraction = format!(".{micros:06}");
        text.push_str(fraction.trim_end_matches('0'));
    }
}

/// Microseconds since midnight and seconds west of UTC.
pub(super) fn time_with_zone(raw: &[u8]) -> Result<String, &'static str> {
    let (micros, rest) = raw
        .split_first_chunk::<8>()
        .ok_or("a timetz is cut short")?;
    let (west, _) = rest
        .split_first_chunk::<4>()
        .ok_or("a timetz is cut short")?;
    let west = i32::from_be_bytes(*west);
    let east = west.unsigned_abs();

    let mut text = time(i64::from_be_bytes(*micros));
    text.push(if west > 0 { '-' } else { '+' });
    let _ = write!(text, "{:02}", east / 3600);
    if east % 3600 != 0 {
        let _ = write!(text, ":{:02}", east / 60 % 60);
    }
    if east % 60 != 0 {
        let _ = write!(text, ":{:02}", east % 60);
    }
    Ok(text)
}

/// Microseconds, days and months.
pub(super) fn interval(raw: &[u8]) -> Result<String, &'static str> {
    let (micros, rest) = raw
        .split_first_chunk::<8>()
        .ok_or("an interval is cut short")?;
    let (days, rest) = rest
        .split_first_chunk::<4>()
        .ok_or("an interval is cut short")?;
    let (months, _) = rest
        .split_first_chunk::<4>()
        .ok_or("an interval is cut short")?;
    let micros = i64::from_be_bytes(*micros);
    let days = i32::from_be_bytes(*days);
    let months = i32::from_be_bytes(*months);

    let mut parts = Vec::new();
    // After a negative part PostgreSQL writes the sign of a positive one too.
    let mut negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let plus = if negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{plus}{count} {unit}{plural}"));
            negative = count < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = match (micros < 0, negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        let total = micros.unsigned_abs();
        let seconds = total / SECOND.unsigned_abs();
        let mut text = format!(
            "{sign}{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        let fraction = total % SECOND.unsigned_abs();
        push_fraction(&mut text, i64::try_from(fraction).unwrap_or_default());
        parts.push(text);
    }
    Ok(parts.join(" "))
}

/// The day and, before the common era, ` BC`. The algorithm is Howard Hinnant's
/// `civil_from_days`, which holds for every day that PostgreSQL knows.
fn civil(days_since_2000: i64) -> (String, &'static str) {
    // From 0000-03-01, so that a leap day ends a year.
    let days = days_since_2000 + 10_957 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);

    if year > 0 {
        (format!("{year:04}-{month:02}-{day:02}"), "")
    } else {
        // The year 0 of astronomers is 1 BC.
        (format!("{:04}-{month:02}-{day:02}", 1 - year), " BC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_the_year_2000() {
        assert_eq!(date(0), "2000-01-01");
        assert_eq!(date(59), "2000-02-29");
        assert_eq!(date(-1), "1999-12-31");
        assert_eq!(date(-730_119), "0001-01-01");
        assert_eq!(date(-730_120), "0001-12-31 BC");
        assert_eq!(date(i32::MAX), "infinity");
    }

    #[test]
    fn instants_show_only_the_decimals_they_have() {
        assert_eq!(timestamp(0), "2000-01-01 00:00:00");
        assert_eq!(timestamp(-500_000), "1999-12-31 23:59:59.5");
        assert_eq!(timestamp_with_zone(1), "2000-01-01 00:00:00.000001+00");
        assert_eq!(timestamp(i64::MIN), "-infinity");
    }

    #[test]
    fn intervals_are_written_as_postgresql_does() {
        let raw = |micros: i64, days: i32, months: i32| {
            [
                &micros.to_be_bytes()[..],
                &days.to_be_bytes(),
                &months.to_be_bytes(),
            ]
            .concat()
        };
        for (expected, raw) in [
            ("00:00:00", raw(0, 0, 0)),
            (
                "1 year 2 mons 3 days 04:05:06.7",
                raw(14_706_700_000, 3, 14),
            ),
            ("-1 days +02:00:00", raw(7_200_000_000, -1, 0)),
            ("1 day -00:00:01", raw(-1_000_000, 1, 0)),
            ("-1 years -2 mons", raw(0, 0, -14)),
        ] {
            assert_eq!(interval(&raw).unwrap(), expected);
        }
    }

    #[test]
    fn a_zone_is_written_east_of_utc() {
        let raw =
            |micros: i64, west: i32| [&micros.to_be_bytes()[..], &west.to_be_bytes()].concat();
        assert_eq!(time_with_zone(&raw(0, -7_200)).unwrap(), "00:00:00+02");
        assert_eq!(time_with_zone(&raw(0, 12_600)).unwrap(), "00:00:00-03:30");
    }
}
