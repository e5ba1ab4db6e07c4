//! Which classes, ids and tables carry an app's prefix.
//!
//! The contract says that all of them begin with the app's own, and leaves open which: real apps
//! use their whole name, a word of it, or its initials (`mm-` in `app_material_master`). So what
//! can be made of the name counts, and what most of the app's own styles begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Classes of Bootstrap 5.3, one a line.
static BOOTSTRAP: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    include_str!("names/bootstrap.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect()
});

/// What Bootstrap's classes begin with: no app can have it as its prefix.
static FAMILIES: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| BOOTSTRAP.iter().map(|class| first_part(class)).collect());

/// The prefixes of one app.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The app's name in lower case without separators; empty where it is not known.
    joined: String,
    prefixes: BTreeSet<String>,
}

impl Names {
    /// What can be made of the app's name. Of an app without one, every name may be its own.
    pub(super) fn of(app: &str) -> Self {
        let lower = app.to_ascii_lowercase();
        let bare = lower.strip_prefix("app_").unwrap_or(&lower);
        let mut words: Vec<&str> = bare.split(['_', '-']).filter(|w| !w.is_empty()).collect();
        if words.is_empty() {
            words.extend(lower.split(['_', '-']).find(|word| !word.is_empty()));
        }
        let joined = begun_with_a_letter(words.concat());
        let initials: String = words
            .iter()
            .filter_map(|word| word.chars().next())
            .collect();
        let few = initials.chars().take(4).collect();
        let mut prefixes: BTreeSet<String> = [
            lower.replace('_', "-"),
            lower.replace('-', "_"),
            bare.replace('_', "-"),
            bare.replace('-', "_"),
            begun_with_a_letter(initials),
            begun_with_a_letter(few),
        ]
        .into();
        let words = words.iter().filter(|word| !FAMILIES.contains(*word));
        prefixes.extend(words.map(|word| (*word).to_owned()));
        // As SQL wants names, and `skep new` makes them.
        if lower.starts_with(|first: char| first.is_ascii_digit()) {
            prefixes.insert(format!("app_{}", lower.replace('-', "_")));
        }
        prefixes.retain(|prefix| prefix.len() > 1 || joined.len() < 2);
        prefixes.insert(joined.clone());
        prefixes.remove("");
        Self { joined, prefixes }
    }

    /// Takes what most of the app's own names begin with for a prefix too.
    pub(super) fn learn<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let mut all = 0_usize;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names.into_iter().collect::<BTreeSet<_>>() {
            if is_bootstrap(name) {
                continue;
            }
            all += 1;
            let first = first_part(name);
            if first.len() > 1 && first.len() < name.len() {
                *counts.entry(first).or_default() += 1;
            }
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        if let Some((first, count)) = most
            && (count >= 2 || all == 1)
            && count * 2 >= all
            && !FAMILIES.contains(first)
        {
            self.prefixes.insert(first.to_ascii_lowercase());
        }
    }

    /// Whether a class, an id or a table begins with a prefix of the app, or is one.
    pub(super) fn own(&self, name: &str) -> bool {
        if self.joined.is_empty() {
            return true;
        }
        let lower = name.to_ascii_lowercase();
        let begins = |prefix: &str| {
            lower.strip_prefix(prefix).is_some_and(|rest| {
                let follows = rest.is_empty() || rest.starts_with(['-', '_']);
                // As in `hwCard`.
                let humps = name.get(prefix.len()..).is_some_and(|rest| {
                    rest.starts_with(|letter: char| letter.is_ascii_uppercase())
                });
                follows || humps
            })
        };
        if self.prefixes.iter().any(|prefix| begins(prefix)) {
            return true;
        }
        // A beginning of the name, such as `inv-` in `inventory`. Bootstrap's families of two
        // letters are spaces and sizes: nobody takes `py-card` for one of them.
        let first = first_part(&lower);
        first.len() >= 2
            && first.len() < lower.len()
            && self.joined.starts_with(first)
            && (first.len() == 2 || !FAMILIES.contains(first))
    }

    /// Whether a name, such as that of a global, has the app's name in it anywhere.
    pub(super) fn mentioned(&self, name: &str) -> bool {
        let bare: String = name
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .collect::<String>()
            .to_ascii_lowercase();
        self.own(name.trim_start_matches(['_', '$']))
            || (self.joined.len() > 1 && bare.contains(&self.joined))
    }

    /// One to show in a message.
    pub(super) fn example(&self) -> &str {
        let shortest = self.prefixes.iter().min_by_key(|prefix| prefix.len());
        shortest.map_or("app", String::as_str)
    }
}

/// Whether a class is one of Bootstrap's.
pub(super) fn is_bootstrap(class: &str) -> bool {
    BOOTSTRAP.contains(class)
}

/// As CSS wants names: a digit cannot come first.
fn begun_with_a_letter(name: String) -> String {
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("a{name}")
    } else {
        name
    }
}

fn first_part(name: &str) -> &str {
    name.split(['-', '_']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_made_of_the_name() {
        for (app, own) in [
            ("app_load_test", "lt-card"),
            ("app_material_master", "mm-table"),
            ("app_material_master", "mm_items"),
            ("app_hello_world", "hw-card"),
            ("inventory_manager", "im-x"),
            ("inventory_manager", "inv-x"),
            ("inventory", "inventory-form"),
            ("inventory", "in-card"),
            ("item_category", "ic-tree"),
            ("Sales-Report", "sr-card"),
            ("Sales-Report", "sales_report_items"),
            ("app_sales", "app_sales_items"),
            ("app_sales", "sales"),
            ("hw", "hwCard"),
            ("9lives", "a9l-card"),
            ("9lives", "app_9lives_items"),
            ("app_python", "py-card"),
            ("x", "x-card"),
            ("app_", "app-card"),
            ("a_b_c_d_e", "abcd-card"),
        ] {
            assert!(Names::of(app).own(own), "{app} {own}");
        }
    }

    #[test]
    fn what_is_bootstraps_or_anybodys_is_no_prefix() {
        for (app, other) in [
            ("app_material_master", "btn-xs"),
            ("app_load_test", "card"),
            ("app_load_test", "items"),
            ("button_box", "btn-xs"),
            ("table", "tab-x"),
            ("xy", "x-card"),
        ] {
            assert!(!Names::of(app).own(other), "{app} {other}");
        }
    }

    #[test]
    fn of_an_app_without_a_name_nobody_can_tell() {
        assert!(Names::of("").own("a-b"));
    }

    #[test]
    fn what_most_styles_begin_with_is_learnt() {
        let mut names = Names::of("app_stock");
        assert!(!names.own("zz-card"));
        names.learn(["zz-card", "zz-row", "btn-xs"]);
        assert!(names.own("zz-table"));

        let mut names = Names::of("app_stock");
        names.learn(["zz-card", "btn", "active"]);
        assert!(names.own("zz-card"));

        let mut names = Names::of("app_stock");
        names.learn(["btn-xs", "btn-xxs", "btn-y"]);
        assert!(!names.own("btn-xs"));
        names.learn(["aa-x", "bb-x", "cc-x", "dd-x", "aa-y"]);
        assert!(!names.own("aa-x"));
    }

    #[test]
    fn a_namespace_has_the_apps_name_in_it() {
        let names = Names::of("app_sales_report");

        for name in ["SalesReport", "__salesReportInit", "sr_state", "$srState"] {
            assert!(names.mentioned(name), "{name}");
        }
        for name in ["el", "esc", "showError", "App"] {
            assert!(!names.mentioned(name), "{name}");
        }
    }
}
