//! Notifications that answers fire.

use oxc_ast::ast::{Expression, ObjectExpression, ObjectProperty, ObjectPropertyKind};
use oxc_span::GetSpan;

use crate::app::Manifest;
use crate::check::js::{Code, Found};
use crate::check::problem::Problem;
use crate::check::rules::python::ACTIONS;

impl<'a> Code<'_, 'a> {
    /// Entries of an `_actions` list that reach nobody.
    pub(super) fn fired(
        &self,
        property: &ObjectProperty<'a>,
        manifest: Option<&Manifest>,
    ) -> Vec<Found> {
        let is_list = property.key.is_specific_static_name("_actions");
        let Expression::ArrayExpression(list) = property.value.without_parentheses() else {
            return Vec::new();
        };
        let entries = list.elements.iter().filter(|_| is_list);
        let entries =
            entries.filter_map(|entry| match entry.as_expression()?.without_parentheses() {
                Expression::ObjectExpression(entry) => Some(entry),
                _other => None,
            });
        entries
            .filter_map(|entry| {
                let text = unreached(entry, manifest)?;
                Some(self.found(Problem::new(&ACTIONS, text), entry.span()))
            })
            .collect()
    }
}

/// Why nobody gets it; none where somebody may.
fn unreached(entry: &ObjectExpression<'_>, manifest: Option<&Manifest>) -> Option<String> {
    let mut name = None;
    for property in &entry.properties {
        match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                if property.key.is_specific_static_name("name") {
                    name = Some(property.value.without_parentheses());
                }
            }
            // It may bring the name.
            ObjectPropertyKind::SpreadProperty(_) => return None,
        }
    }
    match name {
        None => Some("it has no `name`".to_owned()),
        Some(Expression::StringLiteral(name)) => {
            let name = name.value.as_str();
            let mut declared = manifest?.notifications.iter();
            let is_declared = declared.any(|notification| notification.name == name);
            (!is_declared).then(|| format!("the manifest declares no action `{name}`"))
        }
        Some(_) => None,
    }
}
