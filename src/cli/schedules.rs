//! `skep schedules`: shows and changes what apps have done again and again.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Client, segment};
use super::output::Output;

/// Show and change schedules: what apps have done again and again
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    filter: Filter,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Only those of this app
    app: Option<String>,
    /// Only those that are paused
    #[arg(long)]
    paused: bool,
    /// Only those that cannot fire, or could not
    #[arg(long)]
    failing: bool,
    /// Only those behind this one, as `APP/NAME`
    #[arg(long, value_name = "APP/NAME")]
    after: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u16,
}

/// Which schedule.
#[derive(Debug, clap::Args)]
struct One {
    app: String,
    /// The schedule
    name: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a schedule with what became of its last firings
    Show(One),
    /// Say another time than the manifest declares; it holds for later releases too
    Set {
        #[command(flatten)]
        one: One,
        /// Five fields, such as "0 2 * * 1-5"
        #[arg(long, required_unless_present = "timezone")]
        cron: Option<String>,
        /// A time zone, such as Europe/Berlin
        #[arg(long)]
        timezone: Option<String>,
    },
    /// Go back to what the manifest declares
    Reset(One),
    /// Keep a schedule from firing
    Pause(One),
    /// Let a schedule fire again. What it would have done meanwhile is not made up for
    Resume(One),
    /// Fire a schedule now
    Run(One),
    /// Print when a schedule fires next
    Next {
        #[command(flatten)]
        one: One,
        /// How many times
        #[arg(long, short = 'n', default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
        count: u8,
    },
}

#[derive(Serialize, Deserialize)]
struct Schedule {
    app: String,
    name: String,
    state: String,
    cron: String,
    timezone: String,
    overlap: String,
    missed: String,
    next_fire_at: Option<String>,
    next_times: Vec<String>,
    last_fire_at: Option<String>,
    last_error: Option<String>,
    active_job: Option<String>,
    #[serde(rename = "override")]
    own: Option<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct List {
    schedules: Vec<Schedule>,
    next: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Details {
    runs: Vec<Run>,
    #[serde(flatten)]
    schedule: Schedule,
}

#[derive(Serialize, Deserialize)]
struct Run {
    fire_at: String,
    state: String,
    reason: Option<String>,
    job: Option<String>,
    outcome: Option<String>,
    requested_by: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Fired {
    run: i64,
    state: String,
    job: Option<String>,
}

impl One {
    fn path(&self) -> String {
        let (app, name) = (segment(&self.app), segment(&self.name));
        format!("/api/apps/{app}/schedules/{name}")
    }

    async fn change(
        &self,
        client: &Client,
        output: &mut Output,
        body: Value,
    ) -> anyhow::Result<()> {
        let path = format!("{}/override", self.path());
        let schedule: Schedule = client.put(&path, &body).await?;
        Ok(output.answer(&schedule, &told(&schedule))?)
    }
}

impl Arguments {
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut output = Output::new(self.json);
        match self.command {
            None => list(client, &mut output, &self.filter).await,
            Some(Command::Show(one)) => show(client, &mut output, &one).await,
            Some(Command::Set {
                one,
                cron,
                timezone,
            }) => {
                let mut body = Map::new();
                body.extend(cron.map(|cron| ("cron".to_owned(), json!(cron))));
                body.extend(timezone.map(|zone| ("timezone".to_owned(), json!(zone))));
                one.change(client, &mut output, Value::Object(body)).await
            }
            Some(Command::Reset(one)) => {
                let path = format!("{}/override", one.path());
                let schedule: Schedule = client.delete(&path).await?;
                Ok(output.answer(&schedule, &told(&schedule))?)
            }
            Some(Command::Pause(one)) => {
                one.change(client, &mut output, json!({ "paused": true }))
                    .await
            }
            Some(Command::Resume(one)) => {
                one.change(client, &mut output, json!({ "paused": false }))
                    .await
            }
            Some(Command::Run(one)) => {
                let path = format!("{}/run", one.path());
                let fired: Fired = client.post(&path, &json!({})).await?;
                let text = match &fired.job {
                    Some(job) => format!("job {job} is queued: `skep jobs show {job}`"),
                    None => "it waits for the end of the job before".to_owned(),
                };
                Ok(output.answer(&fired, &text)?)
            }
            Some(Command::Next { one, count }) => {
                let path = format!("{}?times={count}", one.path());
                let details: Details = client.get(&path).await?;
                let schedule = &details.schedule;
                let text = match schedule.next_times.as_slice() {
                    [] => told(schedule),
                    times => times.join("\n"),
                };
                Ok(output.answer(&schedule.next_times, &text)?)
            }
        }
    }
}

impl Schedule {
    /// Who says when it fires.
    fn said_by(&self) -> &'static str {
        let says = |key| {
            let own = self.own.as_ref().and_then(|own| own.get(key));
            own.is_some_and(|value| !value.is_null())
        };
        if says("cron") || says("timezone") {
            "operator"
        } else {
            "manifest"
        }
    }
}

/// When a schedule fires, in a sentence.
fn told(schedule: &Schedule) -> String {
    let name = format!("{}/{}", schedule.app, schedule.name);
    match (&schedule.next_fire_at, &schedule.last_error) {
        _ if schedule.state == "disabled" => {
            format!("{name} does not fire while {} is disabled", schedule.app)
        }
        (_, Some(error)) => format!("{name} cannot fire: {error}"),
        (Some(next), None) => format!(
            "{name} fires at {} in {}, next at {next}",
            schedule.cron, schedule.timezone
        ),
        (None, None) => format!("{name} is paused"),
    }
}

async fn list(client: &Client, output: &mut Output, filter: &Filter) -> anyhow::Result<()> {
    let mut path = match &filter.app {
        Some(app) => format!("/api/apps/{}/schedules", segment(app)),
        None => "/api/schedules".to_owned(),
    };
    path = format!("{path}?limit={}&failing={}", filter.limit, filter.failing);
    if filter.paused {
        path.push_str("&paused=true");
    }
    if let Some(after) = &filter.after {
        path = format!("{path}&after={}", segment(after));
    }
    let list: List = client.get(&path).await?;
    if list.schedules.is_empty() {
        output.line("no schedules: an app declares them in its manifest, under `schedules`")?;
    }
    let rows = list
        .schedules
        .iter()
        .map(|schedule| {
            let fires = schedule.state == "active" || schedule.state == "failing";
            let next = schedule.next_fire_at.clone().filter(|_| fires);
            [
                schedule.app.clone(),
                schedule.name.clone(),
                schedule.cron.clone(),
                schedule.timezone.clone(),
                schedule.state.clone(),
                schedule.said_by().to_owned(),
                next.unwrap_or("-".to_owned()),
                schedule.last_fire_at.clone().unwrap_or("-".to_owned()),
                schedule.last_error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = [
        "APP", "SCHEDULE", "CRON", "ZONE", "STATE", "SAID BY", "NEXT", "LAST", "ERROR",
    ];
    output.table(&list, heads, rows)?;
    if let Some(next) = &list.next {
        output.line(&format!("more with `--after {next}`"))?;
    }
    Ok(())
}

async fn show(client: &Client, output: &mut Output, one: &One) -> anyhow::Result<()> {
    let details: Details = client.get(&one.path()).await?;
    let schedule = &details.schedule;
    output.line(&told(schedule))?;
    output.line(&format!(
        "missed times: {}; where one runs: {}",
        schedule.missed, schedule.overlap
    ))?;
    if let Some(task) = schedule.rest.get("task").and_then(Value::as_str) {
        output.line(&format!("calls the task {task}"))?;
    }
    let rows = details
        .runs
        .iter()
        .map(|run| {
            [
                run.fire_at.clone(),
                run.state.clone(),
                run.reason
                    .clone()
                    .or(run.outcome.clone())
                    .unwrap_or_default(),
                run.job.clone().unwrap_or_default(),
                run.requested_by.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let heads = ["TIME", "FIRING", "CAME TO", "JOB", "ASKED FOR BY"];
    Ok(output.table(&details, heads, rows)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(next: Option<&str>, error: Option<&str>) -> Schedule {
        Schedule {
            app: "shop".into(),
            name: "nightly".into(),
            state: "active".into(),
            cron: "0 2 * * *".into(),
            timezone: "Europe/Berlin".into(),
            overlap: "skip_if_running".into(),
            missed: "run_once".into(),
            next_fire_at: next.map(str::to_owned),
            next_times: Vec::new(),
            last_fire_at: None,
            last_error: error.map(str::to_owned),
            active_job: None,
            own: None,
            rest: Map::new(),
        }
    }

    #[test]
    fn a_schedule_is_told_in_a_sentence() {
        assert_eq!(
            told(&schedule(Some("2026-11-22T01:00:00Z"), None)),
            "shop/nightly fires at 0 2 * * * in Europe/Berlin, next at 2026-11-22T01:00:00Z"
        );
        assert_eq!(told(&schedule(None, None)), "shop/nightly is paused");
        assert_eq!(
            told(&schedule(None, Some("no such zone"))),
            "shop/nightly cannot fire: no such zone"
        );
    }
}
