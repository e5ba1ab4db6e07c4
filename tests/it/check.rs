//! `skep check`, and what a deploy makes of what it finds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::bundle::{Bundle, zip};
use crate::host::{Host, folder, skep};

const MANIFEST: &[u8] = br#"{"app_name": "app", "version": "1.0.0"}"#;
const MAIN: &[u8] = b"def execute(data): return {}\n";

fn check(path: &Path, arguments: &[&str]) -> Output {
    let mut command = skep();
    command.arg("check").arg(path).args(arguments);
    command.output().unwrap()
}

fn found(path: &Path) -> Value {
    let output = check(path, &["--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn folders(below: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let entries = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries
        .filter(|path| path.join("manifest.json").exists())
        .collect();
    folders.sort();
    assert!(folders.len() > 3, "{folders:?}");
    folders
}

#[test]
fn the_examples_have_nothing_to_mend() {
    for path in folders("examples") {
        // Its component is built elsewhere.
        if path.ends_with("tally") {
            continue;
        }
        let report = found(&path);
        assert_eq!(report["errors"], 0, "{report:#}");
        assert_eq!(report["warnings"], 0, "{report:#}");
    }
}

#[test]
fn the_apps_of_the_tests_and_the_guides_own_have_no_errors() {
    for path in folders("tests/apps") {
        let report = found(&path);
        assert_eq!(report["errors"], 0, "{report:#}");
    }
}

#[test]
fn a_new_app_has_nothing_to_mend() {
    let parent = folder();
    for template in ["python", "dashboard", "job", "javascript"] {
        let name = format!("app_{template}");
        let new = skep()
            .args(["new", &name, "--template", template, "--path"])
            .arg(parent.path())
            .output()
            .unwrap();
        assert!(new.status.success(), "{new:?}");

        let output = check(&parent.path().join(&name), &["--deny-warnings"]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}");
    }
}

#[test]
fn the_exit_code_says_what_was_found() {
    let parent = folder();
    let write = |name: &str, zip: Vec<u8>| {
        let path = parent.path().join(name);
        fs::write(&path, zip).unwrap();
        path
    };
    let files = |script: &'static [u8]| {
        zip([
            ("manifest.json", MANIFEST),
            ("main.py", MAIN),
            ("index.js", script),
        ])
    };
    let good = write("good.zip", files(b";"));
    let warned = write("warned.zip", files(b"(function () { var a; })();"));
    let bad = write("bad.zip", files(b"var a = 1;"));
    let wrapped = write(
        "wrapped.zip",
        zip([("app/manifest.json", MANIFEST), ("app/main.py", MAIN)]),
    );
    let broken = write("broken.zip", b"no zip".to_vec());

    for (path, arguments, code) in [
        (&good, &[] as &[&str], 0),
        (&warned, &[], 0),
        (&warned, &["--deny-warnings"], 1),
        (&bad, &[], 1),
        (&bad, &["--format", "sarif"], 1),
        (&wrapped, &[], 1),
        (&broken, &[], 2),
        (&parent.path().join("nothing"), &[], 2),
    ] {
        let output = check(path, arguments);
        assert_eq!(output.status.code(), Some(code), "{path:?} {output:?}");
    }
    let text = String::from_utf8(check(&bad, &[]).stdout).unwrap();
    assert!(
        text.contains("NR-J01") && text.contains("index.js:1:5"),
        "{text}"
    );
    let sarif = check(&bad, &["--format", "sarif"]).stdout;
    let sarif: Value = serde_json::from_slice(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "NR-J01");
}

#[test]
fn a_source_that_nests_without_end_is_given_up_and_nothing_breaks() {
    let parent = folder();
    let path = parent.path().join("deep.zip");
    let script = b"(\n".repeat(400_000);
    let files = [
        ("manifest.json", MANIFEST),
        ("main.py", MAIN),
        ("index.js", script.as_slice()),
    ];
    fs::write(&path, zip(files)).unwrap();

    let output = check(&path, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rule = &report["problems"][0]["rule"];
    assert!(rule == "SK-B21" || rule == "SK-J01", "{report:#}");
}

#[tokio::test]
async fn errors_refuse_a_deploy_and_warnings_stand_in_its_plan() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let before = host.state().await;
    let app = |script: &str| {
        Bundle::of_guest("app", "echo")
            .version("2.0.0")
            .file("index.js", script)
    };

    let error = host.deploy(&app("var a = 1;")).await.expect(422).error();
    assert!(error.contains("index.js:1:5"), "{error}");
    assert!(error.contains("NR-J01"), "{error}");
    assert_eq!(host.state().await, before);

    let report = host
        .deploy(&app("(function () { })();"))
        .await
        .expect(200)
        .json();
    let expected = json!([{
        "rule": "NR-J02",
        "place": "index.js:1:2",
        "text": "begin it with \"use strict\";",
        "fix": "Begin the function with \"use strict\";",
    }]);
    assert_eq!(report["plan"]["warnings"], expected);
    let warnings = report["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|warning| warning["rule"] == "NR-J02"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_plan_that_was_accepted_is_the_same_with_its_warnings() {
    let host = Host::start().await;
    let app = Bundle::of_guest("app", "echo")
        .with("limits", json!({ "wall_ms": 60_000 }))
        .file("index.js", "(function () { })();");

    let waiting = host.deploy(&app).await.expect(202).json();
    assert_eq!(waiting["plan"]["warnings"][0]["rule"], "NR-J02");

    host.admin().accept(&waiting).await.expect(204);
}
