//! The starter's files. In them, `<slug>`, `<prefix>`, `<table_prefix>` and
//! `<display_name>` stand for the app's names.

use crate::ids::AppName;

const FILES: [(&str, &str); 7] = [
    ("manifest.json", include_str!("starter/manifest.json")),
    ("main.py", include_str!("starter/main.py")),
    ("index.html", include_str!("starter/index.html")),
    ("index.js", include_str!("starter/index.js")),
    ("style.css", include_str!("starter/style.css")),
    ("README.md", include_str!("starter/README.md")),
    (
        "tests/test_main.py",
        include_str!("starter/tests/test_main.py"),
    ),
];

/// What an app is called in each of its files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    slug: String,
    /// Begins its CSS classes and HTML ids.
    prefix: String,
    /// Begins its tables.
    table_prefix: String,
    display_name: String,
}

impl Names {
    pub(super) fn of(name: &AppName) -> Self {
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
pub(super) fn files(names: &Names) -> Vec<(&'static str, String)> {
    FILES
        .iter()
        .map(|(path, template)| (*path, names.put_into(template)))
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
