//! Rules of SQL, wherever it stands.

use super::{Rule, Severity};

rules! {
    REFUSED Error "SK-S01" "a statement that the host refuses"
        "Every statement is read before it is sent, and what could reach beyond the app is refused."
        "See what the message says instead.";
    UNKNOWN_TABLE Warning "SK-S02" "a table that the app will not have"
        "The app makes no such table, and asks for none: the statement will be refused."
        "Check the name, make the table, or ask for it in `needs.tables` of the manifest.";
    SQL_SYNTAX Error "SK-S03" "a statement that PostgreSQL cannot read"
        "It fails whenever it is sent."
        "Correct it; one text is one statement.";
}
