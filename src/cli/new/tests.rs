use tempfile::TempDir;

use clap::ValueEnum;

use super::*;
use crate::app::{Backend, Bundle, Description};
use crate::check;

fn new(name: &str, path: &Path) -> anyhow::Result<()> {
    new_of(Template::Python, name, path)
}

fn new_of(template: Template, name: &str, path: &Path) -> anyhow::Result<()> {
    run(&NewArguments {
        name: name.to_owned(),
        path: path.to_owned(),
        template,
    })
}

#[test]
fn a_new_app_keeps_every_rule_of_a_bundle_whatever_its_name() {
    let names = [
        "app_sales_report",
        "Sales-Report",
        "9lives",
        "x",
        "a-",
        &"a".repeat(64),
    ];
    let templates = Template::value_variants();
    for (template, name) in templates
        .iter()
        .flat_map(|of| names.map(|name| (*of, name)))
    {
        let parent = TempDir::new().unwrap();
        new_of(template, name, parent.path()).unwrap();

        let bundle = Bundle::from_folder(&parent.path().join(name)).unwrap();
        let description = Description::read(&bundle).unwrap();
        assert_eq!(description.manifest.app_name.as_str(), name);
        assert_eq!(
            description.backend == Backend::JavaScript,
            template == Template::Javascript
        );
        assert_eq!(check::describe(&bundle), []);
        let found = check::sources(&bundle);
        assert_eq!(found, [], "{template:?} as {name}: {found:#?}");
        for (path, text) in bundle.files() {
            let text = std::str::from_utf8(text).unwrap();
            for placeholder in ["<slug>", "<prefix>", "<table_prefix>", "<display_name>"] {
                assert!(!text.contains(placeholder), "{path} has {placeholder}");
            }
        }
    }
}

#[test]
fn the_names_of_an_app_fit_where_they_are_put() {
    for (name, prefix, tables, display_name) in [
        ("app_sales_report", "sr", "app_sales_report", "Sales Report"),
        ("inventory", "in", "inventory", "Inventory"),
        ("Sales-Report", "sr", "sales_report", "Sales Report"),
        ("9lives", "a9l", "app_9lives", "9lives"),
        ("app_", "a", "app_", "app_"),
    ] {
        let names = Names::of(&name.parse().unwrap());
        let text = templates::files(Template::Python, &names)
            .into_iter()
            .map(|(_, text)| text)
            .collect::<String>();
        for expected in [
            format!("class=\"{prefix}-card "),
            format!("EXISTS {tables}_items ("),
            format!("\"display_name\": \"{display_name}\""),
            format!("\"/api/sync/{name}\""),
        ] {
            assert!(text.contains(&expected), "{name}: {expected}");
        }
    }
}

#[test]
fn a_name_that_the_contract_does_not_allow_makes_no_folder() {
    let parent = TempDir::new().unwrap();

    let error = new("../evil", parent.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid app name '../evil': must start with alphanumeric and contain only \
         [a-zA-Z0-9_-] (max 64 chars)"
    );
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_with_something_in_it_is_left_as_it_is() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("app_x");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("main.py"), "mine").unwrap();

    let error = new("app_x", parent.path()).unwrap_err();
    assert!(
        error.to_string().contains("is not empty: choose"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(folder.join("main.py")).unwrap(), "mine");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn an_empty_folder_is_used() {
    let parent = TempDir::new().unwrap();
    fs::create_dir(parent.path().join("app_x")).unwrap();

    new("app_x", parent.path()).unwrap();
    assert!(parent.path().join("app_x/main.py").is_file());
}
