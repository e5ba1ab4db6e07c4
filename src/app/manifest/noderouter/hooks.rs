//! `hooks` and `tasks`: functions that are called beside `execute`. Keys of Skep's own.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::Task;
use super::super::fields::{Fields, excerpt};
use super::super::json::kind;
use super::is_slug;
use crate::app::Hook;

const RULE: &str = "SK-B08";
const MAX_TASKS: usize = 100;
const MAX_TARGET: usize = 256;

pub(super) fn read(fields: &mut Fields<'_, '_>) -> BTreeMap<Hook, String> {
    let Some((place, object)) = fields.object("hooks") else {
        return BTreeMap::new();
    };
    let mut hooks = BTreeMap::new();
    for (name, value) in present(object) {
        let place = format!("{place}.{}", excerpt(name));
        let Some(hook) = Hook::ALL.iter().find(|hook| hook.name() == name) else {
            let names: Vec<&str> = Hook::ALL.iter().map(|hook| hook.name()).collect();
            let text = format!("`{place}` is no hook: the hooks are {}", names.join(", "));
            fields.report.problem(RULE, text);
            continue;
        };
        if let Some(target) = target(fields, &place, value) {
            hooks.insert(*hook, target);
        }
    }
    hooks
}

pub(super) fn read_tasks(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Task> {
    let Some((place, object)) = fields.object("tasks") else {
        return BTreeMap::new();
    };
    if object.len() > MAX_TASKS {
        let text = format!("`tasks` has more than {MAX_TASKS} entries");
        fields.report.problem(RULE, text);
    }
    let mut tasks = BTreeMap::new();
    for (name, value) in present(object).take(MAX_TASKS) {
        let place = format!("{place}.{}", excerpt(name));
        if !is_slug(name) {
            let text =
                format!("`{place}` is no name of a task: it must have 1 to 64 of a-z A-Z 0-9 _ -");
            fields.report.problem(RULE, text);
        }
        let Value::Object(task) = value else {
            let text = format!(
                "`{place}` must be an object such as {{\"run\": \"tasks.py:sync\"}}, not {}",
                kind(value)
            );
            fields.report.problem(RULE, text);
            continue;
        };
        let mut entry = Fields::new(task, place.clone(), fields.report);
        let timeout = entry.count("timeout");
        let run = entry.raw("run").unwrap_or(&Value::Null);
        let run = target(&mut entry, &format!("{place}.run"), run);
        entry.finish();
        if let Some(run) = run {
            tasks.insert(name.clone(), Task { run, timeout });
        }
    }
    tasks
}

/// As everywhere, what is `null` counts as absent.
fn present(object: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    object.iter().filter(|(_, value)| !value.is_null())
}

/// The name of a function: `module:function`, or `path/of/file.py:function`, or of a `.js` file.
fn target(fields: &mut Fields<'_, '_>, place: &str, value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| is_target(text));
    if text.is_none() {
        let given = match value {
            Value::String(text) => format!("{:?}", excerpt(text)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => kind(value).to_owned(),
        };
        let text = format!(
            "`{place}` is {given}: it must name a function, such as \"hooks.install:run\" or \
             \"hooks/install.py:run\""
        );
        fields.report.problem(RULE, text);
    }
    text.map(str::to_owned)
}

fn is_target(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let Some((module, function)) = text.split_once(':') else {
        return false;
    };
    let file = module
        .strip_suffix(".py")
        .or_else(|| module.strip_suffix(".js"));
    let modules: Vec<&str> = match file {
        Some(path) => path.split('/').collect(),
        None => module.split('.').collect(),
    };
    text.len() <= MAX_TARGET && is_name(function) && modules.into_iter().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_by_its_module_or_its_file() {
        for text in [
            "main:run",
            "hooks.install:run",
            "hooks/install.py:run_2",
            "lib/install.js:run",
            "_a:_b",
        ] {
            assert!(is_target(text), "{text}");
        }
        for text in [
            "",
            "run",
            ":run",
            "main:",
            "../main.py:run",
            "/main.py:run",
            "hooks/install:run",
            "hooks..install:run",
            "main:run()",
            "main:a.b",
            "ma in:run",
        ] {
            assert!(!is_target(text), "{text}");
        }
    }
}
