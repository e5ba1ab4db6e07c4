//! Statements that must pass and statements that must not.

mod attacks;
mod legitimate;
mod limits;
mod measures;

use std::collections::BTreeMap;

use super::{Place, Refusal, Scope, Table, inspect};

/// One entry of a list: its comment, and the statement.
pub(super) fn entries(list: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in list.lines() {
        if let Some(title) = line.strip_prefix("-- ") {
            entries.push((title.to_owned(), String::new()));
        } else if let Some((_, sql)) = entries.last_mut() {
            if !sql.is_empty() {
                sql.push('\n');
            }
            sql.push_str(line);
        }
    }
    for (_, sql) in &mut entries {
        sql.truncate(sql.trim_end().len());
    }
    entries
}

/// An app with the tables of the lists, a table that it may read and one that it may write.
pub(super) fn scope() -> Scope {
    const OWN: &str = "items settings jobs item_tags tags comments nodes inventory \
        items_archive players items_number bookings measures measures_2026 people persons open_items items_by_owner \
        tally_entries tally_entries_name hello_visits";
    let public = |name: &str| Table::new(Some("public"), name);
    let taken = [
        ("host_users", "host"),
        ("readonly", "reports"),
        ("shared", "sales"),
    ];
    Scope {
        schema: "shop".to_owned(),
        own: OWN
            .split_whitespace()
            .map(public)
            .chain([Table::new(Some("shop"), "orders")])
            .collect(),
        types: [public("mood"), Table::new(Some("shop"), "shade")].into(),
        readable: [public("readonly"), Table::new(Some("sales"), "prices")].into(),
        writable: [public("shared")].into(),
        views: BTreeMap::from([(
            Table::new(Some("noderouter_core"), "job_queue"),
            ["progress", "updated_at"].as_slice(),
        )]),
        taken: taken
            .map(|(name, owner)| (public(name), owner.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    }
}

/// Reads a statement and decides about it, as the host does.
pub(super) fn judge(sql: &str, place: Place) -> Result<(), Refusal> {
    inspect(sql)?.admit(&scope(), place)
}
