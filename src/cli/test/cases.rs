//! A file of cases: calls with what is to come of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::compare::{Extent, compare};
use super::{Stage, Tally, Verdict, judge};
use crate::app::payload;
use crate::capability::caller::Caller;
use crate::cell::Entry;
use crate::cli::call;

/// The cases of one file, in order.
pub(super) struct Cases {
    /// As it is shown.
    file: String,
    cases: Vec<Case>,
}

/// One call, and what is to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: Option<String>,
    /// Runs before the call, as the owner of the app's tables.
    #[serde(default)]
    sql: Texts,
    /// What the app is called with; without it, only `sql` and `rows` count.
    input: Option<Map<String, Value>>,
    /// Has the call be a job.
    #[serde(default)]
    r#async: bool,
    /// The task of the manifest that is called, which is a job too.
    task: Option<String>,
    /// Who calls; nobody, if not said. Jobs are `admin`'s.
    caller: Option<Who>,
    /// All of the answer.
    output: Option<Value>,
    /// A part of the answer: objects may have further keys.
    contains: Option<Value>,
    /// The call must fail, and say this among other things.
    error: Option<String>,
    /// The names of the notifications that are fired, in any order.
    fired: Option<Vec<String>>,
    /// Queries with the rows that each must give then, which are objects by the names of columns.
    #[serde(default)]
    rows: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    username: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

/// One text, or some.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Texts {
    #[default]
    None,
    One(String),
    Some(Vec<String>),
}

/// What a call came to.
struct Came {
    result: Result<Value, String>,
    /// None where it was a job, whose notifications nobody here can see.
    fired: Option<Vec<String>>,
}

impl Cases {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it is no list of cases; the text names the place.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = super::shown(path);
        let text =
            std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let cases: Vec<Case> =
            serde_json::from_slice(&text).context("it is not a list of cases")?;
        for (case, number) in cases.iter().zip(1..) {
            case.check().with_context(|| case.title(number))?;
        }
        Ok(Self { file, cases })
    }

    /// Runs the cases one after the other, if one of them is wanted.
    pub(super) async fn run(&self, stage: &Stage<'_>, tally: &mut Tally) -> anyhow::Result<()> {
        let mut titles = (1..)
            .zip(&self.cases)
            .map(|(number, case)| case.title(number));
        if !titles.any(|title| tally.wants(&self.file, &title)) {
            return Ok(());
        }
        stage.reset().await?;
        for (case, number) in self.cases.iter().zip(1..) {
            let title = case.title(number);
            // What it leaves in the tables may be what a later one begins with.
            if tally.wants(&self.file, &title) {
                judge(tally, (&self.file, &title), case.run(stage)).await;
            } else {
                case.run(stage).await?;
            }
        }
        Ok(())
    }
}

impl Case {
    fn title(&self, number: usize) -> String {
        let name = self.name.clone();
        name.unwrap_or_else(|| format!("case {number}"))
    }

    fn is_job(&self) -> bool {
        self.r#async || self.task.is_some()
    }

    /// Finds what contradicts itself, or says nothing.
    fn check(&self) -> anyhow::Result<()> {
        let expects_answer = self.output.is_some() || self.contains.is_some();
        let is_call = self.input.is_some() || self.task.is_some();
        if self.error.is_some() && expects_answer {
            bail!("a call that fails has no answer: leave out `error`, or `output` and `contains`");
        }
        if !is_call && (expects_answer || self.error.is_some() || self.fired.is_some()) {
            bail!("nothing is called: add `input`");
        }
        if self.is_job() && (self.caller.is_some() || self.fired.is_some()) {
            bail!("`caller` and `fired` are for calls that are no jobs");
        }
        if !is_call && matches!(self.sql, Texts::None) && self.rows.is_empty() {
            bail!("it does nothing: add `input`");
        }
        if let Some((query, _)) = self.rows.iter().find(|(_, rows)| !rows.is_array()) {
            bail!("the rows of `{query}` must be a list of objects");
        }
        Ok(())
    }

    async fn run(&self, stage: &Stage<'_>) -> anyhow::Result<Verdict> {
        let app = stage.app()?;
        let sql: Vec<(String, String)> = match &self.sql {
            Texts::None => Vec::new(),
            Texts::One(text) => vec![("`sql`".to_owned(), text.clone())],
            Texts::Some(texts) => texts
                .iter()
                .map(|text| ("`sql`".to_owned(), text.clone()))
                .collect(),
        };
        stage.bench.run_sql(app, &sql).await?;

        if self.input.is_some() || self.task.is_some() {
            let input = Value::Object(self.input.clone().unwrap_or_default());
            let came = if self.is_job() {
                self.queue(stage, &input).await?
            } else {
                self.call(stage, &input).await?
            };
            if let Some(why) = self.judge(&came) {
                return Ok(Verdict::Failed(why));
            }
        }
        for (query, expected) in &self.rows {
            let found = stage.bench.rows(app, query).await;
            let found = found.with_context(|| format!("`{query}`"))?;
            if let Err(difference) = compare(expected, &found, Extent::Whole) {
                let why = format!("the rows of `{query}`: {difference}");
                return Ok(Verdict::Failed(why));
            }
        }
        Ok(Verdict::Passed)
    }

    async fn call(&self, stage: &Stage<'_>, input: &Value) -> anyhow::Result<Came> {
        let caller = self.caller.as_ref().map(|who| {
            Arc::new(Caller {
                user_id: who.username.clone(),
                username: who.username.clone(),
                roles: who.roles.clone(),
                permissions: who.permissions.clone(),
            })
        });
        let data = payload::admit(input.to_string().as_bytes())?;
        let outcome = stage
            .bench
            .call(stage.app()?, Entry::Execute(data), caller)
            .await?;
        let fired = outcome
            .notifications
            .iter()
            .map(|fired| fired.action.clone())
            .collect();
        let result = match outcome.result {
            Ok(answer) => {
                let answer = payload::answer(answer).context("the answer is not JSON")?;
                Ok(serde_json::from_str(&answer)?)
            }
            Err(error) => Err(super::python::told(&error)),
        };
        Ok(Came {
            result,
            fired: Some(fired),
        })
    }

    async fn queue(&self, stage: &Stage<'_>, input: &Value) -> anyhow::Result<Came> {
        let client = stage.bench.client().await?;
        let app = stage.app()?.as_str();
        let ended = call::queue(&client, app, self.task.as_deref(), input).await;
        Ok(Came {
            result: ended.map_err(|error| format!("{error:#}")),
            fired: None,
        })
    }

    /// Says what is not as expected.
    fn judge(&self, came: &Came) -> Option<String> {
        let answer = match (&came.result, &self.error) {
            (Err(why), Some(wanted)) if why.contains(wanted) => return None,
            (Err(why), Some(wanted)) => {
                return Some(format!("expected the error `{wanted}`, and it is: {why}"));
            }
            (Err(why), None) => return Some(why.clone()),
            (Ok(answer), Some(wanted)) => {
                return Some(format!(
                    "expected the error `{wanted}`, and it answered {answer}"
                ));
            }
            (Ok(answer), None) => answer,
        };
        let expected = [
            (&self.output, Extent::Whole),
            (&self.contains, Extent::Named),
        ];
        for (expected, extent) in expected {
            if let Some(expected) = expected
                && let Err(difference) = compare(expected, answer, extent)
            {
                return Some(format!("the answer: {difference}"));
            }
        }
        let (Some(wanted), Some(fired)) = (&self.fired, &came.fired) else {
            return None;
        };
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names
        };
        (sorted(wanted) != sorted(fired))
            .then(|| format!("expected {wanted:?} to be fired, and it was {fired:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Cases> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.json");
        std::fs::write(&file, text).unwrap();
        Cases::read(&file)
    }

    #[test]
    fn what_contradicts_itself_is_told_with_its_place() {
        for (text, said) in [
            ("{}", "it is not a list of cases"),
            (r#"[{"input": {}, "ouput": {}}]"#, "unknown field `ouput`"),
            (
                r#"[{"name": "a"}, {"input": {}, "error": "x", "output": {}}]"#,
                "a: it does nothing",
            ),
            (
                r#"[{"input": {}, "error": "x", "output": {}}]"#,
                "case 1: a call that fails has no answer",
            ),
            (r#"[{"output": {}}]"#, "nothing is called: add `input`"),
            (
                r#"[{"input": {}, "rows": {"SELECT 1": 1}}]"#,
                "the rows of `SELECT 1` must be a list of objects",
            ),
            (
                r#"[{"task": "t", "fired": []}]"#,
                "`caller` and `fired` are for calls that are no jobs",
            ),
        ] {
            let error = read(text).err().map(|error| format!("{error:#}"));
            let error = error.unwrap_or_default();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    fn verdict(case: &str, came: &Came) -> Option<String> {
        let case: Case = serde_json::from_str(case).unwrap();
        case.judge(came)
    }

    #[test]
    fn an_answer_is_judged_by_what_the_case_says() {
        let came = Came {
            result: Ok(serde_json::json!({"ok": true, "id": 7})),
            fired: Some(vec!["b".to_owned(), "a".to_owned()]),
        };
        for good in [
            r#"{"input": {}}"#,
            r#"{"input": {}, "output": {"id": 7, "ok": true}}"#,
            r#"{"input": {}, "contains": {"ok": true}, "fired": ["a", "b"]}"#,
        ] {
            assert_eq!(verdict(good, &came), None, "{good}");
        }
        for (bad, said) in [
            (
                r#"{"input": {}, "output": {"ok": true}}"#,
                "the answer: `id` is there and not expected: 7",
            ),
            (
                r#"{"input": {}, "contains": {"ok": false}}"#,
                "the answer: at `ok`: expected false, found true",
            ),
            (
                r#"{"input": {}, "error": "no"}"#,
                r#"expected the error `no`, and it answered {"ok":true,"id":7}"#,
            ),
            (
                r#"{"input": {}, "fired": ["a"]}"#,
                r#"expected ["a"] to be fired, and it was ["b", "a"]"#,
            ),
        ] {
            assert_eq!(verdict(bad, &came).as_deref(), Some(said), "{bad}");
        }
    }

    #[test]
    fn a_failure_is_judged_by_its_words() {
        let came = Came {
            result: Err("ValueError: too small".to_owned()),
            fired: None,
        };
        assert_eq!(
            verdict(r#"{"input": {}, "error": "too small"}"#, &came),
            None
        );
        assert_eq!(
            verdict(r#"{"input": {}, "error": "too large"}"#, &came).as_deref(),
            Some("expected the error `too large`, and it is: ValueError: too small")
        );
        assert_eq!(
            verdict(r#"{"input": {}, "output": {}}"#, &came).as_deref(),
            Some("ValueError: too small")
        );
    }
}
