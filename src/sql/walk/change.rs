//! DROP, RENAME and COMMENT.

use pg_query::NodeEnum;
use pg_query::protobuf::{CommentStmt, DropStmt, Node, ObjectType as Object, RenameStmt, TypeName};

use super::{NOWHERE, Walk, Walker};
use crate::sql::verdict::{Names, Table, Verdict};

impl Walker<'_> {
    pub(super) fn drop(&mut self, statement: &DropStmt) -> Walk {
        let DropStmt {
            objects,
            remove_type,
            behavior,
            missing_ok,
            concurrent: _,
        } = statement;
        self.restrict(
            *behavior,
            "DROP ... CASCADE",
            "drop first what depends on it, by its name",
        )?;
        self.found.tolerant = *missing_ok;
        let kind = Object::try_from(*remove_type);
        for object in objects {
            let name = match kind {
                Ok(
                    Object::ObjectTable
                    | Object::ObjectIndex
                    | Object::ObjectView
                    | Object::ObjectSequence,
                ) => self.listed(self.list(object)?, NOWHERE)?,
                Ok(Object::ObjectType) => self.object_type(object)?,
                Ok(_) => {
                    return self.unavailable(
                        NOWHERE,
                        "DROP of this kind of object",
                        "drop tables, indexes, views, sequences and types",
                    );
                }
                Err(_) => return self.unknown(),
            };
            self.note_name(|found| &mut found.drops, name, NOWHERE);
        }
        Ok(())
    }

    /// A type that a statement acts on.
    fn object_type(&self, object: &Node) -> Walk<Table> {
        let NodeEnum::TypeName(TypeName {
            names,
            type_oid: _,
            setof: false,
            pct_type: false,
            typmods,
            typemod: _,
            array_bounds,
            location,
        }) = self.kind(object)?
        else {
            return self.unknown();
        };
        self.empty(typmods)?;
        self.empty(array_bounds)?;
        self.listed(names, *location)
    }

    pub(super) fn rename(&mut self, rename: &RenameStmt) -> Walk {
        let RenameStmt {
            rename_type,
            relation_type,
            relation,
            object,
            subname: _,
            newname,
            behavior: _,
            missing_ok: _,
        } = rename;
        match Object::try_from(*rename_type) {
            Ok(
                Object::ObjectTable
                | Object::ObjectIndex
                | Object::ObjectView
                | Object::ObjectSequence,
            ) => {
                let relation = self.present(relation.as_ref())?;
                self.own(Some(relation))?;
                let old = self.table(relation)?;
                self.new_name(old.schema.as_deref(), newname)
            }
            Ok(Object::ObjectColumn | Object::ObjectTabconstraint)
                if Object::try_from(*relation_type) != Ok(Object::ObjectForeignTable) =>
            {
                self.own(relation.as_ref())
            }
            Ok(Object::ObjectType) => {
                let parts = self.list(self.present(object.as_deref())?)?;
                let old = self.listed(parts, NOWHERE)?;
                let schema = old.schema.clone();
                self.note_name(|found| &mut found.types, old, NOWHERE);
                self.new_name(schema.as_deref(), newname)
            }
            Ok(_) => self.unavailable(
                NOWHERE,
                "RENAME of this kind of object",
                "rename tables, columns, constraints, indexes, views, sequences and types",
            ),
            Err(_) => self.unknown(),
        }
    }

    fn new_name(&mut self, schema: Option<&str>, name: &str) -> Walk {
        let name = self.qualified(&[name], NOWHERE)?.name;
        let new = Table::new(schema, &name);
        self.note_name(|found| &mut found.creates, new, NOWHERE);
        Ok(())
    }

    pub(super) fn comment(&mut self, statement: &CommentStmt) -> Walk {
        let CommentStmt {
            objtype,
            object,
            comment: _,
        } = statement;
        let object = self.present(object.as_deref())?;
        match Object::try_from(*objtype) {
            Ok(
                Object::ObjectTable
                | Object::ObjectIndex
                | Object::ObjectView
                | Object::ObjectSequence,
            ) => {
                let name = self.listed(self.list(object)?, NOWHERE)?;
                self.commented(|found| &mut found.owns, name)
            }
            Ok(Object::ObjectColumn | Object::ObjectTabconstraint) => {
                let [table @ .., _part] = self.list(object)? else {
                    return self.unknown();
                };
                let table = self.listed(table, NOWHERE)?;
                self.commented(|found| &mut found.owns, table)
            }
            Ok(Object::ObjectType) => {
                let name = self.object_type(object)?;
                self.commented(|found| &mut found.types, name)
            }
            Ok(_) => self.unavailable(
                NOWHERE,
                "COMMENT on this kind of object",
                "comment on tables, columns, constraints, indexes, views, sequences and types",
            ),
            Err(_) => self.unknown(),
        }
    }

    fn commented(&mut self, into: fn(&mut Verdict) -> &mut Names, name: Table) -> Walk {
        self.note_name(into, name, NOWHERE);
        Ok(())
    }
}
