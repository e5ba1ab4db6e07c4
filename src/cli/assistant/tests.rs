use std::process::Command;

use clap::ValueEnum;

use super::*;
use crate::app::manifest::noderouter;
use crate::app::statement;
use crate::sql;

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
        let parsed = noderouter::parse(manifest.as_bytes()).unwrap();
        assert_eq!(parsed.warnings, []);
        let read = statement::read(&parsed.manifest.statements);
        assert!(
            read.problems.is_empty() && read.warnings.is_empty(),
            "{read:?}"
        );
        for statement in &parsed.manifest.tables {
            sql::inspect(statement).unwrap();
        }
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
