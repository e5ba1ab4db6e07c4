use std::time::Duration;

use super::*;
use crate::capability::db::session::Usage;
use crate::cell::Receipt;
use crate::ledger::tests::record;

fn now(apps: &[(&str, usize, usize)]) -> Now {
    let apps = apps.iter();
    Now {
        apps: apps
            .map(|(app, running, waiting)| (app.parse().unwrap(), *running, *waiting))
            .collect(),
        cells: Alive {
            running: 3,
            idle: 2,
        },
        connections: 4,
        listening: 5,
    }
}

fn used(wall: Duration, rows: u64) -> Receipt {
    Receipt {
        run: wall,
        database: Usage {
            waited: wall / 2,
            statements: 2,
            rows,
            ..Usage::default()
        },
        memory: 2 * 1024 * 1024,
        ..Receipt::default()
    }
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

#[test]
fn calls_are_counted_by_app_and_outcome_with_what_they_used() {
    let metrics = Metrics::new();
    let second = Duration::from_secs(1);
    metrics.count(&record("shop", Ending::Ok, used(second, 5)));
    metrics.count(&record("shop", Ending::Ok, used(2 * second, 6)));
    metrics.count(&record("shop", Ending::Crashed, used(second, 0)));
    metrics.count(&record("other", Ending::Ok, used(second, 1)));

    let text = metrics.render(&now(&[("shop", 1, 7), ("other", 0, 0)]), 9);

    for line in [
        r#"skep_calls_total{app="shop",outcome="ok"} 2"#,
        r#"skep_calls_total{app="shop",outcome="crashed"} 1"#,
        r#"skep_calls_total{app="shop",outcome="busy"} 0"#,
        r#"skep_calls_total{app="other",outcome="ok"} 1"#,
        r#"skep_db_statements_total{app="shop"} 6"#,
        r#"skep_db_rows_total{app="shop"} 11"#,
        r#"skep_call_wall_seconds_sum{app="shop"} 4"#,
        r#"skep_call_wall_seconds_bucket{app="shop",le="1"} 2"#,
        r#"skep_call_wall_seconds_bucket{app="shop",le="+Inf"} 3"#,
        r#"skep_call_guest_seconds_sum{app="shop"} 2"#,
        r#"skep_call_host_seconds_sum{app="shop",capability="db"} 2"#,
        r#"skep_call_memory_bytes_bucket{app="shop",le="4194304"} 3"#,
        r#"skep_calls_running{app="shop"} 1"#,
        r#"skep_calls_waiting{app="shop"} 7"#,
        r#"skep_cells{state="running"} 3"#,
        r#"skep_cells{state="idle"} 2"#,
        "skep_db_connections 4",
        "skep_notification_listeners 5",
        "skep_call_log_lost_total 9",
        concat!(
            "skep_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        ),
    ] {
        assert!(has(&text, line), "{line}\n{text}");
    }
}

#[test]
fn a_call_that_got_no_cell_does_not_pass_for_a_fast_one() {
    let metrics = Metrics::new();
    let receipt = Receipt {
        queued: Duration::from_secs(30),
        ..Receipt::default()
    };
    metrics.count(&record("shop", Ending::Busy, receipt));

    let text = metrics.render(&now(&[("shop", 0, 0)]), 0);

    assert!(has(
        &text,
        r#"skep_calls_total{app="shop",outcome="busy"} 1"#
    ));
    assert!(has(&text, r#"skep_call_queue_seconds_sum{app="shop"} 30"#));
    assert!(has(&text, r#"skep_call_guest_seconds_count{app="shop"} 0"#));
}

#[test]
fn every_metric_has_a_help_a_type_and_its_unit() {
    let metrics = Metrics::new();
    metrics.count(&record("shop", Ending::Ok, Receipt::default()));

    let text = metrics.render(&now(&[("shop", 0, 0)]), 0);

    let described = [name::COUNTERS, name::HISTOGRAMS, name::GAUGES].concat();
    for (name, _) in &described {
        assert!(text.contains(&format!("# HELP {name} ")), "{name}\n{text}");
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}\n{text}");
    }
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(described.iter().any(|(known, _)| *known == name), "{line}");
    }
}

#[test]
fn an_app_that_is_gone_is_shown_no_more() {
    let metrics = Metrics::new();
    metrics.count(&record("shop", Ending::Ok, Receipt::default()));
    assert!(metrics.render(&now(&[("shop", 0, 0)]), 0).contains("shop"));

    let text = metrics.render(&now(&[("shop2", 0, 0)]), 0);

    assert!(!text.contains("\"shop\""), "{text}");
    assert!(text.contains("\"shop2\""), "{text}");
}

#[test]
fn hosts_in_one_process_do_not_share_their_numbers() {
    let (one, other) = (Metrics::new(), Metrics::new());
    one.count(&record("shop", Ending::Ok, Receipt::default()));

    let text = other.render(&now(&[("shop", 0, 0)]), 0);

    assert!(has(&text, r#"skep_calls_total{app="shop",outcome="ok"} 0"#));
}

#[test]
fn the_resident_memory_is_some_megabytes() {
    assert!(resident_bytes().unwrap() > 1024 * 1024);
}
