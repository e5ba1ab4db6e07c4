//! A time as people write it: so long ago, or RFC 3339.

use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// A time, or how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Since {
    Ago(Duration),
    At(OffsetDateTime),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write how long ago, such as 30s, 15m, 2h or 7d, or a time such as 2026-11-21T00:00:00Z")]
pub(in crate::cli) struct NotATime;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write how long ago, such as 12h or 30d")]
pub(in crate::cli) struct NotAnAge;

impl Since {
    /// How long ago, where that was said.
    ///
    /// # Errors
    ///
    /// When a time was said.
    pub(in crate::cli) fn ago(self) -> Result<Duration, NotAnAge> {
        match self {
            Self::Ago(time) => Ok(time),
            Self::At(_) => Err(NotAnAge),
        }
    }

    /// The time, as seen from another, in the form of RFC 3339.
    pub(super) fn before(self, now: OffsetDateTime) -> anyhow::Result<String> {
        let at = match self {
            Self::Ago(time) => now.checked_sub(time).ok_or(NotATime)?,
            Self::At(at) => at,
        };
        Ok(at.format(&Rfc3339)?)
    }
}

impl FromStr for Since {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(at));
        }
        let unit = text.chars().last().ok_or(NotATime)?;
        let seconds: i64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(NotATime),
        };
        let number: u32 = text
            .strip_suffix(unit)
            .and_then(|number| number.parse().ok())
            .ok_or(NotATime)?;
        Ok(Self::Ago(Duration::seconds(i64::from(number) * seconds)))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_is_written_as_people_write_it() {
        let now = datetime!(2026-11-21 12:00 UTC);
        for (text, time) in [
            ("90s", "2026-11-21T11:58:30Z"),
            ("15m", "2026-11-21T11:45:00Z"),
            ("2h", "2026-11-21T10:00:00Z"),
            ("7d", "2026-11-14T12:00:00Z"),
            ("2026-11-20T12:00:00+02:00", "2026-11-20T12:00:00+02:00"),
        ] {
            let since: Since = text.parse().unwrap();
            assert_eq!(since.before(now).unwrap(), time, "{text}");
        }
        for text in ["", "h", "1", "1w", "-1h", "1.5h", "2026-11-20", "1ä"] {
            assert_eq!(text.parse::<Since>(), Err(NotATime), "{text}");
        }
    }
}
