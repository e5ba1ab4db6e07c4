//! `wasi:filesystem`: what a cell asks of its folders, in the words of WASI.
//!
//! The bindings are wasmtime's, and so are their types of a descriptor and of a listing,
//! which stand for files of the host. They are names only: behind each is one of ours.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::stream::{Reader, Writer};
use super::tree::{Moment, NodeId, Opening, ROOT, Refusal, Stat, Times};
use super::{Scratch, ScratchView};

/// The most bytes of one reading.
pub(super) const CHUNK: usize = 64 * 1024;

/// A file or folder that a cell holds open.
pub(super) struct Open {
    scratch: Scratch,
    pub(super) id: NodeId,
    is_folder: bool,
    read: bool,
    write: bool,
}

impl Open {
    pub(super) fn root(scratch: &Scratch) -> Result<Self, Refusal> {
        let how = Opening {
            folder: true,
            ..Opening::default()
        };
        Self::at(scratch, ROOT, ".", how, true)
    }

    fn at(
        scratch: &Scratch,
        from: NodeId,
        path: &str,
        how: Opening,
        read: bool,
    ) -> Result<Self, Refusal> {
        let (id, is_folder) = scratch.on_tree(|tree, now| {
            let id = tree.open(from, path, how, now)?;
            Ok((id, tree.stat(id)?.is_folder))
        })?;
        Ok(Self {
            scratch: scratch.clone(),
            id,
            is_folder,
            read,
            write: how.write,
        })
    }

    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, Refusal> {
        if !self.read && !self.is_folder {
            return Err(Refusal::BadHandle);
        }
        self.scratch
            .on_tree(|tree, _| Ok(tree.read(self.id, offset, length.min(CHUNK))?.to_vec()))
    }

    pub(super) fn write(&self, offset: Option<u64>, data: &[u8]) -> Result<u64, Refusal> {
        self.check_writable()?;
        self.scratch
            .on_tree(|tree, now| tree.write(self.id, offset, data, now))
    }

    fn check_writable(&self) -> Result<(), Refusal> {
        if self.write {
            Ok(())
        } else {
            Err(Refusal::BadHandle)
        }
    }

    fn stat(&self) -> Result<Stat, Refusal> {
        self.scratch.on_tree(|tree, _| tree.stat(self.id))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.scratch.lock().tree.release(self.id);
    }
}

/// A folder that is being listed, and the name that was given last.
struct Listing {
    folder: Arc<Open>,
    last: Option<String>,
}

impl ScratchView<'_> {
    pub(super) fn push(&mut self, open: Open) -> wasmtime::Result<Resource<Descriptor>> {
        let ours = self.table.push(Arc::new(open))?;
        Ok(Resource::new_own(ours.rep()))
    }

    fn open(&self, descriptor: &Resource<Descriptor>) -> FsResult<Arc<Open>> {
        let ours = Resource::<Arc<Open>>::new_borrow(descriptor.rep());
        Ok(Arc::clone(self.table.get(&ours)?))
    }

    fn stat_of(&self, folder: &Resource<Descriptor>, path: &str) -> FsResult<(NodeId, Stat)> {
        let folder = self.open(folder)?;
        Ok(folder.scratch.on_tree(|tree, _| {
            let id = tree.find(folder.id, path)?;
            Ok((id, tree.stat(id)?))
        })?)
    }

    fn set_times_of(
        &self,
        folder: &Open,
        path: &str,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        Ok(folder.scratch.on_tree(|tree, now| {
            let id = match path {
                "" => folder.id,
                path => tree.find(folder.id, path)?,
            };
            let times = tree.stat(id)?.times;
            let times = Times {
                accessed: chosen(accessed, times.accessed, now),
                modified: chosen(modified, times.modified, now),
            };
            tree.set_times(id, times)
        })?)
    }
}

impl HostDescriptor for ScratchView<'_> {
    async fn advise(
        &mut self,
        file: Resource<Descriptor>,
        _: u64,
        _: u64,
        _: types::Advice,
    ) -> FsResult<()> {
        self.open(&file).map(|_| ())
    }

    async fn sync_data(&mut self, file: Resource<Descriptor>) -> FsResult<()> {
        self.open(&file).map(|_| ())
    }

    async fn sync(&mut self, file: Resource<Descriptor>) -> FsResult<()> {
        self.open(&file).map(|_| ())
    }

    async fn get_flags(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        let open = self.open(&file)?;
        let mut flags = DescriptorFlags::empty();
        if open.read {
            flags |= DescriptorFlags::READ;
        }
        if open.write {
            flags |= DescriptorFlags::WRITE;
        }
        if open.is_folder && !open.scratch.is_read_only() {
            flags |= DescriptorFlags::MUTATE_DIRECTORY;
        }
        Ok(flags)
    }

    async fn get_type(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorType> {
        Ok(kind(self.open(&file)?.is_folder))
    }

    async fn set_size(&mut self, file: Resource<Descriptor>, size: u64) -> FsResult<()> {
        let open = self.open(&file)?;
        open.check_writable()?;
        Ok(open
            .scratch
            .on_tree(|tree, now| tree.resize(open.id, size, now))?)
    }

    async fn set_times(
        &mut self,
        file: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let open = self.open(&file)?;
        self.set_times_of(&open, "", accessed, modified)
    }

    async fn set_times_at(
        &mut self,
        folder: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let open = self.open(&folder)?;
        if path.is_empty() {
            return Err(Refusal::NotFound.into());
        }
        self.set_times_of(&open, &path, accessed, modified)
    }

    async fn read(
        &mut self,
        file: Resource<Descriptor>,
        length: u64,
        offset: u64,
    ) -> FsResult<(Vec<u8>, bool)> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = self.open(&file)?.read(offset, length)?;
        let is_end = bytes.is_empty() && length > 0;
        Ok((bytes, is_end))
    }

    async fn write(
        &mut self,
        file: Resource<Descriptor>,
        data: Vec<u8>,
        offset: u64,
    ) -> FsResult<u64> {
        self.open(&file)?.write(Some(offset), &data)?;
        Ok(data.len() as u64)
    }

    fn read_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        let open = self.open(&file)?;
        if open.is_folder {
            return Err(Refusal::IsFolder.into());
        }
        let stream: DynInputStream = Box::new(Reader::new(open, offset));
        Ok(self.table.push(stream)?)
    }

    fn write_via_stream(
        &mut self,
        file: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let open = self.open(&file)?;
        open.check_writable()?;
        let stream: DynOutputStream = Box::new(Writer::new(open, Some(offset)));
        Ok(self.table.push(stream)?)
    }

    fn append_via_stream(
        &mut self,
        file: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let open = self.open(&file)?;
        open.check_writable()?;
        let stream: DynOutputStream = Box::new(Writer::new(open, None));
        Ok(self.table.push(stream)?)
    }

    async fn read_directory(
        &mut self,
        folder: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let folder = self.open(&folder)?;
        if !folder.is_folder {
            return Err(Refusal::NotAFolder.into());
        }
        let ours = self.table.push(Listing { folder, last: None })?;
        Ok(Resource::new_own(ours.rep()))
    }

    async fn create_directory_at(
        &mut self,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let open = self.open(&folder)?;
        Ok(open
            .scratch
            .on_tree(|tree, now| tree.make_folder(open.id, &path, now))?)
    }

    async fn remove_directory_at(
        &mut self,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let open = self.open(&folder)?;
        Ok(open
            .scratch
            .on_tree(|tree, now| tree.remove_folder(open.id, &path, now))?)
    }

    async fn unlink_file_at(&mut self, folder: Resource<Descriptor>, path: String) -> FsResult<()> {
        let open = self.open(&folder)?;
        Ok(open
            .scratch
            .on_tree(|tree, now| tree.remove_file(open.id, &path, now))?)
    }

    async fn rename_at(
        &mut self,
        folder: Resource<Descriptor>,
        path: String,
        new_folder: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let (from, to) = (self.open(&folder)?, self.open(&new_folder)?);
        if !from.scratch.is(&to.scratch) {
            return Err(ErrorCode::CrossDevice.into());
        }
        Ok(from
            .scratch
            .on_tree(|tree, now| tree.rename((from.id, &path), (to.id, &new_path), now))?)
    }

    async fn stat(&mut self, file: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        Ok(described(self.open(&file)?.stat()?))
    }

    async fn stat_at(
        &mut self,
        folder: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let (_, stat) = self.stat_of(&folder, &path)?;
        Ok(described(stat))
    }

    async fn open_at(
        &mut self,
        folder: Resource<Descriptor>,
        _: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let folder = self.open(&folder)?;
        let how = Opening {
            create: how.contains(OpenFlags::CREATE),
            exclusive: how.contains(OpenFlags::EXCLUSIVE),
            truncate: how.contains(OpenFlags::TRUNCATE),
            folder: how.contains(OpenFlags::DIRECTORY),
            write: flags.contains(DescriptorFlags::WRITE),
        };
        let read = flags.contains(DescriptorFlags::READ);
        let open = Open::at(&folder.scratch, folder.id, &path, how, read)?;
        // What no code says ends the call: the cell has too many handles.
        self.push(open).map_err(FsError::trap)
    }

    /// There is no link, so nothing that is there can be read as one.
    async fn readlink_at(
        &mut self,
        folder: Resource<Descriptor>,
        path: String,
    ) -> FsResult<String> {
        self.stat_of(&folder, &path)?;
        Err(Refusal::Invalid.into())
    }

    async fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> FsResult<()> {
        Err(Refusal::NotPermitted.into())
    }

    async fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> FsResult<()> {
        Err(Refusal::NotPermitted.into())
    }

    async fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        let ours = |file: &Resource<Descriptor>| Resource::<Arc<Open>>::new_borrow(file.rep());
        let (one, other) = (self.table.get(&ours(&one))?, self.table.get(&ours(&other))?);
        Ok(one.id == other.id && one.scratch.is(&other.scratch))
    }

    async fn metadata_hash(&mut self, file: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        let open = self.open(&file)?;
        Ok(hash(&open.scratch, open.id))
    }

    async fn metadata_hash_at(
        &mut self,
        folder: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let (id, _) = self.stat_of(&folder, &path)?;
        Ok(hash(&self.open(&folder)?.scratch, id))
    }

    fn drop(&mut self, file: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Arc<Open>>::new_own(file.rep()))?;
        Ok(())
    }
}

impl HostDirectoryEntryStream for ScratchView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let ours = Resource::<Listing>::new_borrow(stream.rep());
        let listing = self.table.get_mut(&ours)?;
        let next = listing
            .folder
            .scratch
            .on_tree(|tree, _| tree.entry_after(listing.folder.id, listing.last.as_deref()))?;
        let Some((name, is_folder)) = next else {
            return Ok(None);
        };
        listing.last = Some(name.clone());
        Ok(Some(DirectoryEntry {
            type_: kind(is_folder),
            name,
        }))
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}

fn kind(is_folder: bool) -> DescriptorType {
    if is_folder {
        DescriptorType::Directory
    } else {
        DescriptorType::RegularFile
    }
}

fn described(stat: Stat) -> DescriptorStat {
    DescriptorStat {
        type_: kind(stat.is_folder),
        link_count: 1,
        size: stat.size,
        data_access_timestamp: Some(datetime(stat.times.accessed)),
        data_modification_timestamp: Some(datetime(stat.times.modified)),
        status_change_timestamp: Some(datetime(stat.times.modified)),
    }
}

fn datetime(moment: Moment) -> Datetime {
    Datetime {
        seconds: moment.as_secs(),
        nanoseconds: moment.subsec_nanos(),
    }
}

fn chosen(wish: NewTimestamp, before: Moment, now: Moment) -> Moment {
    match wish {
        NewTimestamp::NoChange => before,
        NewTimestamp::Now => now,
        // Nanoseconds beyond a second are nobody's time, and must not overflow.
        NewTimestamp::Timestamp(time) => Duration::from_secs(time.seconds)
            .saturating_add(Duration::from_nanos(time.nanoseconds.into())),
    }
}

/// An id is never used twice in its folder, so the two are all that tells files apart.
fn hash(scratch: &Scratch, id: NodeId) -> MetadataHashValue {
    MetadataHashValue {
        lower: id,
        upper: scratch.is_read_only().into(),
    }
}
