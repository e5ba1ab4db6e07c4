//! The templates' files. In them, `<slug>`, `<prefix>`, `<table_prefix>` and
//! `<display_name>` stand for the app's names.

use crate::ids::AppName;

/// What an app begins as.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    clap::ValueEnum,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Template {
    /// A list that everybody can add to: Python, with a page
    #[default]
    Python,
    /// A page with a chart and a grid, over a table that the manifest makes
    Dashboard,
    /// Work in the background, with its progress on a page
    Job,
    /// The list of `python`, with its backend in JavaScript
    Javascript,
}

/// Files of a template, by path.
type Files = &'static [(&'static str, &'static str)];

/// The files of a folder of `templates/`, by their paths.
macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("templates/", $folder, "/", $path)))),+]
    };
}

const PYTHON: Files = files!("python":
    "manifest.json", "main.py", "index.html", "index.js", "style.css", "README.md",
    "tests/cases.json", "tests/test_main.py",
);
const DASHBOARD: Files = files!("dashboard":
    "manifest.json", "main.py", "index.html", "index.js", "style.css", "README.md",
    "tests/cases.json", "tests/test_main.py",
);
const JOB: Files = files!("job":
    "manifest.json", "main.py", "index.html", "index.js", "style.css", "README.md",
    "tests/cases.json", "tests/test_main.py",
);
const JAVASCRIPT: Files = files!("javascript":
    "manifest.json", "main.js", "lib/items.js", "README.md", "tests/cases.json",
);
/// The page of `python`, which sends the same calls.
const SHARED_PAGE: [&str; 3] = ["index.html", "index.js", "style.css"];

impl Template {
    /// A call to begin with, as arguments of `skep call`.
    pub(crate) fn call(self, name: &AppName) -> String {
        let (how, data) = match self {
            Self::Python | Self::Javascript => ("", r#"{"action": "list"}"#),
            Self::Dashboard => ("", r#"{"action": "overview"}"#),
            Self::Job => ("--async ", r#"{"action": "make", "steps": 1000}"#),
        };
        format!("{how}{name} '{data}'")
    }

    fn files(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (own, page) = match self {
            Self::Python => (PYTHON, &[][..]),
            Self::Dashboard => (DASHBOARD, &[][..]),
            Self::Job => (JOB, &[][..]),
            Self::Javascript => (JAVASCRIPT, PYTHON),
        };
        let page = page.iter().filter(|(path, _)| SHARED_PAGE.contains(path));
        own.iter().chain(page).copied()
    }
}

/// What an app is called in each of its files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    slug: String,
    /// Begins its CSS classes and HTML ids.
    prefix: String,
    /// Begins its tables.
    table_prefix: String,
    display_name: String,
}

impl Names {
    pub(crate) fn of(name: &AppName) -> Self {
        let name = name.as_str();
        let lower = name.to_ascii_lowercase();
        let words: Vec<_> = lower
            .strip_prefix("app_")
            .unwrap_or(&lower)
            .split(['_', '-'])
            .filter(|word| !word.is_empty())
            .collect();
        Self {
            slug: name.to_owned(),
            prefix: prefix(&words),
            table_prefix: table_prefix(&lower),
            display_name: display_name(&words, name),
        }
    }

    fn put_into(&self, template: &str) -> String {
        template
            .replace("<slug>", &self.slug)
            .replace("<prefix>", &self.prefix)
            .replace("<table_prefix>", &self.table_prefix)
            .replace("<display_name>", &self.display_name)
    }
}

/// The files of a new app, by path.
pub(crate) fn files(template: Template, names: &Names) -> Vec<(&'static str, String)> {
    let files = template.files();
    files
        .map(|(path, text)| (path, names.put_into(text)))
        .collect()
}

/// The initials of the words, or the beginning of the only one.
fn prefix(words: &[&str]) -> String {
    let letters: String = match words {
        [word] => word.chars().take(2).collect(),
        words => words
            .iter()
            .filter_map(|word| word.chars().next())
            .take(4)
            .collect(),
    };
    begun_with_a_letter(letters, "a")
}

// In lower case and with `_` for `-`, the name needs no quotes in SQL; cut, it leaves room
// for the table's own name in the 63 bytes that PostgreSQL keeps.
fn table_prefix(lower: &str) -> String {
    let name: String = lower.replace('-', "_").chars().take(40).collect();
    begun_with_a_letter(name, "app_")
}

/// Puts something before a name that neither CSS nor SQL could begin with.
fn begun_with_a_letter(name: String, before: &str) -> String {
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name
    } else {
        format!("{before}{name}")
    }
}

fn display_name(words: &[&str], name: &str) -> String {
    let title = |word: &&str| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    let text = words.iter().map(title).collect::<Vec<_>>().join(" ");
    // The contract advises 40 characters at most.
    match text.len() {
        0 => name.to_owned(),
        _ => text
            .chars()
            .take(40)
            .collect::<String>()
            .trim_end()
            .to_owned(),
    }
}
