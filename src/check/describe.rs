//! The bundle as such, and its manifest, as the deploy reads them.

mod locate;

use super::problem::{Lines, Problem};
use super::rule::{Rule, Severity};
use super::rules::bundle;
use super::{settled, sql};
use crate::app::{
    Bundle, BundleError, Description, DescriptionError, Finding, MANIFEST, ManifestError,
};

/// What is wrong with files that are no bundle.
pub(crate) fn refused(error: &BundleError) -> Problem {
    let rule = match error {
        BundleError::Wrapped(_) => &bundle::WRAPPED,
        BundleError::NotAZip
        | BundleError::Damaged(_)
        | BundleError::Empty
        | BundleError::Path(..)
        | BundleError::NotUtf8(_)
        | BundleError::Special(..)
        | BundleError::Duplicate(_)
        | BundleError::FileAndFolder(_)
        | BundleError::Encrypted(_)
        | BundleError::Compression(_)
        | BundleError::DamagedMember(..)
        | BundleError::Inconsistent(..)
        | BundleError::InconsistentZip(_)
        | BundleError::UploadTooLarge(_)
        | BundleError::TooManyEntries(_)
        | BundleError::FileTooLarge(..)
        | BundleError::TotalTooLarge(_)
        | BundleError::Ratio(..)
        | BundleError::Read(..)
        | BundleError::Write(_) => &bundle::UNSAFE_BUNDLE,
    };
    Problem::new(rule, error.to_string())
}

/// Looks at the bundle as such and at its manifest, the SQL in it included.
pub(crate) fn describe(bundle: &Bundle) -> Vec<Problem> {
    let text = bundle
        .file(MANIFEST)
        .map(|bytes| String::from_utf8_lossy(bytes));
    let manifest = Text::new(text.as_deref());
    let (mut problems, parsed) = match Description::read(bundle) {
        Ok(description) => {
            let warnings = description.warnings.iter();
            let problems = warnings.map(|finding| manifest.warning(finding)).collect();
            (problems, Some(description.manifest))
        }
        Err(error) => {
            let found = bundle.warnings();
            let mut problems: Vec<_> = found.iter().map(|found| manifest.warning(found)).collect();
            problems.extend(manifest.error(&error));
            (problems, None)
        }
    };
    if let Some(parsed) = &parsed {
        problems.extend(sql::of_manifest(parsed, |place, problem| {
            manifest.at(place, problem)
        }));
    }
    settled(problems)
}

/// The manifest's text, for finding places in it.
struct Text<'a> {
    text: &'a str,
    lines: Lines<'a>,
}

impl<'a> Text<'a> {
    fn new(text: Option<&'a str>) -> Self {
        let text = text.unwrap_or_default();
        Self {
            text,
            lines: Lines::new(MANIFEST, text),
        }
    }

    /// A problem at a field such as `actions[0].name`; at the manifest's beginning where the
    /// field cannot be found.
    fn at(&self, field: &str, problem: Problem) -> Problem {
        let range = locate::field(self.text, field).unwrap_or(0..0);
        Problem {
            place: Some(self.lines.place(range)),
            ..problem
        }
    }

    /// What a rule of the manifest's or bundle's reader found. Its text names the field, if any,
    /// in backticks.
    fn found(&self, finding: &Finding, most: Severity) -> Problem {
        let rule = Rule::find(finding.rule).unwrap_or(&bundle::NOT_JSON);
        let problem = Problem::new(rule, finding.text.as_str()).at_most(most);
        let named = finding.text.split('`').skip(1).step_by(2);
        let found = named
            .map(|name| (name, locate::field(self.text, name)))
            .find_map(|(_, range)| range);
        match found {
            Some(range) => Problem {
                place: Some(self.lines.place(range)),
                ..problem
            },
            None => problem,
        }
    }

    fn warning(&self, finding: &Finding) -> Problem {
        self.found(finding, Severity::Warning)
    }

    fn error(&self, error: &DescriptionError) -> Vec<Problem> {
        match error {
            DescriptionError::ManifestMissing => {
                vec![Problem::new(&bundle::NO_MANIFEST, error.to_string())]
            }
            DescriptionError::Backend(error) => {
                vec![Problem::new(&bundle::NO_BACKEND, error.to_string())]
            }
            DescriptionError::Manifest(ManifestError::Rules(findings)) => {
                let findings = findings.iter();
                findings
                    .map(|found| self.found(found, Severity::Error))
                    .collect()
            }
            DescriptionError::Manifest(
                error @ (ManifestError::TooLarge(_)
                | ManifestError::NotUtf8
                | ManifestError::NotJson { .. }
                | ManifestError::NotAnObject(_)),
            ) => {
                let problem = Problem::new(&bundle::NOT_JSON, error.to_string());
                let range = locate::syntax_error(self.text).unwrap_or(0..0);
                vec![Problem {
                    place: Some(self.lines.place(range)),
                    ..problem
                }]
            }
        }
    }
}
