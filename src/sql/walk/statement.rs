//! The statement itself: its kind, and which statements there are for apps at all.

use pg_query::NodeEnum as N;
use pg_query::protobuf::{
    DeclareCursorStmt, DefElem, DeleteStmt, FetchStmt, InsertStmt, MergeStmt, Node,
    ReturningClause, TransactionStmt, TransactionStmtKind as Control, UpdateStmt, a_const,
};

use super::{NOWHERE, Walk, Walker};
use crate::sql::refusal::Code;
use crate::sql::verdict::{Ddl, Kind};

/// The bit of a cursor's options that stands for WITH HOLD.
const WITH_HOLD: i32 = 0x0020;

impl Walker<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`utility` names every other statement"
    )]
    pub(super) fn statement(&mut self, statement: &Node) -> Walk {
        let kind = self.kind(statement)?;
        match kind {
            N::SelectStmt(_)
            | N::InsertStmt(_)
            | N::UpdateStmt(_)
            | N::DeleteStmt(_)
            | N::MergeStmt(_) => self.rows_statement(kind, statement),
            N::TruncateStmt(truncate) => {
                self.found.kind = Kind::Truncate;
                self.truncate(truncate)
            }
            N::TransactionStmt(control) => self.control(control),
            N::DeclareCursorStmt(declare) => self.declare(declare),
            N::FetchStmt(fetch) => self.fetch(fetch),
            N::ClosePortalStmt(close) => self.close(&close.portalname),

            N::AlterEnumStmt(alter) => self.ddl(Ddl::AlterType, |it| it.alter_enum(alter)),
            N::AlterSeqStmt(alter) => self.ddl(Ddl::AlterSequence, |it| it.alter_sequence(alter)),
            N::AlterTableStmt(alter) => self.ddl(Ddl::AlterTable, |it| it.alter_table(alter)),
            N::CommentStmt(comment) => self.ddl(Ddl::Comment, |it| it.comment(comment)),
            N::CreateEnumStmt(create) => self.ddl(Ddl::CreateType, |it| it.create_enum(create)),
            N::CreateSchemaStmt(create) => {
                self.ddl(Ddl::CreateSchema, |it| it.create_schema(create))
            }
            N::CreateSeqStmt(create) => {
                self.ddl(Ddl::CreateSequence, |it| it.create_sequence(create))
            }
            N::CreateStmt(create) => self.ddl(Ddl::CreateTable, |it| it.create_table(create)),
            N::DropStmt(drop) => self.ddl(Ddl::Drop, |it| it.drop(drop)),
            N::IndexStmt(index) => self.ddl(Ddl::CreateIndex, |it| it.create_index(index)),
            N::RenameStmt(rename) => self.ddl(Ddl::Rename, |it| it.rename(rename)),
            N::ViewStmt(view) => self.ddl(Ddl::CreateView, |it| it.create_view(view)),
            _ => self.utility(kind),
        }
    }

    fn ddl(&mut self, kind: Ddl, read: impl FnOnce(&mut Self) -> Walk) -> Walk {
        self.found.kind = Kind::Ddl(kind);
        read(self)
    }

    /// A statement that reads or changes rows.
    fn rows_statement(&mut self, kind: &N, statement: &Node) -> Walk {
        let returning = |clause: &Option<ReturningClause>| clause.is_some();
        if let N::InsertStmt(insert) = kind {
            let InsertStmt {
                returning_clause, ..
            } = insert.as_ref();
            self.found.kind = Kind::Insert;
            self.found.returns_rows = returning(returning_clause);
        } else if let N::UpdateStmt(update) = kind {
            let UpdateStmt {
                returning_clause, ..
            } = update.as_ref();
            self.found.kind = Kind::Update;
            self.found.returns_rows = returning(returning_clause);
        } else if let N::DeleteStmt(delete) = kind {
            let DeleteStmt {
                returning_clause, ..
            } = delete.as_ref();
            self.found.kind = Kind::Delete;
            self.found.returns_rows = returning(returning_clause);
        } else if let N::MergeStmt(merge) = kind {
            let MergeStmt {
                returning_clause, ..
            } = merge.as_ref();
            self.found.kind = Kind::Merge;
            self.found.returns_rows = returning(returning_clause);
        } else {
            self.found.kind = Kind::Select;
            self.found.returns_rows = true;
        }
        self.node(statement)
    }

    fn control(&mut self, control: &TransactionStmt) -> Walk {
        let TransactionStmt {
            kind,
            options,
            savepoint_name,
            gid: _,
            chain,
            location,
        } = control;
        if *chain {
            return self.unavailable(
                *location,
                "AND CHAIN",
                "leave it out: the next statement begins a transaction by itself",
            );
        }
        let savepoint = |walker: &Self| walker.own_word("savepoint", savepoint_name);
        self.found.kind = match Control::try_from(*kind) {
            Ok(Control::TransStmtBegin | Control::TransStmtStart) => {
                self.modes(options)?;
                Kind::Begin
            }
            Ok(Control::TransStmtCommit) => Kind::Commit,
            Ok(Control::TransStmtRollback) => Kind::Rollback,
            Ok(Control::TransStmtSavepoint) => Kind::Savepoint(savepoint(self)?),
            Ok(Control::TransStmtRelease) => Kind::Release(savepoint(self)?),
            Ok(Control::TransStmtRollbackTo) => Kind::RollbackTo(savepoint(self)?),
            Ok(
                Control::TransStmtPrepare
                | Control::TransStmtCommitPrepared
                | Control::TransStmtRollbackPrepared,
            ) => return self.unavailable(*location, "two-phase commit", "use COMMIT"),
            Ok(Control::Undefined) | Err(_) => return self.unknown(),
        };
        Ok(())
    }

    /// The modes behind BEGIN. The host begins transactions itself, in PostgreSQL's default
    /// modes, so it would be a lie to accept others.
    fn modes(&self, options: &[Node]) -> Walk {
        for option in options {
            let N::DefElem(option) = self.kind(option)? else {
                return self.unknown();
            };
            let DefElem {
                defnamespace: _,
                defname,
                arg,
                defaction: _,
                location,
                arg_location: _,
            } = option.as_ref();
            let value = arg.as_deref().and_then(|arg| arg.node.as_ref());
            let value = if let Some(N::AConst(constant)) = value {
                constant.val.as_ref()
            } else {
                None
            };
            let default = match (defname.as_str(), value) {
                ("transaction_isolation", Some(a_const::Val::Sval(level))) => {
                    level.sval == "read committed"
                }
                (
                    "transaction_read_only" | "transaction_deferrable",
                    Some(a_const::Val::Ival(on)),
                ) => on.ival == 0,
                (_, _) => false,
            };
            if !default {
                return self.unavailable(
                    *location,
                    "a transaction mode",
                    "leave it out, and use set_session of psycopg2 or set-modes of the connection",
                );
            }
        }
        Ok(())
    }

    fn declare(&mut self, declare: &DeclareCursorStmt) -> Walk {
        let DeclareCursorStmt {
            portalname,
            options,
            query,
        } = declare;
        if options & WITH_HOLD != 0 {
            return self.unavailable(
                NOWHERE,
                "a cursor WITH HOLD",
                "leave it out: a cursor ends with its transaction",
            );
        }
        self.found.kind = Kind::Declare(self.own_word("cursor", portalname)?);
        let query = self.present(query.as_deref())?;
        let N::SelectStmt(select) = self.kind(query)? else {
            return self.unavailable(NOWHERE, "a cursor over this", "declare it for a SELECT");
        };
        self.select(select)
    }

    fn fetch(&mut self, fetch: &FetchStmt) -> Walk {
        let FetchStmt {
            direction: _,
            how_many: _,
            portalname,
            ismove,
        } = fetch;
        let name = self.own_word("cursor", portalname)?;
        self.found.returns_rows = !ismove;
        self.found.kind = if *ismove {
            Kind::Move(name)
        } else {
            Kind::Fetch(name)
        };
        Ok(())
    }

    fn close(&mut self, name: &str) -> Walk {
        if name.is_empty() {
            return Err(self.refuse(
                Code::NotAvailable,
                NOWHERE,
                "CLOSE ALL is not available to apps",
                "close each cursor by its name",
            ));
        }
        self.found.kind = Kind::Close(self.own_word("cursor", name)?);
        Ok(())
    }
}
