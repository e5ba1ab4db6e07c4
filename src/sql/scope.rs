//! What one app may touch, and whether a statement stays inside it.

use std::collections::{BTreeMap, BTreeSet};

use super::refusal::{Code, Refusal, Spot};
use super::verdict::{Ddl, Kind, Names, Table, Verdict};

/// Where a statement comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A call of the app: rows only.
    Call,
    /// A deploy: its manifest's statements, its migrations and `load`, which may change tables.
    Deploy,
}

/// What one app may touch.
///
/// Every name in it has a schema. Whoever changes tables makes a new scope afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// The schema named after the app.
    pub(crate) schema: String,
    /// The app's own relations of every kind: tables, views, sequences, indexes.
    pub(crate) own: BTreeSet<Table>,
    /// The app's own types that are not those of its tables.
    pub(crate) types: BTreeSet<Table>,
    /// Relations of others that it may read.
    pub(crate) readable: BTreeSet<Table>,
    /// Relations of others that it may read and write.
    pub(crate) writable: BTreeSet<Table>,
    /// Relations of the host that the app may read, and of which it may set these columns.
    pub(crate) views: BTreeMap<Table, &'static [&'static str]>,
    /// Relations and types of `public` that belong to somebody else, and to whom. They are
    /// found before those of the app's schema, and cannot be made again.
    pub(crate) taken: BTreeMap<Table, String>,
}

/// How an app may touch one relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Read,
    Write,
    Own,
}

const PUBLIC: &str = "public";

impl Scope {
    /// Whether a schema may be named for things of the app itself.
    fn is_home(&self, schema: Option<&str>) -> bool {
        schema.is_none_or(|schema| schema == PUBLIC || schema == self.schema)
    }

    /// The names that a name may stand for, in the order in which PostgreSQL looks.
    fn candidates(&self, name: &Table) -> Vec<Table> {
        match &name.schema {
            Some(_) => vec![name.clone()],
            None => [PUBLIC, &self.schema]
                .map(|schema| Table::new(Some(schema), &name.name))
                .to_vec(),
        }
    }

    /// How the app may touch a relation; none where it is neither its own nor granted.
    fn reach(&self, name: &Table) -> Option<Reach> {
        for candidate in self.candidates(name) {
            if self.own.contains(&candidate) {
                return Some(Reach::Own);
            } else if self.writable.contains(&candidate) {
                return Some(Reach::Write);
            } else if self.readable.contains(&candidate) {
                return Some(Reach::Read);
            } else if self.taken.contains_key(&candidate) {
                return None;
            }
        }
        None
    }

    /// The relations of others that a statement touches.
    pub(crate) fn foreign<'a>(&'a self, verdict: &'a Verdict) -> impl Iterator<Item = Table> + 'a {
        let has_any = !self.readable.is_empty() || !self.writable.is_empty();
        let names = verdict.reads.keys().chain(verdict.writes.keys());
        names.filter(move |_| has_any).filter_map(|name| {
            let found = self.candidates(name).into_iter().find(|candidate| {
                self.own.contains(candidate)
                    || self.writable.contains(candidate)
                    || self.readable.contains(candidate)
            })?;
            (!self.own.contains(&found)).then_some(found)
        })
    }

    /// Whether every relation that a statement names is the app's own.
    pub(crate) fn owns_all(&self, verdict: &Verdict) -> bool {
        let mut names = verdict.reads.keys().chain(verdict.writes.keys());
        names.all(|name| self.reach(name) == Some(Reach::Own))
    }

    fn has_type(&self, name: &Table) -> bool {
        self.candidates(name)
            .into_iter()
            .find(|candidate| {
                self.types.contains(candidate)
                    || self.own.contains(candidate)
                    || self.taken.contains_key(candidate)
            })
            .is_some_and(|found| !self.taken.contains_key(&found))
    }

    /// To whom a name belongs that would be made; new things go to `public` unless said.
    fn taken_by(&self, name: &Table) -> Option<&str> {
        let schema = name.schema.as_deref().unwrap_or(PUBLIC);
        self.taken
            .get(&Table::new(Some(schema), &name.name))
            .map(String::as_str)
    }
}

impl Verdict {
    /// Decides whether one app may send the statement from one place.
    pub(crate) fn admit(&self, scope: &Scope, place: Place) -> Result<(), Refusal> {
        if let (Kind::Ddl(_), Place::Call) = (&self.kind, place) {
            return Err(Refusal::new(
                Code::NotAvailable,
                None,
                "tables cannot be changed in a call",
                "move the statement to `load` or to the migrations, which run when the app is deployed",
            ));
        }
        for (name, spot) in &self.reads {
            if !self.makes(name) && !scope.views.contains_key(name) {
                need_one(scope, name, *spot, Reach::Read)?;
            }
        }
        for (name, spot) in &self.writes {
            match scope.views.get(name) {
                None => need_one(scope, name, *spot, Reach::Write)?,
                Some(columns) => self.admit_update(name, *spot, columns)?,
            }
        }
        need(scope, &self.owns, Reach::Own)?;
        self.admit_drops(scope)?;
        self.admit_new(scope)?;
        self.admit_types(scope)
    }

    /// Admits a write to one of the host's views: UPDATE of the columns that are for apps.
    fn admit_update(
        &self,
        name: &Table,
        spot: Option<Spot>,
        columns: &'static [&'static str],
    ) -> Result<(), Refusal> {
        let fits = self
            .updates
            .get(name)
            .is_some_and(|sets| sets.iter().all(|column| columns.contains(&column.as_str())));
        if fits {
            return Ok(());
        }
        Err(Refusal::new(
            Code::NotPermitted,
            spot,
            format!("`{name}` is the host's"),
            format!(
                "an app may read its own rows of it, and UPDATE the columns {}",
                columns.join(", ")
            ),
        ))
    }

    /// Whether a relation is the table that the statement makes, as where a foreign key of a
    /// table points to the table itself.
    fn makes(&self, name: &Table) -> bool {
        let full = |name: &Table| {
            let schema = name.schema.as_deref().unwrap_or(PUBLIC);
            Table::new(Some(schema), &name.name)
        };
        self.kind == Kind::Ddl(Ddl::CreateTable)
            && self.creates.keys().any(|made| full(made) == full(name))
    }

    fn admit_drops(&self, scope: &Scope) -> Result<(), Refusal> {
        for (name, spot) in &self.drops {
            let nothing_there = self.tolerant
                && scope.is_home(name.schema.as_deref())
                && scope
                    .candidates(name)
                    .iter()
                    .all(|candidate| scope.taken_by(candidate).is_none())
                && scope.reach(name).is_none();
            if !nothing_there && !scope.has_type(name) {
                need_one(scope, name, *spot, Reach::Own)?;
            }
        }
        Ok(())
    }

    fn admit_new(&self, scope: &Scope) -> Result<(), Refusal> {
        if let Some(schema) = &self.schema
            && *schema != scope.schema
        {
            return Err(Refusal::new(
                Code::NotPermitted,
                None,
                format!("the schema `{schema}` is not this app's"),
                format!("an app has the schema `{}` and `public`", scope.schema),
            ));
        }
        for (name, spot) in &self.creates {
            if !scope.is_home(name.schema.as_deref()) {
                return Err(Refusal::new(
                    Code::NotPermitted,
                    *spot,
                    format!("`{name}` cannot be made there"),
                    format!("name no schema, `public` or `{}`", scope.schema),
                ));
            }
            if let Some(owner) = scope.taken_by(name) {
                return Err(Refusal::new(
                    Code::NameTaken,
                    *spot,
                    format!("`{name}` belongs to `{owner}`"),
                    format!(
                        "choose another name, or make it in the schema `{}`",
                        scope.schema
                    ),
                ));
            }
        }
        Ok(())
    }

    fn admit_types(&self, scope: &Scope) -> Result<(), Refusal> {
        match self.types.iter().find(|(name, _)| !scope.has_type(name)) {
            None => Ok(()),
            Some((name, spot)) => Err(Refusal::new(
                Code::UndefinedObject,
                *spot,
                format!(
                    "the type `{name}` is neither one of PostgreSQL's that apps have nor this app's own"
                ),
                "cast to `text`, or make the type with CREATE TYPE ... AS ENUM when the app is deployed",
            )),
        }
    }
}

fn need(scope: &Scope, names: &Names, least: Reach) -> Result<(), Refusal> {
    names
        .iter()
        .try_for_each(|(name, spot)| need_one(scope, name, *spot, least))
}

fn need_one(scope: &Scope, name: &Table, spot: Option<Spot>, least: Reach) -> Result<(), Refusal> {
    match (scope.reach(name), least) {
        (Some(reach), least) if reach >= least => Ok(()),
        (None, _) => Err(Refusal::new(
            Code::UndefinedTable,
            spot,
            format!("`{name}` is neither a table of this app nor granted to it"),
            "check the name and its schema, or ask for the table in the manifest",
        )),
        (Some(_), Reach::Own) => Err(Refusal::new(
            Code::NotPermitted,
            spot,
            format!("`{name}` belongs to another app"),
            "only the app that owns it may change it, empty it or make a view of it",
        )),
        (Some(_), Reach::Read | Reach::Write) => Err(Refusal::new(
            Code::NotPermitted,
            spot,
            format!("`{name}` is granted to this app for reading only"),
            "ask for writing in the manifest; FOR UPDATE and FOR SHARE count as writing",
        )),
    }
}
