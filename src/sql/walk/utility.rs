//! Statements that apps do not have, and what to do instead of each.

use pg_query::NodeEnum as N;

use super::node::{parts, strangers};
use super::{NOWHERE, Walk, Walker};
use crate::sql::refusal::Code;

impl Walker<'_> {
    /// Refuses a statement that is not for apps.
    #[expect(clippy::too_many_lines, reason = "one entry a statement, in one list")]
    pub(super) fn utility(&self, statement: &N) -> Walk {
        let (construct, fix) = match statement {
            N::CopyStmt(_) => (
                "COPY is",
                "insert many rows with one INSERT, such as execute_values does, and read them with SELECT",
            ),
            N::NotifyStmt(_) | N::ListenStmt(_) | N::UnlistenStmt(_) => (
                "NOTIFY and LISTEN are",
                "return `_actions` to tell users of something",
            ),
            N::PrepareStmt(_) | N::ExecuteStmt(_) | N::DeallocateStmt(_) => (
                "PREPARE, EXECUTE and DEALLOCATE are",
                "send the statement itself; the host prepares it",
            ),
            N::VariableSetStmt(_)
            | N::VariableShowStmt(_)
            | N::DiscardStmt(_)
            | N::ConstraintsSetStmt(_)
            | N::AlterSystemStmt(_) => (
                "a setting of the session (SET, RESET, SHOW, DISCARD) is",
                "leave it out: every session is in UTF-8 and UTC; for the modes of transactions use set_session of psycopg2, or set-modes of the connection",
            ),
            N::LockStmt(_) => ("LOCK is", "lock rows with SELECT ... FOR UPDATE"),
            N::ExplainStmt(_) => (
                "EXPLAIN is",
                "run the query itself; the operator can explain it on the server",
            ),
            N::DoStmt(_) | N::CallStmt(_) => (
                "code in the database (DO, CALL) is",
                "do it in the app's own code, with several statements in one transaction",
            ),
            N::CreateFunctionStmt(_) | N::AlterFunctionStmt(_) => (
                "a function in the database is",
                "write it in the app's own code",
            ),
            N::CreateTrigStmt(_) | N::CreateEventTrigStmt(_) | N::AlterEventTrigStmt(_) => (
                "a trigger is",
                "write what it would do into the statements; DEFAULT now() and GENERATED columns need none",
            ),
            N::RuleStmt(_) => ("a rule is", "write what it would do into the statements"),
            N::CreatePolicyStmt(_) | N::AlterPolicyStmt(_) => {
                ("a row policy is", "write the condition into the statements")
            }
            N::GrantStmt(_) | N::GrantRoleStmt(_) | N::AlterDefaultPrivilegesStmt(_) => (
                "GRANT and REVOKE are",
                "ask for tables of other apps in the manifest; the operator grants them",
            ),
            N::CreateRoleStmt(_)
            | N::AlterRoleStmt(_)
            | N::AlterRoleSetStmt(_)
            | N::DropRoleStmt(_)
            | N::DropOwnedStmt(_)
            | N::ReassignOwnedStmt(_)
            | N::AlterOwnerStmt(_) => (
                "a role of the database, or an owner, is",
                "leave it out: the host makes the roles, and the app owns what it makes",
            ),
            N::CreateExtensionStmt(_)
            | N::AlterExtensionStmt(_)
            | N::AlterExtensionContentsStmt(_) => (
                "an extension is",
                "leave it out; gen_random_uuid(), full text search and json are built in",
            ),
            N::CreateTableAsStmt(_) => (
                "CREATE TABLE ... AS, and a materialized view, is",
                "use CREATE TABLE, then INSERT ... SELECT; or CREATE VIEW",
            ),
            N::RefreshMatViewStmt(_) => (
                "a materialized view is",
                "use CREATE VIEW, or a table that a job fills",
            ),
            N::VacuumStmt(_) | N::ClusterStmt(_) | N::ReindexStmt(_) | N::CheckPointStmt(_) => (
                "maintenance (VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT) is",
                "leave it out: the server does it by itself",
            ),
            N::CreateDomainStmt(_) | N::AlterDomainStmt(_) => {
                ("a domain is", "use a CHECK on the column")
            }
            N::CompositeTypeStmt(_)
            | N::CreateRangeStmt(_)
            | N::DefineStmt(_)
            | N::AlterTypeStmt(_) => (
                "making this kind of object is",
                "use a table, CREATE TYPE ... AS ENUM, or a jsonb column",
            ),
            N::AlterObjectSchemaStmt(_) => (
                "SET SCHEMA is",
                "make the table anew where it shall be, and copy its rows",
            ),
            N::AlterObjectDependsStmt(_) => ("DEPENDS ON is", "leave it out"),
            N::CreateStatsStmt(_) | N::AlterStatsStmt(_) => (
                "extended statistics are",
                "leave it out; an index serves most queries",
            ),
            N::CreatedbStmt(_)
            | N::DropdbStmt(_)
            | N::AlterDatabaseStmt(_)
            | N::AlterDatabaseSetStmt(_)
            | N::AlterDatabaseRefreshCollStmt(_)
            | N::CreateTableSpaceStmt(_)
            | N::DropTableSpaceStmt(_)
            | N::AlterTableSpaceOptionsStmt(_)
            | N::AlterTableMoveAllStmt(_)
            | N::LoadStmt(_) => (
                "a change of the server is",
                "leave it out: databases and files are the host's",
            ),
            N::CreateForeignTableStmt(_)
            | N::CreateForeignServerStmt(_)
            | N::AlterForeignServerStmt(_)
            | N::CreateFdwStmt(_)
            | N::AlterFdwStmt(_)
            | N::CreateUserMappingStmt(_)
            | N::AlterUserMappingStmt(_)
            | N::DropUserMappingStmt(_)
            | N::ImportForeignSchemaStmt(_)
            | N::CreateSubscriptionStmt(_)
            | N::AlterSubscriptionStmt(_)
            | N::DropSubscriptionStmt(_)
            | N::CreatePublicationStmt(_)
            | N::AlterPublicationStmt(_) => (
                "a connection to another database is",
                "leave it out: an app reaches its own tables and granted ones",
            ),
            N::SecLabelStmt(_)
            | N::AlterCollationStmt(_)
            | N::AlterOpFamilyStmt(_)
            | N::AlterOperatorStmt(_)
            | N::AlterTsconfigurationStmt(_)
            | N::AlterTsdictionaryStmt(_)
            | N::CreateAmStmt(_)
            | N::CreateCastStmt(_)
            | N::CreateConversionStmt(_)
            | N::CreateOpClassStmt(_)
            | N::CreateOpFamilyStmt(_)
            | N::CreatePlangStmt(_)
            | N::CreateTransformStmt(_) => {
                ("a change of how PostgreSQL itself works is", "leave it out")
            }
            // Read elsewhere, or never a statement of its own.
            strangers!()
            | parts!()
            | N::AArrayExpr(_)
            | N::AConst(_)
            | N::AExpr(_)
            | N::AIndices(_)
            | N::AIndirection(_)
            | N::AStar(_)
            | N::Alias(_)
            | N::AlterEnumStmt(_)
            | N::AlterSeqStmt(_)
            | N::AlterTableStmt(_)
            | N::BitString(_)
            | N::BoolExpr(_)
            | N::Boolean(_)
            | N::BooleanTest(_)
            | N::CaseExpr(_)
            | N::CaseWhen(_)
            | N::ClosePortalStmt(_)
            | N::CoalesceExpr(_)
            | N::CollateClause(_)
            | N::ColumnRef(_)
            | N::CommentStmt(_)
            | N::CreateEnumStmt(_)
            | N::CreateSchemaStmt(_)
            | N::CreateSeqStmt(_)
            | N::CreateStmt(_)
            | N::CurrentOfExpr(_)
            | N::DeclareCursorStmt(_)
            | N::DeleteStmt(_)
            | N::DropStmt(_)
            | N::FetchStmt(_)
            | N::Float(_)
            | N::FuncCall(_)
            | N::GroupingFunc(_)
            | N::GroupingSet(_)
            | N::IndexStmt(_)
            | N::InsertStmt(_)
            | N::Integer(_)
            | N::JoinExpr(_)
            | N::JsonArgument(_)
            | N::JsonArrayAgg(_)
            | N::JsonArrayConstructor(_)
            | N::JsonArrayQueryConstructor(_)
            | N::JsonFormat(_)
            | N::JsonFuncExpr(_)
            | N::JsonIsPredicate(_)
            | N::JsonKeyValue(_)
            | N::JsonObjectAgg(_)
            | N::JsonObjectConstructor(_)
            | N::JsonParseExpr(_)
            | N::JsonScalarExpr(_)
            | N::JsonSerializeExpr(_)
            | N::JsonTable(_)
            | N::JsonTablePathSpec(_)
            | N::JsonValueExpr(_)
            | N::List(_)
            | N::MergeStmt(_)
            | N::MergeSupportFunc(_)
            | N::MinMaxExpr(_)
            | N::MultiAssignRef(_)
            | N::NamedArgExpr(_)
            | N::NullTest(_)
            | N::ParamRef(_)
            | N::PlassignStmt(_)
            | N::RangeFunction(_)
            | N::RangeSubselect(_)
            | N::RangeTableFunc(_)
            | N::RangeTableSample(_)
            | N::RangeVar(_)
            | N::RenameStmt(_)
            | N::ReplicaIdentityStmt(_)
            | N::ResTarget(_)
            | N::ReturnStmt(_)
            | N::RowExpr(_)
            | N::SelectStmt(_)
            | N::SetToDefault(_)
            | N::SortBy(_)
            | N::SqlvalueFunction(_)
            | N::String(_)
            | N::SubLink(_)
            | N::TransactionStmt(_)
            | N::TruncateStmt(_)
            | N::TypeCast(_)
            | N::TypeName(_)
            | N::UpdateStmt(_)
            | N::ViewStmt(_)
            | N::WindowDef(_)
            | N::XmlExpr(_)
            | N::XmlSerialize(_) => return self.unknown(),
        };
        let what = format!("{construct} not available to apps");
        Err(self.refuse(Code::NotAvailable, NOWHERE, what, fix))
    }
}
