//! This node's metrics, in the text format of Prometheus.
//!
//! Each node has a recorder of its own, so that many can live in one process. Labels hold names
//! of apps that are there, capabilities and outcomes, and nothing that a client chooses.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::cell::{Alive, Ending, Record};
use crate::ids::AppName;

const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 120.0,
];
const MIB: f64 = 1024.0 * 1024.0;
const BYTES: &[f64] = &[
    MIB,
    4.0 * MIB,
    16.0 * MIB,
    32.0 * MIB,
    64.0 * MIB,
    128.0 * MIB,
    256.0 * MIB,
    512.0 * MIB,
];

const METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// The names, and what each is. Every one is described in `docs/operators.md`.
mod name {
    pub(super) const CALLS: &str = "skep_calls_total";
    pub(super) const WALL: &str = "skep_call_wall_seconds";
    pub(super) const QUEUE: &str = "skep_call_queue_seconds";
    pub(super) const GUEST: &str = "skep_call_guest_seconds";
    pub(super) const HOST: &str = "skep_call_host_seconds";
    pub(super) const MEMORY: &str = "skep_call_memory_bytes";
    pub(super) const FUEL: &str = "skep_call_fuel_total";
    pub(super) const PAYLOAD: &str = "skep_call_payload_bytes_total";
    pub(super) const ANSWER: &str = "skep_call_answer_bytes_total";
    pub(super) const LOG_LINES: &str = "skep_call_log_lines_total";
    pub(super) const STATEMENTS: &str = "skep_db_statements_total";
    pub(super) const ROWS: &str = "skep_db_rows_total";
    pub(super) const SENT: &str = "skep_db_sent_bytes_total";
    pub(super) const RECEIVED: &str = "skep_db_received_bytes_total";
    pub(super) const REQUESTS: &str = "skep_egress_requests_total";
    pub(super) const EGRESS_SENT: &str = "skep_egress_sent_bytes_total";
    pub(super) const EGRESS_RECEIVED: &str = "skep_egress_received_bytes_total";
    pub(super) const RUNNING: &str = "skep_calls_running";
    pub(super) const WAITING: &str = "skep_calls_waiting";
    pub(super) const CELLS: &str = "skep_cells";
    pub(super) const CONNECTIONS: &str = "skep_db_connections";
    pub(super) const LISTENING: &str = "skep_notification_listeners";
    pub(super) const LOST: &str = "skep_call_log_lost_total";
    pub(super) const BUILD: &str = "skep_build_info";
    pub(super) const RESIDENT: &str = "process_resident_memory_bytes";

    pub(super) const COUNTERS: &[(&str, &str)] = &[
        (CALLS, "Calls that are over, by outcome."),
        (FUEL, "Instructions of calls, where they are counted."),
        (PAYLOAD, "Bytes of data that calls were given."),
        (ANSWER, "Bytes of calls' answers."),
        (LOG_LINES, "Lines that calls wrote to their log."),
        (STATEMENTS, "Statements that calls asked for."),
        (ROWS, "Rows that calls read."),
        (SENT, "Bytes of statements and parameters."),
        (RECEIVED, "Bytes of results."),
        (REQUESTS, "HTTP requests that calls sent."),
        (EGRESS_SENT, "Bytes of HTTP requests."),
        (EGRESS_RECEIVED, "Bytes of HTTP responses."),
        (LOST, "Calls that are missing from the log of calls."),
    ];
    pub(super) const HISTOGRAMS: &[(&str, &str)] = &[
        (WALL, "Time of a call from its start to its answer."),
        (QUEUE, "Time that a call waited for a place."),
        (GUEST, "An app's own time in a call."),
        (HOST, "Time that a call waited for the host, by capability."),
        (MEMORY, "The most memory that a call's cell has had."),
    ];
    pub(super) const GAUGES: &[(&str, &str)] = &[
        (RUNNING, "Calls that hold one of their app's places."),
        (WAITING, "Calls that wait for one of their app's places."),
        (CELLS, "Cells that run a call or wait for one."),
        (CONNECTIONS, "Database connections of apps that are open."),
        (
            LISTENING,
            "Sockets and streams of notifications that are open.",
        ),
        (BUILD, "The version that runs."),
        (RESIDENT, "Resident memory of the process."),
    ];
}

/// What is measured by looking at it when somebody asks.
#[derive(Debug)]
pub(crate) struct Now {
    /// Every app that is there, with its calls that run and that wait.
    pub(crate) apps: Vec<(AppName, usize, usize)>,
    pub(crate) cells: Alive,
    pub(crate) connections: usize,
    /// Sockets and streams of notifications.
    pub(crate) listening: usize,
}

pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// So that a call does not look up each of its series by name.
    series: RwLock<HashMap<AppName, Arc<Series>>>,
}

/// One app's series.
struct Series {
    endings: Vec<(Ending, Counter)>,
    wall: Histogram,
    queue: Histogram,
    guest: Histogram,
    database: Histogram,
    egress: Histogram,
    memory: Histogram,
    fuel: Counter,
    payload: Counter,
    answer: Counter,
    log_lines: Counter,
    statements: Counter,
    rows: Counter,
    sent: Counter,
    received: Counter,
    requests: Counter,
    egress_sent: Counter,
    egress_received: Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let recorder = builder().build_recorder();
        for (name, text) in name::COUNTERS {
            recorder.describe_counter((*name).into(), None, (*text).into());
        }
        for (name, text) in name::HISTOGRAMS {
            recorder.describe_histogram((*name).into(), None, (*text).into());
        }
        for (name, text) in name::GAUGES {
            recorder.describe_gauge((*name).into(), None, (*text).into());
        }
        Self {
            handle: recorder.handle(),
            recorder,
            series: RwLock::default(),
        }
    }

    /// Adds a call to its app's series.
    pub(super) fn count(&self, call: &Record) {
        let series = self.series(&call.app);
        let receipt = &call.receipt;
        let database = &receipt.database;
        let size = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);

        if let Some((_, calls)) = series.endings.iter().find(|(is, _)| *is == call.ending) {
            calls.increment(1);
        }
        series.wall.record(receipt.wall());
        series.queue.record(receipt.queued);
        // A call without a cell would pass for one that took no time and no memory.
        if !receipt.run.is_zero() {
            series.guest.record(receipt.guest());
            series.database.record(database.waited);
            series.egress.record(receipt.egress.waited);
            series.memory.record(float(size(receipt.memory)));
        }
        if let Some(fuel) = receipt.fuel {
            series.fuel.increment(fuel);
        }
        series.payload.increment(size(receipt.payload));
        series.answer.increment(size(receipt.answer));
        series.log_lines.increment(receipt.log_lines.into());
        series.statements.increment(database.statements.into());
        series.rows.increment(database.rows);
        series.sent.increment(database.sent);
        series.received.increment(database.received);
        series.requests.increment(receipt.egress.requests.into());
        series.egress_sent.increment(receipt.egress.sent);
        series.egress_received.increment(receipt.egress.received);
    }

    /// Sums up measurements, so that those that nobody asks for do not pile up.
    pub(super) fn keep_up(&self) {
        self.handle.run_upkeep();
    }

    /// Everything as text. Of apps that are gone, nothing is shown.
    pub(super) fn render(&self, now: &Now, lost: u64) -> String {
        self.gauge(
            name::BUILD,
            vec![Label::new("version", env!("CARGO_PKG_VERSION"))],
            1,
        );
        self.gauge(
            name::CELLS,
            vec![Label::new("state", "running")],
            now.cells.running,
        );
        self.gauge(
            name::CELLS,
            vec![Label::new("state", "idle")],
            now.cells.idle,
        );
        self.gauge(name::CONNECTIONS, Vec::new(), now.connections);
        self.gauge(name::LISTENING, Vec::new(), now.listening);
        if let Some(bytes) = resident_bytes() {
            self.gauge(name::RESIDENT, Vec::new(), bytes);
        }
        self.counter(name::LOST, Vec::new()).absolute(lost);
        for (app, running, waiting) in &now.apps {
            // An app that was not called yet has series too: all zero.
            self.series(app);
            self.gauge(name::RUNNING, vec![of(app)], *running);
            self.gauge(name::WAITING, vec![of(app)], *waiting);
        }
        self.keep_up();
        let living = now.apps.iter().map(|(app, ..)| app.as_str()).collect();
        of_the_living(&self.handle.render(), &living)
    }

    fn series(&self, app: &AppName) -> Arc<Series> {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = all.get(app) {
            return Arc::clone(series);
        }
        drop(all);
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let series = all
            .entry(app.clone())
            .or_insert_with(|| Arc::new(self.new_series(app)));
        Arc::clone(series)
    }

    fn new_series(&self, app: &AppName) -> Series {
        let counter = |name| self.counter(name, vec![of(app)]);
        let histogram = |name| self.histogram(name, vec![of(app)]);
        let ending = |ending: &Ending| {
            let labels = vec![of(app), Label::new("outcome", ending.name())];
            (*ending, self.counter(name::CALLS, labels))
        };
        Series {
            endings: Ending::ALL.iter().map(ending).collect(),
            wall: histogram(name::WALL),
            queue: histogram(name::QUEUE),
            guest: histogram(name::GUEST),
            database: self.histogram(name::HOST, vec![of(app), Label::new("capability", "db")]),
            egress: self.histogram(
                name::HOST,
                vec![of(app), Label::new("capability", "egress")],
            ),
            memory: histogram(name::MEMORY),
            fuel: counter(name::FUEL),
            payload: counter(name::PAYLOAD),
            answer: counter(name::ANSWER),
            log_lines: counter(name::LOG_LINES),
            statements: counter(name::STATEMENTS),
            rows: counter(name::ROWS),
            sent: counter(name::SENT),
            received: counter(name::RECEIVED),
            requests: counter(name::REQUESTS),
            egress_sent: counter(name::EGRESS_SENT),
            egress_received: counter(name::EGRESS_RECEIVED),
        }
    }

    fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        let key = Key::from_parts(name, labels);
        self.recorder.register_counter(&key, &METADATA)
    }

    fn histogram(&self, name: &'static str, labels: Vec<Label>) -> Histogram {
        let key = Key::from_parts(name, labels);
        self.recorder.register_histogram(&key, &METADATA)
    }

    fn gauge(&self, name: &'static str, labels: Vec<Label>, value: usize) {
        let key = Key::from_parts(name, labels);
        let value = float(u64::try_from(value).unwrap_or(u64::MAX));
        self.recorder.register_gauge(&key, &METADATA).set(value);
    }
}

fn builder() -> PrometheusBuilder {
    let plain = PrometheusBuilder::new;
    [("_seconds", SECONDS), ("_bytes", BYTES)]
        .into_iter()
        .try_fold(plain(), |builder, (suffix, buckets)| {
            builder.set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), buckets)
        })
        // An error would mean that there are no buckets.
        .unwrap_or_else(|_| plain())
}

fn of(app: &AppName) -> Label {
    Label::new("app", app.to_string())
}

fn float(value: u64) -> f64 {
    // Beyond 2^53 a measurement may lose its last digits.
    #[expect(clippy::cast_precision_loss, reason = "as the format has it")]
    let value = value as f64;
    value
}

/// The lines that name no app, or one of these. The recorder forgets no series by itself.
fn of_the_living(text: &str, apps: &BTreeSet<&str>) -> String {
    text.split_inclusive('\n')
        .filter(|line| {
            // Names of apps hold nothing that is escaped.
            let app = line
                .split_once("{app=\"")
                .and_then(|(_, rest)| rest.split_once('"'));
            app.is_none_or(|(app, _)| apps.contains(app))
        })
        .collect()
}

/// The process's resident memory; none where the system does not tell.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests;
