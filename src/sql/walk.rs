//! The walk over a statement's tree: every node and every field of it is looked at.
//!
//! Structs are taken apart completely and node types named one by one, so that whatever a
//! newer grammar adds breaks the build instead of passing unseen.

mod change;
mod column;
mod columns;
mod create;
mod dml;
mod expression;
mod from;
mod function;
mod index;
mod json;
mod locking;
mod node;
mod relation;
mod select;
mod statement;
mod table;
mod typename;
mod utility;
mod with;

use std::collections::BTreeSet;

use pg_query::protobuf::{Node, String as Text};
use pg_query::{NodeEnum, protobuf};

use self::columns::RowReferences;
use super::refusal::{Code, Refusal, Spot};
use super::verdict::{Kind, Table, Verdict};

/// Reads the tree of one statement.
pub(super) fn walk(sql: &str, statement: &Node) -> Result<Verdict, Refusal> {
    let mut walker = Walker {
        sql,
        found: Verdict::new(Kind::Select),
        ctes: Vec::new(),
        rows: RowReferences::default(),
        written: BTreeSet::new(),
    };
    walker.statement(statement)?;
    walker.row_references()?;
    let mut found = walker.found;
    found.settle(sql);
    Ok(found)
}

/// What has been found so far, and the names in scope where the walk is.
struct Walker<'a> {
    sql: &'a str,
    found: Verdict,
    /// The names of the WITH queries that can be seen, outermost first.
    ctes: Vec<BTreeSet<String>>,
    rows: RowReferences,
    /// Relations that something else than a plain UPDATE writes.
    written: BTreeSet<Table>,
}

type Walk<T = ()> = Result<T, Refusal>;

/// The place of nodes that carry none.
const NOWHERE: i32 = -1;

impl Walker<'_> {
    fn refuse(
        &self,
        code: Code,
        location: i32,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Refusal {
        Refusal::new(code, Spot::at(self.sql, location), what, fix)
    }

    /// Refuses a construct that apps do not have.
    fn unavailable<T>(&self, location: i32, construct: &str, fix: &str) -> Walk<T> {
        let what = format!("{construct} is not available to apps");
        Err(self.refuse(Code::NotAvailable, location, what, fix))
    }

    /// Refuses a tree that the grammar is not known to make.
    fn unknown<T>(&self) -> Walk<T> {
        Err(self.refuse(
            Code::NotAvailable,
            NOWHERE,
            "the statement has a part that is not known to be harmless",
            "write it in another way",
        ))
    }

    /// A node that must be there.
    fn kind<'n>(&self, node: &'n Node) -> Walk<&'n NodeEnum> {
        match &node.node {
            Some(kind) => Ok(kind),
            None => self.unknown(),
        }
    }

    /// A field that must be there.
    fn present<'n, T>(&self, field: Option<&'n T>) -> Walk<&'n T> {
        match field {
            Some(value) => Ok(value),
            None => self.unknown(),
        }
    }

    /// A field that only a tree after analysis fills.
    fn absent<T>(&self, field: Option<&T>) -> Walk {
        match field {
            None => Ok(()),
            Some(_) => self.unknown(),
        }
    }

    /// A list that only a tree after analysis fills.
    fn empty<T>(&self, list: &[T]) -> Walk {
        match list {
            [] => Ok(()),
            [..] => self.unknown(),
        }
    }

    fn optional(&mut self, node: Option<&Node>) -> Walk {
        node.map_or(Ok(()), |node| self.node(node))
    }

    fn required(&mut self, node: Option<&Node>) -> Walk {
        let node = self.present(node)?;
        self.node(node)
    }

    fn nodes(&mut self, nodes: &[Node]) -> Walk {
        nodes.iter().try_for_each(|node| self.node(node))
    }

    fn text<'n>(&self, node: &'n Node) -> Walk<&'n str> {
        match &node.node {
            Some(NodeEnum::String(Text { sval })) => Ok(sval),
            Some(_) | None => self.unknown(),
        }
    }

    /// The parts of a name that is written as a list.
    fn name<'n>(&self, parts: &'n [Node]) -> Walk<Vec<&'n str>> {
        parts.iter().map(|part| self.text(part)).collect()
    }

    /// A list of plain names.
    fn texts(&self, parts: &[Node]) -> Walk {
        parts.iter().try_for_each(|part| self.text(part).map(drop))
    }

    fn list<'n>(&self, node: &'n Node) -> Walk<&'n [Node]> {
        match &node.node {
            Some(NodeEnum::List(protobuf::List { items })) => Ok(items),
            Some(_) | None => self.unknown(),
        }
    }

    /// An operator: one name without a schema.
    fn operator(&self, name: &[Node], location: i32) -> Walk {
        match self.name(name)?.as_slice() {
            [_] => Ok(()),
            [..] => self.unavailable(
                location,
                "OPERATOR with a schema",
                "write the operator itself",
            ),
        }
    }

    /// Names of the host's own begin with `skep_`.
    fn own_word(&self, what: &str, word: &str) -> Walk<String> {
        if word.to_lowercase().starts_with("skep_") {
            Err(self.refuse(
                Code::NotPermitted,
                NOWHERE,
                format!("the {what} `{word}` is one of the host's"),
                "choose a name that does not begin with `skep_`",
            ))
        } else {
            Ok(word.to_owned())
        }
    }
}
