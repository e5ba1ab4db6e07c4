//! Calls of functions: by an allow-list.

use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node, a_const};

use super::{Walk, Walker};
use crate::sql::names;
use crate::sql::refusal::{Code, Refusal};
use crate::sql::verdict::Table;

impl Walker<'_> {
    pub(super) fn function_call(&mut self, call: &FuncCall) -> Walk {
        let FuncCall {
            funcname,
            args,
            agg_order,
            agg_filter,
            over,
            agg_within_group: _,
            agg_star: _,
            agg_distinct: _,
            func_variadic: _,
            funcformat: _,
            location,
        } = call;
        let parts = self.name(funcname)?;
        let ([name] | ["pg_catalog", name]) = parts.as_slice() else {
            return Err(self.refuse(
                Code::NotPermitted,
                *location,
                format!("the function `{}` has a schema", parts.join(".")),
                "apps call PostgreSQL's own functions, without a schema",
            ));
        };
        let cast = names::is_type(name) && args.len() == 1;
        if matches!(*name, "nextval" | "currval") {
            self.sequence(name, args, *location)?;
        } else if !names::is_function(name) && !cast {
            return Err(self.refused_function(name, *location));
        }
        if !self.found.functions.contains(*name) {
            self.found.functions.insert((*name).to_owned());
        }
        self.nodes(args)?;
        self.nodes(agg_order)?;
        self.optional(agg_filter.as_deref())?;
        match over {
            Some(window) => self.window(window),
            None => Ok(()),
        }
    }

    fn refused_function(&self, name: &str, location: i32) -> Refusal {
        let code = if names::is_known(name) {
            Code::NotPermitted
        } else {
            Code::UndefinedFunction
        };
        let what = format!("the function `{name}` is not available to apps");
        self.refuse(code, location, what, names::instead_of(name))
    }

    /// A sequence by name: only as plain text, so that it is known which one is meant.
    fn sequence(&mut self, function: &str, args: &[Node], location: i32) -> Walk {
        let Some(name) = self.single(args).and_then(literal) else {
            return Err(self.refuse(
                Code::NotPermitted,
                location,
                format!("`{function}` takes the name of a sequence as a literal only"),
                "write it as text, in small letters and without quotes inside: 'orders_number'",
            ));
        };
        let mut parts = name.split('.');
        let (first, second, more) = (parts.next(), parts.next(), parts.next());
        let plain = name.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        });
        let table = match (first, second, more) {
            (Some(name), None, None) if plain => self.qualified(&[name], location)?,
            (Some(schema), Some(name), None) if plain => {
                self.qualified(&[schema, name], location)?
            }
            (_, _, _) => {
                return Err(self.refuse(
                    Code::NotPermitted,
                    location,
                    format!("`{name}` cannot be read as the name of a sequence"),
                    "write it in small letters, without quotes or spaces inside",
                ));
            }
        };
        self.note_sequence(table, location);
        Ok(())
    }

    fn note_sequence(&mut self, table: Table, location: i32) {
        self.note_name(|found| &mut found.writes, table, location);
    }

    fn single<'n>(&self, args: &'n [Node]) -> Option<&'n Node> {
        match args {
            [arg] => Some(arg),
            [..] => None,
        }
    }
}

/// The text of a string literal.
fn literal(node: &Node) -> Option<&str> {
    if let Some(NodeEnum::AConst(constant)) = &node.node
        && let Some(a_const::Val::Sval(text)) = &constant.val
    {
        Some(&text.sval)
    } else {
        None
    }
}
