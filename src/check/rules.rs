//! Every rule, by what it looks at: its id, its gravity, what, why, and how to mend it.

use super::rule::{Rule, Severity};

/// Declares rules, and lists them in order.
macro_rules! rules {
    ($($name:ident $severity:ident $id:literal $title:literal $why:literal $fix:literal;)+) => {
        $(
            pub(in crate::check) static $name: Rule = Rule {
                id: $id,
                severity: Severity::$severity,
                title: $title,
                why: $why,
                fix: $fix,
            };
        )+
        pub(super) static RULES: &[&Rule] = &[$(&$name),+];
    };
}

pub(super) mod backend;
pub(super) mod bundle;
pub(super) mod css;
pub(super) mod html;
pub(super) mod js;
pub(super) mod python;
pub(super) mod sql;

/// All rules, in the order of the documentation.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [
        bundle::RULES,
        python::RULES,
        backend::RULES,
        sql::RULES,
        js::RULES,
        css::RULES,
        html::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
