//! A setting: what a manifest declares of it, and which values fit.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::schedule;

/// The longest text, in characters, unless the manifest says less.
const MAX_TEXT: u64 = 10_000;
/// The largest file, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// One setting of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) label: String,
    /// Plain text.
    pub(crate) description: String,
    pub(crate) kind: Kind,
    /// What counts while no value is set. It fits.
    pub(crate) default: Option<Value>,
    /// Whether the app cannot work without a value.
    pub(crate) required: bool,
}

// Numbers are those of JSON, which are never NaN.
impl Eq for Setting {}

/// What values a setting takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A text; `min` and `max` count characters.
    Text {
        min: Option<u64>,
        max: Option<u64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    /// True or false.
    Toggle,
    /// One of these texts.
    Select {
        options: Vec<SelectOption>,
    },
    /// When something happens: five fields, as cron has them.
    Cron,
    /// An address; of these schemes, if there are any.
    Url {
        schemes: Vec<String>,
    },
    /// A number from 1 to 65535.
    Port,
    /// The text of a file; `max` counts bytes. Its name and media type are for whoever sets it.
    File {
        max: Option<u64>,
        accept: Option<String>,
    },
}

/// One choice of a `select`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SelectOption {
    pub(crate) value: String,
    pub(crate) label: String,
}

/// Why a value does not fit a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting `{key}` must be {expected}")]
pub(crate) struct Unfit {
    key: String,
    expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected(String);

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Setting {
    /// Decides whether a value fits.
    pub(crate) fn admit(&self, value: &Value) -> Result<(), Unfit> {
        if self.kind.fits(value) {
            Ok(())
        } else {
            Err(Unfit {
                key: self.key.clone(),
                expected: Expected(self.kind.expected()),
            })
        }
    }

    /// What the app reads: the value that was set if it fits, else the default.
    pub(crate) fn effective<'a>(&'a self, set: Option<&'a Value>) -> Option<&'a Value> {
        set.filter(|value| self.kind.fits(value))
            .or(self.default.as_ref())
    }
}

impl Kind {
    /// The kind's name in manifests.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Number { .. } => "number",
            Self::Toggle => "toggle",
            Self::Select { .. } => "select",
            Self::Cron => "cron",
            Self::Url { .. } => "url",
            Self::Port => "port",
            Self::File { .. } => "file",
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text { min, max } => text(value).is_some_and(|text| {
                let length = count(text.chars().count());
                length >= min.unwrap_or(0) && length <= max.unwrap_or(MAX_TEXT).min(MAX_TEXT)
            }),
            Self::Number { min, max } => value.as_f64().is_some_and(|number| {
                min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
            }),
            Self::Toggle => value.is_boolean(),
            Self::Select { options } => {
                text(value).is_some_and(|text| options.iter().any(|option| option.value == text))
            }
            Self::Cron => text(value).is_some_and(is_cron),
            Self::Url { schemes } => text(value).is_some_and(|text| is_url(text, schemes)),
            Self::Port => value
                .as_u64()
                .is_some_and(|port| (1..=u64::from(u16::MAX)).contains(&port)),
            Self::File { max, .. } => text(value)
                .is_some_and(|text| count(text.len()) <= max.unwrap_or(MAX_FILE).min(MAX_FILE)),
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Text { min, max } => {
                let (min, max) = (min.unwrap_or(0), max.unwrap_or(MAX_TEXT).min(MAX_TEXT));
                format!("a text of {min} to {max} characters")
            }
            Self::Number { min, max } => match (min, max) {
                (None, None) => "a number".to_owned(),
                (Some(min), None) => format!("a number of at least {min}"),
                (None, Some(max)) => format!("a number of at most {max}"),
                (Some(min), Some(max)) => format!("a number from {min} to {max}"),
            },
            Self::Toggle => "true or false".to_owned(),
            Self::Select { options } => {
                let words: Vec<String> = options
                    .iter()
                    .map(|option| format!("{:?}", option.value))
                    .collect();
                format!("one of {}", words.join(", "))
            }
            Self::Cron => "a schedule of five fields such as \"0 6 * * 1-5\"".to_owned(),
            Self::Url { schemes } if schemes.is_empty() => {
                "an address such as \"https://example.com\"".to_owned()
            }
            Self::Url { schemes } => {
                format!("an address that begins with {}", schemes.join(" or "))
            }
            Self::Port => "a whole number from 1 to 65535".to_owned(),
            Self::File { max, .. } => {
                let max = max.unwrap_or(MAX_FILE).min(MAX_FILE);
                format!("the text of a file of at most {max} bytes")
            }
        }
    }
}

/// A text that the database can keep.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.contains('\0'))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn is_cron(text: &str) -> bool {
    schedule::timing::pattern(text).is_ok()
}

fn is_url(text: &str, schemes: &[String]) -> bool {
    Url::parse(text).is_ok_and(|url| {
        schemes.is_empty()
            || schemes
                .iter()
                .any(|scheme| scheme.eq_ignore_ascii_case(url.scheme()))
    })
}

#[cfg(test)]
mod tests;
