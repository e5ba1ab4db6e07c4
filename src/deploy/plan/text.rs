//! A plan as plain text, aligned, for a terminal.
//!
//! An author chooses much of what stands in it: [`plain`] keeps that from looking like
//! something else.

use std::fmt::Display;

use super::{Change, Names, Plan, Statement, Warning};
use crate::app::grants::Amounts;
use crate::app::plain;

/// The text, line by line, with a heading in the left column.
#[derive(Default)]
struct Page(String);

const HEADING: usize = 15;

impl Page {
    /// Lines under one heading; none at all without lines.
    fn part<T: Display>(&mut self, heading: &str, lines: impl IntoIterator<Item = T>) {
        let mut heading = heading;
        for line in lines {
            let line = plain(&line.to_string());
            self.0.push_str(&format!("{heading:HEADING$}{line}\n"));
            heading = "";
        }
    }
}

impl Plan {
    /// What the plan says, for people.
    pub(crate) fn text(&self) -> String {
        let mut page = Page::default();
        page.part("app", [format!("{} {}", self.app, self.version)]);
        page.part(
            "now",
            [match &self.active {
                Some(active) => format!("release {}, version {}", active.release, active.version),
                None => "nothing: this is the first deploy".to_owned(),
            }],
        );
        page.part("bundle", [&self.bundle]);
        self.reach(&mut page);
        self.limits(&mut page);
        page.part("called by", permission(&self.required_permission));
        page.part("notifications", names(&self.notifications));
        page.part("schedules", names(&self.schedules));
        page.part("tasks", names(&self.tasks));
        page.part("hooks", names(&self.hooks));
        page.part("tables", self.tables.iter().map(statement));
        self.sources(&mut page);
        page.part("frontend", [frontend(&self.frontend)]);
        page.part("to mend", self.warnings.iter().map(warning));
        page.part("plan", [&self.digest]);
        page.part("consent", [self.why()]);
        page.0
    }

    /// What consent is needed for.
    fn why(&self) -> &'static str {
        let grants = !self.grants.added.is_empty();
        match (grants, self.frontend.is_new()) {
            (false, false) => "not needed",
            (true, false) => "needed for the grants marked with +",
            (false, true) => "needed for the frontend, which acts as whoever opens it",
            (true, true) => {
                "needed for the grants marked with +, and for the frontend, which acts as whoever \
                 opens it"
            }
        }
    }

    fn reach(&self, page: &mut Page) {
        let added = self.grants.added.iter().map(|grant| format!("+ {grant}"));
        let dropped = self.grants.dropped.iter().map(|grant| format!("- {grant}"));
        let kept = self.grants.kept.iter().map(|grant| format!("  {grant}"));
        let mut grants: Vec<String> = added.chain(dropped).chain(kept).collect();
        if grants.is_empty() {
            grants.push("none beyond what every app has".to_owned());
        }
        page.part("grants", grants);
        page.part("capabilities", names(&self.capabilities));
    }

    fn limits(&self, page: &mut Page) {
        let Change { before, after } = &self.limits;
        let amount = |name: &str, unit: &str, of: fn(&Amounts) -> u32| {
            let (before, after) = (of(before), of(after));
            if before == after {
                format!("{name} {after}{unit}")
            } else {
                format!("{name} {before}{unit} -> {after}{unit}")
            }
        };
        page.part(
            "limits",
            [
                amount("time", " ms", |amounts| amounts.wall_ms),
                amount("memory", " MiB", |amounts| amounts.memory_mb),
                amount("calls at once", "", |amounts| amounts.concurrency),
                amount("statements", "", |amounts| amounts.statements),
                amount("rows", "", |amounts| amounts.rows),
                amount("results", " MiB", |amounts| amounts.result_mb),
            ],
        );
    }

    fn sources(&self, page: &mut Page) {
        let mut lines: Vec<String> = self.statements.listed.iter().map(statement).collect();
        if self.statements.more > 0 {
            lines.push(format!("and {} more", self.statements.more));
        }
        lines.extend(
            self.statements
                .built
                .iter()
                .map(|place| format!("  {place}  is put together at run time")),
        );
        if self.prebuilt {
            lines.push(
                "the component was built before: what stands in the sources beside it need not \
                 be what runs"
                    .to_owned(),
            );
        }
        page.part("SQL", lines);
    }
}

fn names(names: &Names) -> Vec<String> {
    let added = names.added.iter().map(|name| format!("+ {name}"));
    let dropped = names.dropped.iter().map(|name| format!("- {name}"));
    let kept = names.kept.iter().map(|name| format!("  {name}"));
    added.chain(dropped).chain(kept).collect()
}

fn permission(change: &Change<Option<String>>) -> Vec<String> {
    let who = |permission: &Option<String>| match permission {
        None => "every user".to_owned(),
        Some(permission) => format!("users with {permission}"),
    };
    if change.before == change.after {
        vec![who(&change.after)]
    } else {
        vec![format!("{} -> {}", who(&change.before), who(&change.after))]
    }
}

/// `+ main.py:12  UPDATE  reads a, b; writes c`.
fn statement(statement: &Statement) -> String {
    let mark = if statement.new { '+' } else { ' ' };
    let parts = [
        ("creates", &statement.creates),
        ("alters", &statement.alters),
        ("drops", &statement.drops),
        ("reads", &statement.reads),
        ("writes", &statement.writes),
    ];
    let mut does: Vec<String> = parts
        .iter()
        .filter(|(_, tables)| !tables.is_empty())
        .map(|(verb, tables)| format!("{verb} {}", tables.join(", ")))
        .collect();
    if let Some(why) = &statement.refused {
        does.push(format!("will be refused: {why}"));
    }
    let line = format!(
        "{mark} {}  {}  {}",
        statement.place,
        statement.kind,
        does.join("; ")
    );
    line.trim_end().to_owned()
}

/// `main.py:12:5  nothing here closes it (NR-P06)`.
fn warning(warning: &Warning) -> String {
    format!("{}  {} ({})", warning.place, warning.text, warning.rule)
}

fn frontend(change: &Change<Option<String>>) -> String {
    match (&change.before, &change.after) {
        (None, None) => "none".to_owned(),
        (Some(before), Some(after)) if before == after => format!("unchanged, {after}"),
        (None, Some(after)) => format!("+ new, {after}"),
        (Some(before), Some(after)) => format!("+ changed, {before} -> {after}"),
        (Some(_), None) => "- removed".to_owned(),
    }
}
