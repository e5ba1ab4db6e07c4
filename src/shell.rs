//! Apps' pages: what of a release a browser gets, made ready once and kept.
//!
//! [`page`] takes `index.html` apart for the layout to put together; `http/shell.rs` serves.

mod addresses;
mod page;

pub(crate) use page::{NONCE, Page, PageError};

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::app::{Bundle, frontend};
use crate::ids::{AppName, ReleaseId};
use crate::store::{Store, blobs, releases};

/// What all frontends that are kept may take together, in bytes. A larger one is unpacked each
/// time that it is asked for.
const KEPT: u64 = 256 * 1024 * 1024;
/// About so many. Of a cache for few all is one part, so that one frontend may take all of it.
const ENTRIES: usize = 32;
/// Bundles that are unpacked at once: each may take as much memory as a bundle may have.
const AT_ONCE: usize = 2;
/// A smaller file, in bytes, is sent as it is.
const WORTH_PACKING: usize = 1024;

/// A file for browsers.
#[derive(Debug)]
pub(crate) struct File {
    /// The content type.
    pub(crate) kind: String,
    pub(crate) plain: Bytes,
    /// None where it would not be smaller.
    pub(crate) gzip: Option<Bytes>,
    /// Its SHA-256 as browsers write it: `sha256-…`.
    pub(crate) integrity: String,
}

/// What of a release a browser gets.
#[derive(Debug)]
pub(crate) struct Frontend {
    /// SHA-256 of its files and their paths; none where there are none.
    pub(crate) digest: Option<String>,
    /// `index.html` for the layout; none where the app has no page.
    pub(crate) page: Option<Result<Page, PageError>>,
    files: BTreeMap<String, File>,
}

impl Frontend {
    /// Makes ready what a bundle has for browsers. It takes a while.
    pub(crate) fn new(app: &AppName, bundle: &Bundle) -> Self {
        let digest = frontend::digest(bundle);
        let files: BTreeMap<String, File> = frontend::files(bundle)
            .map(|(path, contents)| (path.to_string(), File::new(path.as_str(), contents)))
            .collect();
        let addresses = addresses::Addresses {
            app,
            digest: digest.as_deref().unwrap_or_default(),
            files: &files,
        };
        let page = files
            .get(page::PATH)
            .map(|file| page::take_apart(&file.plain, &addresses));
        Self {
            digest,
            page,
            files,
        }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    fn bytes(&self) -> u64 {
        let files = self.files.iter().map(|(path, file)| {
            path.len() + file.plain.len() + file.gzip.as_ref().map_or(0, Bytes::len)
        });
        let page = match &self.page {
            Some(Ok(page)) => page.head.len() + page.body.len(),
            Some(Err(_)) | None => 0,
        };
        (files.sum::<usize>() + page) as u64
    }
}

impl File {
    fn new(path: &str, contents: &Bytes) -> Self {
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let ending = kind.suffix().unwrap_or_else(|| kind.subtype());
        let is_text = kind.type_() == mime_guess::mime::TEXT
            || matches!(ending.as_str(), "javascript" | "json" | "xml");
        // Some tables have an older name for scripts.
        let name = match ending.as_str() {
            "javascript" => "text/javascript",
            _ => kind.essence_str(),
        };
        let kind = if is_text {
            format!("{name}; charset=utf-8")
        } else {
            name.to_owned()
        };
        Self {
            gzip: (is_text && contents.len() >= WORTH_PACKING)
                .then(|| packed(contents))
                .flatten(),
            kind,
            integrity: integrity(contents),
            // Not a part of the bundle's memory, of which much may be the backend's.
            plain: Bytes::copy_from_slice(contents),
        }
    }
}

/// A file packed, where that makes it smaller.
fn packed(contents: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(contents).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < contents.len()).then(|| packed.into())
}

/// What a browser is told of a file, so that it takes no other.
fn integrity(contents: &[u8]) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(contents)))
}

/// The frontends of releases, those that were asked for last kept in memory. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Frontends(Arc<Inner>);

struct Inner {
    store: Store,
    kept: Cache<ReleaseId, Arc<Frontend>, ByBytes>,
    turns: Semaphore,
}

impl Frontends {
    pub(crate) fn new(store: Store) -> Self {
        Self(Arc::new(Inner {
            store,
            kept: Cache::with_weighter(ENTRIES, KEPT, ByBytes),
            turns: Semaphore::new(AT_ONCE),
        }))
    }

    /// What a release of an app has for browsers.
    ///
    /// # Errors
    ///
    /// When its bundle is not there any more or cannot be read.
    pub(crate) async fn of(
        &self,
        app: &AppName,
        release: ReleaseId,
    ) -> anyhow::Result<Arc<Frontend>> {
        let load = self.load(app, release);
        self.0.kept.get_or_insert_async(&release, load).await
    }

    /// The frontend with this digest, of any release of an app that can serve.
    ///
    /// # Errors
    ///
    /// As [`Self::of`].
    pub(crate) async fn with_digest(
        &self,
        app: &AppName,
        digest: &str,
    ) -> anyhow::Result<Option<Arc<Frontend>>> {
        match releases::with_frontend(self.0.store.pool(), app, digest).await? {
            Some(release) => Ok(Some(self.of(app, release).await?)),
            None => Ok(None),
        }
    }

    async fn load(&self, app: &AppName, release: ReleaseId) -> anyhow::Result<Arc<Frontend>> {
        let _turn = self.0.turns.acquire().await?;
        let pool = self.0.store.pool();
        let digest = releases::bundle_of(pool, release)
            .await?
            .context("the release has no bundle any more")?;
        let zip = blobs::find(pool, &digest)
            .await?
            .context("the bundle is not there any more")?;
        let app = app.clone();
        let frontend = tokio::task::spawn_blocking(move || {
            let bundle = Bundle::from_zip(&zip)?;
            anyhow::Ok(Frontend::new(&app, &bundle))
        });
        Ok(Arc::new(frontend.await??))
    }
}

/// The bytes that a frontend takes, and a little for the frontend itself.
#[derive(Clone)]
struct ByBytes;

impl Weighter<ReleaseId, Arc<Frontend>> for ByBytes {
    fn weight(&self, _: &ReleaseId, frontend: &Arc<Frontend>) -> u64 {
        1024 + frontend.bytes()
    }
}

#[cfg(test)]
mod tests;
