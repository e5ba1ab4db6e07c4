//! Columns, and what looks like one but calls a function.
//!
//! To PostgreSQL `(value).name` may mean `name(value)`, and `item.name` may mean
//! `name(item)` with the whole row of `item`, where there is no such column.

use std::collections::{BTreeMap, BTreeSet};

use pg_query::NodeEnum;
use pg_query::protobuf::{AIndices, AIndirection, Alias, ColumnRef, Node, ResTarget};

use super::{NOWHERE, Walk, Walker};
use crate::sql::names;
use crate::sql::refusal::{Code, Refusal};

/// Names behind a point that may call a function. Whether they do depends on what the rest of
/// the statement calls so; it is decided when all of it was read.
#[derive(Default)]
pub(super) struct RowReferences {
    references: Vec<RowReference>,
    /// Names that the statement gives to columns itself.
    labels: BTreeSet<String>,
    /// Functions in FROM whose row may be a plain value, each with the columns it surely has.
    functions: BTreeMap<String, BTreeSet<String>>,
}

struct RowReference {
    qualifier: String,
    name: String,
    location: i32,
}

impl Walker<'_> {
    pub(super) fn column(&mut self, column: &ColumnRef) -> Walk {
        let ColumnRef { fields, location } = column;
        for field in fields {
            let (NodeEnum::String(_) | NodeEnum::AStar(_)) = self.kind(field)? else {
                return self.unknown();
            };
        }
        let texts: Vec<&str> = fields
            .iter()
            .filter_map(|field| self.text(field).ok())
            .collect();
        if fields.len() > 3 {
            return self.unavailable(
                *location,
                "a name with a database in it",
                "name the column alone, or its table and the column",
            );
        }
        // Behind a star there is no name: `item.*`.
        if let [.., qualifier, name] = texts.as_slice()
            && texts.len() == fields.len()
            && (names::calls_on_rows(name) || names::calls_unlisted(name))
        {
            self.rows.references.push(RowReference {
                qualifier: (*qualifier).to_owned(),
                name: (*name).to_owned(),
                location: *location,
            });
        }
        Ok(())
    }

    pub(super) fn indirection(&mut self, indirection: &AIndirection) -> Walk {
        let AIndirection { arg, indirection } = indirection;
        self.required(arg.as_deref())?;
        for step in indirection {
            if let NodeEnum::String(name) = self.kind(step)? {
                if names::calls_unlisted(&name.sval) {
                    return Err(self.call_by_point(&name.sval, NOWHERE));
                }
            } else {
                self.node(step)?;
            }
        }
        Ok(())
    }

    fn call_by_point(&self, name: &str, location: i32) -> Refusal {
        self.refuse(
            Code::NotPermitted,
            location,
            format!("`.{name}` calls the function `{name}`"),
            "if a column is meant, give it another name with AS; \
             functions are called as `name(value)`, where apps may call them",
        )
    }

    pub(super) fn indices(&mut self, indices: &AIndices) -> Walk {
        let AIndices {
            is_slice: _,
            lidx,
            uidx,
        } = indices;
        self.optional(lidx.as_deref())?;
        self.optional(uidx.as_deref())
    }

    /// A column of a result, of INSERT or of SET.
    pub(super) fn target(&mut self, target: &ResTarget) -> Walk {
        let ResTarget {
            name: _,
            indirection,
            val,
            location: _,
        } = target;
        // A part of a column that is assigned to is never a function.
        self.nodes(indirection)?;
        self.optional(val.as_deref())
    }

    /// The columns of a result, whose names the rest of the statement may use.
    pub(super) fn output(&mut self, targets: &[Node]) -> Walk {
        for target in targets {
            if let NodeEnum::ResTarget(target) = self.kind(target)? {
                if !target.name.is_empty() {
                    self.label(&target.name);
                } else if let Some(name) = target.val.as_deref().and_then(default_label) {
                    self.label(&name);
                }
            }
        }
        self.nodes(targets)
    }

    pub(super) fn alias(&mut self, alias: Option<&Alias>) -> Walk {
        let Some(alias) = alias else { return Ok(()) };
        let Alias {
            aliasname: _,
            colnames,
        } = alias;
        self.labels(colnames)
    }

    pub(super) fn labels(&mut self, names: &[Node]) -> Walk {
        for name in names {
            let name = self.text(name)?.to_owned();
            self.label(&name);
        }
        Ok(())
    }

    pub(super) fn label(&mut self, name: &str) {
        if names::calls_on_rows(name) || names::calls_unlisted(name) {
            self.rows.labels.insert(name.to_owned());
        }
    }

    /// A name by which the value of a function in FROM is known, and the names of its columns.
    pub(super) fn scalar_function(&mut self, name: &str, columns: BTreeSet<String>) {
        let known = self.rows.functions.entry(name.to_owned());
        known
            // The name may stand for several functions, in several subqueries.
            .and_modify(|known| known.retain(|column| columns.contains(column)))
            .or_insert(columns);
    }

    /// Decides about the names behind a point, once all of the statement was read.
    pub(super) fn row_references(&self) -> Walk {
        for reference in &self.rows.references {
            let RowReference {
                qualifier,
                name,
                location,
            } = reference;
            let harmless = !names::calls_unlisted(name);
            let refused = if harmless {
                // It may be called, but it would be a call that nobody can see.
                !self.rows.labels.contains(name) && !names::is_column_like(name)
            } else {
                names::calls_on_rows(name)
                    || self
                        .rows
                        .functions
                        .get(qualifier)
                        .is_some_and(|columns| !columns.contains(name))
            };
            if refused {
                return Err(self.call_by_point(name, *location));
            }
        }
        Ok(())
    }
}

/// The name that PostgreSQL gives to a column that is a function's value.
fn default_label(value: &Node) -> Option<String> {
    let value = value.node.as_ref()?;
    if let NodeEnum::FuncCall(call) = value
        && let Some(NodeEnum::String(name)) = &call.funcname.last()?.node
    {
        Some(name.sval.clone())
    } else if let NodeEnum::TypeCast(cast) = value {
        default_label(cast.arg.as_deref()?)
    } else {
        None
    }
}
