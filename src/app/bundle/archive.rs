//! A bundle as a zip, read by its central directory.
//!
//! The local headers must agree with it, so that whoever else reads the zip sees the same
//! bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};

use bytes::Bytes;
use zip::read::{ZipFileEntry, ZipReadOptions};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::collector::{Collector, ReadError};
use super::error::shown;
use super::{Bundle, BundleError, BundlePath, Limits, junk};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads a zip.
pub(super) fn read(zip: &[u8], limits: &Limits) -> Result<Bundle, BundleError> {
    if zip.len() as u64 > limits.upload {
        return Err(BundleError::UploadTooLarge(limits.upload));
    }
    refuse_huge_directories(zip, limits)?;
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|error| not_opened(zip, error))?;
    if archive.has_duplicate_names() {
        return Err(BundleError::Duplicate(duplicate_name(zip, &archive)));
    }

    let mut collector = Collector::new(limits, Some(zip.len() as u64));
    for index in 0..archive.len() {
        collector.count_entry()?;
        read_member(&mut archive, index, &mut collector)?;
    }
    // After the members, whose errors can name them: members that share bytes, and files
    // that only a reader of local headers would find.
    archive
        .validate_header_consistency()
        .map_err(|error| BundleError::InconsistentZip(error.to_string()))?;
    collector.finish(None)
}

fn read_member(
    archive: &mut Archive<'_>,
    index: usize,
    collector: &mut Collector<'_>,
) -> Result<(), BundleError> {
    let entry = archive.by_index_data(index).map_err(damaged)?;
    let name = std::str::from_utf8(entry.name_raw())
        .map_err(|_| BundleError::NotUtf8(shown(&String::from_utf8_lossy(entry.name_raw()))))?;
    let is_folder = name.ends_with(['/', '\\']);
    let name = shown(name);
    let path = member_path(&entry, is_folder)?;

    // The root itself, which some packers list.
    let Some(path) = path else { return Ok(()) };
    if junk::is_left_out_of_zip(&path) {
        collector.skip(name);
        return Ok(());
    }
    if entry.encrypted() {
        return Err(BundleError::Encrypted(name));
    }
    let method = entry.compression();
    if method != CompressionMethod::Stored && method != CompressionMethod::Deflated {
        return Err(BundleError::Compression(name));
    }

    let declared = entry.size();
    let options = ZipReadOptions::new().enforce_header_consistency(true);
    let file = match archive.by_index_with_options(index, options) {
        Ok(file) => file,
        Err(error) => return Err(refused(name, error)),
    };
    if is_folder {
        if declared > 0 {
            return Err(BundleError::FileAndFolder(name));
        }
        collector.folder(path);
        return Ok(());
    }
    match collector.file(path, file) {
        Ok(size) if size == declared => Ok(()),
        Ok(size) => Err(BundleError::DamagedMember(
            name,
            format!("{declared} bytes declared, {size} found"),
        )),
        Err(ReadError::Rule(error)) => Err(error),
        Err(ReadError::Io(error)) => Err(BundleError::DamagedMember(name, error.to_string())),
    }
}

/// Decides where a member goes; nowhere if it is the root.
fn member_path(
    entry: &ZipFileEntry<'_>,
    is_folder: bool,
) -> Result<Option<BundlePath>, BundleError> {
    let name = String::from_utf8_lossy(entry.name_raw());
    if is_folder && name.trim_end_matches(['/', '\\']) == "." {
        return Ok(None);
    }
    if let Some(kind) = special_kind(entry.external_attributes() >> 16, is_folder) {
        return Err(BundleError::Special(shown(&name), kind));
    }
    match BundlePath::parse(&name) {
        Ok(path) => Ok(Some(path)),
        Err(error) => Err(BundleError::Path(shown(&name), error)),
    }
}

/// Names what a Unix mode says that a member is, unless it is what its name says.
// The mode is read whatever system the zip claims to come from: others leave it zero.
fn special_kind(mode: u32, is_folder: bool) -> Option<&'static str> {
    match mode & 0o170_000 {
        0 => None,
        0o100_000 if !is_folder => None,
        0o040_000 if is_folder => None,
        0o100_000 => Some("file with the name of a folder"),
        0o040_000 => Some("folder with the name of a file"),
        0o120_000 => Some("symbolic link"),
        _ => Some("device, pipe or socket"),
    }
}

fn refused(name: String, error: ZipError) -> BundleError {
    if let ZipError::InvalidArchive(cause) = error {
        BundleError::Inconsistent(name, cause.into_owned())
    } else {
        BundleError::DamagedMember(name, error.to_string())
    }
}

fn damaged(error: ZipError) -> BundleError {
    BundleError::Damaged(error.to_string())
}

fn not_opened(zip: &[u8], error: ZipError) -> BundleError {
    if zip.starts_with(b"PK") {
        damaged(error)
    } else {
        BundleError::NotAZip
    }
}

/// Refuses a zip that announces more entries than are allowed, before anything is allocated
/// for them.
///
/// Every place that a reader may take for the end of the directory is looked at. ZIP64, where
/// the number would stand elsewhere, is for larger archives than a bundle can be.
fn refuse_huge_directories(zip: &[u8], limits: &Limits) -> Result<(), BundleError> {
    const END_SIZE: usize = 22;
    const MAX_COMMENT: usize = 0xffff;
    let start = zip.len().saturating_sub(END_SIZE + MAX_COMMENT);
    let tail = zip.get(start..).unwrap_or_default();

    for end in tail
        .windows(END_SIZE)
        .filter(|end| end.starts_with(b"PK\x05\x06"))
    {
        let entries = [8, 10].map(|at| usize::from(u16_at(end, at)));
        let is_zip64 = [12, 14, 16, 18].map(|at| u16_at(end, at)) == [0xffff; 4];
        if is_zip64 || entries.iter().any(|entries| *entries > limits.entries) {
            return Err(BundleError::TooManyEntries(limits.entries));
        }
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some([low, high]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

/// Finds the first name that the central directory lists twice, which the reader folds
/// into one.
fn duplicate_name(zip: &[u8], archive: &Archive<'_>) -> String {
    const HEADER: usize = 46;
    let mut at = usize::try_from(archive.central_directory_start()).unwrap_or(usize::MAX);
    let mut seen = BTreeSet::new();
    while let Some(header) = zip.get(at..).filter(|rest| rest.starts_with(b"PK\x01\x02")) {
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(header, at)));
        let name = header.get(HEADER..HEADER + name).unwrap_or_default();
        if !seen.insert(name) {
            return shown(&String::from_utf8_lossy(name));
        }
        at += HEADER + name.len() + extra + comment;
    }
    "a member".to_owned()
}

/// Writes a zip. Equal files give equal bytes.
pub(super) fn write(files: &BTreeMap<BundlePath, Bytes>) -> Result<Vec<u8>, BundleError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, contents) in files {
        zip.start_file(path.as_str(), options)?;
        zip.write_all(contents).map_err(ZipError::from)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests;
