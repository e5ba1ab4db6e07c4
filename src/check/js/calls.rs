//! What a script calls: elements of the page, the notification socket, and addresses.

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression, NewExpression};
use oxc_semantic::NodeId;
use oxc_span::{GetSpan, Span};

use super::syntax::{argument, beginning, is_function};
use super::{Code, Facts, Found, only_if, rules};
use crate::check::page::is_remote;
use crate::check::problem::Problem;

/// The layout's wrapper around every app.
const WRAPPER: &str = ".nr-app";
const ADMIN_WS: &str = "AdminWS";

impl<'a> Code<'_, 'a> {
    pub(super) fn calls(&self, facts: &mut Facts) {
        let checked = self.places_of_checks();
        for node in self.semantic.nodes().iter() {
            let id = node.id();
            match node.kind() {
                AstKind::CallExpression(call) => {
                    facts.problems.extend(self.unscoped(call));
                    facts.problems.extend(self.request(call));
                    facts.problems.extend(self.unchecked(call, id, &checked));
                    facts.draws_icons |= draws_icons(call);
                }
                AstKind::NewExpression(made) => facts.problems.extend(self.socket(made)),
                AstKind::StaticMemberExpression(member) => {
                    let early = self.early(&member.object, id, member.span);
                    facts.problems.extend(early);
                }
                _other => {}
            }
        }
    }

    /// `document.querySelectorAll(...)`, unless the selector is about the app alone.
    fn unscoped(&self, call: &CallExpression<'a>) -> Option<Found> {
        let Expression::StaticMemberExpression(callee) = call.callee.without_parentheses() else {
            return None;
        };
        if callee.property.name != "querySelectorAll"
            || !self.is_global_value(&callee.object, "document")
        {
            return None;
        }
        let selector = argument(&call.arguments, 0).and_then(beginning);
        let selector = selector.filter(|(_, is_all)| *is_all).map(|(text, _)| text);
        if let Some(selector) = &selector
            && selector.split(',').all(|part| self.is_own_selector(part))
        {
            return None;
        }
        let shown = selector.as_deref().unwrap_or("...");
        let text =
            format!("`document.querySelectorAll({shown:?})` finds the layout's elements too");
        let problem = only_if(Problem::new(&rules::UNSCOPED, text), selector.is_some());
        Some(self.found(problem, call.span))
    }

    /// Whether a selector names the wrapper, or a class or an id of the app.
    fn is_own_selector(&self, selector: &str) -> bool {
        let names = selector.split(['.', '#']).skip(1);
        let mut names = names.map(|rest| {
            let is_end =
                |letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '_');
            rest.split(is_end).next().unwrap_or_default()
        });
        selector.contains(WRAPPER) || names.any(|name| self.names.own(name))
    }

    /// A member of `AdminWS` that is used while the script loads.
    fn early(&self, object: &Expression<'a>, node: NodeId, span: Span) -> Option<Found> {
        // Modules run after the layout's own scripts.
        if self.is_module
            || !self.is_global_value(object, ADMIN_WS)
            || self.function_around(node).is_some()
        {
            return None;
        }
        let problem = Problem::new(&rules::ADMIN_WS, "`AdminWS` is not there while this runs");
        let problem = only_if(problem, !self.is_guarded(node));
        Some(self.found(problem, span))
    }

    /// Requests by `fetch`, `XMLHttpRequest` and `sendBeacon`.
    fn request(&self, call: &CallExpression<'a>) -> Option<Found> {
        const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let callee = call.callee.without_parentheses();
        let method = callee
            .as_member_expression()
            .and_then(|member| member.static_property_name());
        let at = if self.is_global_value(callee, "fetch") || method == Some("sendBeacon") {
            0
        } else if method == Some("open") {
            let first = argument(&call.arguments, 0).and_then(beginning)?.0;
            METHODS
                .contains(&first.to_ascii_uppercase().as_str())
                .then_some(1)?
        } else {
            return None;
        };
        self.remote(argument(&call.arguments, at)?)
    }

    fn socket(&self, made: &NewExpression<'a>) -> Option<Found> {
        const SOCKETS: [&str; 4] = ["WebSocket", "EventSource", "Worker", "SharedWorker"];
        let is_socket = SOCKETS
            .iter()
            .any(|name| self.is_global_value(&made.callee, name));
        is_socket
            .then(|| self.remote(argument(&made.arguments, 0)?))
            .flatten()
    }

    fn remote(&self, address: &Expression<'a>) -> Option<Found> {
        let (text, _) = beginning(address)?;
        is_remote(&text).then(|| {
            let shown: String = text.chars().take(80).collect();
            let text = format!("`{shown}` is on another host");
            self.found(Problem::new(&rules::OTHER_HOST, text), address.span())
        })
    }

    /// Where the script looks at how a request went.
    fn places_of_checks(&self) -> Vec<Span> {
        let nodes = self.semantic.nodes().iter();
        let place = |kind: AstKind<'_>| match kind {
            AstKind::StaticMemberExpression(member) => {
                let is_check =
                    ["ok", "status", "redirected"].contains(&member.property.name.as_str());
                is_check.then_some(member.span)
            }
            AstKind::BindingProperty(property) => {
                let name = property.key.static_name();
                let is_check = name.is_some_and(|name| name == "ok" || name == "status");
                is_check.then_some(property.span)
            }
            _other => None,
        };
        nodes.filter_map(|node| place(node.kind())).collect()
    }

    /// A response of `fetch` that nobody looks at before it is used.
    fn unchecked(
        &self,
        call: &CallExpression<'a>,
        node: NodeId,
        checked: &[Span],
    ) -> Option<Found> {
        if !self.is_global_value(call.callee.without_parentheses(), "fetch") {
            return None;
        }
        let nodes = self.semantic.nodes();
        let mut around = self.program.span;
        let mut inner = call.span;
        for kind in nodes.ancestor_kinds(node) {
            let goes_away = match kind {
                // Somebody else gets the response: who is returned to, or called with it.
                AstKind::ReturnStatement(_) => true,
                AstKind::ArrowFunctionExpression(arrow) => arrow.body.span() == inner,
                AstKind::CallExpression(outer) => {
                    let mut arguments = outer.arguments.iter();
                    let handed_on = |span: Span| span == inner;
                    let by_name = |it: &oxc_ast::ast::Argument<'_>| {
                        it.as_expression().is_some_and(|it| {
                            it.is_identifier_reference() || it.as_member_expression().is_some()
                        })
                    };
                    outer.callee.span() != inner && arguments.clone().any(|it| handed_on(it.span()))
                        || arguments.any(by_name)
                }
                _other => false,
            };
            if goes_away {
                return None;
            }
            if is_function(kind) {
                around = kind.span();
                break;
            }
            inner = kind.span();
        }
        let is_checked = |place: &Span| around.start <= place.start && place.end <= around.end;
        if checked.iter().any(is_checked) {
            return None;
        }
        let text = "nothing here looks at `ok` or `status` of the response";
        Some(self.found(Problem::new(&rules::UNCHECKED, text), call.callee.span()))
    }
}

/// `lucide.createIcons()`, however it is reached.
fn draws_icons(call: &CallExpression<'_>) -> bool {
    let member = call.callee.without_parentheses().as_member_expression();
    let name = member.and_then(|member| member.static_property_name());
    name == Some("createIcons") || call.callee.is_specific_id("createIcons")
}
