//! Reads a Python file into what the rules need to know of it.

use std::collections::BTreeSet;
use std::ops::Range;

use ruff_python_ast::visitor::{Visitor, walk_body, walk_expr, walk_stmt};
use ruff_python_ast::{
    Expr, ExprCall, Stmt, StmtFunctionDef, StmtImport, StmtImportFrom, StmtWhile, StmtWith,
};
use ruff_text_size::{Ranged, TextRange};

use super::module::{
    Action, ActionName, Connect, Entered, Function, Module, Parameter, Spot, Text, Wait, Waiting,
};
use super::{frozen, text};
use crate::sql;

/// Parameters that hold a request, whatever the function.
const REQUESTS: [&str; 5] = ["data", "payload", "request", "body", "params"];

/// Reads a file.
///
/// # Errors
///
/// When it is not Python; then with what is wrong, and where.
pub(super) fn read<'a>(path: &'a str, source: &str) -> Result<Module<'a>, (String, Range<usize>)> {
    let parsed = ruff_python_parser::parse_module(source)
        .map_err(|error| (error.error.to_string(), range(error.location)))?;
    let mut reader = Reader {
        module: Module {
            path,
            ..Module::default()
        },
        functions: Vec::new(),
        frame: Frame::default(),
        classes: 0,
        name: None,
        holds: 0,
    };
    let body = &parsed.syntax().body;
    walk_body(&mut reader, body);
    Ok(reader.module)
}

fn range(range: TextRange) -> Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

/// What stands around the place that is read, within one function.
#[derive(Default)]
struct Frame {
    guards: usize,
    conditions: usize,
    /// Of each loop, how many conditions stood around it.
    loops: Vec<usize>,
    tainted: BTreeSet<String>,
}

struct Reader<'a> {
    module: Module<'a>,
    /// The functions that are being read, by their indexes, the innermost last.
    functions: Vec<usize>,
    frame: Frame,
    classes: usize,
    /// The name that the value which is read is assigned to.
    name: Option<String>,
    /// Whether what is read is held by somebody else: `with` and `return`.
    holds: usize,
}

impl Reader<'_> {
    fn function(&mut self) -> Option<&mut Function> {
        let index = *self.functions.last()?;
        self.module.functions.get_mut(index)
    }

    fn spot(&self) -> Spot {
        let frame = &self.frame;
        Spot {
            function: self.functions.last().copied(),
            guarded: frame.guards > 0 || !frame.loops.is_empty(),
            each_time: frame.loops.last() == Some(&frame.conditions),
        }
    }

    fn bind(&mut self, name: &str) {
        let in_class = self.classes > 0;
        match self.function() {
            Some(function) => {
                function.assigned.insert(name.to_owned());
            }
            None if !in_class => {
                self.module.bound.insert(name.to_owned());
            }
            None => {}
        }
    }

    /// Binds the names of a target.
    fn bind_target(&mut self, target: &Expr) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str()),
            Expr::Tuple(targets) => targets.elts.iter().for_each(|it| self.bind_target(it)),
            Expr::List(targets) => targets.elts.iter().for_each(|it| self.bind_target(it)),
            Expr::Starred(target) => self.bind_target(&target.value),
            _other => {}
        }
    }

    fn mention(&mut self, name: &str) {
        if let Some(function) = self.function() {
            function.mentions.insert(name.to_owned());
        }
        if ["globals", "setattr", "exec", "eval", "vars"].contains(&name) {
            self.module.binds_more = true;
        }
    }

    fn define(&mut self, definition: &StmtFunctionDef) {
        self.bind(definition.name.as_str());
        let parameters = &definition.parameters;
        let function = Function {
            name: definition.name.as_str().to_owned(),
            is_top: self.functions.is_empty() && self.classes == 0,
            range: range(definition.name.range()),
            parameters: parameters
                .iter_non_variadic_params()
                .map(|parameter| Parameter {
                    name: parameter.name().as_str().to_owned(),
                    range: range(parameter.range()),
                    has_default: parameter.default.is_some(),
                })
                .collect(),
            takes_any: parameters.vararg.is_some(),
            ..Function::default()
        };
        let first = function.parameters.first();
        let is_entry = function.name == "execute";
        let tainted = function
            .parameters
            .iter()
            .filter(|it| REQUESTS.contains(&it.name.as_str()));
        let tainted = tainted.chain(first.filter(|_| is_entry));
        let frame = Frame {
            tainted: tainted.map(|parameter| parameter.name.clone()).collect(),
            ..Frame::default()
        };
        self.module.functions.push(function);
        self.functions.push(self.module.functions.len() - 1);
        let outer = std::mem::replace(&mut self.frame, frame);
        let holds = std::mem::take(&mut self.holds);
        walk_body(self, &definition.body);
        self.holds = holds;
        self.frame = outer;
        self.functions.pop();
    }

    fn with(&mut self, with: &StmtWith) {
        for item in &with.items {
            if let Expr::Name(name) = &item.context_expr {
                let entered = Entered {
                    name: name.id.as_str().to_owned(),
                    range: range(name.range),
                    function: self.functions.last().copied(),
                };
                self.module.entered.push(entered);
                if let Some(function) = self.function() {
                    function.closed.insert(name.id.as_str().to_owned());
                }
            }
            self.holds += 1;
            self.visit_expr(&item.context_expr);
            self.holds -= 1;
            if let Some(target) = &item.optional_vars {
                self.bind_target(target);
            }
        }
        walk_body(self, &with.body);
    }

    fn assign(&mut self, targets: &[Expr], value: &Expr) {
        for target in targets {
            self.bind_target(target);
            if let (Expr::Subscript(item), Expr::List(list)) = (target, value)
                && is_text(&item.slice, "_actions")
            {
                self.entries(&list.elts);
            }
        }
        if let [Expr::Name(target)] = targets {
            let name = target.id.as_str().to_owned();
            if text::taint(value, &self.frame.tainted).is_some() {
                self.frame.tainted.insert(name.clone());
            } else {
                self.frame.tainted.remove(&name);
            }
            self.name = Some(name);
        }
        self.visit_expr(value);
        self.name = None;
        if self.functions.is_empty()
            && let Some((name, place)) = frozen::changing(value)
        {
            self.module.frozen.push((name, range(place)));
        }
        // What is not a plain name may have expressions of its own.
        targets
            .iter()
            .filter(|target| !target.is_name_expr())
            .for_each(|it| self.visit_expr(it));
    }

    /// A text that looks like a statement.
    fn text(&mut self, expression: &Expr, is_sent: bool) -> bool {
        let Some(found) = text::of(expression) else {
            return false;
        };
        if found.text.contains("_job_id") {
            for index in &self.functions {
                if let Some(function) = self.module.functions.get_mut(*index) {
                    function.knows_job = true;
                }
            }
        }
        if sql::looks_like_sql(&found.text) {
            let mut parts = found.parts.iter();
            let tainted = parts.find_map(|part| text::taint(part, &self.frame.tainted));
            self.module.texts.push(Text {
                text: found.text,
                range: range(expression.range()),
                spot: self.spot(),
                is_part: found.is_part,
                tainted: tainted.map(range),
                is_sent,
                named: self.name.clone(),
            });
        }
        found.parts.iter().for_each(|part| self.visit_expr(part));
        true
    }

    fn call(&mut self, call: &ExprCall) {
        let (object, name) = match &*call.func {
            Expr::Name(name) => (None, name.id.as_str()),
            Expr::Attribute(member) => (Some(&*member.value), member.attr.as_str()),
            _other => (None, ""),
        };
        match self.function() {
            Some(function) => {
                function.calls.insert(name.to_owned());
            }
            None => {
                self.module.top_calls.insert(name.to_owned());
            }
        }
        let of = |owner: &str| matches!(object, Some(Expr::Name(it)) if it.id.as_str() == owner);
        if name == "connect" && of("psycopg2") {
            self.module.connects.push(Connect {
                range: range(call.range()),
                function: self.functions.last().copied(),
                named: self.name.clone(),
                is_held: self.holds > 0,
            });
        } else if name == "sleep" && of("time") {
            self.sleep(call);
        } else if name == "close"
            && let Some(Expr::Name(closed)) = object
        {
            let closed = closed.id.as_str().to_owned();
            if let Some(function) = self.function() {
                function.closed.insert(closed);
            }
        }
        let statement = match (name, object) {
            ("execute" | "executemany", Some(_)) => Some(0),
            ("execute_values" | "execute_batch", _) => Some(1),
            _other => None,
        };
        self.visit_expr(&call.func);
        for (at, argument) in call.arguments.args.iter().enumerate() {
            if Some(at) == statement {
                if let Expr::Name(name) = argument {
                    self.module.sent_names.insert(name.id.as_str().to_owned());
                }
                if self.text(argument, true) {
                    continue;
                }
            }
            self.visit_expr(argument);
        }
        call.arguments
            .keywords
            .iter()
            .for_each(|keyword| self.visit_expr(&keyword.value));
    }

    fn sleep(&mut self, call: &ExprCall) {
        let seconds = match call.arguments.args.first() {
            Some(Expr::NumberLiteral(number)) => match &number.value {
                ruff_python_ast::Number::Int(number) => number.as_u16().map(f64::from),
                ruff_python_ast::Number::Float(number) => Some(*number),
                ruff_python_ast::Number::Complex { .. } => None,
            },
            _other => None,
        };
        let in_loop = !self.frame.loops.is_empty();
        self.wait(call.range(), Waiting::Sleep { seconds, in_loop });
    }

    fn wait(&mut self, place: TextRange, what: Waiting) {
        self.module.waits.push(Wait {
            range: range(place),
            function: self.functions.last().copied(),
            what,
        });
    }

    /// The entries of an `_actions` list.
    fn entries(&mut self, entries: &[Expr]) {
        for entry in entries {
            let name = match entry {
                Expr::Dict(dict) => {
                    let has = |key: &str| {
                        let mut items = dict.items.iter();
                        items.find(|it| it.key.as_ref().is_some_and(|it| is_text(it, key)))
                    };
                    let unpacks = dict.items.iter().any(|item| item.key.is_none());
                    match has("name")
                        .or_else(|| has("action"))
                        .map(|item| &item.value)
                    {
                        Some(Expr::StringLiteral(name)) => {
                            ActionName::Known(name.value.to_str().to_owned())
                        }
                        Some(_) => ActionName::Unknown,
                        None if unpacks => ActionName::Unknown,
                        None => ActionName::Missing,
                    }
                }
                Expr::StringLiteral(_) | Expr::NumberLiteral(_) => ActionName::NoEntry,
                _other => ActionName::Unknown,
            };
            let place = range(entry.range());
            self.module.actions.push(Action { range: place, name });
        }
    }

    fn loop_of(&mut self, statement: &Stmt) {
        self.frame.loops.push(self.frame.conditions);
        walk_stmt(self, statement);
        self.frame.loops.pop();
    }

    fn is_forever(statement: &StmtWhile) -> bool {
        let always = match &*statement.test {
            Expr::BooleanLiteral(it) => it.value,
            Expr::NumberLiteral(_) => true,
            _other => false,
        };
        always && !statement.body.iter().any(leaves)
    }

    fn import_modules(&mut self, import: &StmtImport) {
        for alias in &import.names {
            let name = alias.name.as_str();
            let bound = alias.asname.as_ref().map_or(name, |name| name.as_str());
            self.bind(bound.split('.').next().unwrap_or(bound));
            self.import(name, alias.range());
        }
    }

    fn import_names(&mut self, import: &StmtImportFrom) {
        for alias in &import.names {
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            if bound.as_str() == "*" {
                self.module.binds_more = true;
            }
            self.bind(bound.as_str());
        }
        if let Some(name) = import.module.as_ref().filter(|_| import.level == 0) {
            self.import(name.as_str(), import.range());
        }
    }

    fn import(&mut self, name: &str, place: TextRange) {
        let first = name.split('.').next().unwrap_or(name).to_owned();
        self.module.imports.push((first, range(place)));
    }
}

/// Whether a text is exactly this.
fn is_text(expression: &Expr, text: &str) -> bool {
    matches!(expression, Expr::StringLiteral(it) if it.value.to_str() == text)
}

/// Whether a statement may leave the loop around it.
fn leaves(statement: &Stmt) -> bool {
    struct Exits(bool);
    impl<'a> Visitor<'a> for Exits {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) => self.0 = true,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _other => walk_stmt(self, statement),
            }
        }
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Await(_) => self.0 = true,
                // It may exit the process, or raise.
                Expr::Call(call) if matches!(&*call.func, Expr::Attribute(it) if it.attr.as_str() == "exit") =>
                {
                    self.0 = true;
                }
                _other => walk_expr(self, expression),
            }
        }
    }
    let mut exits = Exits(false);
    exits.visit_stmt(statement);
    exits.0
}

impl<'a> Visitor<'a> for Reader<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(definition) => {
                definition
                    .decorator_list
                    .iter()
                    .for_each(|it| self.visit_decorator(it));
                let parameters = definition.parameters.iter_non_variadic_params();
                parameters
                    .filter_map(|it| it.default.as_deref())
                    .for_each(|it| self.visit_expr(it));
                self.define(definition);
            }
            Stmt::ClassDef(class) => {
                self.bind(class.name.as_str());
                self.classes += 1;
                walk_stmt(self, statement);
                self.classes -= 1;
            }
            Stmt::Assign(assignment) => self.assign(&assignment.targets, &assignment.value),
            Stmt::AnnAssign(assignment) => {
                if let Some(value) = &assignment.value {
                    self.assign(std::slice::from_ref(&*assignment.target), value);
                }
            }
            // A docstring, or a comment of that kind.
            Stmt::Expr(expression) if expression.value.is_string_literal_expr() => {}
            Stmt::With(with) => self.with(with),
            Stmt::Return(_) => {
                self.holds += 1;
                walk_stmt(self, statement);
                self.holds -= 1;
            }
            Stmt::If(_) | Stmt::Match(_) => {
                self.frame.guards += 1;
                self.frame.conditions += 1;
                walk_stmt(self, statement);
                self.frame.guards -= 1;
                self.frame.conditions -= 1;
            }
            Stmt::Try(_) => {
                self.frame.guards += 1;
                walk_stmt(self, statement);
                self.frame.guards -= 1;
            }
            Stmt::For(it) => {
                self.bind_target(&it.target);
                self.loop_of(statement);
            }
            Stmt::While(it) => {
                if Self::is_forever(it) {
                    self.wait(it.test.range(), Waiting::Forever);
                }
                self.loop_of(statement);
            }
            Stmt::Import(import) => self.import_modules(import),
            Stmt::ImportFrom(import) => self.import_names(import),
            Stmt::Global(names) => {
                let names = names.names.iter().map(|name| name.as_str().to_owned());
                self.module.bound.extend(names);
            }
            _other => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::StringLiteral(_) | Expr::FString(_) | Expr::BinOp(_) => {
                if !self.text(expression, false) {
                    walk_expr(self, expression);
                }
            }
            Expr::Call(call) => {
                if !self.text(expression, false) {
                    self.call(call);
                }
            }
            Expr::Name(name) => self.mention(name.id.as_str()),
            Expr::Attribute(member) => {
                self.mention(member.attr.as_str());
                let is_sys = matches!(&*member.value, Expr::Name(it) if it.id.as_str() == "sys");
                self.module.sets_path |= is_sys && member.attr.as_str() == "path";
                walk_expr(self, expression);
            }
            Expr::Named(named) => {
                self.bind_target(&named.target);
                walk_expr(self, expression);
            }
            // Whoever is asked for by membership has been checked.
            Expr::Compare(compare) => {
                if let Expr::Name(name) = &*compare.left {
                    self.frame.tainted.remove(name.id.as_str());
                }
                walk_expr(self, expression);
            }
            Expr::Dict(dict) => {
                for item in &dict.items {
                    if let (Some(key), Expr::List(list)) = (&item.key, &item.value)
                        && is_text(key, "_actions")
                    {
                        self.entries(&list.elts);
                    }
                }
                walk_expr(self, expression);
            }
            _other => walk_expr(self, expression),
        }
    }
}
