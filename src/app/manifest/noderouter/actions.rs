//! `actions`: notifications, and named SQL. An action is SQL if it has `sql`.

use std::collections::BTreeSet;

use super::super::fields::{Fields, excerpt};
use super::super::{
    Access, NamedStatement, Notification, Param, ParamKind, StatementKind, TableAccess, json,
};
use super::{MAX_SQL, description, permission};

pub(super) const MAX_NAME: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Actions {
    pub(super) notifications: Vec<Notification>,
    pub(super) statements: Vec<NamedStatement>,
}

/// Reads all actions; `app_is_restricted` if calling the app needs a permission.
pub(super) fn read(fields: &mut Fields<'_, '_>, app_is_restricted: bool) -> Actions {
    let mut actions = Actions::default();
    let mut seen = BTreeSet::new();
    for (place, object) in fields.objects("actions") {
        let mut action = Fields::new(object, place, fields.report);
        let name = name(&mut action);
        if let Some(name) = &name
            && !seen.insert(name.clone())
        {
            let text = format!(
                "{} is {name:?} a second time: rename one",
                action.name("name")
            );
            action.report.problem("NR-B09", text);
        }
        // Also what has no valid name is read on, so that all its errors are told at once.
        let name = name.unwrap_or_default();
        if action.has("sql") {
            actions.statements.extend(statement(&mut action, name));
        } else {
            let notification = notification(&mut action, name);
            if app_is_restricted && notification.required_permission.is_none() {
                let text = format!(
                    "{} has no `required_permission`, but the app has one: any user can subscribe \
                     to what it sends",
                    action.name("name")
                );
                action.report.warning("NR-B12", text);
            }
            actions.notifications.push(notification);
        }
        action.finish();
    }
    actions
}

fn name(action: &mut Fields<'_, '_>) -> Option<String> {
    let Some(name) = action.text("name") else {
        if !action.has("name") {
            let text = format!("{} is missing", action.name("name"));
            action.report.problem("NR-B09", text);
        }
        return None;
    };
    if !is_slug(name) {
        let text = format!(
            "{} is {:?}: it must start with a letter or digit and contain only \
             [a-zA-Z0-9_-] (max {MAX_NAME} chars)",
            action.name("name"),
            excerpt(name)
        );
        action.report.problem("NR-B09", text);
        return None;
    }
    Some(name.to_owned())
}

pub(in crate::app::manifest) fn is_slug(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn notification(action: &mut Fields<'_, '_>, name: String) -> Notification {
    let display_name = action.text("display_name").unwrap_or_default().trim();
    if display_name.is_empty() {
        let text = format!(
            "{} is missing: users choose notifications by it",
            action.name("display_name")
        );
        action.report.warning("NR-B10", text);
    }
    Notification {
        display_name: match display_name {
            "" => name.clone(),
            given => given.to_owned(),
        },
        name,
        description: description(action),
        required_permission: permission(action),
        tables: footprint(action),
    }
}

/// The `tables` of an action, or of `needs`.
pub(super) fn footprint(fields: &mut Fields<'_, '_>) -> Vec<TableAccess> {
    let mut footprint = Vec::new();
    for (place, object) in fields.objects("tables") {
        let mut entry = Fields::new(object, place, fields.report);
        let schema = entry.text("schema").unwrap_or("public").to_owned();
        let table = required_text(&mut entry, "table");
        let choices = [("read", Access::Read), ("write", Access::Write)];
        let access = entry.choice("access", &choices).unwrap_or(Access::Read);
        if let Some(table) = table {
            footprint.push(TableAccess {
                schema,
                table,
                access,
            });
        }
        entry.finish();
    }
    footprint
}

fn statement(action: &mut Fields<'_, '_>, name: String) -> Option<NamedStatement> {
    // Shown nowhere, but other generations have them beside `sql`.
    for key in ["display_name", "description"] {
        action.text(key);
    }
    permission(action);
    let tables = footprint(action);

    let sql = required_text(action, "sql");
    if sql.as_ref().is_some_and(|sql| sql.len() > MAX_SQL) {
        let text = format!("{} is longer than {MAX_SQL} bytes", action.name("sql"));
        action.report.problem("NR-B17", text);
    }
    let choices = [
        ("query", StatementKind::Query),
        ("mutation", StatementKind::Mutation),
    ];
    required_text(action, "type");
    let kind = action.choice("type", &choices);
    let params = params(action);
    Some(NamedStatement {
        name,
        kind: kind?,
        sql: sql?,
        params,
        tables,
    })
}

fn params(action: &mut Fields<'_, '_>) -> Option<Vec<Param>> {
    let mut params: Vec<Param> = Vec::new();
    for (place, item) in action.array("params")? {
        let Some(object) = item.as_object() else {
            let text = format!("`{place}` must be an object, not {}", json::kind(item));
            action.report.problem("NR-B06", text);
            continue;
        };
        let mut param = Fields::new(object, place, action.report);
        if let Some(name) = required_text(&mut param, "name") {
            if params.iter().any(|other| other.name == name) {
                let text = format!(
                    "{} is {:?} a second time",
                    param.name("name"),
                    excerpt(&name)
                );
                param.report.problem("NR-B17", text);
            }
            params.push(Param {
                name,
                kind: param_kind(&mut param),
                nullable: param.flag("nullable").unwrap_or_default(),
            });
        }
        param.finish();
    }
    Some(params)
}

fn param_kind(param: &mut Fields<'_, '_>) -> ParamKind {
    match param.text("type") {
        None | Some("text") => ParamKind::Text,
        Some("integer") => ParamKind::Integer,
        Some("numeric") => ParamKind::Numeric,
        Some("boolean") => ParamKind::Boolean,
        Some("uuid") => ParamKind::Uuid,
        Some(other) => {
            // The statement's own cast, such as `$1::date`, makes of the text what it wants.
            let text = format!(
                "{} is {:?}, not text, integer, numeric, boolean or uuid: the value is \
                 passed as text",
                param.name("type"),
                excerpt(other)
            );
            param.report.warning("NR-B15", text);
            ParamKind::Text
        }
    }
}

/// A text that must be there, and not be blank.
pub(super) fn required_text(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<String> {
    let text = fields.text(key);
    if !fields.has(key) || text.is_some_and(|text| text.trim().is_empty()) {
        let problem = format!("{} is missing", fields.name(key));
        fields.report.problem("NR-B09", problem);
        return None;
    }
    text.map(str::to_owned)
}
