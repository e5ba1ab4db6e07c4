//! Expressions: operators, cases, subqueries, casts.

use pg_query::protobuf::{
    AExpr, BoolExpr, BooleanTest, CaseExpr, CaseWhen, CoalesceExpr, CollateClause, GroupingFunc,
    MinMaxExpr, NamedArgExpr, NullTest, RowExpr, SqlValueFunction, SqlValueFunctionOp as Op,
    SubLink, TypeCast,
};

use super::{Walk, Walker};
use crate::sql::names;
use crate::sql::refusal::Code;

impl Walker<'_> {
    pub(super) fn operation(&mut self, expression: &AExpr) -> Walk {
        let AExpr {
            kind: _,
            name,
            lexpr,
            rexpr,
            rexpr_list_start: _,
            rexpr_list_end: _,
            location,
        } = expression;
        self.operator(name, *location)?;
        self.optional(lexpr.as_deref())?;
        self.optional(rexpr.as_deref())
    }

    pub(super) fn boolean(&mut self, expression: &BoolExpr) -> Walk {
        let BoolExpr {
            xpr,
            boolop: _,
            args,
            location: _,
        } = expression;
        self.absent(xpr.as_ref())?;
        self.nodes(args)
    }

    pub(super) fn boolean_test(&mut self, test: &BooleanTest) -> Walk {
        let BooleanTest {
            xpr,
            arg,
            booltesttype: _,
            location: _,
        } = test;
        self.absent(xpr.as_ref())?;
        self.required(arg.as_deref())
    }

    pub(super) fn null_test(&mut self, test: &NullTest) -> Walk {
        let NullTest {
            xpr,
            arg,
            nulltesttype: _,
            argisrow: _,
            location: _,
        } = test;
        self.absent(xpr.as_ref())?;
        self.required(arg.as_deref())
    }

    pub(super) fn case(&mut self, case: &CaseExpr) -> Walk {
        let CaseExpr {
            xpr,
            casetype: _,
            casecollid: _,
            arg,
            args,
            defresult,
            location: _,
        } = case;
        self.absent(xpr.as_ref())?;
        self.optional(arg.as_deref())?;
        self.nodes(args)?;
        self.optional(defresult.as_deref())
    }

    pub(super) fn case_when(&mut self, when: &CaseWhen) -> Walk {
        let CaseWhen {
            xpr,
            expr,
            result,
            location: _,
        } = when;
        self.absent(xpr.as_ref())?;
        self.required(expr.as_deref())?;
        self.required(result.as_deref())
    }

    pub(super) fn coalesce(&mut self, coalesce: &CoalesceExpr) -> Walk {
        let CoalesceExpr {
            xpr,
            coalescetype: _,
            coalescecollid: _,
            args,
            location: _,
        } = coalesce;
        self.absent(xpr.as_ref())?;
        self.nodes(args)
    }

    pub(super) fn min_max(&mut self, expression: &MinMaxExpr) -> Walk {
        let MinMaxExpr {
            xpr,
            minmaxtype: _,
            minmaxcollid: _,
            inputcollid: _,
            op: _,
            args,
            location: _,
        } = expression;
        self.absent(xpr.as_ref())?;
        self.nodes(args)
    }

    pub(super) fn row(&mut self, row: &RowExpr) -> Walk {
        let RowExpr {
            xpr,
            args,
            row_typeid: _,
            row_format: _,
            colnames,
            location: _,
        } = row;
        self.absent(xpr.as_ref())?;
        self.empty(colnames)?;
        self.nodes(args)
    }

    pub(super) fn grouping(&mut self, grouping: &GroupingFunc) -> Walk {
        let GroupingFunc {
            xpr,
            args,
            refs,
            agglevelsup: _,
            location: _,
        } = grouping;
        self.absent(xpr.as_ref())?;
        self.empty(refs)?;
        self.nodes(args)
    }

    pub(super) fn named_argument(&mut self, argument: &NamedArgExpr) -> Walk {
        let NamedArgExpr {
            xpr,
            arg,
            name: _,
            argnumber: _,
            location: _,
        } = argument;
        self.absent(xpr.as_ref())?;
        self.required(arg.as_deref())
    }

    pub(super) fn sub_link(&mut self, link: &SubLink) -> Walk {
        let SubLink {
            xpr,
            sub_link_type: _,
            sub_link_id: _,
            testexpr,
            oper_name,
            subselect,
            location,
        } = link;
        self.absent(xpr.as_ref())?;
        self.optional(testexpr.as_deref())?;
        if !oper_name.is_empty() {
            self.operator(oper_name, *location)?;
        }
        self.required(subselect.as_deref())
    }

    pub(super) fn cast(&mut self, cast: &TypeCast) -> Walk {
        let TypeCast {
            arg,
            type_name,
            location: _,
        } = cast;
        self.required(arg.as_deref())?;
        let name = self.present(type_name.as_ref())?;
        self.type_name(name)
    }

    pub(super) fn collate(&mut self, clause: &CollateClause) -> Walk {
        let CollateClause {
            arg,
            collname,
            location,
        } = clause;
        // A column's definition has no expression there.
        self.optional(arg.as_deref())?;
        self.collation(collname, *location)
    }

    pub(super) fn collation(&self, name: &[pg_query::protobuf::Node], location: i32) -> Walk {
        let parts = self.name(name)?;
        if let [collation] | ["pg_catalog", collation] = parts.as_slice()
            && names::is_collation(collation)
        {
            return Ok(());
        }
        Err(self.refuse(
            Code::UndefinedObject,
            location,
            format!(
                "the collation `{}` is not available to apps",
                parts.join(".")
            ),
            "use \"C\", \"und-x-icu\" or one of a language, such as \"de-x-icu\" or \"de_DE\"",
        ))
    }

    /// Words such as CURRENT_DATE that are functions without parentheses.
    pub(super) fn value_function(&self, function: &SqlValueFunction) -> Walk {
        let SqlValueFunction {
            xpr,
            op,
            r#type: _,
            typmod: _,
            location,
        } = function;
        self.absent(xpr.as_ref())?;
        match Op::try_from(*op) {
            Ok(
                Op::SvfopCurrentDate
                | Op::SvfopCurrentTime
                | Op::SvfopCurrentTimeN
                | Op::SvfopCurrentTimestamp
                | Op::SvfopCurrentTimestampN
                | Op::SvfopLocaltime
                | Op::SvfopLocaltimeN
                | Op::SvfopLocaltimestamp
                | Op::SvfopLocaltimestampN,
            ) => Ok(()),
            Ok(
                Op::SvfopCurrentRole
                | Op::SvfopCurrentUser
                | Op::SvfopUser
                | Op::SvfopSessionUser
                | Op::SvfopCurrentCatalog
                | Op::SvfopCurrentSchema,
            ) => self.unavailable(
                *location,
                "the name of the database's user, schema or database",
                "ask the host who calls; the database's own names are the host's",
            ),
            Ok(Op::SqlvalueFunctionOpUndefined) | Err(_) => self.unknown(),
        }
    }
}
