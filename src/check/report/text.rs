//! What was found, with the lines of the sources that it is about.
//!
//! Sources and names are an author's: [`shown`] keeps them from acting on a terminal.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};

use super::Report;
use crate::app::{Bundle, plain};
use crate::check::problem::{Place, Problem};
use crate::check::rule::Severity;

/// Longer lines are not shown, in bytes.
const LINE_BYTES: usize = 300;
/// The width of sentences, in characters.
const WIDTH: usize = 90;

/// The whole report.
pub(super) fn page(report: &Report, bundle: Option<&Bundle>, colours: bool) -> String {
    let theme = match colours {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_context_lines(1)
        // It breaks at slashes and hyphens too, which addresses and names are full of.
        .with_wrap_lines(false);
    let mut page = String::new();
    for problem in &report.problems {
        if problem.severity == Severity::Info {
            continue;
        }
        let shown = Shown::new(problem, bundle);
        // Writing to a text cannot fail.
        let _ = handler.render_report(&mut page, &shown);
        page.push('\n');
    }
    for problem in &report.problems {
        if problem.severity == Severity::Info {
            let (place, rule) = (plain(&problem.place_text()), problem.rule.id);
            page.push_str(&format!("info {rule} {place}: {}\n", plain(&problem.text)));
        }
    }
    page.push_str(&summary(report));
    page
}

fn summary(report: &Report) -> String {
    let count = |severity, one: &str| match report.count(severity) {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    let (errors, warnings) = (
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
    );
    format!("{}: {errors}, {warnings}\n", plain(&report.path))
}

/// A problem as the printer takes it.
#[derive(Debug)]
struct Shown {
    severity: Severity,
    rule: &'static str,
    title: String,
    help: String,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl Shown {
    fn new(problem: &Problem, bundle: Option<&Bundle>) -> Self {
        let rule = problem.rule;
        let text = plain(&problem.text);
        let mut shown = Self {
            severity: problem.severity,
            rule: rule.id,
            title: rule.title.to_owned(),
            help: wrapped(&format!("{} {}", rule.why, rule.fix)),
            source: None,
            label: None,
        };
        let excerpt = problem
            .place
            .as_ref()
            .and_then(|place| excerpt(place, bundle?));
        match (excerpt, &problem.place) {
            (Some((source, length)), Some(place)) => {
                let name = plain(&place.file);
                shown.source = Some(NamedSource::new(name, source));
                let span = (place.start.offset, length);
                shown.label = Some(LabeledSpan::new_with_span(Some(text), span));
            }
            (None, Some(_)) => {
                let text = wrapped(&format!("{}: {text}", plain(&problem.place_text())));
                shown.title = format!("{}\n{text}", rule.title);
            }
            (_, None) => shown.title = format!("{}\n{}", rule.title, wrapped(&text)),
        }
        shown
    }
}

/// A text in lines, which end at spaces only.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// The source of a place, and how much of it is meant on its first line. None where one of the lines
/// that would be shown is too long.
fn excerpt(place: &Place, bundle: &Bundle) -> Option<(String, usize)> {
    let text = std::str::from_utf8(bundle.file(&place.file)?).ok()?;
    let (before, after) = text.split_at_checked(place.start.offset)?;
    let rest = after.split('\n').next().unwrap_or_default();
    let length = (place.end.offset - place.start.offset).min(rest.trim_end().len());
    // The line itself, and one before and after it.
    let around = before.rsplit('\n').take(2).chain(after.split('\n').take(2));
    let is_short = around.map(str::len).all(|length| length <= LINE_BYTES);
    is_short.then(|| (shown(text), length))
}

/// The text in which nothing acts on a terminal; every character keeps its length in bytes.
fn shown(text: &str) -> String {
    let harmless = |letter: char| match (letter, letter.len_utf8()) {
        ('\n' | '\t', _) => letter,
        ('\r', _) => ' ',
        (_, 1) if letter.is_control() => '?',
        (_, 2) if letter.is_control() => '·',
        ('\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}', _) => {
            '\u{fffd}'
        }
        _ => letter,
    };
    text.chars().map(harmless).collect()
}

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.title)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(self.rule))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(&self.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.label.clone()?;
        Some(Box::new(std::iter::once(labels)))
    }
}
