use std::process::Command;

use clap::ValueEnum;

use super::*;
use crate::app::{Bundle, BundlePath};
use crate::check;

/// What stands between fences, with the language of each.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String, String)> = None;
    for line in text.lines() {
        match &mut open {
            Some((fence, ..)) if line == *fence => {
                blocks.extend(open.take().map(|(_, language, text)| (language, text)));
            }
            Some((_, _, text)) => {
                text.push_str(line);
                text.push('\n');
            }
            None => {
                let ticks = line.len() - line.trim_start_matches('`').len();
                if ticks >= 3 {
                    let (fence, language) = line.split_at(ticks);
                    open = Some((fence, language.to_owned(), String::new()));
                }
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

fn of_language(text: &str, wanted: &str) -> Vec<String> {
    let blocks = blocks(text).into_iter();
    blocks
        .filter_map(|(language, text)| (language == wanted).then_some(text))
        .collect()
}

#[test]
fn every_number_and_name_is_filled_in() {
    for template in Template::value_variants() {
        let text = text(*template).unwrap();

        let (_, rest) = text.split_once("A call has 30 s").unwrap();
        assert!(rest.contains("10000 rows and 16 MiB"), "{rest}");
        for place in text.split('<').skip(1) {
            let name = place.split('>').next().unwrap();
            let is_place = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.contains('_')
                && !name.contains(char::is_whitespace);
            assert!(
                !is_place || ["app_name", "job_id"].contains(&name),
                "<{name}>"
            );
        }
    }
}

#[test]
fn every_manifest_keeps_the_rules_and_its_sql_can_be_run() {
    let text = text(Template::Dashboard).unwrap();
    // What is a list is cases of tests.
    let mut manifests = of_language(&text, "json");
    manifests.retain(|json| json.starts_with('{'));

    assert_eq!(manifests.len(), 2);
    for manifest in manifests {
        let mut bundle = Bundle::for_tests(&[("main.py", "def execute(data): return {}")]);
        let path = BundlePath::parse("manifest.json").unwrap();
        bundle.insert(path, manifest.into_bytes().into());
        assert_eq!(check::describe(&bundle), []);
    }
}

/// The files that a prompt ends with, as an assistant would write them.
fn starter(text: &str) -> Bundle {
    let (_, files) = text.split_once("## An app that works").unwrap();
    let mut bundle = Bundle::for_tests(&[]);
    for file in files.split("\n````\n") {
        let Some((path, contents)) = file.split_once("\n\n````") else {
            continue;
        };
        let path = BundlePath::parse(path.trim().trim_matches('`')).unwrap();
        let (_, contents) = contents.split_once('\n').unwrap();
        bundle.insert(path, contents.as_bytes().to_vec().into());
    }
    bundle
}

#[test]
fn the_app_at_the_end_has_nothing_to_mend() {
    for template in Template::value_variants() {
        let bundle = starter(&text(*template).unwrap());

        assert_eq!(check::describe(&bundle), [], "{template:?}");
        let found = check::sources(&bundle);
        assert_eq!(found, [], "{template:?}: {found:#?}");
    }
}

/// The examples of the guide, each in its place in an app of the guide's own manifest.
#[test]
fn what_the_guide_shows_has_nothing_to_mend() {
    let text = text(Template::Python).unwrap();
    let (guide, _) = text.split_once("## An app that works").unwrap();
    let manifest = of_language(guide, "json").remove(0);
    let python = of_language(guide, "python").remove(0);
    let script = of_language(guide, "js").remove(0);
    for (backend, code) in [("main.py", python), ("main.js", script)] {
        let mut bundle = Bundle::for_tests(&[]);
        let items = "exports.rename = function (id, name) {};".to_owned();
        for (path, contents) in [
            ("manifest.json", manifest.clone()),
            (backend, code),
            ("lib/items.js", items),
        ] {
            let path = BundlePath::parse(path).unwrap();
            bundle.insert(path, contents.into_bytes().into());
        }

        let mut found = check::describe(&bundle);
        found.extend(check::sources(&bundle));
        assert_eq!(found, [], "{backend}: {found:#?}");
    }
}

#[test]
fn every_piece_of_code_is_read_by_its_language() {
    let folder = tempfile::tempdir().unwrap();
    for template in Template::value_variants() {
        let text = text(*template).unwrap();
        let python = of_language(&text, "python")
            .into_iter()
            .map(|code| (code, "py"));
        let scripts = of_language(&text, "js")
            .into_iter()
            .map(|code| (code, "js"));
        for (code, ending) in python.chain(scripts) {
            let file = folder.path().join("code").with_extension(ending);
            std::fs::write(&file, &code).unwrap();
            let mut command = if ending == "py" {
                let mut command = Command::new("python3");
                command.args(["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"]);
                command
            } else {
                let mut command = Command::new("node");
                command.arg("--check");
                command
            };

            let output = command.arg(&file).output().unwrap();

            assert!(
                output.status.success(),
                "{}{code}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}
