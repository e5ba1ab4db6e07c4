//! Statements that must be refused.

use super::{entries, inspect, judge};
use crate::sql::{Place, TEXT_BYTES};

/// Of the list, what the walker lets pass: what only asks for much hits the limits of time and
/// rows, and whoever sends statements ends transactions and knows its savepoints itself.
const NAMED: [&str; 5] = ["16", "139", "140", "142", "149"];

#[test]
fn every_attack_of_the_first_list_is_refused_in_a_call_and_in_a_deploy() {
    let mut passed = Vec::new();
    for (title, sql) in entries(include_str!("../../../tests/sql/attacks.sql")) {
        for place in [Place::Call, Place::Deploy] {
            let number = title.split(' ').next().unwrap();
            if judge(&sql, place).is_ok() != NAMED.contains(&number) {
                passed.push((title.clone(), place));
            }
        }
    }
    assert_eq!(passed, []);
}

#[test]
fn every_construct_that_is_not_for_apps_is_refused_and_named() {
    let list = include_str!("constructs.txt").lines();
    let list = list.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    for line in list {
        let (named, sql) = line.split_once(" | ").expect("a name and a statement");
        match judge(sql, Place::Deploy) {
            Err(refusal) if refusal.to_string().contains(named) => {}
            answer => wrong.push((sql, answer.map_err(|refusal| refusal.to_string()))),
        }
        if judge(sql, Place::Call).is_ok() {
            wrong.push((sql, Ok(())));
        }
    }
    assert_eq!(wrong, []);
}

#[test]
fn a_refusal_has_the_code_of_the_error_that_postgresql_would_give() {
    for (sql, code) in [
        ("SELEC 1", "42601"),
        ("SELECT 1; SELECT 2", "42601"),
        ("LISTEN x", "0A000"),
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT nowhere()", "42883"),
        ("SELECT pg_sleep(1)", "42501"),
        ("SELECT 1::regclass", "42704"),
        ("DELETE FROM readonly", "42501"),
        ("CREATE TABLE host_users ()", "42P07"),
    ] {
        let refusal = judge(sql, Place::Deploy).expect_err(sql);
        assert_eq!(refusal.code().sqlstate(), code, "{sql}");
    }
    let long = inspect(&" ".repeat(TEXT_BYTES + 1)).expect_err("too long");
    assert_eq!(long.code().sqlstate(), "54000");
    let deep = inspect(&format!("SELECT {}1", "1 + ".repeat(100))).expect_err("too deep");
    assert_eq!(deep.code().sqlstate(), "54001");
}
