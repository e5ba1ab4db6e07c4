//! CREATE INDEX, and what indexes are made of.

use pg_query::NodeEnum;
use pg_query::protobuf::{DefElem, IndexElem, IndexStmt, Node};

use super::{NOWHERE, Walk, Walker};
use crate::sql::verdict::Table;

impl Walker<'_> {
    pub(super) fn create_index(&mut self, index: &IndexStmt) -> Walk {
        let IndexStmt {
            idxname,
            relation,
            access_method,
            table_space,
            index_params,
            index_including_params,
            options,
            where_clause,
            exclude_op_names,
            idxcomment: _,
            index_oid: _,
            old_number: _,
            old_create_subid: _,
            old_first_relfilelocator_subid: _,
            unique: _,
            nulls_not_distinct: _,
            primary: _,
            isconstraint: _,
            iswithoutoverlaps: _,
            deferrable: _,
            initdeferred: _,
            transformed: _,
            concurrent: _,
            if_not_exists,
            reset_default_tblspc: _,
        } = index;
        let relation = self.present(relation.as_ref())?;
        self.own(Some(relation))?;
        self.found.tolerant = *if_not_exists;
        if !idxname.is_empty() {
            // An index lies in the schema of its table.
            let table = self.table(relation)?;
            let name = self.qualified(&[idxname], NOWHERE)?.name;
            let index = Table::new(table.schema.as_deref(), &name);
            self.note_name(|found| &mut found.creates, index, NOWHERE);
        }
        self.index_method(access_method, NOWHERE)?;
        self.no_storage(table_space, "")?;
        self.index_elements(index_params)?;
        self.index_elements(index_including_params)?;
        self.storage_options(options)?;
        self.optional(where_clause.as_deref())?;
        self.empty(exclude_op_names)
    }

    pub(super) fn index_method(&self, method: &str, location: i32) -> Walk {
        match method {
            "" | "btree" | "hash" | "gin" | "gist" | "spgist" | "brin" => Ok(()),
            _other => self.unavailable(
                location,
                "this kind of index",
                "use btree, hash, gin, gist, spgist or brin",
            ),
        }
    }

    pub(super) fn index_elements(&mut self, elements: &[Node]) -> Walk {
        for element in elements {
            let NodeEnum::IndexElem(element) = self.kind(element)? else {
                return self.unknown();
            };
            let IndexElem {
                name: _,
                expr,
                indexcolname: _,
                collation,
                opclass,
                opclassopts,
                ordering: _,
                nulls_ordering: _,
            } = element.as_ref();
            self.optional(expr.as_deref())?;
            self.key_order(collation, opclass, NOWHERE)?;
            for option in opclassopts {
                let NodeEnum::DefElem(option) = self.kind(option)? else {
                    return self.unknown();
                };
                let DefElem {
                    defnamespace: _,
                    defname: _,
                    arg,
                    defaction: _,
                    location: _,
                    arg_location: _,
                } = option.as_ref();
                self.plain(arg.as_deref())?;
            }
        }
        Ok(())
    }

    /// The collation and the operator class of a key.
    pub(super) fn key_order(&self, collation: &[Node], opclass: &[Node], location: i32) -> Walk {
        if !collation.is_empty() {
            self.collation(collation, location)?;
        }
        match self.name(opclass)?.as_slice() {
            [] | [_] | ["pg_catalog", _] => Ok(()),
            [..] => self.unavailable(
                location,
                "an operator class with a schema",
                "write its name alone",
            ),
        }
    }
}
