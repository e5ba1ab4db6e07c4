//! Why a manifest is refused.

use crate::app::Finding;

/// Why a manifest is refused. Each case is the author's to fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("manifest.json is larger than {0} bytes")]
    TooLarge(usize),
    #[error("manifest.json is not UTF-8 text: save it as UTF-8")]
    NotUtf8,
    #[error("manifest.json is not valid JSON: {cause}{hint}")]
    NotJson { cause: String, hint: &'static str },
    #[error("manifest.json must be a JSON object, not {0}")]
    NotAnObject(&'static str),
    /// All that is wrong with it, so that the author mends it in one go.
    #[error("manifest.json: {}", joined(.0))]
    Rules(Vec<Finding>),
}

fn joined(findings: &[Finding]) -> String {
    let texts: Vec<_> = findings.iter().map(|found| found.text.as_str()).collect();
    texts.join("; ")
}
