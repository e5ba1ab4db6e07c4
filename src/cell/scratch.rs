//! The folders of a cell, in the host's memory: `/tmp`, its scratch folder for the length of a
//! call; and of an app that runs from its sources `/sources`, which it can only read.
//!
//! What is in them and how much may be is decided in [`tree`]. This links `wasi:filesystem` to
//! them in the place of wasmtime's own, which would lead to folders of the host and has no
//! bounds.

mod descriptor;
mod stream;
mod tree;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{self, Descriptor, ErrorCode};

pub(crate) use tree::Limits;

use crate::app::Bundle;
use crate::capability::log::{CallLog, Level, Origin};
use crate::services::Clock;
use descriptor::Open;
use tree::{Moment, Refusal, Tree};

/// Where a cell finds its scratch folder.
const SCRATCH_AT: &str = "/tmp";
/// Where it finds the sources of its app, if it is to. The SDK's `_live.py` looks there.
const SOURCES_AT: &str = "/sources";

/// One folder. Clones are the same folder.
#[derive(Clone)]
pub(crate) struct Scratch(Arc<Mutex<Shared>>);

struct Shared {
    tree: Tree,
    clock: Clock,
    /// None where nothing can be written.
    room: Option<Room>,
}

/// Who is told that a folder is full.
struct Room {
    limits: Limits,
    log: CallLog,
    /// Whether the call's log says it already.
    told: bool,
}

impl Scratch {
    /// An empty folder. It costs next to nothing until something is put there.
    pub(crate) fn new(limits: Limits, clock: Clock, log: CallLog) -> Self {
        Self(Arc::new(Mutex::new(Shared {
            tree: Tree::new(limits),
            clock,
            room: Some(Room {
                limits,
                log,
                told: false,
            }),
        })))
    }

    /// A folder with the files of a bundle, which any number of cells read.
    ///
    /// # Errors
    ///
    /// None that could happen: the paths of a bundle lead nowhere else.
    pub(crate) fn of_bundle(bundle: &Bundle, clock: Clock) -> anyhow::Result<Self> {
        let files = bundle
            .files()
            .map(|(path, contents)| (path.as_str(), contents.as_ref()));
        let tree = Tree::of_files(files, moment(&clock))?;
        Ok(Self(Arc::new(Mutex::new(Shared {
            tree,
            clock,
            room: None,
        }))))
    }

    /// Empties the folder at the end of a call. Whatever the cell still holds open is gone.
    pub(crate) fn clear(&self) {
        self.lock().tree.clear();
    }

    /// Gives the folder, empty, to another call.
    pub(crate) fn rebind(&self, log: CallLog) {
        let mut shared = self.lock();
        shared.tree.clear();
        if let Some(room) = &mut shared.room {
            room.log = log;
            room.told = false;
        }
    }

    /// Whether it is this folder, and not one like it.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn is_read_only(&self) -> bool {
        self.lock().tree.is_frozen()
    }

    /// Works on the files; a refusal for want of room is told once in the call's log.
    fn on_tree<T>(
        &self,
        work: impl FnOnce(&mut Tree, Moment) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut shared = self.lock();
        let now = moment(&shared.clock);
        let result = work(&mut shared.tree, now);
        if matches!(result, Err(Refusal::Full))
            && let Some(room) = &mut shared.room
        {
            room.tell();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn tell(&mut self) {
        if self.told {
            return;
        }
        self.told = true;
        let Limits { bytes, entries } = self.limits;
        let text = format!(
            "the scratch folder {SCRATCH_AT} is full: a call may keep {} MiB and {entries} files \
             and folders in it; remove what is not needed any more",
            bytes / (1024 * 1024)
        );
        self.log
            .write(Level::Warn, Origin::Host("scratch"), &text, None);
    }
}

fn moment(clock: &Clock) -> Moment {
    let since_1970 = clock.now().unix_timestamp_nanos();
    Duration::from_nanos(u64::try_from(since_1970).unwrap_or_default())
}

/// A cell's view of its folders, for one host call.
pub(crate) struct ScratchView<'a> {
    pub(crate) scratch: &'a Scratch,
    pub(crate) sources: Option<&'a Scratch>,
    pub(crate) table: &'a mut ResourceTable,
}

impl preopens::Host for ScratchView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let mut folders = vec![(self.push(Open::root(self.scratch)?)?, SCRATCH_AT.to_owned())];
        if let Some(sources) = self.sources {
            folders.push((self.push(Open::root(sources)?)?, SOURCES_AT.to_owned()));
        }
        Ok(folders)
    }
}

impl types::Host for ScratchView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    /// What a stream of ours said, when it failed.
    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        let error = self.table.get(&error)?;
        Ok(error.downcast_ref::<Refusal>().copied().map(code))
    }
}

/// The bindings' name for a refusal.
fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotFound => ErrorCode::NoEntry,
        Refusal::Exists => ErrorCode::Exist,
        Refusal::NotAFolder => ErrorCode::NotDirectory,
        Refusal::IsFolder => ErrorCode::IsDirectory,
        Refusal::NotEmpty => ErrorCode::NotEmpty,
        Refusal::Full => ErrorCode::InsufficientSpace,
        Refusal::TooLarge => ErrorCode::FileTooLarge,
        Refusal::NameTooLong => ErrorCode::NameTooLong,
        Refusal::Invalid => ErrorCode::Invalid,
        Refusal::NotPermitted => ErrorCode::NotPermitted,
        Refusal::ReadOnly => ErrorCode::ReadOnly,
        Refusal::BadHandle => ErrorCode::BadDescriptor,
    }
}

impl From<Refusal> for FsError {
    fn from(refusal: Refusal) -> Self {
        code(refusal).into()
    }
}

/// Links the file system; `view` borrows a [`ScratchView`] from whatever the store holds.
///
/// It takes the place of wasmtime's own interfaces, which must be linked before.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> ScratchView<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<T, ScratchData>(linker, view)?;
    preopens::add_to_linker::<T, ScratchData>(linker, view)?;
    linker.allow_shadowing(false);
    Ok(())
}

struct ScratchData;

impl HasData for ScratchData {
    type Data<'a> = ScratchView<'a>;
}
