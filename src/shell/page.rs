//! An app's `index.html`, taken apart for the layout: what belongs into its head, and the body.
//!
//! The page is read as a browser reads it, also where it leaves out tags that HTML lets one leave
//! out. Bootstrap goes, because the layout has it; scripts get the page's nonce.

use std::cell::Cell;

use lol_html::html_content::{ContentType, Element};
use lol_html::{RewriteStrSettings, doctype, element, rewrite_str};

use super::addresses::Addresses;

/// The page's place in a bundle.
pub(super) const PATH: &str = "index.html";

/// What stands for the nonce in a page that is taken apart.
pub(crate) const NONCE: &str = "{{skep-nonce}}";

/// The largest page, in bytes: each answer is made of it anew.
const LARGEST: usize = 4 * 1024 * 1024;

/// Around what belongs into the head.
const HEAD: &str = "<!--{{skep-head}}-->";
const END: &str = "<!--{{skep-end}}-->";

/// An app's page as the layout takes it in. [`NONCE`] stands for the nonce.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Styles, scripts and links of the head, in their order, behind what maps the modules.
    pub(crate) head: String,
    /// What was in the body.
    pub(crate) body: String,
}

/// Why there is nothing to show of a page. Each case is the author's to fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageError {
    #[error("its index.html is not UTF-8: save it in that encoding")]
    NotUtf8,
    #[error("its index.html has {0} bytes, and at most {LARGEST} are shown: move data out of it")]
    TooLarge(usize),
    #[error("its index.html cannot be read as HTML: {0}")]
    NotHtml(String),
}

/// Takes a page apart.
pub(super) fn take_apart(html: &[u8], addresses: &Addresses<'_>) -> Result<Page, PageError> {
    if html.len() > LARGEST {
        return Err(PageError::TooLarge(html.len()));
    }
    let html = std::str::from_utf8(html).map_err(|_| PageError::NotUtf8)?;
    let html = html.strip_prefix('\u{feff}').unwrap_or(html);

    // Until something that belongs into no head: that begins the body, with or without a tag.
    let in_head = Cell::new(true);
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("*", |element| {
            rewrite(element, &in_head, addresses);
            Ok(())
        }))
        .append_document_content_handler(doctype!(|doctype| {
            doctype.remove();
            Ok(())
        }))
        // Of a page with mistakes a browser shows what it can; so do we.
        .with_strict(false)
        .with_enable_esi_tags(false);
    let text =
        rewrite_str(html, settings).map_err(|error| PageError::NotHtml(error.to_string()))?;

    let (mut head, mut body) = (modules(addresses), String::new());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(HEAD) {
        body.push_str(before);
        let (part, after) = after.split_once(END).unwrap_or((after, ""));
        head.push_str(part);
        head.push('\n');
        rest = after;
    }
    body.push_str(rest);
    Ok(Page {
        head,
        body: body.trim().to_owned(),
    })
}

/// Lets a module be the same one, whichever of its two addresses a script imports it by.
fn modules(addresses: &Addresses<'_>) -> String {
    let (now, for_good) = (addresses.folder(), addresses.folder_for_good());
    // The longer of two that fit counts.
    format!(
        "<script type=\"importmap\" nonce=\"{NONCE}\">\
         {{\"imports\":{{\"{now}\":\"{for_good}\",\"{for_good}\":\"{for_good}\"}}}}</script>\n"
    )
}

fn rewrite(element: &mut Element<'_, '_>, in_head: &Cell<bool>, addresses: &Addresses<'_>) {
    let tag = element.tag_name();
    match tag.as_str() {
        "html" | "head" => element.remove_and_keep_content(),
        "body" => {
            in_head.set(false);
            element.remove_and_keep_content();
        }
        // The layout has its own. A base would move every address; a meta element may lead away.
        "base" | "meta" => element.remove(),
        "title" | "noscript" if in_head.get() => element.remove(),
        "script" | "link" | "style" => {
            refer(element, &tag, addresses);
            if in_head.get() && !element.removed() {
                element.before(HEAD, ContentType::Html);
                element.after(END, ContentType::Html);
            }
        }
        _ => in_head.set(false),
    }
}

/// Takes out Bootstrap, gives a script its nonce, and names what is referred to by its contents.
fn refer(element: &mut Element<'_, '_>, tag: &str, addresses: &Addresses<'_>) {
    let reference = if tag == "script" { "src" } else { "href" };
    let target = element.get_attribute(reference);
    if target.as_deref().is_some_and(is_bootstrap) {
        element.remove();
        return;
    }
    if tag == "script" {
        // The name is a good one, so that it cannot fail.
        let _ = element.set_attribute("nonce", NONCE);
    }
    if let Some(named) = target.and_then(|target| addresses.find(&target)) {
        let _ = element.set_attribute(reference, &named.address);
        let _ = element.set_attribute("integrity", &named.integrity);
    }
}

/// Whether a reference is to Bootstrap itself, by the name of its file.
fn is_bootstrap(reference: &str) -> bool {
    let path = reference.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().trim();
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let mut parts = stem.split('.');
    parts.next() == Some("bootstrap")
        && matches!(ending, "css" | "js")
        && parts.all(|part| matches!(part, "bundle" | "esm" | "min" | "rtl"))
}

#[cfg(test)]
mod tests;
