//! What one statement does: the outcome of reading it, the same for every app.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::refusal::Spot;

/// The name of a relation or a type as a statement writes it, folded as PostgreSQL folds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Table {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Table {
    pub(crate) fn new(schema: Option<&str>, name: &str) -> Self {
        Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(formatter, "{schema}.{}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

/// Names, each with where it stands first.
pub(crate) type Names = BTreeMap<Table, Option<Spot>>;

/// What kind of statement it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Truncate,
    /// The host keeps transactions itself: these three never reach the server as they are.
    Begin,
    Commit,
    Rollback,
    /// The caller must know that the app itself set a savepoint of this name.
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    /// Cursors, by name. They end with their transaction.
    Declare(String),
    Fetch(String),
    Move(String),
    Close(String),
    Ddl(Ddl),
}

/// Statements that change what tables there are; only a deploy may send them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ddl {
    AlterSequence,
    AlterTable,
    AlterType,
    Comment,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateType,
    CreateView,
    Drop,
    Rename,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(super) kind: Kind,
    /// Relations that it reads.
    pub(super) reads: Names,
    /// Relations that it writes, or whose rows it locks.
    pub(super) writes: Names,
    /// Those of them that plain `UPDATE`s write and nothing else does, with the columns that
    /// these set.
    pub(super) updates: BTreeMap<Table, BTreeSet<String>>,
    /// Relations and types that must not exist yet, or be the app's own already.
    pub(super) creates: Names,
    /// Relations and types that must be the app's own: altered, truncated, or shown by a view.
    pub(super) owns: Names,
    /// Relations and types that `DROP` names.
    pub(super) drops: Names,
    /// Whether `creates` or `drops` come with `IF [NOT] EXISTS`.
    pub(super) tolerant: bool,
    /// Types that are not built in, so that they must be the app's own.
    pub(super) types: Names,
    /// The schema of `CREATE SCHEMA`, which must be the app's own.
    pub(super) schema: Option<String>,
    pub(super) functions: BTreeSet<String>,
    /// The highest number of `$1`, `$2` and so on.
    pub(super) parameters: usize,
    pub(super) returns_rows: bool,
}

impl Verdict {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            reads: Names::new(),
            writes: Names::new(),
            updates: BTreeMap::new(),
            creates: Names::new(),
            owns: Names::new(),
            drops: Names::new(),
            tolerant: false,
            types: Names::new(),
            schema: None,
            functions: BTreeSet::new(),
            parameters: 0,
            returns_rows: false,
        }
    }

    /// Works out where in the text the names stand.
    pub(super) fn settle(&mut self, sql: &str) {
        let Self {
            kind: _,
            reads,
            writes,
            updates: _,
            creates,
            owns,
            drops,
            tolerant: _,
            types,
            schema: _,
            functions: _,
            parameters: _,
            returns_rows: _,
        } = self;
        let names = [reads, writes, creates, owns, drops, types];
        let spots = names.into_iter().flat_map(Names::values_mut).flatten();
        Spot::settle(sql, spots);
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(crate) fn reads(&self) -> impl Iterator<Item = &Table> {
        self.reads.keys()
    }

    /// Relations that the statement writes, or whose rows it locks.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &Table> {
        self.writes.keys()
    }

    /// Relations and types that the statement makes; new names of renamed ones too.
    pub(crate) fn creates(&self) -> impl Iterator<Item = &Table> {
        self.creates.keys()
    }

    /// Relations and types that must be the app's own: altered, truncated, shown by a view.
    pub(crate) fn alters(&self) -> impl Iterator<Item = &Table> {
        self.owns.keys()
    }

    pub(crate) fn drops(&self) -> impl Iterator<Item = &Table> {
        self.drops.keys()
    }

    /// The functions that the statement calls by name.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(String::as_str)
    }

    /// How many values it takes: the highest number of `$1`, `$2` and so on.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters
    }

    /// Whether the statement has a result with columns, rows or not.
    pub(crate) fn returns_rows(&self) -> bool {
        self.returns_rows
    }
}
