//! The files of one folder, in memory and within its bounds.
//!
//! It knows neither WASI nor a file system of the host: there is no link that could lead out,
//! and no path of the host to be led to. Time arrives as an argument.

mod path;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Duration;

use path::{Parts, Place};

/// What a scratch folder may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Sizes of all files together, holes included, in bytes.
    pub(crate) bytes: u64,
    /// Files and folders, those included that were removed and are still open.
    pub(crate) entries: usize,
}

/// Names a file or folder for as long as it lives; never used twice.
pub(super) type NodeId = u64;

/// The scratch folder itself.
pub(super) const ROOT: NodeId = 0;

/// Time since 1970.
pub(super) type Moment = Duration;

/// Why an operation was not done. Nothing was changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no such file or folder")]
    NotFound,
    #[error("there is one of that name already")]
    Exists,
    #[error("it is not a folder")]
    NotAFolder,
    #[error("it is a folder")]
    IsFolder,
    #[error("the folder is not empty")]
    NotEmpty,
    #[error("the scratch folder is full")]
    Full,
    #[error("no file can be that large")]
    TooLarge,
    #[error("the name is too long")]
    NameTooLong,
    #[error("the folder is for reading only")]
    ReadOnly,
    #[error("the request makes no sense")]
    Invalid,
    #[error("it is not allowed")]
    NotPermitted,
    #[error("the file is not open for that, or of another call")]
    BadHandle,
}

/// How a file is to be opened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Opening {
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    pub(super) folder: bool,
    pub(super) write: bool,
}

/// What is known of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) is_folder: bool,
    pub(super) size: u64,
    pub(super) times: Times,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) accessed: Moment,
    pub(super) modified: Moment,
}

/// All files and folders, by id.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: HashMap<NodeId, Node>,
    next: NodeId,
    bytes: u64,
    limits: Limits,
    /// Whether nothing can be changed any more.
    frozen: bool,
}

#[derive(Debug)]
struct Node {
    contents: Contents,
    times: Times,
    /// Whether it has a name. What has none lives until nobody holds it open.
    named: bool,
    handles: usize,
}

#[derive(Debug)]
enum Contents {
    File(Vec<u8>),
    Folder {
        parent: NodeId,
        entries: BTreeMap<String, NodeId>,
    },
}

impl Tree {
    pub(super) fn new(limits: Limits) -> Self {
        let mut tree = Self {
            nodes: HashMap::new(),
            next: ROOT + 1,
            bytes: 0,
            limits,
            frozen: false,
        };
        tree.clear();
        tree
    }

    /// These files and nothing else, for reading only. A path is relative, its parts apart by `/`.
    ///
    /// # Errors
    ///
    /// When a path leads out of the folder, or is that of a folder.
    pub(super) fn of_files<'a>(
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let mut tree = Self::new(Limits {
            bytes: u64::MAX,
            entries: usize::MAX,
        });
        for (path, contents) in files {
            for (end, _) in path.match_indices('/') {
                let folder = path.get(..end).unwrap_or_default();
                match tree.make_folder(ROOT, folder, now) {
                    Ok(()) | Err(Refusal::Exists) => {}
                    Err(error) => return Err(error),
                }
            }
            let how = Opening {
                create: true,
                write: true,
                ..Opening::default()
            };
            let id = tree.open(ROOT, path, how, now)?;
            tree.write(id, None, contents, now)?;
            tree.release(id);
        }
        tree.frozen = true;
        Ok(tree)
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Removes everything. What is still open from before is so in vain.
    pub(super) fn clear(&mut self) {
        // The map's own memory goes too: the next call may not want it.
        self.nodes = HashMap::from([(ROOT, Node::folder(ROOT, Moment::ZERO))]);
        self.bytes = 0;
    }

    /// Sizes of all files together.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Finds what a path leads to.
    pub(super) fn find(&self, from: NodeId, path: &str) -> Result<NodeId, Refusal> {
        let parts = Parts::of(path)?;
        let mut at = from;
        self.entries(at)?;
        for part in parts.all() {
            at = self.step(at, part)?;
        }
        if parts.wants_folder() {
            self.entries(at)?;
        }
        Ok(at)
    }

    /// Opens a file or folder, and holds it until [`Tree::release`].
    pub(super) fn open(
        &mut self,
        from: NodeId,
        path: &str,
        how: Opening,
        now: Moment,
    ) -> Result<NodeId, Refusal> {
        let id = match self.find(from, path) {
            Ok(_) if how.create && how.exclusive => return Err(Refusal::Exists),
            Ok(id) => {
                self.check_opening(id, how)?;
                id
            }
            Err(Refusal::NotFound) if how.create && how.folder => return Err(Refusal::Invalid),
            Err(Refusal::NotFound) if how.create => {
                let place = self.place(from, path)?;
                if place.wants_folder {
                    return Err(Refusal::IsFolder);
                }
                self.add(&place, Node::file(now), now)?
            }
            Err(error) => return Err(error),
        };
        if how.truncate {
            self.resize(id, 0, now)?;
        }
        self.node_mut(id)?.handles += 1;
        Ok(id)
    }

    fn check_opening(&self, id: NodeId, how: Opening) -> Result<(), Refusal> {
        let is_folder = self.node(id)?.is_folder();
        if how.folder && !is_folder {
            return Err(Refusal::NotAFolder);
        }
        if is_folder && (how.write || how.truncate || how.create) {
            return Err(Refusal::IsFolder);
        }
        if how.write || how.truncate {
            self.check_thawed()?;
        }
        Ok(())
    }

    fn check_thawed(&self) -> Result<(), Refusal> {
        if self.frozen {
            Err(Refusal::ReadOnly)
        } else {
            Ok(())
        }
    }

    /// Gives back what [`Tree::open`] held.
    pub(super) fn release(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.handles = node.handles.saturating_sub(1);
        }
        self.forget_unless_used(id);
    }

    pub(super) fn stat(&self, id: NodeId) -> Result<Stat, Refusal> {
        let node = self.node(id)?;
        Ok(Stat {
            is_folder: node.is_folder(),
            size: node.size(),
            times: node.times,
        })
    }

    pub(super) fn set_times(&mut self, id: NodeId, times: Times) -> Result<(), Refusal> {
        self.check_thawed()?;
        self.node_mut(id)?.times = times;
        Ok(())
    }

    /// At most `length` bytes from `offset` on; none at the file's end.
    pub(super) fn read(&self, id: NodeId, offset: u64, length: usize) -> Result<&[u8], Refusal> {
        let contents = self.node(id)?.contents()?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = contents.get(start..).unwrap_or_default();
        Ok(rest.get(..length).unwrap_or(rest))
    }

    /// Writes all of `data`, or nothing; `offset` is the file's end where there is none.
    /// Returns where it ends.
    pub(super) fn write(
        &mut self,
        id: NodeId,
        offset: Option<u64>,
        data: &[u8],
        now: Moment,
    ) -> Result<u64, Refusal> {
        let size = self.node(id)?.contents()?.len() as u64;
        let start = offset.unwrap_or(size);
        let end = start
            .checked_add(data.len() as u64)
            .ok_or(Refusal::TooLarge)?;
        if data.is_empty() {
            return Ok(end);
        }
        self.resize(id, size.max(end), now)?;
        let contents = self.node_mut(id)?.contents_mut()?;
        let (Ok(first), Ok(last)) = (usize::try_from(start), usize::try_from(end)) else {
            return Err(Refusal::TooLarge);
        };
        if let Some(place) = contents.get_mut(first..last) {
            place.copy_from_slice(data);
        }
        Ok(end)
    }

    /// Gives a file another size. A hole counts like what is written.
    pub(super) fn resize(&mut self, id: NodeId, size: u64, now: Moment) -> Result<(), Refusal> {
        self.check_thawed()?;
        let before = self.node(id)?.contents()?.len() as u64;
        let bytes = (self.bytes - before)
            .checked_add(size)
            .filter(|bytes| *bytes <= self.limits.bytes)
            .ok_or(Refusal::Full)?;
        let size = usize::try_from(size).map_err(|_| Refusal::TooLarge)?;
        let node = self.node_mut(id)?;
        node.times.modified = now;
        let contents = node.contents_mut()?;
        grow(contents, size)?;
        contents.resize(size, 0);
        if size == 0 {
            *contents = Vec::new();
        }
        self.bytes = bytes;
        Ok(())
    }

    pub(super) fn make_folder(
        &mut self,
        from: NodeId,
        path: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        match self.find(from, path) {
            Ok(_) | Err(Refusal::NotAFolder) => return Err(Refusal::Exists),
            Err(Refusal::NotFound) => {}
            Err(error) => return Err(error),
        }
        let place = self.place(from, path)?;
        let folder = Node::folder(place.parent, now);
        self.add(&place, folder, now).map(|_| ())
    }

    pub(super) fn remove_folder(
        &mut self,
        from: NodeId,
        path: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        let id = self.find(from, path)?;
        let place = self.place(from, path)?;
        if !self.entries(id)?.is_empty() {
            return Err(Refusal::NotEmpty);
        }
        self.unname(&place, now)
    }

    pub(super) fn remove_file(
        &mut self,
        from: NodeId,
        path: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        let id = self.find(from, path)?;
        if self.node(id)?.is_folder() {
            return Err(Refusal::IsFolder);
        }
        let place = self.place(from, path)?;
        self.unname(&place, now)
    }

    /// Gives a file or folder another place. What stands there goes, as POSIX has it.
    pub(super) fn rename(
        &mut self,
        (from, path): (NodeId, &str),
        (to, new_path): (NodeId, &str),
        now: Moment,
    ) -> Result<(), Refusal> {
        let id = self.find(from, path)?;
        let old = self.place(from, path)?;
        let new = self.place(to, new_path)?;
        let is_folder = self.node(id)?.is_folder();
        if !is_folder && new.wants_folder {
            return Err(Refusal::NotAFolder);
        }
        if is_folder && self.is_within(new.parent, id)? {
            return Err(Refusal::Invalid);
        }
        if let Some(target) = self.entries(new.parent)?.get(new.name).copied() {
            if target == id {
                return Ok(());
            }
            let target = self.node(target)?;
            match (&target.contents, is_folder) {
                (Contents::File(_), true) => return Err(Refusal::NotAFolder),
                (Contents::Folder { .. }, false) => return Err(Refusal::IsFolder),
                (Contents::Folder { entries, .. }, true) if !entries.is_empty() => {
                    return Err(Refusal::NotEmpty);
                }
                (Contents::File(_), false) | (Contents::Folder { .. }, true) => {}
            }
            self.unname(&new, now)?;
        } else {
            self.check_alive(new.parent)?;
        }
        self.entries_mut(old.parent, now)?.remove(old.name);
        self.entries_mut(new.parent, now)?
            .insert(new.name.to_owned(), id);
        if let Contents::Folder { parent, .. } = &mut self.node_mut(id)?.contents {
            *parent = new.parent;
        }
        Ok(())
    }

    /// The folder's first entry behind `last`: its name, and whether it is a folder.
    pub(super) fn entry_after(
        &self,
        folder: NodeId,
        last: Option<&str>,
    ) -> Result<Option<(String, bool)>, Refusal> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self
            .entries(folder)?
            .range::<str, _>((from, Bound::Unbounded));
        let Some((name, id)) = rest.next() else {
            return Ok(None);
        };
        Ok(Some((name.clone(), self.node(*id)?.is_folder())))
    }

    fn node(&self, id: NodeId) -> Result<&Node, Refusal> {
        self.nodes.get(&id).ok_or(Refusal::BadHandle)
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, Refusal> {
        self.nodes.get_mut(&id).ok_or(Refusal::BadHandle)
    }

    fn entries(&self, id: NodeId) -> Result<&BTreeMap<String, NodeId>, Refusal> {
        match &self.node(id)?.contents {
            Contents::Folder { entries, .. } => Ok(entries),
            Contents::File(_) => Err(Refusal::NotAFolder),
        }
    }

    fn entries_mut(
        &mut self,
        id: NodeId,
        now: Moment,
    ) -> Result<&mut BTreeMap<String, NodeId>, Refusal> {
        self.check_thawed()?;
        let node = self.node_mut(id)?;
        node.times.modified = now;
        match &mut node.contents {
            Contents::Folder { entries, .. } => Ok(entries),
            Contents::File(_) => Err(Refusal::NotAFolder),
        }
    }

    fn step(&self, at: NodeId, part: &str) -> Result<NodeId, Refusal> {
        if part != ".." {
            return self
                .entries(at)?
                .get(part)
                .copied()
                .ok_or(Refusal::NotFound);
        }
        match &self.node(at)?.contents {
            Contents::Folder { .. } if at == ROOT => Err(Refusal::NotPermitted),
            // The parent of a removed folder may be gone.
            Contents::Folder { parent, .. } if self.nodes.contains_key(parent) => Ok(*parent),
            Contents::Folder { .. } => Err(Refusal::NotFound),
            Contents::File(_) => Err(Refusal::NotAFolder),
        }
    }

    /// Where a path's last part stands, or would.
    fn place<'a>(&self, from: NodeId, path: &'a str) -> Result<Place<'a>, Refusal> {
        let parts = Parts::of(path)?;
        let (name, before) = parts.last()?;
        let mut parent = from;
        for part in before {
            parent = self.step(parent, part)?;
        }
        self.entries(parent)?;
        Ok(Place {
            parent,
            name,
            wants_folder: parts.wants_folder(),
        })
    }

    fn add(&mut self, place: &Place<'_>, node: Node, now: Moment) -> Result<NodeId, Refusal> {
        self.check_alive(place.parent)?;
        // The scratch folder itself is none of its entries.
        if self.nodes.len() > self.limits.entries {
            return Err(Refusal::Full);
        }
        let id = self.next;
        self.next += 1;
        self.entries_mut(place.parent, now)?
            .insert(place.name.to_owned(), id);
        self.nodes.insert(id, node);
        Ok(id)
    }

    /// Nothing can be put into a folder that was removed while it was open.
    fn check_alive(&self, folder: NodeId) -> Result<(), Refusal> {
        if self.node(folder)?.named {
            Ok(())
        } else {
            Err(Refusal::NotFound)
        }
    }

    fn unname(&mut self, place: &Place<'_>, now: Moment) -> Result<(), Refusal> {
        let entries = self.entries_mut(place.parent, now)?;
        let id = entries.remove(place.name).ok_or(Refusal::NotFound)?;
        self.node_mut(id)?.named = false;
        self.forget_unless_used(id);
        Ok(())
    }

    fn forget_unless_used(&mut self, id: NodeId) {
        let unused = |node: &Node| !node.named && node.handles == 0;
        if self.nodes.get(&id).is_some_and(unused)
            && let Some(node) = self.nodes.remove(&id)
        {
            self.bytes -= node.size();
        }
    }

    fn is_within(&self, mut folder: NodeId, ancestor: NodeId) -> Result<bool, Refusal> {
        while folder != ancestor {
            match &self.node(folder)?.contents {
                Contents::Folder { parent, .. } if *parent != folder => folder = *parent,
                Contents::Folder { .. } | Contents::File(_) => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Node {
    fn file(now: Moment) -> Self {
        Self::new(Contents::File(Vec::new()), now)
    }

    fn folder(parent: NodeId, now: Moment) -> Self {
        let entries = BTreeMap::new();
        Self::new(Contents::Folder { parent, entries }, now)
    }

    fn new(contents: Contents, now: Moment) -> Self {
        Self {
            contents,
            times: Times {
                accessed: now,
                modified: now,
            },
            named: true,
            handles: 0,
        }
    }

    fn is_folder(&self) -> bool {
        matches!(self.contents, Contents::Folder { .. })
    }

    fn size(&self) -> u64 {
        match &self.contents {
            Contents::File(contents) => contents.len() as u64,
            Contents::Folder { .. } => 0,
        }
    }

    fn contents(&self) -> Result<&Vec<u8>, Refusal> {
        match &self.contents {
            Contents::File(contents) => Ok(contents),
            Contents::Folder { .. } => Err(Refusal::IsFolder),
        }
    }

    fn contents_mut(&mut self) -> Result<&mut Vec<u8>, Refusal> {
        match &mut self.contents {
            Contents::File(contents) => Ok(contents),
            Contents::Folder { .. } => Err(Refusal::IsFolder),
        }
    }
}

/// Makes room for `size` bytes: an eighth more than asked for, so that many small writes are
/// not as many copies, and the host's memory stays close to what is counted.
fn grow(contents: &mut Vec<u8>, size: usize) -> Result<(), Refusal> {
    if size <= contents.capacity() {
        return Ok(());
    }
    let target = size.saturating_add(size / 8);
    contents
        .try_reserve_exact(target.saturating_sub(contents.len()))
        .map_err(|_| Refusal::Full)
}
