//! The JSON constructors and queries of SQL.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    JsonAggConstructor, JsonArgument, JsonArrayAgg, JsonArrayConstructor,
    JsonArrayQueryConstructor, JsonBehavior, JsonFuncExpr, JsonKeyValue, JsonObjectAgg,
    JsonObjectConstructor, JsonOutput, JsonParseExpr, JsonReturning, JsonScalarExpr,
    JsonSerializeExpr, JsonTable, JsonTableColumn, JsonTablePathSpec, JsonValueExpr, Node,
};

use super::{Walk, Walker};

impl Walker<'_> {
    pub(super) fn json_value(&mut self, value: &JsonValueExpr) -> Walk {
        let JsonValueExpr {
            raw_expr,
            formatted_expr,
            format: _,
        } = value;
        self.absent(formatted_expr.as_ref())?;
        self.required(raw_expr.as_deref())
    }

    fn optional_json_value(&mut self, value: Option<&JsonValueExpr>) -> Walk {
        value.map_or(Ok(()), |value| self.json_value(value))
    }

    fn json_output(&mut self, output: Option<&JsonOutput>) -> Walk {
        let Some(output) = output else { return Ok(()) };
        let JsonOutput {
            type_name,
            returning,
        } = output;
        if let Some(returning) = returning {
            let JsonReturning {
                format: _,
                typid: _,
                typmod: _,
            } = returning;
        }
        match type_name {
            Some(name) => self.type_name(name),
            None => Ok(()),
        }
    }

    fn json_behavior(&mut self, behavior: Option<&JsonBehavior>) -> Walk {
        let Some(behavior) = behavior else {
            return Ok(());
        };
        let JsonBehavior {
            btype: _,
            expr,
            coerce: _,
            location: _,
        } = behavior;
        self.optional(expr.as_deref())
    }

    pub(super) fn json_argument(&mut self, argument: &JsonArgument) -> Walk {
        let JsonArgument { val, name: _ } = argument;
        let value = self.present(val.as_deref())?;
        self.json_value(value)
    }

    pub(super) fn json_pair(&mut self, pair: &JsonKeyValue) -> Walk {
        let JsonKeyValue { key, value } = pair;
        self.required(key.as_deref())?;
        let value = self.present(value.as_deref())?;
        self.json_value(value)
    }

    pub(super) fn json_object(&mut self, constructor: &JsonObjectConstructor) -> Walk {
        let JsonObjectConstructor {
            exprs,
            output,
            absent_on_null: _,
            unique: _,
            location: _,
        } = constructor;
        self.nodes(exprs)?;
        self.json_output(output.as_ref())
    }

    pub(super) fn json_array(&mut self, constructor: &JsonArrayConstructor) -> Walk {
        let JsonArrayConstructor {
            exprs,
            output,
            absent_on_null: _,
            location: _,
        } = constructor;
        self.nodes(exprs)?;
        self.json_output(output.as_ref())
    }

    pub(super) fn json_array_query(&mut self, constructor: &JsonArrayQueryConstructor) -> Walk {
        let JsonArrayQueryConstructor {
            query,
            output,
            format: _,
            absent_on_null: _,
            location: _,
        } = constructor;
        self.required(query.as_deref())?;
        self.json_output(output.as_ref())
    }

    fn json_aggregate(&mut self, constructor: Option<&JsonAggConstructor>) -> Walk {
        let JsonAggConstructor {
            output,
            agg_filter,
            agg_order,
            over,
            location: _,
        } = self.present(constructor)?;
        self.json_output(output.as_ref())?;
        self.optional(agg_filter.as_deref())?;
        self.nodes(agg_order)?;
        match over {
            Some(window) => self.window(window),
            None => Ok(()),
        }
    }

    pub(super) fn json_object_aggregate(&mut self, aggregate: &JsonObjectAgg) -> Walk {
        let JsonObjectAgg {
            constructor,
            arg,
            absent_on_null: _,
            unique: _,
        } = aggregate;
        self.json_aggregate(constructor.as_deref())?;
        let pair = self.present(arg.as_deref())?;
        self.json_pair(pair)
    }

    pub(super) fn json_array_aggregate(&mut self, aggregate: &JsonArrayAgg) -> Walk {
        let JsonArrayAgg {
            constructor,
            arg,
            absent_on_null: _,
        } = aggregate;
        self.json_aggregate(constructor.as_deref())?;
        let value = self.present(arg.as_deref())?;
        self.json_value(value)
    }

    pub(super) fn json_function(&mut self, function: &JsonFuncExpr) -> Walk {
        let JsonFuncExpr {
            op: _,
            column_name: _,
            context_item,
            pathspec,
            passing,
            output,
            on_empty,
            on_error,
            wrapper: _,
            quotes: _,
            location: _,
        } = function;
        self.optional_json_value(context_item.as_deref())?;
        self.optional(pathspec.as_deref())?;
        self.nodes(passing)?;
        self.json_output(output.as_ref())?;
        self.json_behavior(on_empty.as_deref())?;
        self.json_behavior(on_error.as_deref())
    }

    pub(super) fn json_parse(&mut self, parse: &JsonParseExpr) -> Walk {
        let JsonParseExpr {
            expr,
            output,
            unique_keys: _,
            location: _,
        } = parse;
        self.optional_json_value(expr.as_deref())?;
        self.json_output(output.as_ref())
    }

    pub(super) fn json_scalar(&mut self, scalar: &JsonScalarExpr) -> Walk {
        let JsonScalarExpr {
            expr,
            output,
            location: _,
        } = scalar;
        self.required(expr.as_deref())?;
        self.json_output(output.as_ref())
    }

    pub(super) fn json_serialize(&mut self, serialize: &JsonSerializeExpr) -> Walk {
        let JsonSerializeExpr {
            expr,
            output,
            location: _,
        } = serialize;
        self.optional_json_value(expr.as_deref())?;
        self.json_output(output.as_ref())
    }

    pub(super) fn json_table(&mut self, table: &JsonTable) -> Walk {
        let JsonTable {
            context_item,
            pathspec,
            passing,
            columns,
            on_error,
            alias,
            lateral: _,
            location: _,
        } = table;
        self.optional_json_value(context_item.as_deref())?;
        self.json_path(pathspec.as_deref())?;
        self.nodes(passing)?;
        self.json_columns(columns)?;
        self.json_behavior(on_error.as_deref())?;
        self.alias(alias.as_ref())
    }

    fn json_path(&mut self, path: Option<&JsonTablePathSpec>) -> Walk {
        let Some(path) = path else { return Ok(()) };
        let JsonTablePathSpec {
            string,
            name: _,
            name_location: _,
            location: _,
        } = path;
        self.required(string.as_deref())
    }

    fn json_columns(&mut self, columns: &[Node]) -> Walk {
        for column in columns {
            let NodeEnum::JsonTableColumn(column) = self.kind(column)? else {
                return self.unknown();
            };
            let JsonTableColumn {
                coltype: _,
                name,
                type_name,
                pathspec,
                format: _,
                wrapper: _,
                quotes: _,
                columns,
                on_empty,
                on_error,
                location: _,
            } = column.as_ref();
            self.label(name);
            if let Some(name) = type_name {
                self.type_name(name)?;
            }
            self.json_path(pathspec.as_deref())?;
            self.json_columns(columns)?;
            self.json_behavior(on_empty.as_deref())?;
            self.json_behavior(on_error.as_deref())?;
        }
        Ok(())
    }
}
