//! Everything that a coding assistant needs to write an app.
//!
//! The text is `assistant/guide.md`; numbers come from the limits themselves, and the app that it
//! ends with is one of the templates. Tests read the text back.

use super::templates::{self, Names, Template};
use crate::ids::AppName;
use crate::limits::Limits;

/// What the app at the end is called.
const NAME: &str = "starter";

/// The text, with an app of a template at its end.
///
/// # Errors
///
/// None that could happen: the app's name is a good one.
pub(crate) fn text(template: Template) -> anyhow::Result<String> {
    let name: AppName = NAME.parse()?;
    let (default, most) = (Limits::STANDARD.default, Limits::STANDARD.ceiling);
    let numbers = [
        ("<wall_s>", default.wall_ms.get() / 1000),
        ("<wall_s_most>", most.wall_ms.get() / 1000),
        ("<memory_mb>", default.memory_mb.get()),
        ("<job_wall_s>", default.job_wall_ms.get() / 1000),
        ("<rows>", default.rows.get()),
        ("<result_mb>", default.result_mb.get()),
        ("<statements>", default.statements.get()),
        ("<notifications>", default.notifications.get()),
    ];
    let mut text = include_str!("assistant/guide.md").to_owned();
    for (place, number) in numbers {
        text = text.replace(place, &number.to_string());
    }
    let command = format!(
        "skep dev {NAME}\nskep check {NAME}\nskep test {NAME}\nskep deploy {NAME}\nskep call {}",
        template.call(&name)
    );
    text = text.replace("<commands>", &command);
    for (path, contents) in templates::files(template, &Names::of(&name)) {
        // What is for people the assistant writes itself.
        if path != "README.md" {
            text.push_str(&file(path, &contents));
        }
    }
    Ok(text)
}

fn file(path: &str, contents: &str) -> String {
    let language = match path.rsplit_once('.') {
        Some((_, "py")) => "python",
        Some((_, ending)) => ending,
        None => "",
    };
    let contents = contents.trim_end();
    format!("\n`{path}`\n\n````{language}\n{contents}\n````\n")
}

#[cfg(test)]
mod tests;
