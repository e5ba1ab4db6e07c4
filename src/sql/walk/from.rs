//! What stands in FROM besides tables: joins, subqueries, functions, samples.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::{
    Alias, ColumnDef, JoinExpr, Node, RangeFunction, RangeSubselect, RangeTableSample,
};

use super::{Walk, Walker};

impl Walker<'_> {
    pub(super) fn join(&mut self, join: &JoinExpr) -> Walk {
        let JoinExpr {
            jointype: _,
            is_natural: _,
            larg,
            rarg,
            using_clause,
            join_using_alias,
            quals,
            alias,
            rtindex: _,
        } = join;
        self.required(larg.as_deref())?;
        self.required(rarg.as_deref())?;
        self.texts(using_clause)?;
        self.alias(join_using_alias.as_ref())?;
        self.optional(quals.as_deref())?;
        self.alias(alias.as_ref())
    }

    pub(super) fn range_subselect(&mut self, subselect: &RangeSubselect) -> Walk {
        let RangeSubselect {
            lateral: _,
            subquery,
            alias,
        } = subselect;
        self.required(subquery.as_deref())?;
        self.alias(alias.as_ref())
    }

    pub(super) fn range_function(&mut self, function: &RangeFunction) -> Walk {
        let RangeFunction {
            lateral: _,
            ordinality: _,
            is_rowsfrom: _,
            functions,
            alias,
            coldeflist,
        } = function;
        for function in functions {
            self.one_range_function(function, alias.as_ref())?;
        }
        self.alias(alias.as_ref())?;
        self.column_definitions(coldeflist)?;
        // With columns that are said of it, its row is a row.
        if coldeflist.is_empty()
            && let Some(alias) = alias
        {
            let columns = self.name(&alias.colnames)?;
            let columns = columns.into_iter().map(str::to_owned).collect();
            self.scalar_function(&alias.aliasname, columns);
        }
        Ok(())
    }

    /// A pair of a function and the columns that are said of it, or nothing.
    fn one_range_function(&mut self, pair: &Node, alias: Option<&Alias>) -> Walk {
        let [call, columns] = self.list(pair)? else {
            return self.unknown();
        };
        if let Some(NodeEnum::FuncCall(call)) = &call.node
            && let Some(name) = self.name(&call.funcname)?.last()
        {
            self.label(name);
            if alias.is_none() {
                self.scalar_function(name, BTreeSet::new());
            }
        }
        self.node(call)?;
        match &columns.node {
            None => Ok(()),
            Some(_) => self.column_definitions(self.list(columns)?),
        }
    }

    /// The columns that a query says of a function: `AS t(a int, b text)`.
    fn column_definitions(&mut self, columns: &[Node]) -> Walk {
        for column in columns {
            let NodeEnum::ColumnDef(column) = self.kind(column)? else {
                return self.unknown();
            };
            let ColumnDef {
                colname,
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
            } = column.as_ref();
            self.absent(raw_default.as_ref())?;
            self.absent(cooked_default.as_ref())?;
            self.absent(identity_sequence.as_ref())?;
            self.empty(constraints)?;
            self.empty(fdwoptions)?;
            self.label(colname);
            let name = self.present(type_name.as_ref())?;
            self.type_name(name)?;
            if let Some(clause) = coll_clause {
                self.collate(clause)?;
            }
        }
        Ok(())
    }

    pub(super) fn table_sample(&mut self, sample: &RangeTableSample) -> Walk {
        let RangeTableSample {
            relation,
            method,
            args,
            repeatable,
            location,
        } = sample;
        self.required(relation.as_deref())?;
        match self.name(method)?.as_slice() {
            ["bernoulli" | "system"] | ["pg_catalog", "bernoulli" | "system"] => {}
            [..] => {
                return self.unavailable(
                    *location,
                    "this method of TABLESAMPLE",
                    "use BERNOULLI or SYSTEM",
                );
            }
        }
        self.nodes(args)?;
        self.optional(repeatable.as_deref())
    }
}
