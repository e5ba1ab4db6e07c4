//! What a script has as texts: HTML, colours, classes, and addresses of apps.

use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentTarget, CallExpression, Expression, TemplateLiteral};
use oxc_semantic::NodeId;
use oxc_span::{GetSpan, Span};

use super::syntax::argument;
use super::{Code, Facts, Found, only_if, rules};
use crate::check::html;
use crate::check::problem::Problem;
use crate::check::rule::Severity;

impl<'a> Code<'_, 'a> {
    pub(super) fn strings(&self, facts: &mut Facts) {
        for node in self.semantic.nodes().iter() {
            match node.kind() {
                AstKind::StringLiteral(text) => {
                    self.text(text.value.as_str(), true, node.id(), text.span, facts);
                }
                AstKind::TemplateLiteral(template) => {
                    let text = whole(template);
                    let is_all = template.expressions.is_empty();
                    self.text(&text, is_all, node.id(), template.span, facts);
                    if !is_all {
                        facts.problems.extend(self.addresses_in(template));
                    }
                }
                AstKind::AssignmentExpression(assignment) => {
                    self.class_name(&assignment.left, &assignment.right, facts);
                }
                AstKind::CallExpression(call) => self.class_calls(call, facts),
                _other => {}
            }
        }
    }

    fn text(&self, text: &str, is_all: bool, node: NodeId, span: Span, facts: &mut Facts) {
        if text.contains("on")
            && let Some(name) = html::handlers_in_text(text)
        {
            let text = format!("`{name}` in this HTML is blocked");
            let problem = Problem::new(&rules::INLINE_HANDLER, text);
            facts.problems.push(self.found(problem, span));
        }
        if text.contains("data-lucide") && text.contains('<') {
            facts.icons.push(self.range(span));
        }
        if text.contains("class=") {
            let page = html::parse(text);
            let classes = page
                .elements
                .iter()
                .filter_map(|element| element.attribute("class"));
            let classes = classes.map(|classes| (classes.value.clone(), self.range(span)));
            facts.classes.extend(classes);
        }
        facts.problems.extend(self.colour(text, node, span));
        if is_all {
            let ends_open = self.is_joined(node);
            facts.problems.extend(self.address(text, ends_open, span));
        }
    }

    /// Whether more is put behind a text.
    fn is_joined(&self, node: NodeId) -> bool {
        let parent = self.semantic.nodes().parent_kind(node);
        matches!(
            parent,
            AstKind::BinaryExpression(_) | AstKind::TemplateLiteral(_)
        )
    }

    /// Addresses in the parts of a template; what stands before a value is not complete.
    fn addresses_in(&self, template: &TemplateLiteral<'a>) -> Vec<Found> {
        let parts = template.quasis.iter();
        parts
            .filter_map(|part| self.address(part.value.raw.as_str(), !part.tail, part.span))
            .collect()
    }

    /// `/api/sync/NAME` of another app.
    fn address(&self, text: &str, ends_open: bool, span: Span) -> Option<Found> {
        let after = ["/api/sync/", "/api/async/"].iter().find_map(|path| {
            let (_, after) = text.split_once(path)?;
            Some(after)
        })?;
        let end = after.find(['/', '?', '#', '"', '\'', ' ', '<']);
        let name = after.get(..end.unwrap_or(after.len()))?;
        let is_complete = end.is_some() || !ends_open;
        let is_known = name.is_empty() || name == "jobs" || name == self.script.app;
        if is_known || !is_complete || self.script.app.is_empty() {
            return None;
        }
        let text = format!("this calls the app `{name}`, not `{}`", self.script.app);
        Some(self.found(Problem::new(&rules::OTHER_APP, text), span))
    }

    /// A colour that is written out.
    fn colour(&self, text: &str, node: NodeId, span: Span) -> Option<Found> {
        let text = text.trim();
        let is_hex = text.strip_prefix('#').is_some_and(|digits| {
            [3, 4, 6, 8].contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_hexdigit())
        });
        let is_call = ["rgb(", "rgba(", "hsl(", "hsla("]
            .iter()
            .any(|begin| text.starts_with(begin) && text.ends_with(')') && !text.contains("var("));
        if !is_hex && !is_call {
            return None;
        }
        let shown: String = text.chars().take(40).collect();
        let text = format!("`{shown}` is the same in every theme");
        let problem = Problem::new(&rules::SCRIPT_COLOUR, text);
        // Elsewhere it may be an address, or the colour of a chart, which has no variables.
        let problem = match self.is_style(node, span) {
            true => problem,
            false => problem.at_most(Severity::Info),
        };
        Some(self.found(problem, span))
    }

    /// Whether a text becomes a style of an element.
    fn is_style(&self, node: NodeId, span: Span) -> bool {
        let parent = self.semantic.nodes().parent_kind(node);
        match parent {
            AstKind::AssignmentExpression(assignment) => {
                let AssignmentTarget::StaticMemberExpression(member) = &assignment.left else {
                    return false;
                };
                assignment.right.span() == span && is_member_of_style(&member.object)
            }
            AstKind::CallExpression(call) => {
                let callee = call.callee.without_parentheses().as_member_expression();
                let name = callee.and_then(|callee| callee.static_property_name());
                name == Some("setProperty")
            }
            _other => false,
        }
    }

    /// `element.className = "..."`.
    fn class_name(&self, target: &AssignmentTarget<'a>, value: &Expression<'a>, facts: &mut Facts) {
        if let AssignmentTarget::StaticMemberExpression(member) = target
            && member.property.name == "className"
            && let Expression::StringLiteral(classes) = value.without_parentheses()
        {
            let range = self.range(classes.span);
            facts.classes.push((classes.value.to_string(), range));
        }
    }

    /// `element.classList.add("...")` and `element.setAttribute("class", "...")`.
    fn class_calls(&self, call: &CallExpression<'a>, facts: &mut Facts) {
        let Expression::StaticMemberExpression(callee) = call.callee.without_parentheses() else {
            return;
        };
        let text = |at: usize| match argument(&call.arguments, at) {
            Some(Expression::StringLiteral(text)) => Some(text),
            _other => None,
        };
        let name = callee.property.name.as_str();
        let of_list = callee.object.as_member_expression();
        let of_list = of_list.and_then(|list| list.static_property_name()) == Some("classList");
        if of_list && name == "add" {
            for at in 0..call.arguments.len() {
                let class = text(at);
                facts
                    .classes
                    .extend(class.map(|it| (it.value.to_string(), self.range(it.span))));
            }
        } else if name == "setAttribute" {
            let Some(attribute) = text(0) else {
                return;
            };
            let value = text(1);
            if attribute.value == "class" {
                facts
                    .classes
                    .extend(value.map(|it| (it.value.to_string(), self.range(it.span))));
            }
            if html::is_handler(attribute.value.as_str()) {
                let said = format!("`{}` as an attribute is blocked", attribute.value);
                let problem = Problem::new(&rules::INLINE_HANDLER, said);
                facts
                    .problems
                    .push(self.found(only_if(problem, value.is_some()), call.span));
            }
        }
    }
}

/// The text of a template, with something in the place of each value.
fn whole(template: &TemplateLiteral<'_>) -> String {
    let parts = template.quasis.iter();
    let texts = parts.map(|part| {
        part.value
            .cooked
            .as_ref()
            .unwrap_or(&part.value.raw)
            .as_str()
    });
    texts.collect::<Vec<_>>().join("{}")
}

/// Whether an expression is the `style` of something.
fn is_member_of_style(expression: &Expression<'_>) -> bool {
    let member = expression.without_parentheses().as_member_expression();
    member.is_some_and(|member| member.static_property_name() == Some("style"))
}
