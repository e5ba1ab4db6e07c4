//! Relations by name: read, written, made, changed.

use pg_query::protobuf::{Node, RangeVar};

use super::{Walk, Walker};
use crate::sql::refusal::{Code, Spot};
use crate::sql::verdict::{Names, Table, Verdict};

impl Walker<'_> {
    /// A relation of FROM, or the name of a WITH query in its place.
    pub(super) fn read(&mut self, relation: &RangeVar) -> Walk {
        let table = self.table(relation)?;
        if self.is_cte(&table) {
            self.alias(relation.alias.as_ref())
        } else {
            self.note(|found| &mut found.reads, relation)
        }
    }

    /// The target of a write. A WITH query is never one, so none hides it.
    pub(super) fn write(&mut self, relation: Option<&RangeVar>) -> Walk {
        let relation = self.present(relation)?;
        let table = self.table(relation)?;
        self.found.updates.remove(&table);
        self.written.insert(table);
        self.note(|found| &mut found.writes, relation)
    }

    /// The target of an UPDATE that sets these columns.
    pub(super) fn write_columns(
        &mut self,
        relation: Option<&RangeVar>,
        columns: impl Iterator<Item = String>,
    ) -> Walk {
        let relation = self.present(relation)?;
        let table = self.table(relation)?;
        if !self.written.contains(&table) {
            self.found.updates.entry(table).or_default().extend(columns);
        }
        self.note(|found| &mut found.writes, relation)
    }

    /// A relation that must be the app's own.
    pub(super) fn own(&mut self, relation: Option<&RangeVar>) -> Walk {
        let relation = self.present(relation)?;
        self.note(|found| &mut found.owns, relation)
    }

    /// A relation that must not exist yet.
    pub(super) fn create(&mut self, relation: Option<&RangeVar>) -> Walk {
        let relation = self.present(relation)?;
        self.note(|found| &mut found.creates, relation)
    }

    /// The table that a foreign key points to: the key reads it.
    pub(super) fn referenced(&mut self, relation: &RangeVar) -> Walk {
        self.note(|found| &mut found.reads, relation)
    }

    fn note(&mut self, into: fn(&mut Verdict) -> &mut Names, relation: &RangeVar) -> Walk {
        self.alias(relation.alias.as_ref())?;
        let table = self.table(relation)?;
        self.note_name(into, table, relation.location);
        Ok(())
    }

    pub(super) fn note_name(
        &mut self,
        into: fn(&mut Verdict) -> &mut Names,
        name: Table,
        location: i32,
    ) {
        let spot = Spot::unsettled(location);
        into(&mut self.found).entry(name).or_insert(spot);
    }

    /// Whether a name is that of a WITH query in sight.
    pub(super) fn is_cte(&self, table: &Table) -> bool {
        table.schema.is_none() && self.ctes.iter().any(|names| names.contains(&table.name))
    }

    /// The name of a relation, without a database and not one of PostgreSQL's own.
    pub(super) fn table(&self, relation: &RangeVar) -> Walk<Table> {
        let RangeVar {
            catalogname,
            schemaname,
            relname,
            inh: _,
            relpersistence,
            alias: _,
            location,
        } = relation;
        if relpersistence == "t" {
            return self.unavailable(
                *location,
                "a temporary table",
                "use a WITH query, or a table of the app's own",
            );
        }
        let parts: Vec<&str> = [catalogname, schemaname, relname]
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        self.qualified(&parts, *location)
    }

    /// A name of one or two parts.
    pub(super) fn qualified(&self, parts: &[&str], location: i32) -> Walk<Table> {
        let (schema, name) = match parts {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            [..] => {
                return self.unavailable(
                    location,
                    "a name with a database in it",
                    "name the table alone, or its schema and the table",
                );
            }
        };
        let hidden = |part: &str| part.starts_with("pg_") || part.is_empty();
        if hidden(name)
            || schema.is_some_and(|schema| hidden(schema) || schema == "information_schema")
        {
            return Err(self.refuse(
                Code::UndefinedTable,
                location,
                format!("`{}` is not for apps", parts.join(".")),
                "an app sees its own tables and granted ones, not PostgreSQL's catalog",
            ));
        }
        Ok(Table::new(schema, name))
    }

    /// A name that a statement writes as a list of its parts.
    pub(super) fn listed(&self, parts: &[Node], location: i32) -> Walk<Table> {
        self.qualified(&self.name(parts)?, location)
    }
}
