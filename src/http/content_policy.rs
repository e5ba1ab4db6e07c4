//! What a browser may do with an answer of ours: the one place where that is said.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponseParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ApiError;
use crate::services::Entropy;

/// For answers that are no pages: they may load nothing, and no page may frame them.
pub(super) const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// What stands for a page's nonce in its HTML.
const PLACE: &str = "{nonce}";

/// Gives a page of ours its nonce, and says what it may load: scripts and styles that carry
/// the nonce and what those import, and answers of this host.
///
/// Scripts cannot make HTML or scripts of texts: that takes a Trusted Type, and there is no
/// policy that could make one. Other hosts, frames, plugins, workers and inline handlers
/// are out.
///
/// # Errors
///
/// None that could happen: the nonce is plain ASCII.
pub(super) fn page(
    html: &str,
    entropy: &Entropy,
) -> Result<(impl IntoResponseParts, String), ApiError> {
    let nonce = STANDARD.encode(entropy.bytes::<18>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let policy = HeaderValue::try_from(policy).map_err(|error| ApiError::Internal(error.into()))?;
    let fixed = |name: &'static str, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        fixed("referrer-policy", "same-origin"),
        fixed("cross-origin-opener-policy", "same-origin"),
        fixed("x-frame-options", "DENY"),
        fixed(
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    Ok((headers, html.replace(PLACE, &nonce)))
}
