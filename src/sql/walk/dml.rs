//! INSERT, UPDATE, DELETE, MERGE and TRUNCATE.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    DeleteStmt, DropBehavior, InferClause, InsertStmt, MergeStmt, MergeWhenClause, Node,
    OnConflictClause, ReturningClause, ReturningOption, TruncateStmt, UpdateStmt,
};

use super::{NOWHERE, Walk, Walker};

impl Walker<'_> {
    pub(super) fn insert(&mut self, insert: &InsertStmt) -> Walk {
        let InsertStmt {
            relation,
            cols,
            select_stmt,
            on_conflict_clause,
            returning_clause,
            with_clause,
            r#override: _,
        } = insert;
        self.write(relation.as_ref())?;
        self.within(with_clause.as_ref(), |walker| {
            walker.nodes(cols)?;
            // DEFAULT VALUES has no query.
            walker.optional(select_stmt.as_deref())?;
            if let Some(clause) = on_conflict_clause {
                walker.on_conflict(clause)?;
            }
            walker.returning(returning_clause.as_ref())
        })
    }

    fn on_conflict(&mut self, clause: &OnConflictClause) -> Walk {
        let OnConflictClause {
            action: _,
            infer,
            target_list,
            where_clause,
            location: _,
        } = clause;
        if let Some(infer) = infer {
            let InferClause {
                index_elems,
                where_clause,
                conname: _,
                location: _,
            } = infer.as_ref();
            self.index_elements(index_elems)?;
            self.optional(where_clause.as_deref())?;
        }
        self.nodes(target_list)?;
        self.optional(where_clause.as_deref())
    }

    pub(super) fn update(&mut self, update: &UpdateStmt) -> Walk {
        let UpdateStmt {
            relation,
            target_list,
            where_clause,
            from_clause,
            returning_clause,
            with_clause,
        } = update;
        let columns = target_list
            .iter()
            .map(|target| {
                let NodeEnum::ResTarget(target) = self.kind(target)? else {
                    return self.unknown();
                };
                Ok(target.name.clone())
            })
            .collect::<Walk<Vec<String>>>()?;
        self.write_columns(relation.as_ref(), columns.into_iter())?;
        self.within(with_clause.as_ref(), |walker| {
            walker.nodes(target_list)?;
            walker.optional(where_clause.as_deref())?;
            walker.nodes(from_clause)?;
            walker.returning(returning_clause.as_ref())
        })
    }

    pub(super) fn delete(&mut self, delete: &DeleteStmt) -> Walk {
        let DeleteStmt {
            relation,
            using_clause,
            where_clause,
            returning_clause,
            with_clause,
        } = delete;
        self.write(relation.as_ref())?;
        self.within(with_clause.as_ref(), |walker| {
            walker.nodes(using_clause)?;
            walker.optional(where_clause.as_deref())?;
            walker.returning(returning_clause.as_ref())
        })
    }

    pub(super) fn merge(&mut self, merge: &MergeStmt) -> Walk {
        let MergeStmt {
            relation,
            source_relation,
            join_condition,
            merge_when_clauses,
            returning_clause,
            with_clause,
        } = merge;
        self.write(relation.as_ref())?;
        self.within(with_clause.as_ref(), |walker| {
            walker.required(source_relation.as_deref())?;
            walker.required(join_condition.as_deref())?;
            for clause in merge_when_clauses {
                walker.merge_when(clause)?;
            }
            walker.returning(returning_clause.as_ref())
        })
    }

    fn merge_when(&mut self, clause: &Node) -> Walk {
        let NodeEnum::MergeWhenClause(clause) = self.kind(clause)? else {
            return self.unknown();
        };
        let MergeWhenClause {
            match_kind: _,
            command_type: _,
            r#override: _,
            condition,
            target_list,
            values,
        } = clause.as_ref();
        self.optional(condition.as_deref())?;
        self.nodes(target_list)?;
        self.nodes(values)
    }

    fn returning(&mut self, clause: Option<&ReturningClause>) -> Walk {
        let Some(clause) = clause else { return Ok(()) };
        let ReturningClause { options, exprs } = clause;
        for option in options {
            let NodeEnum::ReturningOption(ReturningOption {
                option: _,
                value: _,
                location: _,
            }) = self.kind(option)?
            else {
                return self.unknown();
            };
        }
        self.output(exprs)
    }

    pub(super) fn truncate(&mut self, truncate: &TruncateStmt) -> Walk {
        let TruncateStmt {
            relations,
            restart_seqs: _,
            behavior,
        } = truncate;
        self.restrict(
            *behavior,
            "TRUNCATE ... CASCADE",
            "name every table to empty",
        )?;
        for relation in relations {
            let NodeEnum::RangeVar(relation) = self.kind(relation)? else {
                return self.unknown();
            };
            self.own(Some(relation))?;
        }
        Ok(())
    }

    /// Refuses CASCADE: it would reach what the statement does not name.
    pub(super) fn restrict(&self, behavior: i32, construct: &str, fix: &str) -> Walk {
        match DropBehavior::try_from(behavior) {
            Ok(DropBehavior::DropRestrict) => Ok(()),
            Ok(DropBehavior::DropCascade) => self.unavailable(NOWHERE, construct, fix),
            Ok(DropBehavior::Undefined) | Err(_) => self.unknown(),
        }
    }
}
