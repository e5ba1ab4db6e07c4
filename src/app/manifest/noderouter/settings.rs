//! `settings`: typed values that operators and the app itself may change. A key of Skep's own.

use serde_json::Value;

use super::super::fields::{Fields, excerpt};
use super::super::json;
use super::actions::{MAX_NAME, required_text};
use crate::app::setting::{Kind, SelectOption, Setting};

const RULE: &str = "SK-B07";
const MAX_SETTINGS: usize = 200;
const MAX_OPTIONS: usize = 200;
const KINDS: &str = "text, number, toggle, select, cron, url, port or file";

pub(super) fn read(fields: &mut Fields<'_, '_>) -> Vec<Setting> {
    let objects = fields.objects("settings");
    if objects.len() > MAX_SETTINGS {
        let text = format!("`settings` has more than {MAX_SETTINGS} entries");
        fields.report.problem(RULE, text);
    }
    let mut settings: Vec<Setting> = Vec::new();
    for (place, object) in objects.into_iter().take(MAX_SETTINGS) {
        let mut entry = Fields::new(object, place, fields.report);
        if let Some(setting) = setting(&mut entry) {
            if settings.iter().any(|other| other.key == setting.key) {
                let text = format!("{} is {:?} a second time", entry.name("key"), setting.key);
                entry.report.problem(RULE, text);
            }
            settings.push(setting);
        }
        entry.finish();
    }
    settings
}

fn setting(entry: &mut Fields<'_, '_>) -> Option<Setting> {
    let key = key(entry);
    let label = entry.text("label").map(str::to_owned);
    let description = entry.text("description").unwrap_or_default().to_owned();
    let required = entry.flag("required").unwrap_or_default();
    let kind = kind(entry);
    let default = entry.raw("default").cloned();

    let key = key?;
    let setting = Setting {
        label: label.unwrap_or_else(|| key.clone()),
        key,
        description,
        kind: kind?,
        default,
        required,
    };
    if let Some(Err(unfit)) = setting.default.as_ref().map(|value| setting.admit(value)) {
        let text = format!("{} does not fit: {unfit}", entry.name("default"));
        entry.report.problem(RULE, text);
    }
    Some(setting)
}

fn key(entry: &mut Fields<'_, '_>) -> Option<String> {
    let key = required_text(entry, "key")?;
    let well_formed = key.len() <= MAX_NAME
        && key.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if well_formed {
        return Some(key);
    }
    let text = format!(
        "{} is {:?}: it must begin with a letter and have at most {MAX_NAME} of [a-zA-Z0-9_.-]",
        entry.name("key"),
        excerpt(&key)
    );
    entry.report.problem(RULE, text);
    None
}

fn kind(entry: &mut Fields<'_, '_>) -> Option<Kind> {
    let name = required_text(entry, "type")?;
    match name.as_str() {
        "text" => Some(Kind::Text {
            min: length(entry, "min"),
            max: length(entry, "max"),
        }),
        "number" => Some(Kind::Number {
            min: number(entry, "min"),
            max: number(entry, "max"),
        }),
        "toggle" => Some(Kind::Toggle),
        "select" => Some(Kind::Select {
            options: options(entry),
        }),
        "cron" => Some(Kind::Cron),
        "url" => Some(Kind::Url {
            schemes: schemes(entry),
        }),
        "port" => Some(Kind::Port),
        "file" => Some(Kind::File {
            max: length(entry, "max"),
            accept: entry.text("accept").map(str::to_owned),
        }),
        "password" => {
            let text = format!(
                "{} is \"password\": a secret is no setting, declare it in `needs.credentials`",
                entry.name("type")
            );
            entry.report.problem(RULE, text);
            None
        }
        other => {
            let text = format!(
                "{} is {:?}: it must be {KINDS}",
                entry.name("type"),
                excerpt(other)
            );
            entry.report.problem(RULE, text);
            None
        }
    }
}

fn length(entry: &mut Fields<'_, '_>, key: &'static str) -> Option<u64> {
    let value = entry.raw(key)?;
    let length = value.as_u64();
    if length.is_none() {
        let text = format!("{} must be a whole number", entry.name(key));
        entry.report.problem(RULE, text);
    }
    length
}

fn number(entry: &mut Fields<'_, '_>, key: &'static str) -> Option<f64> {
    let value = entry.raw(key)?;
    let number = value.as_f64();
    if number.is_none() {
        let text = format!("{} must be a number", entry.name(key));
        entry.report.problem(RULE, text);
    }
    number
}

fn schemes(entry: &mut Fields<'_, '_>) -> Vec<String> {
    let items = entry.items("schemes");
    let mut schemes = Vec::new();
    for (place, item) in items {
        match item.as_str() {
            Some(scheme) => schemes.push(scheme.to_owned()),
            None => {
                let text = format!("`{place}` must be a string, not {}", json::kind(item));
                entry.report.problem(RULE, text);
            }
        }
    }
    schemes
}

/// Each a text, or an object with `value` and `label`.
fn options(entry: &mut Fields<'_, '_>) -> Vec<SelectOption> {
    let items = entry.items("options");
    if items.is_empty() || items.len() > MAX_OPTIONS {
        let text = format!(
            "{} must have 1 to {MAX_OPTIONS} options",
            entry.name("options")
        );
        entry.report.problem(RULE, text);
    }
    let mut options = Vec::new();
    for (place, item) in items.into_iter().take(MAX_OPTIONS) {
        let (value, label) = match item {
            Value::String(value) => (Some(value.as_str()), None),
            Value::Object(object) => {
                let mut option = Fields::new(object, &place, entry.report);
                let (value, label) = (option.text("value"), option.text("label"));
                option.finish();
                (value, label)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => (None, None),
        };
        match value {
            Some(value) => options.push(SelectOption {
                label: label.unwrap_or(value).to_owned(),
                value: value.to_owned(),
            }),
            None => {
                let text =
                    format!("`{place}` must be a text, or an object with `value` and `label`");
                entry.report.problem(RULE, text);
            }
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::fields::{Fields, Report};
    use super::*;

    /// What is read, and what is wrong.
    fn parse(settings: Value) -> (Vec<Setting>, Vec<String>) {
        let manifest = json!({ "settings": settings });
        let mut report = Report::default();
        let object = manifest.as_object().unwrap();
        let settings = read(&mut Fields::new(object, "", &mut report));
        let problems = report.problems.iter().map(ToString::to_string).collect();
        (settings, problems)
    }

    #[test]
    fn every_type_is_read_with_its_bounds() {
        let (settings, problems) = parse(json!([
            { "key": "t", "type": "text", "min": 1, "max": 5, "label": "Text", "default": "a" },
            { "key": "n", "type": "number", "min": -1, "max": 0.5, "default": 0 },
            { "key": "b", "type": "toggle", "default": false, "required": true },
            { "key": "s", "type": "select", "options": ["a", { "value": "b", "label": "B" }] },
            { "key": "c", "type": "cron", "default": "0 6 * * 1-5" },
            { "key": "u", "type": "url", "schemes": ["https"], "default": null },
            { "key": "p", "type": "port", "default": 443 },
            { "key": "f", "type": "file", "max": 10, "accept": ".pem", "default": "" },
        ]));

        assert_eq!(problems, Vec::<String>::new());
        let names: Vec<&str> = settings.iter().map(|setting| setting.kind.name()).collect();
        assert_eq!(
            names,
            [
                "text", "number", "toggle", "select", "cron", "url", "port", "file"
            ]
        );
        assert_eq!(settings[0].label, "Text");
        assert_eq!(
            (settings[1].label.as_str(), settings[1].required),
            ("n", false)
        );
        assert_eq!(settings[2].default, Some(json!(false)));
        assert!(settings[2].required);
        assert_eq!(settings[5].default, None);
        let Kind::Select { options } = &settings[3].kind else {
            panic!("{:?}", settings[3]);
        };
        let options: Vec<(&str, &str)> = options
            .iter()
            .map(|option| (option.value.as_str(), option.label.as_str()))
            .collect();
        assert_eq!(options, [("a", "a"), ("b", "B")]);
        // What a manifest says survives being kept with its release.
        let kept: Vec<Setting> =
            serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!(kept, settings);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place() {
        for (setting, said) in [
            (json!({ "type": "text" }), "`settings[0].key` is missing"),
            (json!({ "key": "a" }), "`settings[0].type` is missing"),
            (
                json!({ "key": "a", "type": "text", "max": -1 }),
                "`settings[0].max` must be a whole number",
            ),
            (
                json!({ "key": "a", "type": "number", "min": "1" }),
                "`settings[0].min` must be a number",
            ),
            (
                json!({ "key": "a", "type": "toggle", "default": "no" }),
                "`settings[0].default` does not fit",
            ),
            (
                json!({ "key": "a", "type": "select", "options": [1] }),
                "`settings[0].options[0]` must be a text",
            ),
        ] {
            let (_, problems) = parse(json!([setting]));
            assert!(
                problems.iter().any(|problem| problem.contains(said)),
                "{problems:?}"
            );
        }
        let (_, problems) =
            parse(json!([{ "key": "a", "type": "port" }, { "key": "a", "type": "cron" }]));
        assert!(
            problems[0].contains("`settings[1].key` is \"a\" a second time"),
            "{problems:?}"
        );
    }
}
