//! Scripts: those of the browser, and backends in JavaScript.
//!
//! Each file is parsed and its names are resolved; what only shows together with the page is in
//! [`Facts`], for [`super::page`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each rule is about a few of the many kinds of nodes"
)]

pub(super) mod backend;
mod calls;
mod imports;
mod scope;
mod strings;
mod syntax;

use std::collections::BTreeMap;
use std::ops::Range;

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::Parser;
use oxc_semantic::{Semantic, SemanticBuilder};
use oxc_span::{SourceType, Span};

use super::names::Names;
use super::problem::Problem;
use super::rule::Severity;
use super::rules::js as rules;

/// A problem and where it is.
type Found = (Problem, Range<usize>);

/// The libraries that the host serves: the global, and what their files' names begin with.
pub(super) const LIBRARIES: [(&str, &str); 6] = [
    ("echarts", "echarts"),
    ("Tabulator", "tabulator"),
    ("XLSX", "xlsx"),
    ("Papa", "papaparse"),
    ("dayjs", "dayjs"),
    ("lucide", "lucide"),
];

/// How a script is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Classic,
    Module,
    /// Nobody knows; what is in it says.
    Either,
}

/// A script to look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script<'a> {
    pub(super) text: &'a str,
    /// Where the text begins in its file.
    pub(super) base: usize,
    pub(super) kind: Kind,
    /// The app's name; empty where it is not known.
    pub(super) app: &'a str,
    /// What an import map names.
    pub(super) mapped: &'a [String],
}

/// What a script has and uses.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) problems: Vec<Found>,
    pub(super) imports: Vec<Import>,
    /// The globals of libraries, each with where it is used first.
    pub(super) libraries: BTreeMap<&'static str, Range<usize>>,
    /// HTML in texts that has placeholders for icons.
    pub(super) icons: Vec<Range<usize>>,
    pub(super) draws_icons: bool,
    /// Lists of classes that elements are given.
    pub(super) classes: Vec<(String, Range<usize>)>,
}

/// What an import names.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) text: String,
    pub(super) range: Range<usize>,
}

/// A script that has been parsed.
struct Code<'s, 'a> {
    script: Script<'s>,
    names: &'s Names,
    program: &'s Program<'a>,
    semantic: &'s Semantic<'a>,
    is_module: bool,
}

/// Looks at a script.
pub(super) fn check(script: Script<'_>, names: &Names) -> Facts {
    let kind = match script.kind {
        Kind::Classic => SourceType::script(),
        Kind::Module => SourceType::mjs(),
        Kind::Either => SourceType::unambiguous(),
    };
    let facts = read(script, kind, names, |code| {
        let mut facts = Facts::default();
        code.scope(&mut facts);
        code.calls(&mut facts);
        code.strings(&mut facts);
        code.imports(&mut facts);
        facts
    });
    facts.unwrap_or_else(|error| Facts {
        problems: vec![*error],
        ..Facts::default()
    })
}

/// Parses a script, and looks at it.
///
/// # Errors
///
/// When it cannot be parsed; then with what is wrong.
fn read<T>(
    script: Script<'_>,
    kind: SourceType,
    names: &Names,
    look: impl FnOnce(&Code<'_, '_>) -> T,
) -> Result<T, Box<Found>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, script.text, kind).parse();
    if let Some(error) = parsed.diagnostics.errors().next() {
        let spans = error.labels.iter().map(|label| label.span());
        let span = spans.min_by_key(|span| span.start).unwrap_or_default();
        let range = script.base + span.start as usize..script.base + span.end as usize;
        let problem = Problem::new(&rules::JS_SYNTAX, error.message.to_string());
        return Err(Box::new((problem, range)));
    }
    let built = SemanticBuilder::new()
        .with_build_nodes(true)
        .build(&parsed.program);
    Ok(look(&Code {
        script,
        names,
        program: &parsed.program,
        semantic: &built.semantic,
        is_module: parsed.program.source_type.is_module(),
    }))
}

impl Code<'_, '_> {
    fn range(&self, span: Span) -> Range<usize> {
        self.script.base + span.start as usize..self.script.base + span.end as usize
    }

    fn found(&self, problem: Problem, span: Span) -> Found {
        (problem, self.range(span))
    }
}

/// Makes a problem less grave where a condition holds.
fn only_if(problem: Problem, certain: bool) -> Problem {
    match certain {
        true => problem,
        false => problem.at_most(Severity::Warning),
    }
}
