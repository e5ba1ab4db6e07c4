//! Zips made byte by byte, for what no decent packer writes.

/// One member, and the lies told about it.
#[derive(Clone)]
pub(super) struct Member<'a> {
    name: &'a [u8],
    local_name: Option<&'a str>,
    contents: &'a [u8],
    mode: u32,
    flags: u16,
    method: u16,
    crc: u32,
    size: u32,
    at: Option<u32>,
    listed: bool,
}

impl<'a> Member<'a> {
    pub(super) fn new(name: &'a str, contents: &'a [u8]) -> Self {
        Self::from_bytes(name.as_bytes(), contents)
    }

    pub(super) fn from_bytes(name: &'a [u8], contents: &'a [u8]) -> Self {
        Self {
            name,
            local_name: None,
            contents,
            mode: 0,
            flags: 0,
            method: 0,
            crc: crc32(contents),
            size: contents.len() as u32,
            at: None,
            listed: true,
        }
    }

    pub(super) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(super) fn flags(self, flags: u16) -> Self {
        Self { flags, ..self }
    }

    pub(super) fn method(self, method: u16) -> Self {
        Self { method, ..self }
    }

    pub(super) fn crc(self, crc: u32) -> Self {
        Self { crc, ..self }
    }

    pub(super) fn size(self, size: u32) -> Self {
        Self { size, ..self }
    }

    pub(super) fn local_name(self, name: &'a str) -> Self {
        Self {
            local_name: Some(name),
            ..self
        }
    }

    pub(super) fn central_name(self, name: &'a str) -> Self {
        Self {
            name: name.as_bytes(),
            ..self
        }
    }

    /// Lists the member with the bytes that begin there.
    pub(super) fn at(self, at: u32) -> Self {
        Self {
            at: Some(at),
            ..self
        }
    }

    /// Leaves the member out of the central directory.
    pub(super) fn unlisted(self) -> Self {
        Self {
            listed: false,
            ..self
        }
    }

    /// What both headers have in common, from the flags to the length of the name.
    fn common(&self, name: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for half in [self.flags, self.method, 0, 0x21] {
            bytes.extend(half.to_le_bytes());
        }
        for word in [self.crc, self.contents.len() as u32, self.size] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes
    }
}

/// Lays out local headers and contents, the central directory and its end.
pub(super) fn raw_zip(members: &[Member<'_>]) -> Vec<u8> {
    let (mut zip, mut directory, mut listed) = (Vec::new(), Vec::new(), 0u16);
    for member in members {
        let at = member.at.unwrap_or(zip.len() as u32);
        if member.at.is_none() {
            let name = member.local_name.map_or(member.name, str::as_bytes);
            zip.extend(b"PK\x03\x04\x14\0");
            zip.extend(member.common(name));
            zip.extend([0, 0]);
            zip.extend(name);
            zip.extend(member.contents);
        }
        if member.listed {
            listed += 1;
            directory.extend(b"PK\x01\x02\x14\x03\x14\0");
            directory.extend(member.common(member.name));
            directory.extend([0; 8]);
            directory.extend((member.mode << 16).to_le_bytes());
            directory.extend(at.to_le_bytes());
            directory.extend(member.name);
        }
    }
    let start = zip.len() as u32;
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(listed.to_le_bytes());
    zip.extend(listed.to_le_bytes());
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
