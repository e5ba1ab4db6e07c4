//! Types by name: PostgreSQL's harmless ones, and those that the app made.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, TypeName};

use super::{Walk, Walker};
use crate::sql::names;
use crate::sql::refusal::Code;

impl Walker<'_> {
    pub(super) fn type_name(&mut self, name: &TypeName) -> Walk {
        let TypeName {
            names,
            type_oid: _,
            setof,
            pct_type,
            typmods,
            typemod: _,
            array_bounds,
            location,
        } = name;
        if *pct_type {
            return self.unavailable(*location, "%TYPE", "name the type itself");
        }
        if *setof {
            return self.unavailable(*location, "SETOF", "name the type of one value");
        }
        self.nodes(typmods)?;
        for bound in array_bounds {
            let NodeEnum::Integer(_) = self.kind(bound)? else {
                return self.unknown();
            };
        }
        self.named_type(names, *location)
    }

    /// A type, its name written in parts.
    pub(super) fn named_type(&mut self, parts: &[Node], location: i32) -> Walk {
        let parts = self.name(parts)?;
        if let [name] | ["pg_catalog", name] = parts.as_slice() {
            if names::is_type(name) {
                return Ok(());
            }
            if names::is_known_type(name) || name.starts_with("pg_") || parts.len() == 2 {
                return Err(self.refuse(
                    Code::UndefinedObject,
                    location,
                    format!("the type `{name}` is not available to apps"),
                    "cast to `text`, or to another of PostgreSQL's types for numbers, text, time, json or uuid",
                ));
            }
        }
        let own = self.qualified(&parts, location)?;
        self.note_name(|found| &mut found.types, own, location);
        Ok(())
    }
}
