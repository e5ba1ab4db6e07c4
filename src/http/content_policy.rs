//! What a browser may do with an answer of ours: the one place where that is said.

use axum::http::{HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ApiError;
use crate::services::Entropy;

/// For answers that are no pages: they may load nothing, and no page may frame them.
pub(super) const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// For scripts of apps, which a page may run as workers: as little as the page itself may.
pub(super) const SCRIPT: &str =
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'";

/// Headers of an answer that is a page.
pub(super) type Headers = [(HeaderName, HeaderValue); 5];

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
pub(super) fn page(html: &str, entropy: &Entropy) -> Result<(Headers, String), ApiError> {
    let nonce = nonce(entropy);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let permissions = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
    Ok((headers(policy, permissions)?, html.replace(PLACE, &nonce)))
}

/// Says what a page with an app in it may load; what comes back beside the headers is its nonce.
///
/// An app's page makes HTML of texts and gives elements styles, as the contract's libraries do.
/// Scripts written into the page run by the nonce, others when they are files of this host; no
/// handler in an attribute, nothing that a text is made of, and nothing of another host. Forms
/// are for scripts to read: none is sent anywhere.
///
/// These are two policies, and both must allow a script: a nonce alone would let in scripts of
/// other hosts, those that a script with a nonce imports too.
///
/// # Errors
///
/// None that could happen: the nonce is plain ASCII.
pub(super) fn shell(entropy: &Entropy) -> Result<(Headers, String), ApiError> {
    let nonce = nonce(entropy);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'self'; script-src-attr 'none'; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
         media-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none', \
         script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
    );
    Ok((headers(policy, "payment=(), usb=()")?, nonce))
}

fn nonce(entropy: &Entropy) -> String {
    STANDARD.encode(entropy.bytes::<18>())
}

fn headers(policy: String, permissions: &'static str) -> Result<Headers, ApiError> {
    let policy = HeaderValue::try_from(policy).map_err(|error| ApiError::Internal(error.into()))?;
    let fixed = |name: &'static str, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Ok([
        (header::CONTENT_SECURITY_POLICY, policy),
        fixed("referrer-policy", "same-origin"),
        fixed("cross-origin-opener-policy", "same-origin"),
        fixed("x-frame-options", "DENY"),
        fixed("permissions-policy", permissions),
    ])
}
