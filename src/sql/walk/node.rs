//! Which node is what, inside a statement. There is no arm for "anything else".

use pg_query::NodeEnum as N;
use pg_query::protobuf::{Node, ParamRef};

use super::{NOWHERE, Walk, Walker};

/// Parts that stand in one place of one statement and are read with it.
macro_rules! parts {
    () => {
        N::AlterTableCmd(_)
            | N::AtalterConstraint(_)
            | N::ColumnDef(_)
            | N::CommonTableExpr(_)
            | N::Constraint(_)
            | N::CtecycleClause(_)
            | N::CtesearchClause(_)
            | N::DefElem(_)
            | N::IndexElem(_)
            | N::InferClause(_)
            | N::JsonAggConstructor(_)
            | N::JsonBehavior(_)
            | N::JsonOutput(_)
            | N::JsonTableColumn(_)
            | N::LockingClause(_)
            | N::MergeWhenClause(_)
            | N::OnConflictClause(_)
            | N::PartitionBoundSpec(_)
            | N::PartitionCmd(_)
            | N::PartitionElem(_)
            | N::PartitionRangeDatum(_)
            | N::PartitionSpec(_)
            | N::RangeTableFuncCol(_)
            | N::ReturningClause(_)
            | N::ReturningOption(_)
            | N::WithClause(_)
    };
}

/// What only analysis and planning make, and parts of statements that apps do not have.
macro_rules! strangers {
    () => {
        N::AccessPriv(_)
            | N::Aggref(_)
            | N::AlternativeSubPlan(_)
            | N::ArrayCoerceExpr(_)
            | N::ArrayExpr(_)
            | N::CallContext(_)
            | N::CaseTestExpr(_)
            | N::CoerceToDomain(_)
            | N::CoerceToDomainValue(_)
            | N::CoerceViaIo(_)
            | N::CollateExpr(_)
            | N::ConvertRowtypeExpr(_)
            | N::CreateOpClassItem(_)
            | N::DistinctExpr(_)
            | N::FieldSelect(_)
            | N::FieldStore(_)
            | N::FromExpr(_)
            | N::FuncExpr(_)
            | N::FunctionParameter(_)
            | N::InferenceElem(_)
            | N::InlineCodeBlock(_)
            | N::IntList(_)
            | N::IntoClause(_)
            | N::JsonConstructorExpr(_)
            | N::JsonExpr(_)
            | N::JsonReturning(_)
            | N::JsonTablePath(_)
            | N::JsonTablePathScan(_)
            | N::JsonTableSiblingJoin(_)
            | N::MergeAction(_)
            | N::NextValueExpr(_)
            | N::NullIfExpr(_)
            | N::ObjectWithArgs(_)
            | N::OidList(_)
            | N::OnConflictExpr(_)
            | N::OpExpr(_)
            | N::Param(_)
            | N::PublicationObjSpec(_)
            | N::PublicationTable(_)
            | N::Query(_)
            | N::RangeTblEntry(_)
            | N::RangeTblFunction(_)
            | N::RangeTblRef(_)
            | N::RawStmt(_)
            | N::RelabelType(_)
            | N::ReturningExpr(_)
            | N::RoleSpec(_)
            | N::RowCompareExpr(_)
            | N::RowMarkClause(_)
            | N::RtepermissionInfo(_)
            | N::ScalarArrayOpExpr(_)
            | N::SetOperationStmt(_)
            | N::SortGroupClause(_)
            | N::StatsElem(_)
            | N::SubPlan(_)
            | N::SubscriptingRef(_)
            | N::TableFunc(_)
            | N::TableLikeClause(_)
            | N::TableSampleClause(_)
            | N::TargetEntry(_)
            | N::TriggerTransition(_)
            | N::VacuumRelation(_)
            | N::Var(_)
            | N::WindowClause(_)
            | N::WindowFunc(_)
            | N::WindowFuncRunCondition(_)
            | N::WithCheckOption(_)
    };
}

/// Statements that are never part of another one that an app may send.
macro_rules! statements {
    () => {
        N::AlterCollationStmt(_)
            | N::AlterDatabaseRefreshCollStmt(_)
            | N::AlterDatabaseSetStmt(_)
            | N::AlterDatabaseStmt(_)
            | N::AlterDefaultPrivilegesStmt(_)
            | N::AlterDomainStmt(_)
            | N::AlterEnumStmt(_)
            | N::AlterEventTrigStmt(_)
            | N::AlterExtensionContentsStmt(_)
            | N::AlterExtensionStmt(_)
            | N::AlterFdwStmt(_)
            | N::AlterForeignServerStmt(_)
            | N::AlterFunctionStmt(_)
            | N::AlterObjectDependsStmt(_)
            | N::AlterObjectSchemaStmt(_)
            | N::AlterOpFamilyStmt(_)
            | N::AlterOperatorStmt(_)
            | N::AlterOwnerStmt(_)
            | N::AlterPolicyStmt(_)
            | N::AlterPublicationStmt(_)
            | N::AlterRoleSetStmt(_)
            | N::AlterRoleStmt(_)
            | N::AlterSeqStmt(_)
            | N::AlterStatsStmt(_)
            | N::AlterSubscriptionStmt(_)
            | N::AlterSystemStmt(_)
            | N::AlterTableMoveAllStmt(_)
            | N::AlterTableSpaceOptionsStmt(_)
            | N::AlterTableStmt(_)
            | N::AlterTsconfigurationStmt(_)
            | N::AlterTsdictionaryStmt(_)
            | N::AlterTypeStmt(_)
            | N::AlterUserMappingStmt(_)
            | N::CallStmt(_)
            | N::CheckPointStmt(_)
            | N::ClosePortalStmt(_)
            | N::ClusterStmt(_)
            | N::CommentStmt(_)
            | N::CompositeTypeStmt(_)
            | N::ConstraintsSetStmt(_)
            | N::CopyStmt(_)
            | N::CreateAmStmt(_)
            | N::CreateCastStmt(_)
            | N::CreateConversionStmt(_)
            | N::CreateDomainStmt(_)
            | N::CreateEnumStmt(_)
            | N::CreateEventTrigStmt(_)
            | N::CreateExtensionStmt(_)
            | N::CreateFdwStmt(_)
            | N::CreateForeignServerStmt(_)
            | N::CreateForeignTableStmt(_)
            | N::CreateFunctionStmt(_)
            | N::CreateOpClassStmt(_)
            | N::CreateOpFamilyStmt(_)
            | N::CreatePlangStmt(_)
            | N::CreatePolicyStmt(_)
            | N::CreatePublicationStmt(_)
            | N::CreateRangeStmt(_)
            | N::CreateRoleStmt(_)
            | N::CreateSchemaStmt(_)
            | N::CreateSeqStmt(_)
            | N::CreateStatsStmt(_)
            | N::CreateStmt(_)
            | N::CreateSubscriptionStmt(_)
            | N::CreateTableAsStmt(_)
            | N::CreateTableSpaceStmt(_)
            | N::CreateTransformStmt(_)
            | N::CreateTrigStmt(_)
            | N::CreateUserMappingStmt(_)
            | N::CreatedbStmt(_)
            | N::DeallocateStmt(_)
            | N::DeclareCursorStmt(_)
            | N::DefineStmt(_)
            | N::DiscardStmt(_)
            | N::DoStmt(_)
            | N::DropOwnedStmt(_)
            | N::DropRoleStmt(_)
            | N::DropStmt(_)
            | N::DropSubscriptionStmt(_)
            | N::DropTableSpaceStmt(_)
            | N::DropUserMappingStmt(_)
            | N::DropdbStmt(_)
            | N::ExecuteStmt(_)
            | N::ExplainStmt(_)
            | N::FetchStmt(_)
            | N::GrantRoleStmt(_)
            | N::GrantStmt(_)
            | N::ImportForeignSchemaStmt(_)
            | N::IndexStmt(_)
            | N::ListenStmt(_)
            | N::LoadStmt(_)
            | N::LockStmt(_)
            | N::NotifyStmt(_)
            | N::PlassignStmt(_)
            | N::PrepareStmt(_)
            | N::ReassignOwnedStmt(_)
            | N::RefreshMatViewStmt(_)
            | N::ReindexStmt(_)
            | N::RenameStmt(_)
            | N::ReplicaIdentityStmt(_)
            | N::ReturnStmt(_)
            | N::RuleStmt(_)
            | N::SecLabelStmt(_)
            | N::TransactionStmt(_)
            | N::TruncateStmt(_)
            | N::UnlistenStmt(_)
            | N::VacuumStmt(_)
            | N::VariableSetStmt(_)
            | N::VariableShowStmt(_)
            | N::ViewStmt(_)
    };
}

pub(super) use {parts, strangers};

impl Walker<'_> {
    fn parameter(&mut self, parameter: &ParamRef) -> Walk {
        let number = usize::try_from(parameter.number).unwrap_or_default();
        self.found.parameters = self.found.parameters.max(number);
        Ok(())
    }

    /// Reads a node that stands where an expression, a query or a part of FROM may stand.
    pub(super) fn node(&mut self, node: &Node) -> Walk {
        match self.kind(node)? {
            N::SelectStmt(select) => self.select(select),
            N::InsertStmt(insert) => self.insert(insert),
            N::UpdateStmt(update) => self.update(update),
            N::DeleteStmt(delete) => self.delete(delete),
            N::MergeStmt(merge) => self.merge(merge),

            N::RangeVar(relation) => self.read(relation),
            N::JoinExpr(join) => self.join(join),
            N::RangeSubselect(subselect) => self.range_subselect(subselect),
            N::RangeFunction(function) => self.range_function(function),
            N::RangeTableSample(sample) => self.table_sample(sample),
            N::JsonTable(table) => self.json_table(table),

            N::ColumnRef(column) => self.column(column),
            N::ParamRef(parameter) => self.parameter(parameter),
            N::AConst(_) | N::AStar(_) => Ok(()),
            N::Integer(_) | N::Float(_) | N::Boolean(_) | N::String(_) | N::BitString(_) => Ok(()),
            N::SetToDefault(default) => self.absent(default.xpr.as_ref()),
            N::List(list) => self.nodes(&list.items),
            N::Alias(alias) => self.alias(Some(alias)),
            N::TypeName(name) => self.type_name(name),

            N::AExpr(expression) => self.operation(expression),
            N::AIndirection(indirection) => self.indirection(indirection),
            N::AIndices(indices) => self.indices(indices),
            N::AArrayExpr(array) => self.nodes(&array.elements),
            N::BoolExpr(expression) => self.boolean(expression),
            N::BooleanTest(test) => self.boolean_test(test),
            N::CaseExpr(case) => self.case(case),
            N::CaseWhen(when) => self.case_when(when),
            N::CoalesceExpr(coalesce) => self.coalesce(coalesce),
            N::CollateClause(clause) => self.collate(clause),
            N::CurrentOfExpr(_) => {
                self.unavailable(NOWHERE, "WHERE CURRENT OF", "name the row by its key")
            }
            N::FuncCall(call) => self.function_call(call),
            N::GroupingFunc(grouping) => self.grouping(grouping),
            N::GroupingSet(set) => self.nodes(&set.content),
            N::MergeSupportFunc(function) => self.absent(function.xpr.as_ref()),
            N::MinMaxExpr(expression) => self.min_max(expression),
            N::MultiAssignRef(assignment) => self.required(assignment.source.as_deref()),
            N::NamedArgExpr(argument) => self.named_argument(argument),
            N::NullTest(test) => self.null_test(test),
            N::ResTarget(target) => self.target(target),
            N::RowExpr(row) => self.row(row),
            N::SortBy(sort) => self.sort(sort),
            N::SqlvalueFunction(function) => self.value_function(function),
            N::SubLink(link) => self.sub_link(link),
            N::TypeCast(cast) => self.cast(cast),
            N::WindowDef(window) => self.window(window),

            N::JsonArgument(argument) => self.json_argument(argument),
            N::JsonArrayAgg(aggregate) => self.json_array_aggregate(aggregate),
            N::JsonArrayConstructor(constructor) => self.json_array(constructor),
            N::JsonArrayQueryConstructor(constructor) => self.json_array_query(constructor),
            N::JsonFormat(_) => Ok(()),
            N::JsonFuncExpr(function) => self.json_function(function),
            N::JsonIsPredicate(predicate) => self.required(predicate.expr.as_deref()),
            N::JsonKeyValue(pair) => self.json_pair(pair),
            N::JsonObjectAgg(aggregate) => self.json_object_aggregate(aggregate),
            N::JsonObjectConstructor(constructor) => self.json_object(constructor),
            N::JsonParseExpr(parse) => self.json_parse(parse),
            N::JsonScalarExpr(scalar) => self.json_scalar(scalar),
            N::JsonSerializeExpr(serialize) => self.json_serialize(serialize),
            N::JsonTablePathSpec(path) => self.required(path.string.as_deref()),
            N::JsonValueExpr(value) => self.json_value(value),

            N::XmlExpr(_) | N::XmlSerialize(_) | N::RangeTableFunc(_) => {
                self.unavailable(NOWHERE, "XML", "use json or jsonb")
            }
            statements!() | strangers!() | parts!() => self.unknown(),
        }
    }
}
