//! Figures of the walker. They are printed, never judged; `docs/performance.md` says how to run it.

use std::time::{Duration, Instant};

use super::entries;
use super::limits::growing;
use crate::sql::{TEXT_BYTES, Verdicts, inspect, parse};

/// How often each statement is read.
const ROUNDS: usize = 500;

fn timed(mut work: impl FnMut()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6;
    println!(
        "{name:<24} median {:>9.1} us   p99 {:>9.1} us",
        at(0.5),
        at(0.99)
    );
}

#[test]
#[ignore = "prints figures of this machine"]
fn figures_of_common_statements() {
    let statements = entries(include_str!("../../../tests/sql/legitimate.sql"));
    let verdicts = Verdicts::default();
    let over = |work: &dyn Fn(&str)| -> Vec<Duration> {
        (0..ROUNDS)
            .flat_map(|_| &statements)
            .map(|(_, sql)| timed(|| work(sql)))
            .collect()
    };

    print("parse", over(&|sql| drop(parse::one_statement(sql))));
    print("parse and walk", over(&|sql| drop(inspect(sql))));
    print("kept verdict", over(&|sql| drop(verdicts.inspect(sql))));
}

#[test]
#[ignore = "prints figures of this machine"]
fn figures_of_long_statements() {
    for kib in [64, 256, 1024] {
        let row = "(123456, 'some title that a user wrote', '2026-01-02T03:04:05', NULL, 12.5)";
        let rows = vec![row; kib * 1024 / (row.len() + 2)].join(", ");
        let sql = format!("INSERT INTO items VALUES {rows}");
        let sql = &sql[..sql.len().min(TEXT_BYTES)];
        print(
            &format!("INSERT of {kib} KiB"),
            vec![timed(|| drop(inspect(sql)))],
        );
    }
    for count in [10_000, 100_000] {
        for (name, text) in growing(count) {
            if text.len() <= TEXT_BYTES {
                print(
                    &format!("{count} {name}"),
                    vec![timed(|| drop(inspect(&text)))],
                );
            }
        }
    }
}
