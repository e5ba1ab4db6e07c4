//! Texts that are put together in a source, and what of a request goes into them.

use std::collections::BTreeSet;

use ruff_python_ast::{Expr, InterpolatedStringElement, Operator};
use ruff_text_size::TextRange;

/// A text as far as it stands in the source.
#[derive(Debug, Default)]
pub(super) struct Static<'a> {
    pub(super) text: String,
    /// What is put between.
    pub(super) parts: Vec<&'a Expr>,
    /// Whether anything is, or may be.
    pub(super) is_part: bool,
}

/// The deepest sum of texts that is looked into.
const DEPTH: usize = 200;

/// Reads a text: a literal, an f-string, a sum, `%` and `.format()`. None where it is something else.
pub(super) fn of(expression: &Expr) -> Option<Static<'_>> {
    let mut found = Static::default();
    add(expression, &mut found, DEPTH).then_some(found)
}

/// Whether an expression begins with something that is a text.
fn add<'a>(expression: &'a Expr, found: &mut Static<'a>, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match expression {
        Expr::StringLiteral(literal) => {
            found.text.push_str(literal.value.to_str());
            true
        }
        Expr::FString(literal) => {
            for part in literal.value.iter() {
                match part {
                    ruff_python_ast::FStringPart::Literal(text) => found.text.push_str(text),
                    ruff_python_ast::FStringPart::FString(text) => {
                        elements(text.elements.iter(), found);
                    }
                }
            }
            true
        }
        Expr::BinOp(sum) if sum.op == Operator::Add => {
            if !add(&sum.left, found, depth) {
                return false;
            }
            let before = found.parts.len();
            if !add(&sum.right, found, depth) {
                found.parts.truncate(before);
                found.parts.push(&sum.right);
                found.is_part = true;
            }
            true
        }
        Expr::BinOp(filled) if filled.op == Operator::Mod => {
            if !add(&filled.left, found, depth) {
                return false;
            }
            match &*filled.right {
                Expr::Tuple(values) => found.parts.extend(values.elts.iter()),
                value => found.parts.push(value),
            }
            found.is_part = true;
            true
        }
        Expr::Call(call) => {
            let Expr::Attribute(method) = &*call.func else {
                return false;
            };
            let fills = ["format", "format_map", "join", "replace"];
            if !fills.contains(&method.attr.as_str()) || !add(&method.value, found, depth) {
                return false;
            }
            found.parts.extend(call.arguments.args.iter());
            found
                .parts
                .extend(call.arguments.keywords.iter().map(|keyword| &keyword.value));
            found.is_part = true;
            true
        }
        _other => false,
    }
}

fn elements<'a>(
    elements: impl Iterator<Item = &'a InterpolatedStringElement>,
    found: &mut Static<'a>,
) {
    for element in elements {
        match element {
            InterpolatedStringElement::Literal(text) => found.text.push_str(text),
            InterpolatedStringElement::Interpolation(field) => {
                found.parts.push(&field.expression);
                found.is_part = true;
            }
        }
    }
}

/// What of a request goes into an expression as it came.
pub(super) fn taint(expression: &Expr, tainted: &BTreeSet<String>) -> Option<TextRange> {
    match expression {
        Expr::Name(name) => tainted.contains(name.id.as_str()).then_some(name.range),
        // `data["x"]`; but `COLUMNS[data["x"]]` is what the app has written.
        Expr::Subscript(item) => taint(&item.value, tainted),
        Expr::Attribute(member) => taint(&member.value, tainted),
        Expr::Call(call) => {
            if let Expr::Attribute(method) = &*call.func {
                // `data.get("x")`, `name.strip()`.
                return taint(&method.value, tainted);
            }
            let passes = match &*call.func {
                Expr::Name(name) => ["str", "repr", "format"].contains(&name.id.as_str()),
                _other => false,
            };
            let mut values = call.arguments.args.iter();
            passes
                .then(|| values.find_map(|value| taint(value, tainted)))
                .flatten()
        }
        Expr::BinOp(sum) => taint(&sum.left, tainted).or_else(|| taint(&sum.right, tainted)),
        Expr::BoolOp(either) => either.values.iter().find_map(|value| taint(value, tainted)),
        Expr::If(either) => taint(&either.body, tainted).or_else(|| taint(&either.orelse, tainted)),
        Expr::FString(_) => of(expression)?
            .parts
            .iter()
            .find_map(|part| taint(part, tainted)),
        _other => None,
    }
}
