//! Statements that must be refused.

use super::{entries, judge};
use crate::sql::Place;

/// Of the list, what the walker lets pass: what only asks for much hits the limits of time and
/// rows, and whoever sends statements ends transactions and knows its savepoints itself.
const NAMED: [&str; 5] = ["16", "139", "140", "142", "149"];

#[test]
fn every_attack_of_the_first_list_is_refused_in_a_call_and_in_a_deploy() {
    let mut passed = Vec::new();
    for (title, sql) in entries(include_str!("attacks.sql")) {
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
