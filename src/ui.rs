//! What browsers are given: libraries that apps use, the layout around apps, and the admin pages.
//!
//! `ui/embed.rs` is the build script that compresses them and writes the table which is
//! included here. The pages are plain ES modules in `ui/admin`, the layout is in `ui/shell`.

/// A file, as it is and compressed.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The address of a library; of another file its path below its folder.
    pub(crate) path: &'static str,
    /// The content type.
    pub(crate) kind: &'static str,
    /// SHA-256 of the file as it is.
    pub(crate) digest: &'static str,
    pub(crate) plain: &'static [u8],
    pub(crate) brotli: &'static [u8],
    pub(crate) gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The library at an address.
pub(crate) fn library(address: &str) -> Option<&'static Asset> {
    LIBRARIES.iter().find(|asset| asset.path == address)
}

/// A file of the admin pages, by its path below their folder.
pub(crate) fn admin(path: &str) -> Option<&'static Asset> {
    ADMIN.iter().find(|asset| asset.path == path)
}

/// A file of the layout around apps, by its name.
pub(crate) fn shell(name: &str) -> Option<&'static Asset> {
    SHELL.iter().find(|asset| asset.path == name)
}

#[cfg(test)]
mod tests;
