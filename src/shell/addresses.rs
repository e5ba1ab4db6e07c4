//! Where a browser finds what a page refers to.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{File, integrity};
use crate::ids::AppName;
use crate::ui;

/// The addresses of an app's files, each with the digest of all in it, so that a browser may keep
/// what it got for good.
pub(super) struct Addresses<'a> {
    pub(super) app: &'a AppName,
    pub(super) digest: &'a str,
    pub(super) files: &'a BTreeMap<String, File>,
}

/// A file that a page refers to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) address: String,
    pub(super) integrity: String,
}

impl Addresses<'_> {
    /// The folder of the app's page: what stands there is what serves now.
    pub(super) fn folder(&self) -> String {
        format!("/apps/{}/", self.app)
    }

    /// The same folder, as it was when the page was made.
    pub(super) fn folder_for_good(&self) -> String {
        format!("/apps/{}/@{}/", self.app, self.digest)
    }

    /// What a reference in the page leads to; none where it is no file of the app and no library
    /// of ours.
    pub(super) fn find(&self, reference: &str) -> Option<Named> {
        // The host stands for ours: what leads to another is no file of the app.
        let base = Url::parse(&format!("http://skep.invalid{}", self.folder())).ok()?;
        let url = base.join(reference.trim()).ok()?;
        if url.origin() != base.origin() {
            return None;
        }
        if let Some(library) = ui::library(url.path()) {
            return url.query().is_none().then(|| Named {
                address: format!("{}?v={}", library.path, library.digest),
                integrity: integrity(library.plain),
            });
        }
        let path = url.path().strip_prefix(&self.folder())?;
        let name = percent_decode_str(path).decode_utf8().ok()?;
        let file = self.files.get(name.as_ref())?;
        let query = url
            .query()
            .map_or(String::new(), |query| format!("?{query}"));
        Some(Named {
            address: format!("{}{path}{query}", self.folder_for_good()),
            integrity: file.integrity.clone(),
        })
    }
}
