//! The bundle as such, and the manifest.

use super::*;
use crate::app::BundleError;

const MANIFEST: &str = "manifest.json";

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        rule: "NR-B04",
        file: MANIFEST,
        bad: &[
            (r#"{"app_name": "a b", "version": "1.0.0"}"#, ""),
            (r#"{"version": "1.0.0"}"#, ""),
            (
                r#"{"app_name": "x", "name": "y", "version": "1.0.0"}"#,
                r#""x""#,
            ),
        ],
        good: &[
            r#"{"app_name": "a-b_9", "version": "1.0.0"}"#,
            r#"{"name": "a", "version": "1.0.0"}"#,
        ],
    },
    Vector {
        rule: "NR-B06",
        file: MANIFEST,
        bad: &[
            (
                "{\n  \"app_name\": \"x\", // mine\n  \"version\": \"1.0.0\"\n}",
                "/",
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": {}}"#,
                "{}",
            ),
            ("[]", ""),
        ],
        good: &["\u{feff}{\"app_name\": \"x\", \"version\": \"1.0.0\"}"],
    },
    Vector {
        rule: "NR-B07",
        file: MANIFEST,
        bad: &[
            (r#"{"app_name": "x", "version": "1.0"}"#, r#""1.0""#),
            (r#"{"app_name": "x"}"#, ""),
        ],
        good: &[r#"{"app_name": "x", "version": "1.0.0-beta.1"}"#],
    },
    Vector {
        rule: "NR-B08",
        file: MANIFEST,
        bad: &[
            (
                r#"{"app_name": "x", "version": "1.0.0", "description": "**bold**"}"#,
                r#""**bold**""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "display_name": "01234567890123456789012345678901234567890"}"#,
                r#""01234567890123456789012345678901234567890""#,
            ),
        ],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "description": "2 * 3 > 5", "display_name": "X"}"#,
        ],
    },
    Vector {
        rule: "NR-B09",
        file: MANIFEST,
        bad: &[
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"display_name": "A"}]}"#,
                r#"{"display_name": "A"}"#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a b", "display_name": "A"}]}"#,
                r#""a b""#,
            ),
            (
                r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "display_name": "A"}, {"name": "a", "display_name": "B"}]}"#,
                r#""a""#,
            ),
        ],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "display_name": "A"}]}"#,
        ],
    },
    Vector {
        rule: "NR-B10",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a"}]}"#,
            r#"{"name": "a"}"#,
        )],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "type": "query", "sql": "SELECT 1"}]}"#,
        ],
    },
    Vector {
        rule: "NR-B11",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "required_permission": "a b"}"#,
            r#""a b""#,
        )],
        good: &[r#"{"app_name": "x", "version": "1.0.0", "required_permission": ""}"#],
    },
    Vector {
        rule: "NR-B12",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "required_permission": "x:y", "actions": [{"name": "a", "display_name": "A"}]}"#,
            r#""a""#,
        )],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "required_permission": "x:y", "actions": [{"name": "a", "display_name": "A", "required_permission": "x:y"}]}"#,
            r#"{"app_name": "x", "version": "1.0.0", "actions": [{"name": "a", "display_name": "A"}]}"#,
        ],
    },
    Vector {
        rule: "NR-B14",
        file: "package.json",
        bad: &[("{}", "")],
        good: &[],
    },
    Vector {
        rule: "NR-B15",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "versoin": "1"}"#,
            r#""1""#,
        )],
        good: &[r#"{"app_name": "x", "version": "1.0.0", "tables": []}"#],
    },
    Vector {
        rule: "SK-B01",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "limits": {"wall_ms": 0}}"#,
            "0",
        )],
        good: &[r#"{"app_name": "x", "version": "1.0.0", "limits": {"wall_ms": 1}}"#],
    },
    Vector {
        rule: "SK-B03",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "needs": {"credentials": ["a b"]}}"#,
            r#""a b""#,
        )],
        good: &[r#"{"app_name": "x", "version": "1.0.0", "needs": {"credentials": ["a"]}}"#],
    },
    Vector {
        rule: "SK-B07",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "settings": [{"key": "a", "type": "colour"}]}"#,
            r#""colour""#,
        )],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "settings": [{"key": "a", "type": "number"}]}"#,
        ],
    },
    Vector {
        rule: "SK-B08",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "hooks": {"on_fire": "main.py:run"}}"#,
            r#""main.py:run""#,
        )],
        good: &[r#"{"app_name": "x", "version": "1.0.0", "hooks": {"on_install": "main.py:run"}}"#],
    },
    Vector {
        rule: "SK-B10",
        file: MANIFEST,
        bad: &[(
            r#"{"app_name": "x", "version": "1.0.0", "schedules": {"a": {"cron": "never"}}}"#,
            r#""never""#,
        )],
        good: &[
            r#"{"app_name": "x", "version": "1.0.0", "schedules": {"a": {"cron": "0 3 * * *"}}}"#,
        ],
    },
];

fn bundle_of(files: &[(&str, &'static str)]) -> Bundle {
    Bundle::for_tests(files)
}

fn ids(bundle: &Bundle) -> Vec<&'static str> {
    problems(bundle)
        .iter()
        .map(|problem| problem.rule.id)
        .collect()
}

#[test]
fn a_bundle_without_manifest_or_backend_is_told_which() {
    assert_eq!(ids(&bundle_of(&[("index.html", "<p>")])), ["NR-B01"]);
    assert_eq!(
        ids(&bundle_of(&[(
            MANIFEST,
            r#"{"app_name": "x", "version": "1.0.0"}"#
        )])),
        ["NR-B02"]
    );
}

#[test]
fn what_is_no_bundle_has_the_rule_that_it_breaks() {
    for (error, rule) in [
        (BundleError::Wrapped("app_x".to_owned()), "NR-B03"),
        (BundleError::TooManyEntries(1), "NR-B13"),
        (
            BundleError::Special("a".to_owned(), "symbolic link"),
            "NR-B13",
        ),
    ] {
        let problem = refused(&error);
        assert_eq!(problem.rule.id, rule);
        assert_eq!(problem.severity, Severity::Error);
    }
}

#[test]
fn a_folder_of_another_name_is_told() {
    let folder = tempfile::TempDir::new().unwrap();
    let app = folder.path().join("other");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(
        app.join(MANIFEST),
        r#"{"app_name": "x", "version": "1.0.0"}"#,
    )
    .unwrap();
    std::fs::write(app.join("main.py"), "def execute(data): return {}").unwrap();

    assert_eq!(ids(&Bundle::from_folder(&app).unwrap()), ["NR-B05"]);
}

#[test]
fn names_that_differ_in_case_and_bad_origins_are_told() {
    let mut bundle = app_with("Style.css", "");
    assert_eq!(ids(&bundle), ["SK-B02"]);

    bundle = app_with(
        MANIFEST,
        r#"{"app_name": "app_hello_world", "version": "1.0.0", "needs": {"egress": ["ftp://x"]}}"#,
    );
    let found = of_rule(&bundle, "SK-B02");
    assert_eq!(found, [(Severity::Error, r#""ftp://x""#.to_owned())]);
}

#[test]
fn all_that_is_wrong_with_a_manifest_is_told_at_once() {
    let bundle = app_with(
        MANIFEST,
        r#"{"app_name": "a b", "version": 1, "limits": []}"#,
    );
    let found: Vec<_> = describe(&bundle);

    let rules: Vec<_> = found.iter().map(|problem| problem.rule.id).collect();
    assert_eq!(rules, ["NR-B04", "NR-B06", "NR-B06"]);
}
