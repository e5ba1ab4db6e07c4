//! Schemas, types, sequences and views.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterEnumStmt, AlterSeqStmt, CreateEnumStmt, CreateSchemaStmt, CreateSeqStmt, DefElem, Node,
    ViewStmt,
};

use super::{NOWHERE, Walk, Walker};

impl Walker<'_> {
    pub(super) fn create_schema(&mut self, create: &CreateSchemaStmt) -> Walk {
        let CreateSchemaStmt {
            schemaname,
            authrole,
            schema_elts,
            if_not_exists,
        } = create;
        if authrole.is_some() || !schema_elts.is_empty() {
            return self.unavailable(
                NOWHERE,
                "CREATE SCHEMA with an owner or with tables in it",
                "make the schema alone, then its tables",
            );
        }
        self.found.tolerant = *if_not_exists;
        self.found.schema = Some(schemaname.clone());
        Ok(())
    }

    pub(super) fn create_enum(&mut self, create: &CreateEnumStmt) -> Walk {
        let CreateEnumStmt { type_name, vals } = create;
        self.texts(vals)?;
        let name = self.listed(type_name, NOWHERE)?;
        self.note_name(|found| &mut found.creates, name, NOWHERE);
        Ok(())
    }

    pub(super) fn alter_enum(&mut self, alter: &AlterEnumStmt) -> Walk {
        let AlterEnumStmt {
            type_name,
            old_val: _,
            new_val: _,
            new_val_neighbor: _,
            new_val_is_after: _,
            skip_if_new_val_exists: _,
        } = alter;
        let name = self.listed(type_name, NOWHERE)?;
        self.note_name(|found| &mut found.types, name, NOWHERE);
        Ok(())
    }

    pub(super) fn create_sequence(&mut self, create: &CreateSeqStmt) -> Walk {
        let CreateSeqStmt {
            sequence,
            options,
            owner_id: _,
            for_identity: _,
            if_not_exists,
        } = create;
        self.create(sequence.as_ref())?;
        self.found.tolerant = *if_not_exists;
        self.sequence_options(options)
    }

    pub(super) fn alter_sequence(&mut self, alter: &AlterSeqStmt) -> Walk {
        let AlterSeqStmt {
            sequence,
            options,
            for_identity: _,
            missing_ok: _,
        } = alter;
        self.own(sequence.as_ref())?;
        self.sequence_options(options)
    }

    pub(super) fn sequence_options(&mut self, options: &[Node]) -> Walk {
        for option in options {
            let NodeEnum::DefElem(option) = self.kind(option)? else {
                return self.unknown();
            };
            let DefElem {
                defnamespace,
                defname,
                arg,
                defaction: _,
                location,
                arg_location: _,
            } = option.as_ref();
            match (defnamespace.as_str(), defname.as_str()) {
                (
                    "",
                    "cache" | "cycle" | "increment" | "maxvalue" | "minvalue" | "restart" | "start",
                ) => {
                    self.plain(arg.as_deref())?;
                }
                ("", "generated") => self.plain(arg.as_deref())?,
                ("", "as") => self.required(arg.as_deref())?,
                ("", "owned_by") => self.owned_by(arg.as_deref())?,
                ("", "sequence_name") => {
                    let name = self.list(self.present(arg.as_deref())?)?;
                    let name = self.listed(name, *location)?;
                    self.note_name(|found| &mut found.creates, name, *location);
                }
                (_, _) => {
                    return self.unavailable(
                        *location,
                        &format!("the option `{defname}`"),
                        "leave it out",
                    );
                }
            }
        }
        Ok(())
    }

    /// OWNED BY a column of an own table, or NONE.
    fn owned_by(&mut self, column: Option<&Node>) -> Walk {
        let parts = self.list(self.present(column)?)?;
        match parts {
            [none] if self.text(none)? == "none" => Ok(()),
            [table @ .., _column] => {
                let table = self.listed(table, NOWHERE)?;
                self.note_name(|found| &mut found.owns, table, NOWHERE);
                Ok(())
            }
            [] => self.unknown(),
        }
    }

    /// A view. It is read with its owner's rights and outlives any grant, so it may show the
    /// app's own tables only.
    pub(super) fn create_view(&mut self, create: &ViewStmt) -> Walk {
        let ViewStmt {
            view,
            aliases,
            query,
            replace: _,
            options,
            with_check_option: _,
        } = create;
        self.create(view.as_ref())?;
        self.labels(aliases)?;
        self.storage_options(options)?;
        self.required(query.as_deref())?;
        let shown = self.found.reads.clone();
        self.found.owns.extend(shown);
        Ok(())
    }
}
