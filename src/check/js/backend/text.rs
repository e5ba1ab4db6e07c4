//! Texts that are put together in a script, and what of a request goes into them.

use oxc_ast::AstKind;
use oxc_ast::ast::{BinaryOperator, Expression, IdentifierReference};
use oxc_semantic::SymbolId;

use crate::check::js::Code;

/// Parameters that hold a request, whatever the function.
const REQUESTS: [&str; 5] = ["payload", "data", "request", "body", "params"];
/// How many names are followed to what they stand for.
const DEPTH: usize = 8;

/// A text as far as it stands in the script.
#[derive(Default)]
pub(super) struct Text<'e, 'a> {
    pub(super) text: String,
    /// What is put between at run time.
    pub(super) parts: Vec<&'e Expression<'a>>,
}

impl<'s, 'a> Code<'s, 'a> {
    /// Reads a text: a literal, a template, a sum, or the name of one.
    pub(super) fn put_together<'e>(&'e self, expression: &'e Expression<'a>) -> Text<'e, 'a> {
        let mut text = Text::default();
        self.add(expression, &mut text, DEPTH);
        text
    }

    fn add<'e>(&'e self, expression: &'e Expression<'a>, found: &mut Text<'e, 'a>, depth: usize) {
        match expression.without_parentheses() {
            Expression::StringLiteral(literal) => found.text.push_str(literal.value.as_str()),
            Expression::TemplateLiteral(template) => {
                let mut between = template.expressions.iter();
                for part in &template.quasis {
                    let text = part.value.cooked.as_ref().unwrap_or(&part.value.raw);
                    found.text.push_str(text.as_str());
                    if let Some(value) = between.next() {
                        self.add(value, found, depth);
                    }
                }
            }
            Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
                self.add(&sum.left, found, depth);
                self.add(&sum.right, found, depth);
            }
            Expression::Identifier(name) => {
                let value = self.symbol(name).and_then(|symbol| self.value(symbol));
                match (value, depth.checked_sub(1)) {
                    (Some(value), Some(depth)) if is_text(value) => self.add(value, found, depth),
                    (_, _) => found.parts.push(expression),
                }
            }
            _other => found.parts.push(expression),
        }
    }

    /// Whether a value of the request goes into an expression as it came.
    pub(super) fn is_of_request(&self, expression: &Expression<'a>) -> bool {
        self.is_tainted(expression, DEPTH)
    }

    fn is_tainted(&self, expression: &Expression<'a>, depth: usize) -> bool {
        let expression = expression.without_parentheses();
        // `payload.x`; but `COLUMNS[payload.x]` is what the app has written.
        if let Some(member) = expression.as_member_expression() {
            return self.is_tainted(member.object(), depth);
        }
        match expression {
            Expression::Identifier(name) => {
                let Some(symbol) = self.symbol(name) else {
                    return false;
                };
                let value = self.value(symbol).zip(depth.checked_sub(1));
                self.is_request(symbol)
                    || value.is_some_and(|(value, depth)| self.is_tainted(value, depth))
            }
            Expression::CallExpression(call) => {
                let callee = call.callee.without_parentheses();
                if let Some(method) = callee.as_member_expression() {
                    // `payload.name.trim()`.
                    return self.is_tainted(method.object(), depth);
                }
                let mut values = call.arguments.iter().filter_map(|it| it.as_expression());
                self.is_global_value(callee, "String")
                    && values.any(|value| self.is_tainted(value, depth))
            }
            Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
                self.is_tainted(&sum.left, depth) || self.is_tainted(&sum.right, depth)
            }
            Expression::LogicalExpression(either) => {
                self.is_tainted(&either.left, depth) || self.is_tainted(&either.right, depth)
            }
            Expression::ConditionalExpression(either) => {
                self.is_tainted(&either.consequent, depth)
                    || self.is_tainted(&either.alternate, depth)
            }
            Expression::TemplateLiteral(template) => {
                let mut parts = template.expressions.iter();
                parts.any(|part| self.is_tainted(part, depth))
            }
            _other => false,
        }
    }

    fn symbol(&self, name: &IdentifierReference<'a>) -> Option<SymbolId> {
        let reference = self
            .semantic
            .scoping()
            .get_reference(name.reference_id.get()?);
        reference.symbol_id()
    }

    /// The only value that a variable ever has.
    fn value(&self, symbol: SymbolId) -> Option<&'a Expression<'a>> {
        let scoping = self.semantic.scoping();
        let declaration = scoping.symbol_declaration(symbol);
        match self.semantic.nodes().kind(declaration) {
            AstKind::VariableDeclarator(declarator)
                if declarator.id.is_binding_identifier() && !scoping.symbol_is_mutated(symbol) =>
            {
                declarator.init.as_ref()
            }
            _other => None,
        }
    }

    /// Whether a name is a parameter that holds a request.
    fn is_request(&self, symbol: SymbolId) -> bool {
        let scoping = self.semantic.scoping();
        let declaration = scoping.symbol_declaration(symbol);
        let kind = self.semantic.nodes().kind(declaration);
        let is_parameter = matches!(
            kind,
            AstKind::FormalParameter(_) | AstKind::FormalParameters(_)
        );
        is_parameter && REQUESTS.contains(&scoping.symbol_name(symbol))
    }
}

/// Whether an expression is certain to be a text.
fn is_text(expression: &Expression<'_>) -> bool {
    match expression.without_parentheses() {
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => true,
        Expression::BinaryExpression(sum) => is_text(&sum.left) || is_text(&sum.right),
        _other => false,
    }
}
