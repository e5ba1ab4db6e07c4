//! CREATE TABLE and ALTER TABLE.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType as Change, CreateStmt, Node, ObjectType,
    OnCommitAction, PartitionBoundSpec, PartitionCmd, PartitionElem, PartitionRangeDatum,
    PartitionSpec,
};

use super::{NOWHERE, Walk, Walker};

impl Walker<'_> {
    pub(super) fn create_table(&mut self, create: &CreateStmt) -> Walk {
        let CreateStmt {
            relation,
            table_elts,
            inh_relations,
            partbound,
            partspec,
            of_typename,
            constraints,
            nnconstraints,
            options,
            oncommit,
            tablespacename,
            access_method,
            if_not_exists,
        } = create;
        self.create(relation.as_ref())?;
        self.found.tolerant = *if_not_exists;
        self.table_elements(table_elts)?;
        self.parents(inh_relations, partbound.is_some())?;
        if let Some(bound) = partbound {
            self.partition_bound(bound)?;
        }
        if let Some(spec) = partspec {
            self.partition_spec(spec)?;
        }
        if of_typename.is_some() {
            return self.unavailable(NOWHERE, "CREATE TABLE ... OF", "write the columns");
        }
        self.table_elements(constraints)?;
        self.table_elements(nnconstraints)?;
        self.storage_options(options)?;
        if OnCommitAction::try_from(*oncommit) != Ok(OnCommitAction::OncommitNoop) {
            return self.unavailable(NOWHERE, "ON COMMIT", "leave it out");
        }
        self.no_storage(tablespacename, access_method)
    }

    /// The columns and constraints of a table.
    fn table_elements(&mut self, elements: &[Node]) -> Walk {
        for element in elements {
            let element = self.kind(element)?;
            if let NodeEnum::ColumnDef(column) = element {
                self.column_definition(column)?;
            } else if let NodeEnum::Constraint(constraint) = element {
                self.constraint(constraint)?;
            } else if let NodeEnum::TableLikeClause(_) = element {
                return self.unavailable(NOWHERE, "LIKE in CREATE TABLE", "write the columns");
            } else {
                return self.unknown();
            }
        }
        Ok(())
    }

    /// The tables that a table inherits from, or is a partition of.
    fn parents(&mut self, parents: &[Node], partition: bool) -> Walk {
        for parent in parents {
            let NodeEnum::RangeVar(parent) = self.kind(parent)? else {
                return self.unknown();
            };
            if !partition {
                return self.unavailable(
                    parent.location,
                    "INHERITS",
                    "write the columns, or use PARTITION BY",
                );
            }
            self.own(Some(parent))?;
        }
        Ok(())
    }

    fn partition_spec(&mut self, spec: &PartitionSpec) -> Walk {
        let PartitionSpec {
            strategy: _,
            part_params,
            location: _,
        } = spec;
        for element in part_params {
            let NodeEnum::PartitionElem(element) = self.kind(element)? else {
                return self.unknown();
            };
            let PartitionElem {
                name: _,
                expr,
                collation,
                opclass,
                location,
            } = element.as_ref();
            self.optional(expr.as_deref())?;
            self.key_order(collation, opclass, *location)?;
        }
        Ok(())
    }

    fn partition_bound(&mut self, bound: &PartitionBoundSpec) -> Walk {
        let PartitionBoundSpec {
            strategy: _,
            is_default: _,
            modulus: _,
            remainder: _,
            listdatums,
            lowerdatums,
            upperdatums,
            location: _,
        } = bound;
        for datum in [listdatums, lowerdatums, upperdatums].into_iter().flatten() {
            if let NodeEnum::PartitionRangeDatum(datum) = self.kind(datum)? {
                let PartitionRangeDatum {
                    kind: _,
                    value,
                    location: _,
                } = datum.as_ref();
                self.optional(value.as_deref())?;
            } else {
                self.node(datum)?;
            }
        }
        Ok(())
    }

    pub(super) fn alter_table(&mut self, alter: &AlterTableStmt) -> Walk {
        let AlterTableStmt {
            relation,
            cmds,
            objtype,
            missing_ok: _,
        } = alter;
        if ObjectType::try_from(*objtype) != Ok(ObjectType::ObjectTable) {
            return self.unavailable(
                NOWHERE,
                "this change of something that is no table",
                "drop it and make it anew",
            );
        }
        self.own(relation.as_ref())?;
        for command in cmds {
            let NodeEnum::AlterTableCmd(command) = self.kind(command)? else {
                return self.unknown();
            };
            self.alter_command(command)?;
        }
        Ok(())
    }

    fn alter_command(&mut self, command: &AlterTableCmd) -> Walk {
        let AlterTableCmd {
            subtype,
            name: _,
            num: _,
            newowner,
            def,
            behavior,
            missing_ok: _,
            recurse: _,
        } = command;
        self.known_change(*subtype)?;
        self.absent(newowner.as_ref())?;
        self.restrict(
            *behavior,
            "CASCADE",
            "remove first what depends on it, by its name",
        )?;
        let Some(def) = def else { return Ok(()) };
        let kind = self.kind(def)?;
        if let NodeEnum::ColumnDef(column) = kind {
            self.column_definition(column)
        } else if let NodeEnum::Constraint(constraint) = kind {
            self.constraint(constraint)
        } else if let NodeEnum::PartitionCmd(command) = kind {
            let PartitionCmd {
                name,
                bound,
                concurrent: _,
            } = command;
            self.own(name.as_ref())?;
            bound
                .as_ref()
                .map_or(Ok(()), |bound| self.partition_bound(bound))
        } else if let NodeEnum::AtalterConstraint(_) = kind {
            // Names and switches only.
            Ok(())
        } else if let NodeEnum::List(list) = kind {
            self.definition_options(&list.items)
        } else {
            // The expression of SET DEFAULT, a number, or a word.
            self.node(def)
        }
    }

    /// Refuses what does more to a table than its own columns, constraints and partitions.
    #[expect(clippy::too_many_lines, reason = "one entry a change, in one list")]
    fn known_change(&self, subtype: i32) -> Walk {
        match Change::try_from(subtype) {
            Ok(
                Change::AtAddColumn
                | Change::AtColumnDefault
                | Change::AtDropNotNull
                | Change::AtSetNotNull
                | Change::AtSetExpression
                | Change::AtDropExpression
                | Change::AtSetStatistics
                | Change::AtSetStorage
                | Change::AtSetCompression
                | Change::AtDropColumn
                | Change::AtAddConstraint
                | Change::AtAlterConstraint
                | Change::AtValidateConstraint
                | Change::AtDropConstraint
                | Change::AtAlterColumnType
                | Change::AtSetLogged
                | Change::AtSetUnLogged
                | Change::AtSetRelOptions
                | Change::AtResetRelOptions
                | Change::AtAttachPartition
                | Change::AtDetachPartition
                | Change::AtDetachPartitionFinalize
                | Change::AtAddIdentity
                | Change::AtSetIdentity
                | Change::AtDropIdentity,
            ) => Ok(()),
            Ok(Change::AtChangeOwner) => self.unavailable(
                NOWHERE,
                "OWNER TO",
                "leave it out: the app owns what it makes",
            ),
            Ok(
                Change::AtEnableTrig
                | Change::AtEnableAlwaysTrig
                | Change::AtEnableReplicaTrig
                | Change::AtDisableTrig
                | Change::AtEnableTrigAll
                | Change::AtDisableTrigAll
                | Change::AtEnableTrigUser
                | Change::AtDisableTrigUser
                | Change::AtEnableRule
                | Change::AtEnableAlwaysRule
                | Change::AtEnableReplicaRule
                | Change::AtDisableRule
                | Change::AtEnableRowSecurity
                | Change::AtDisableRowSecurity
                | Change::AtForceRowSecurity
                | Change::AtNoForceRowSecurity,
            ) => self.unavailable(
                NOWHERE,
                "a change of triggers, rules or row security",
                "leave it out",
            ),
            Ok(
                Change::AtAddInherit | Change::AtDropInherit | Change::AtAddOf | Change::AtDropOf,
            ) => self.unavailable(NOWHERE, "INHERIT", "use PARTITION BY"),
            Ok(
                Change::AtAddColumnToView
                | Change::AtCookedColumnDefault
                | Change::AtSetOptions
                | Change::AtResetOptions
                | Change::AtAddIndex
                | Change::AtReAddIndex
                | Change::AtReAddConstraint
                | Change::AtReAddDomainConstraint
                | Change::AtAddIndexConstraint
                | Change::AtReAddComment
                | Change::AtAlterColumnGenericOptions
                | Change::AtClusterOn
                | Change::AtDropCluster
                | Change::AtDropOids
                | Change::AtSetAccessMethod
                | Change::AtSetTableSpace
                | Change::AtReplaceRelOptions
                | Change::AtReplicaIdentity
                | Change::AtGenericOptions
                | Change::AtReAddStatistics,
            ) => self.unavailable(NOWHERE, "this form of ALTER TABLE", "leave it out"),
            Ok(Change::Undefined) | Err(_) => self.unknown(),
        }
    }
}
