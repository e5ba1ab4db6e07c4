//! Names that a script puts into the scope of the whole page.

use oxc_ast::AstKind;
use oxc_ast::ast::{AssignmentTarget, Expression, Function, Statement};
use oxc_span::{GetSpan, Span};

use super::{Code, Facts, Found, LIBRARIES, only_if, rules};
use crate::check::problem::Problem;

/// Names of the browser's own that are there to be assigned.
const ASSIGNABLE: [&str; 6] = ["location", "name", "status", "opener", "event", "title"];

impl<'a> Code<'_, 'a> {
    pub(super) fn scope(&self, facts: &mut Facts) {
        if !self.is_module {
            let text = "`import` and `export` stand in modules only: <script type=\"module\">";
            match self.module_syntax(text) {
                Some(found) => facts.problems.push(found),
                None => {
                    facts.problems.extend(self.top_level());
                    facts.problems.extend(self.sloppy());
                }
            }
        }
        facts.problems.extend(self.implicit_globals());
        facts.problems.extend(self.window_members());
        facts.problems.extend(self.redeclared());
        self.libraries(facts);
    }

    /// What a classic script does outside of functions.
    fn top_level(&self) -> Option<Found> {
        let scoping = self.semantic.scoping();
        let mut declared: Vec<(Span, &str)> = scoping
            .get_bindings(scoping.root_scope_id())
            .values()
            .map(|symbol| (scoping.symbol_span(*symbol), scoping.symbol_name(*symbol)))
            .collect();
        declared.sort_by_key(|(span, _)| span.start);
        if let Some((span, _)) = declared.first() {
            let shown: Vec<_> = declared
                .iter()
                .take(3)
                .map(|(_, name)| format!("`{name}`"))
                .collect();
            let more = if declared.len() > shown.len() {
                " and others"
            } else {
                ""
            };
            let text = format!("{}{more} can be seen by the whole page", shown.join(", "));
            let certain = !declared.iter().all(|(_, name)| self.names.mentioned(name));
            let problem = only_if(Problem::new(&rules::GLOBALS, text), certain);
            return Some(self.found(problem, *span));
        }
        let loose = self
            .program
            .body
            .iter()
            .find(|statement| !is_contained(statement))?;
        let text =
            "this stands outside of a function: it declares nothing, but the next line might";
        // What declares nothing meets nobody's names.
        let problem = only_if(Problem::new(&rules::GLOBALS, text), false);
        let start = loose.span().start;
        Some(self.found(problem, Span::new(start, start + 1)))
    }

    /// Functions of a classic script that are not in strict mode.
    fn sloppy(&self) -> Vec<Found> {
        if self
            .program
            .directives
            .iter()
            .any(|it| it.directive == "use strict")
        {
            return Vec::new();
        }
        let calls = self.program.body.iter().filter_map(called_function);
        calls
            .filter(|called| !called.is_strict)
            .map(|called| {
                let problem = Problem::new(&rules::STRICT, "begin it with \"use strict\";");
                let start = called.span.start;
                self.found(problem, Span::new(start, start + 8))
            })
            .collect()
    }

    /// Names that are assigned and declared nowhere.
    fn implicit_globals(&self) -> Vec<Found> {
        let scoping = self.semantic.scoping();
        let unresolved = scoping.root_unresolved_references_ids().flatten();
        unresolved
            .map(|id| scoping.get_reference(id))
            .filter(|reference| reference.is_write())
            .filter_map(|reference| {
                let name = self.semantic.reference_name(reference);
                if is_browsers(name) {
                    return None;
                }
                let text = format!("`{name}` is declared nowhere, so that it becomes a global");
                let problem = Problem::new(&rules::WINDOW, text);
                Some(self.found(problem, self.semantic.reference_span(reference)))
            })
            .collect()
    }

    /// Assignments to members of `window`.
    fn window_members(&self) -> Vec<Found> {
        let nodes = self.semantic.nodes().iter();
        nodes
            .filter_map(|node| {
                let AstKind::AssignmentExpression(assignment) = node.kind() else {
                    return None;
                };
                let (name, span) = self.window_member(&assignment.left)?;
                if is_browsers(name) || self.names.mentioned(name) || name.starts_with("__") {
                    return None;
                }
                let text = format!("`window.{name}` does not say whose it is");
                let certain = !is_namespace(name, &assignment.right);
                let problem = only_if(Problem::new(&rules::WINDOW, text), certain);
                Some(self.found(problem, span))
            })
            .collect()
    }

    fn window_member<'e>(&self, target: &'e AssignmentTarget<'a>) -> Option<(&'e str, Span)> {
        if let AssignmentTarget::StaticMemberExpression(member) = target {
            let name = member.property.name.as_str();
            self.is_window(&member.object)
                .then_some((name, member.span))
        } else if let AssignmentTarget::ComputedMemberExpression(member) = target
            && let Expression::StringLiteral(name) = &member.expression
        {
            let is_window = self.is_window(&member.object);
            is_window.then_some((name.value.as_str(), member.span))
        } else {
            None
        }
    }

    /// Names of libraries that the script declares for all of itself.
    fn redeclared(&self) -> Vec<Found> {
        let scoping = self.semantic.scoping();
        let nodes = self.semantic.nodes();
        scoping
            .symbol_ids()
            .filter_map(|symbol| {
                let name = scoping.symbol_name(symbol);
                if !LIBRARIES.iter().any(|(global, _)| *global == name) {
                    return None;
                }
                let declaration = scoping.symbol_declaration(symbol);
                // Inside of another function it is that function's own.
                if self.function_around(declaration).is_some() {
                    return None;
                }
                let certain = match nodes.kind(declaration) {
                    AstKind::VariableDeclarator(declarator) => {
                        !self.takes_global(declarator.init.as_ref()) && !self.is_module
                    }
                    AstKind::Function(_) | AstKind::Class(_) => true,
                    _other => return None,
                };
                let text = format!("`{name}` is the global of a library");
                let problem = only_if(Problem::new(&rules::REDECLARED, text), certain);
                Some(self.found(problem, scoping.symbol_span(symbol)))
            })
            .collect()
    }

    /// Whether a value is taken from `window`.
    fn takes_global(&self, value: Option<&Expression<'a>>) -> bool {
        let Some(value) = value else {
            return false;
        };
        let mut value = value.without_parentheses();
        while let Expression::LogicalExpression(either) = value {
            value = either.left.without_parentheses();
        }
        let member = value.as_member_expression();
        self.is_window(value) || member.is_some_and(|member| self.is_window(member.object()))
    }

    /// Which libraries the script uses.
    fn libraries(&self, facts: &mut Facts) {
        for node in self.semantic.nodes().iter() {
            let (name, span) = match node.kind() {
                AstKind::IdentifierReference(name) if self.is_global(name) => {
                    (name.name.as_str(), name.span)
                }
                AstKind::StaticMemberExpression(member) if self.is_window(&member.object) => {
                    (member.property.name.as_str(), member.span)
                }
                _other => continue,
            };
            if let Some((global, _)) = LIBRARIES.iter().find(|(global, _)| *global == name) {
                facts
                    .libraries
                    .entry(global)
                    .or_insert_with(|| self.range(span));
            }
        }
    }
}

/// Names that the browser has already.
fn is_browsers(name: &str) -> bool {
    let is_handler =
        name.starts_with("on") && name.chars().all(|letter| letter.is_ascii_lowercase());
    is_handler || ASSIGNABLE.contains(&name)
}

/// Whether a value is one object that holds everything else: `X || {}`, `{ ... }`, a class.
fn is_namespace(name: &str, value: &Expression<'_>) -> bool {
    let value = value.without_parentheses();
    let holds = matches!(
        value,
        Expression::ObjectExpression(_)
            | Expression::ClassExpression(_)
            | Expression::LogicalExpression(_)
            | Expression::CallExpression(_)
    );
    holds && name.starts_with(|first: char| first.is_ascii_uppercase())
}

/// A function that is called where it stands.
struct Called {
    span: Span,
    is_strict: bool,
}

/// Whether a statement of the top level declares nothing and runs in a function of its own.
fn is_contained(statement: &Statement<'_>) -> bool {
    matches!(statement, Statement::EmptyStatement(_)) || called_function(statement).is_some()
}

/// The function that a statement is the call of.
fn called_function(statement: &Statement<'_>) -> Option<Called> {
    let Statement::ExpressionStatement(statement) = statement else {
        return None;
    };
    let mut expression = statement.expression.without_parentheses();
    loop {
        expression = match expression {
            Expression::UnaryExpression(unary) => unary.argument.without_parentheses(),
            Expression::AwaitExpression(wait) => wait.argument.without_parentheses(),
            // `window.AppName = (function () { ... })();`
            Expression::AssignmentExpression(it) => it.right.without_parentheses(),
            Expression::CallExpression(call) => return called(call.callee.without_parentheses()),
            _other => return None,
        };
    }
}

fn called(callee: &Expression<'_>) -> Option<Called> {
    match callee {
        Expression::FunctionExpression(function) => Some(of_function(function)),
        Expression::ArrowFunctionExpression(arrow) => Some(Called {
            span: arrow.span,
            is_strict: arrow.has_use_strict_directive(),
        }),
        // `.call(this)`, or `.catch(...)` of what an async function answers.
        Expression::StaticMemberExpression(member) => {
            let object = member.object.without_parentheses();
            match object {
                Expression::CallExpression(call) => called(call.callee.without_parentheses()),
                _other => called(object),
            }
        }
        _other => None,
    }
}

fn of_function(function: &Function<'_>) -> Called {
    Called {
        span: function.span,
        is_strict: function.has_use_strict_directive(),
    }
}
