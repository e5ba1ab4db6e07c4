//! Statements that must pass.

use super::{entries, judge};
use crate::sql::Place;

#[test]
fn every_statement_of_the_first_list_passes() {
    for (title, sql) in entries(include_str!("legitimate.sql")) {
        assert_eq!(judge(&sql, Place::Call), Ok(()), "{title}");
    }
}
