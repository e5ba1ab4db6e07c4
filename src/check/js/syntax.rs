//! Questions about parts of a script that several rules ask.

use std::borrow::Cow;

use oxc_ast::AstKind;
use oxc_ast::ast::{Argument, Expression, IdentifierReference};
use oxc_semantic::NodeId;
use oxc_span::{GetSpan, Span};

use super::{Code, Found, rules};
use crate::check::problem::Problem;

/// Names of the object that holds all globals.
const GLOBAL_OBJECTS: [&str; 3] = ["window", "globalThis", "self"];

impl<'a> Code<'_, 'a> {
    /// The first `import` or `export` of a script that is no module, where neither is read.
    pub(super) fn module_syntax(&self, text: &str) -> Option<Found> {
        let mut body = self.program.body.iter();
        let statement = body.find(|statement| statement.is_module_declaration())?;
        let start = statement.span().start;
        let problem = Problem::new(&rules::JS_SYNTAX, text);
        Some(self.found(problem, Span::new(start, start + 6)))
    }

    /// Whether a name stands for a global, and not for something of the script's own.
    pub(super) fn is_global(&self, name: &IdentifierReference<'a>) -> bool {
        self.semantic.is_reference_to_global_variable(name)
    }

    /// Whether an expression is one of these globals.
    pub(super) fn is_one_of(&self, expression: &Expression<'a>, names: &[&str]) -> bool {
        expression
            .get_identifier_reference()
            .is_some_and(|name| names.contains(&name.name.as_str()) && self.is_global(name))
    }

    /// Whether an expression is the object that holds all globals.
    pub(super) fn is_window(&self, expression: &Expression<'a>) -> bool {
        self.is_one_of(expression, &GLOBAL_OBJECTS)
    }

    /// Whether an expression is a global, by its name or as a member of `window`.
    pub(super) fn is_global_value(&self, expression: &Expression<'a>, name: &str) -> bool {
        let member = expression.as_member_expression();
        self.is_one_of(expression, &[name])
            || member.is_some_and(|member| {
                member.static_property_name().is_some_and(|own| own == name)
                    && self.is_window(member.object())
            })
    }

    /// The nearest function around a node that is not called right where it stands.
    pub(super) fn function_around(&self, node: NodeId) -> Option<Span> {
        let nodes = self.semantic.nodes();
        nodes
            .ancestor_ids(node)
            .find(|id| is_function(nodes.kind(*id)) && !self.is_called_in_place(*id))
            .map(|id| nodes.kind(id).span())
    }

    /// Whether a function is called right where it stands.
    fn is_called_in_place(&self, function: NodeId) -> bool {
        let nodes = self.semantic.nodes();
        let mut inner = nodes.kind(function).span();
        for id in nodes.ancestor_ids(function) {
            let kind = nodes.kind(id);
            if let AstKind::CallExpression(call) = kind {
                return call.callee.without_parentheses().span() == inner
                    || call.callee.span() == inner;
            }
            let goes_on = match kind {
                AstKind::ParenthesizedExpression(_) => true,
                AstKind::StaticMemberExpression(member) => {
                    ["call", "apply", "bind"].contains(&member.property.name.as_str())
                }
                _other => false,
            };
            if !goes_on {
                return false;
            }
            inner = kind.span();
        }
        false
    }

    /// Whether something is asked before a node is reached.
    pub(super) fn is_guarded(&self, node: NodeId) -> bool {
        let mut around = self.semantic.nodes().ancestor_kinds(node);
        around.any(|kind| {
            matches!(
                kind,
                AstKind::IfStatement(_)
                    | AstKind::LogicalExpression(_)
                    | AstKind::ConditionalExpression(_)
                    | AstKind::TryStatement(_)
                    | AstKind::ChainExpression(_)
            )
        })
    }
}

pub(super) fn is_function(kind: AstKind<'_>) -> bool {
    matches!(
        kind,
        AstKind::Function(_) | AstKind::ArrowFunctionExpression(_)
    )
}

/// What a text begins with, as far as it stands in the script, and whether that is all of it.
pub(super) fn beginning<'e>(expression: &'e Expression<'_>) -> Option<(Cow<'e, str>, bool)> {
    let mut expression = expression.without_parentheses();
    let mut is_all = true;
    while let Expression::BinaryExpression(sum) = expression {
        expression = sum.left.without_parentheses();
        is_all = false;
    }
    if let Expression::StringLiteral(text) = expression {
        Some((Cow::Borrowed(text.value.as_str()), is_all))
    } else if let Expression::TemplateLiteral(template) = expression {
        let first = template.quasis.first()?;
        let text = first.value.cooked.as_ref().unwrap_or(&first.value.raw);
        is_all &= template.expressions.is_empty();
        Some((Cow::Borrowed(text.as_str()), is_all))
    } else {
        None
    }
}

/// The argument at a place, where it is no spread.
pub(super) fn argument<'e, 'a>(
    arguments: &'e [Argument<'a>],
    at: usize,
) -> Option<&'e Expression<'a>> {
    arguments.get(at)?.as_expression()
}
