//! `needs`: what an app asks for beyond what every app has. A key of Skep's own.

use serde_json::Value;

use super::super::fields::{Fields, excerpt};
use super::super::{Credential, Egress, Needs, json};
use super::actions::{MAX_NAME, footprint, is_slug};

const MAX_EGRESS: usize = 100;
const MAX_CREDENTIALS: usize = 100;

pub(super) fn read(fields: &mut Fields<'_, '_>) -> Needs {
    let Some((place, object)) = fields.object("needs") else {
        return Needs::default();
    };
    let mut fields = Fields::new(object, place, fields.report);
    let needs = Needs {
        tables: footprint(&mut fields),
        egress: egress(&mut fields),
        credentials: credentials(&mut fields),
    };
    fields.finish();
    needs
}

fn egress(fields: &mut Fields<'_, '_>) -> Vec<Egress> {
    let items = fields.items("egress");
    if items.len() > MAX_EGRESS {
        let text = format!(
            "{} has more than {MAX_EGRESS} origins",
            fields.name("egress")
        );
        fields.report.problem("SK-B02", text);
    }
    let mut egress = Vec::new();
    for (place, item) in items.into_iter().take(MAX_EGRESS) {
        match item {
            Value::String(text) => egress.extend(origin(fields, &place, text, false)),
            Value::Object(object) => {
                let mut entry = Fields::new(object, &place, fields.report);
                let private = entry.flag("private").unwrap_or_default();
                let text = entry.text("origin");
                if text.is_none() && !entry.has("origin") {
                    let text = format!("{} is missing", entry.name("origin"));
                    entry.report.problem("SK-B02", text);
                }
                let place = format!("{place}.origin");
                if let Some(text) = text {
                    egress.extend(origin(&mut entry, &place, text, private));
                }
                entry.finish();
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                let text = format!(
                    "`{place}` must be an origin such as \"https://api.example.com\", not {}",
                    json::kind(other)
                );
                fields.report.problem("SK-B02", text);
            }
        }
    }
    egress.sort();
    egress.dedup();
    egress
}

fn origin(fields: &mut Fields<'_, '_>, place: &str, text: &str, private: bool) -> Option<Egress> {
    match text.parse() {
        Ok(origin) => Some(Egress { origin, private }),
        Err(error) => {
            let text = format!("`{place}` is {:?}: {error}", excerpt(text));
            fields.report.problem("SK-B02", text);
            None
        }
    }
}

/// Each a name, or an object with `name` and `description`.
fn credentials(fields: &mut Fields<'_, '_>) -> Vec<Credential> {
    let items = fields.items("credentials");
    if items.len() > MAX_CREDENTIALS {
        let text = format!(
            "{} has more than {MAX_CREDENTIALS} names",
            fields.name("credentials")
        );
        fields.report.problem("SK-B03", text);
    }
    let mut credentials: Vec<Credential> = Vec::new();
    for (place, item) in items.into_iter().take(MAX_CREDENTIALS) {
        let (name, description) = match item {
            Value::String(name) => (Some(name.as_str()), ""),
            Value::Object(object) => {
                let mut entry = Fields::new(object, &place, fields.report);
                let (name, description) = (entry.text("name"), entry.text("description"));
                entry.finish();
                (name, description.unwrap_or_default())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => (None, ""),
        };
        let Some(name) = name.filter(|name| is_slug(name)) else {
            let text = format!(
                "`{place}` must be a name such as \"mail_token\", or an object with `name` and \
                 `description`; a name has at most {MAX_NAME} of [a-zA-Z0-9_-], and begins with a \
                 letter or digit"
            );
            fields.report.problem("SK-B03", text);
            continue;
        };
        if credentials.iter().any(|other| other.name == name) {
            let text = format!("`{place}` is {name:?} a second time");
            fields.report.problem("SK-B03", text);
        }
        credentials.push(Credential {
            name: name.to_owned(),
            description: description.to_owned(),
        });
    }
    credentials
}
