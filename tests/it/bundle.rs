//! What tests deploy: a zip with a manifest, made on the spot.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::guest;

/// A bundle on its way to being a zip.
#[derive(Clone)]
pub(crate) struct Bundle {
    manifest: Value,
    files: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    /// A bundle with a manifest that says the least.
    pub(crate) fn new(app: &str) -> Self {
        Self {
            manifest: json!({ "app_name": app, "version": "1.0.0" }),
            files: Vec::new(),
        }
    }

    /// A bundle of one of the guests in `tests/guests`.
    pub(crate) fn of_guest(app: &str, guest: &str) -> Self {
        Self::new(app).file("component.wasm", guest::component(guest))
    }

    /// Sets a key of the manifest.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.manifest[key] = value;
        self
    }

    pub(crate) fn version(self, version: &str) -> Self {
        self.with("version", json!(version))
    }

    pub(crate) fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), bytes.into()));
        self
    }

    pub(crate) fn zip(&self) -> Vec<u8> {
        let manifest = self.manifest.to_string();
        let all = self
            .files
            .iter()
            .map(|(path, bytes)| (path.as_str(), &**bytes));
        zip(std::iter::once(("manifest.json", manifest.as_bytes())).chain(all))
    }
}

/// A zip of these files, whatever they are.
pub(crate) fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        zip.start_file(path, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
