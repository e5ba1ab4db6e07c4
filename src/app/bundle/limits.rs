//! How large a bundle may be.

/// Bounds that hold while a bundle is read, so that a small hostile one cannot fill memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of the zip itself.
    pub(crate) upload: u64,
    /// Members, folders included.
    pub(crate) entries: usize,
    /// Bytes of one file.
    pub(crate) file: u64,
    /// Bytes of all files.
    pub(crate) total: u64,
    /// How many times larger than the zip its contents may be, once they exceed
    /// `ratio_from`.
    pub(crate) ratio: u64,
    /// Contents up to here may be packed as tightly as deflate can: one file of zeros
    /// is no attack.
    pub(crate) ratio_from: u64,
}

const MIB: u64 = 1024 * 1024;

impl Limits {
    /// The contract's own limits, and ours where it has none (`upload`, `entries`, `ratio`).
    pub(crate) const CONTRACT: Self = Self {
        upload: 128 * MIB,
        entries: 10_000,
        file: 50 * MIB,
        total: 500 * MIB,
        ratio: 250,
        ratio_from: 128 * MIB,
    };
}
