//! `manifest.json` of the NodeRouter contract, with Skep's own keys as additions.
//!
//! Unknown keys are warnings, because the contract grows; a known key with a wrong value
//! is an error, because the author meant something by it.

mod actions;
mod hooks;
mod needs;
mod schedules;
mod settings;

pub(super) use actions::is_slug;

use semver::Version;

use super::fields::{Fields, Report, excerpt};
use super::{Instances, JobWishes, Manifest, ManifestError, Wishes, json};
use crate::app::Finding;
use crate::ids::AppName;

const MAX_TABLES: usize = 200;
pub(super) const MAX_SQL: usize = 64 * 1024;
const MAX_VERSION: usize = 64;
const MAX_DISPLAY_NAME: usize = 40;
const MAX_PERMISSION: usize = 128;

/// A manifest that keeps the rules.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) manifest: Manifest,
    /// The backend file of the generations that named one.
    pub(crate) script: Option<String>,
    pub(crate) warnings: Vec<Finding>,
}

/// Reads a manifest.
///
/// # Errors
///
/// When it is not JSON, or breaks the contract; then with everything that is wrong.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ManifestError> {
    let object = json::parse(bytes)?;
    let mut report = Report::default();
    let mut fields = Fields::new(&object, "", &mut report);

    let app_name = app_name(&mut fields);
    let version = version(&mut fields);
    let display_name = display_name(&mut fields);
    let description = description(&mut fields);
    let required_permission = permission(&mut fields);
    let actions = actions::read(&mut fields, required_permission.is_some());
    let tables = tables(&mut fields);
    let instances = fields.choice(
        "instances",
        &[("fresh", Instances::Fresh), ("reused", Instances::Reused)],
    );
    let limits = limits(&mut fields);
    let jobs = jobs(&mut fields);
    let hooks = hooks::read(&mut fields);
    let tasks = hooks::read_tasks(&mut fields);
    let needs = needs::read(&mut fields);
    let settings = settings::read(&mut fields);
    let schedules = schedules::read(&mut fields, &tasks);
    let script = fields.text("script").map(str::to_owned);
    ignored_generations(&mut fields);
    fields.finish();

    let (Some(app_name), Some(version)) = (app_name, version) else {
        return Err(ManifestError::Rules(report.problems));
    };
    if !report.problems.is_empty() {
        return Err(ManifestError::Rules(report.problems));
    }
    Ok(Parsed {
        manifest: Manifest {
            display_name: display_name.unwrap_or_else(|| app_name.to_string()),
            app_name,
            version,
            description,
            required_permission,
            notifications: actions.notifications,
            statements: actions.statements,
            tables,
            instances: instances.unwrap_or_default(),
            limits,
            jobs,
            hooks,
            tasks,
            needs,
            settings,
            schedules,
        },
        script,
        warnings: report.warnings,
    })
}

/// `app_name`, or `name` as older generations called it.
fn app_name(fields: &mut Fields<'_, '_>) -> Option<AppName> {
    // Whether a field is there at all decides what is missing; a wrong type is reported once.
    let is_there = fields.has("app_name") || fields.has("name");
    let (long, short) = (fields.text("app_name"), fields.text("name"));
    if let (Some(long), Some(short)) = (long, short)
        && long != short
    {
        let text = format!(
            "`app_name` is {:?} and `name` is {:?}: give one, or both alike",
            excerpt(long),
            excerpt(short)
        );
        fields.report.problem("NR-B04", text);
    }
    match long.or(short).map(str::parse) {
        Some(Ok(name)) => Some(name),
        Some(Err(error)) => {
            fields.report.problem("NR-B04", format!("{error}"));
            None
        }
        None => {
            if !is_there {
                let text = "`app_name` is missing".to_owned();
                fields.report.problem("NR-B04", text);
            }
            None
        }
    }
}

fn version(fields: &mut Fields<'_, '_>) -> Option<Version> {
    let Some(text) = fields.text("version") else {
        if !fields.has("version") {
            let text = "`version` is missing: give one such as \"1.0.0\"".to_owned();
            fields.report.problem("NR-B07", text);
        }
        return None;
    };
    let version = Version::parse(text)
        .ok()
        .filter(|_| text.len() <= MAX_VERSION);
    if version.is_none() {
        let text = format!(
            "`version` must be MAJOR.MINOR.PATCH such as \"1.0.0\", not {:?}",
            excerpt(text)
        );
        fields.report.problem("NR-B07", text);
    }
    version
}

fn display_name(fields: &mut Fields<'_, '_>) -> Option<String> {
    let name = fields.text("display_name")?.trim();
    if name.chars().count() > MAX_DISPLAY_NAME {
        let text =
            format!("`display_name` is longer than {MAX_DISPLAY_NAME} characters: shorten it");
        fields.report.warning("NR-B08", text);
    }
    (!name.is_empty()).then(|| name.to_owned())
}

fn description(fields: &mut Fields<'_, '_>) -> String {
    let text = fields.text("description").unwrap_or_default();
    if looks_like_markdown(text) {
        let text = "`description` is shown as plain text: remove the Markdown".to_owned();
        fields.report.warning("NR-B08", text);
    }
    text.to_owned()
}

fn looks_like_markdown(text: &str) -> bool {
    ["**", "`", "]("].iter().any(|mark| text.contains(mark))
        || text
            .lines()
            .any(|line| line.starts_with(['#', '>']) || line.starts_with("* "))
}

/// A permission; an empty text is none.
fn permission(fields: &mut Fields<'_, '_>) -> Option<String> {
    const KEY: &str = "required_permission";
    let slug = fields.text(KEY).filter(|slug| !slug.is_empty())?;
    // Whatever is not empty was meant to close something, so it must not end as open.
    if slug.len() > MAX_PERMISSION || slug.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let text = format!(
            "{} must be a permission such as \"sales:access\", without spaces, or \"\" for none",
            fields.name(KEY)
        );
        fields.report.problem("NR-B11", text);
    }
    Some(slug.to_owned())
}

fn tables(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let items = fields.items("tables");
    if items.len() > MAX_TABLES {
        let text = format!("`tables` has more than {MAX_TABLES} statements");
        fields.report.problem("NR-B16", text);
    }
    let mut statements = Vec::new();
    for (place, item) in items.into_iter().take(MAX_TABLES) {
        match item.as_str() {
            Some(sql) if !sql.trim().is_empty() && sql.len() <= MAX_SQL => {
                statements.push(sql.to_owned());
            }
            Some(sql) if sql.len() > MAX_SQL => {
                let text = format!("`{place}` is longer than {MAX_SQL} bytes");
                fields.report.problem("NR-B16", text);
            }
            Some(_) => {
                let text = format!("`{place}` is empty: give one SQL statement, or leave it out");
                fields.report.problem("NR-B16", text);
            }
            None => {
                let text = format!("`{place}` must be a string, not {}", json::kind(item));
                fields.report.problem("NR-B06", text);
            }
        }
    }
    statements
}

fn limits(fields: &mut Fields<'_, '_>) -> Wishes {
    let Some((place, object)) = fields.object("limits") else {
        return Wishes::default();
    };
    let mut fields = Fields::new(object, place, fields.report);
    let wishes = Wishes {
        wall_ms: fields.count("wall_ms"),
        memory_mb: fields.count("memory_mb"),
        concurrency: fields.count("concurrency"),
        fuel: fields.count("fuel"),
        statements: fields.count("statements"),
        rows: fields.count("rows"),
        result_mb: fields.count("result_mb"),
    };
    fields.finish();
    wishes
}

fn jobs(fields: &mut Fields<'_, '_>) -> JobWishes {
    let Some((place, object)) = fields.object("jobs") else {
        return JobWishes::default();
    };
    let mut fields = Fields::new(object, place, fields.report);
    let wishes = JobWishes {
        wall_ms: fields.count("wall_ms"),
        concurrency: fields.count("concurrency"),
        attempts: fields.count("attempts"),
        retries: fields.count("retries"),
        backoff_ms: fields.count("backoff_ms"),
    };
    fields.finish();
    wishes
}

/// Fields of other generations of the contract, which Skep reads and does nothing with.
fn ignored_generations(fields: &mut Fields<'_, '_>) {
    for key in ["domains", "dependencies"] {
        if !fields.items(key).is_empty() {
            let text = format!("`{key}` is not supported, and is ignored");
            fields.report.warning("NR-B15", text);
        }
    }
}

#[cfg(test)]
mod tests;
