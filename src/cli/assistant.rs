//! `skep prompt`: everything that a coding assistant needs to write an app.
//!
//! The text is `assistant/guide.md`; numbers come from the limits themselves, and the app that it
//! ends with is one of the templates of `skep new`. Tests read the text back.

use super::new::templates::{self, Names, Template};
use super::output::Output;
use crate::ids::AppName;
use crate::limits::Limits;

/// What the app at the end is called.
const NAME: &str = "starter";

/// Print what a coding assistant needs to know to write an app, with an app to begin from
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app at the end
    #[arg(long, short, value_enum, default_value_t = Template::Python)]
    template: Template,
}

impl Arguments {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        Ok(Output::text().line(text(self.template)?.trim_end())?)
    }
}

fn text(template: Template) -> anyhow::Result<String> {
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
