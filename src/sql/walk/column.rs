//! Columns and constraints of tables that are made or changed.

use pg_query::NodeEnum;
use pg_query::protobuf::{ColumnDef, ConstrType, Constraint, DefElem, Node};

use super::{NOWHERE, Walk, Walker};

impl Walker<'_> {
    pub(super) fn column_definition(&mut self, column: &ColumnDef) -> Walk {
        let ColumnDef {
            colname: _,
            type_name,
            compression: _,
            inhcount: _,
            is_local: _,
            is_not_null: _,
            is_from_type: _,
            storage: _,
            storage_name: _,
            raw_default,
            cooked_default,
            identity: _,
            identity_sequence,
            generated: _,
            coll_clause,
            coll_oid: _,
            constraints,
            fdwoptions,
            location: _,
        } = column;
        self.absent(cooked_default.as_ref())?;
        self.absent(identity_sequence.as_ref())?;
        self.empty(fdwoptions)?;
        // A column of a partition may have no type of its own.
        if let Some(name) = type_name {
            self.type_name(name)?;
        }
        // The expression of DEFAULT, or USING of a change of the type.
        self.optional(raw_default.as_deref())?;
        if let Some(clause) = coll_clause {
            self.collate(clause)?;
        }
        for constraint in constraints {
            let NodeEnum::Constraint(constraint) = self.kind(constraint)? else {
                return self.unknown();
            };
            self.constraint(constraint)?;
        }
        Ok(())
    }

    pub(super) fn constraint(&mut self, constraint: &Constraint) -> Walk {
        let Constraint {
            contype,
            conname: _,
            deferrable: _,
            initdeferred: _,
            is_enforced: _,
            skip_validation: _,
            initially_valid: _,
            is_no_inherit: _,
            raw_expr,
            cooked_expr,
            generated_when: _,
            generated_kind: _,
            nulls_not_distinct: _,
            keys,
            without_overlaps: _,
            including,
            exclusions,
            options,
            indexname,
            indexspace,
            reset_default_tblspc: _,
            access_method,
            where_clause,
            pktable,
            fk_attrs,
            pk_attrs,
            fk_with_period: _,
            pk_with_period: _,
            fk_matchtype: _,
            fk_upd_action: _,
            fk_del_action: _,
            fk_del_set_cols,
            old_conpfeqop,
            old_pktable_oid: _,
            location,
        } = constraint;
        if !cooked_expr.is_empty() || !old_conpfeqop.is_empty() {
            return self.unknown();
        }
        if !indexname.is_empty() {
            return self.unavailable(
                *location,
                "a constraint USING INDEX",
                "write the columns of the constraint",
            );
        }
        self.optional(raw_expr.as_deref())?;
        for names in [keys, including, fk_attrs, pk_attrs, fk_del_set_cols] {
            self.texts(names)?;
        }
        self.exclusions(exclusions, *location)?;
        self.constraint_options(*contype, options)?;
        self.no_storage(indexspace, "")?;
        self.index_method(access_method, *location)?;
        self.optional(where_clause.as_deref())?;
        match pktable {
            Some(table) => self.referenced(table),
            None => Ok(()),
        }
    }

    /// What EXCLUDE compares, each with an operator.
    fn exclusions(&mut self, exclusions: &[Node], location: i32) -> Walk {
        for exclusion in exclusions {
            let [element, operator] = self.list(exclusion)? else {
                return self.unknown();
            };
            self.index_elements(std::slice::from_ref(element))?;
            self.operator(self.list(operator)?, location)?;
        }
        Ok(())
    }

    /// The options of an identity are those of its sequence; others are those of an index.
    fn constraint_options(&mut self, contype: i32, options: &[Node]) -> Walk {
        if ConstrType::try_from(contype) == Ok(ConstrType::ConstrIdentity) {
            self.sequence_options(options)
        } else {
            self.storage_options(options)
        }
    }

    /// The options of a sequence that belongs to a column, or of how a table is stored.
    pub(super) fn definition_options(&mut self, options: &[Node]) -> Walk {
        for option in options {
            let one = std::slice::from_ref(option);
            if self.storage_options(one).is_err() {
                self.sequence_options(one)?;
            }
        }
        Ok(())
    }

    /// The options of WITH (...) behind tables, indexes and views.
    pub(super) fn storage_options(&mut self, options: &[Node]) -> Walk {
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
            let known = match defnamespace.as_str() {
                "" => {
                    defname.starts_with("autovacuum_")
                        || STORAGE_OPTIONS.contains(&defname.as_str())
                }
                "toast" => defname.starts_with("autovacuum_"),
                _other => false,
            };
            if !known {
                return self.unavailable(
                    *location,
                    &format!("the option `{defname}`"),
                    "leave it out",
                );
            }
            self.plain(arg.as_deref())?;
        }
        Ok(())
    }

    /// The value of an option: a word or a number, never an expression.
    pub(super) fn plain(&self, value: Option<&Node>) -> Walk {
        let Some(value) = value else { return Ok(()) };
        if let NodeEnum::Integer(_)
        | NodeEnum::Float(_)
        | NodeEnum::Boolean(_)
        | NodeEnum::String(_) = self.kind(value)?
        {
            return Ok(());
        }
        // A bare word such as `on` is read as the name of a type.
        let NodeEnum::TypeName(_) = self.kind(value)? else {
            return self.unknown();
        };
        Ok(())
    }

    /// Refuses a place for data, or a way to store it, of its own.
    pub(super) fn no_storage(&self, tablespace: &str, access_method: &str) -> Walk {
        if !tablespace.is_empty() || !access_method.is_empty() {
            return self.unavailable(
                NOWHERE,
                "a tablespace or a storage method",
                "leave it out: where data lies is the operator's",
            );
        }
        Ok(())
    }
}

const STORAGE_OPTIONS: [&str; 12] = [
    "buffering",
    "check_option",
    "deduplicate_items",
    "fastupdate",
    "fillfactor",
    "gin_pending_list_limit",
    "pages_per_range",
    "security_barrier",
    "security_invoker",
    "toast_tuple_target",
    "autosummarize",
    "vacuum_truncate",
];
