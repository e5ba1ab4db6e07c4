//! `schedules`: work that an app has done again and again. A key of Skep's own.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::fields::{Fields, excerpt};
use super::super::{Task, json};
use super::actions::{MAX_NAME, is_slug, required_text};
use crate::app::schedule::{
    GRACE, GRACE_CEILING, JITTER_CEILING, MOST, Missed, Overlap, PAYLOAD_BYTES, Schedule, Timing,
};

const RULE: &str = "SK-B10";
const UTC: &str = "UTC";

/// `tasks` are those of the same manifest.
pub(super) fn read(fields: &mut Fields<'_, '_>, tasks: &BTreeMap<String, Task>) -> Vec<Schedule> {
    let Some((place, object)) = fields.object("schedules") else {
        return Vec::new();
    };
    if object.len() > MOST {
        let text = format!("`{place}` has more than {MOST} schedules");
        fields.report.problem(RULE, text);
    }
    let mut schedules = Vec::new();
    for (name, value) in object.iter().take(MOST) {
        let place = format!("{place}.{}", excerpt(name));
        if !is_slug(name) {
            let text = format!(
                "`{place}` is no name of a schedule: it must start with a letter or digit and \
                 contain only [a-zA-Z0-9_-] (max {MAX_NAME} chars)"
            );
            fields.report.problem(RULE, text);
        }
        let Value::Object(object) = value else {
            let text = format!("`{place}` must be an object, not {}", json::kind(value));
            fields.report.problem("NR-B06", text);
            continue;
        };
        schedules.extend(schedule(fields, (name, place), object, tasks));
    }
    schedules
}

fn schedule(
    fields: &mut Fields<'_, '_>,
    (name, place): (&str, String),
    object: &Map<String, Value>,
    tasks: &BTreeMap<String, Task>,
) -> Option<Schedule> {
    let mut entry = Fields::new(object, place, fields.report);
    let cron = required_text(&mut entry, "cron");
    let timezone = entry.text("timezone").unwrap_or(UTC).to_owned();
    let missed = entry.choice(
        "missed",
        &[("run_once", Missed::RunOnce), ("skip", Missed::Skip)],
    );
    let overlap = entry.choice(
        "overlap",
        &[
            ("skip_if_running", Overlap::SkipIfRunning),
            ("queue_after", Overlap::QueueAfter),
            ("cancel_active", Overlap::CancelActive),
        ],
    );
    let task = task(&mut entry, tasks);
    let payload = payload(&mut entry);
    let grace_seconds = seconds(&mut entry, "grace_seconds", GRACE_CEILING).unwrap_or(GRACE);
    let jitter_seconds = seconds(&mut entry, "jitter_seconds", JITTER_CEILING).unwrap_or_default();
    let enabled = entry.flag("enabled").unwrap_or(true);

    let cron = cron?;
    let timing = Timing::parse(&cron, &timezone);
    if let Err(bad) = &timing {
        let key = if bad.is_of_zone() { "timezone" } else { "cron" };
        let text = format!("{} does not do: {bad}", entry.name(key));
        entry.report.problem(RULE, text);
    }
    entry.finish();
    Some(Schedule {
        name: name.to_owned(),
        timezone: timing.ok()?.zone().to_owned(),
        cron,
        task,
        payload,
        missed: missed.unwrap_or_default(),
        grace_seconds,
        overlap: overlap.unwrap_or_default(),
        jitter_seconds,
        enabled,
    })
}

/// The task that a schedule calls, which must be declared.
fn task(entry: &mut Fields<'_, '_>, tasks: &BTreeMap<String, Task>) -> Option<String> {
    let task = entry.text("task")?;
    if !tasks.contains_key(task) {
        let text = format!(
            "{} is {:?}, and `tasks` has no such task: declare it there",
            entry.name("task"),
            excerpt(task)
        );
        entry.report.problem(RULE, text);
    }
    Some(task.to_owned())
}

fn payload(entry: &mut Fields<'_, '_>) -> String {
    let Some((place, object)) = entry.object("payload") else {
        return "{}".to_owned();
    };
    if object.contains_key("_job_id") {
        let text = format!("`{place}._job_id` is set by Skep: take it out");
        entry.report.problem(RULE, text);
    }
    let payload = Value::Object(object.clone()).to_string();
    if payload.len() > PAYLOAD_BYTES {
        let text = format!(
            "`{place}` is larger than {} KiB: keep it in a table",
            PAYLOAD_BYTES / 1_024
        );
        entry.report.problem(RULE, text);
    }
    payload
}

fn seconds(entry: &mut Fields<'_, '_>, key: &'static str, most: u32) -> Option<u32> {
    let value = entry.raw(key)?;
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| *number <= most);
    if number.is_none() {
        let text = format!(
            "{} must be a whole number from 0 to {most}",
            entry.name(key)
        );
        entry.report.problem(RULE, text);
    }
    number
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::fields::Report;
    use super::*;

    /// What is read, and what is wrong.
    fn parse(schedules: Value) -> (Vec<Schedule>, Vec<String>) {
        let manifest = json!({ "schedules": schedules });
        let mut report = Report::default();
        let object = manifest.as_object().unwrap();
        let task = Task {
            run: "main:sync".to_owned(),
            timeout: None,
        };
        let tasks = BTreeMap::from([("sync".to_owned(), task)]);
        let schedules = read(&mut Fields::new(object, "", &mut report), &tasks);
        let problems = report.problems.iter().map(ToString::to_string).collect();
        (schedules, problems)
    }

    #[test]
    fn a_schedule_that_says_only_when_has_the_defaults() {
        let (schedules, problems) = parse(json!({ "nightly": { "cron": "0 2 * * *" } }));

        assert_eq!(problems, Vec::<String>::new());
        let expected = Schedule {
            name: "nightly".to_owned(),
            cron: "0 2 * * *".to_owned(),
            timezone: "UTC".to_owned(),
            task: None,
            payload: "{}".to_owned(),
            missed: Missed::RunOnce,
            grace_seconds: 300,
            overlap: Overlap::SkipIfRunning,
            jitter_seconds: 0,
            enabled: true,
        };
        assert_eq!(schedules, [expected]);
    }

    #[test]
    fn every_field_is_read() {
        let (schedules, problems) = parse(json!({ "a": {
            "cron": "*/15 8-18 * * 1-5", "timezone": "europe/berlin", "payload": { "b": [1.50] },
            "missed": "skip", "grace_seconds": 0, "overlap": "queue_after",
            "jitter_seconds": 3_600, "enabled": false, "task": "sync",
        } }));

        assert_eq!(problems, Vec::<String>::new());
        let schedule = &schedules[0];
        assert_eq!(schedule.timezone, "Europe/Berlin");
        assert_eq!(schedule.payload, r#"{"b":[1.5]}"#);
        assert_eq!(schedule.missed, Missed::Skip);
        assert_eq!(
            (schedule.grace_seconds, schedule.jitter_seconds),
            (0, 3_600)
        );
        assert_eq!(schedule.overlap, Overlap::QueueAfter);
        assert!(!schedule.enabled);
        assert_eq!(schedule.task.as_deref(), Some("sync"));
        // What a manifest says survives being kept with its release.
        let kept: Vec<Schedule> =
            serde_json::from_str(&serde_json::to_string(&schedules).unwrap()).unwrap();
        assert_eq!(kept, schedules);
    }

    #[track_caller]
    fn refused(name: &str, schedule: Value, said: &str) {
        let (_, problems) = parse(json!({ name: schedule }));
        assert!(
            problems.iter().any(|problem| problem.contains(said)),
            "{said}: {problems:?}"
        );
    }

    #[test]
    fn what_is_no_schedule_is_told_by_its_place_with_the_fix() {
        let every = || json!({ "cron": "0 2 * * *" });
        refused("a", json!({}), "`schedules.a.cron` is missing");
        refused("a b", every(), "`schedules.a b` is no name");
        refused("a", json!("0 2 * * *"), "`schedules.a` must be an object");
        let task = json!({ "cron": "0 2 * * *", "task": "gone" });
        let said = "`schedules.a.task` is \"gone\", and `tasks` has no such task";
        refused("a", task, said);
        for (cron, zone, said) in [
            (
                "0 2 * *",
                "UTC",
                "cron` does not do: `0 2 * *` has 4 fields",
            ),
            ("0 0 30 2 *", "UTC", "cron` does not do: `0 0 30 2 *` never"),
            (
                "0 2 * * *",
                "Berlin",
                "timezone` does not do: `Berlin` is no",
            ),
        ] {
            let said = format!("`schedules.a.{said}");
            refused("a", json!({ "cron": cron, "timezone": zone }), &said);
        }
    }

    #[test]
    fn a_policy_or_payload_that_is_none_is_told_by_its_place_with_the_fix() {
        let large = json!({ "b": "x".repeat(PAYLOAD_BYTES) });
        for (key, value, said) in [
            ("missed", json!("all"), r#"must be "run_once" or "skip""#),
            ("overlap", json!("never"), "must be \"skip_if_running\" or"),
            (
                "jitter_seconds",
                json!(3_601),
                "must be a whole number from 0 to 3600",
            ),
            (
                "grace_seconds",
                json!(-1),
                "must be a whole number from 0 to 86400",
            ),
            ("payload", json!([]), "must be an object"),
            ("payload", large, "is larger than 64 KiB"),
        ] {
            let said = format!("`schedules.a.{key}` {said}");
            refused("a", json!({ "cron": "0 2 * * *", key: value }), &said);
        }
        let forged = json!({ "cron": "0 2 * * *", "payload": { "_job_id": 1 } });
        refused("a", forged, "`schedules.a.payload._job_id` is set by Skep");
    }

    #[test]
    fn an_app_has_so_many_schedules_and_no_more() {
        let many = |most: usize| -> Value {
            let schedule = |n| (format!("s{n}"), json!({ "cron": "0 2 * * *" }));
            (0..most)
                .map(schedule)
                .collect::<Map<String, Value>>()
                .into()
        };
        assert_eq!(parse(many(MOST)).1, Vec::<String>::new());
        let (_, problems) = parse(many(MOST + 1));
        assert!(
            problems[0].contains("more than 100 schedules"),
            "{problems:?}"
        );
    }
}
