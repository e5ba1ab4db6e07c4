use super::*;

fn served(names: &[&str]) -> Vec<String> {
    let all: Vec<(&str, &'static str)> = names.iter().map(|name| (*name, "")).collect();
    served_of(&all)
}

fn served_of(all: &[(&str, &'static str)]) -> Vec<String> {
    let bundle = Bundle::for_tests(all);
    files(&bundle).map(|(path, _)| path.to_string()).collect()
}

#[test]
fn what_an_author_writes_for_browsers_is_served() {
    let names = [
        "css/style.css",
        "data/prices.csv",
        "fonts/a.woff2",
        "index.html",
        "index.js",
        "js/components/row.html",
        "js/data.json",
        "lib/math.js",
        "screens/list",
        "vendor/x.wasm",
    ];
    assert_eq!(served(&names), names);
}

#[test]
fn what_is_the_backends_is_never_served() {
    for name in [
        "manifest.json",
        "main.py",
        "MAIN.PY",
        "services/items.py",
        "services/__pycache__/items.cpython-312.pyc",
        "libs/package/data.json",
        "libs/package/page.html",
        "Libs/package/page.html",
        "main.lua",
        "handlers/inventory.lua",
        "component.wasm",
        "requirements.txt",
        "tests/contract.json",
        ".env",
        ".git/config",
        "js/.secret.js",
        "README.md",
        "LICENSE",
    ] {
        assert_eq!(served(&[name]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn modules_that_a_javascript_backend_asks_for_are_its_own() {
    // `lib` is the backend's in one app, and the page's in another.
    let backend = [
        (
            "main.js",
            "var c = require(\"lib/categories\")\nimport { x } from './services/x.js'",
        ),
        ("lib/categories.js", "var h = require('lib/helpers')"),
        ("lib/helpers.js", "require('./texts')"),
        ("lib/texts.json", "{}"),
        ("services/x.js", "export * from \"../lib/deep/y.mjs\""),
        ("lib/deep/y.mjs", "import(`lib/helpers.js`)"),
    ];
    let page = [
        ("index.html", ""),
        ("js/app.js", "import './helpers.js'"),
        ("js/helpers.js", ""),
        ("lib/unasked.js", ""),
    ];
    let both: Vec<_> = backend.iter().chain(&page).copied().collect();

    let names: Vec<&str> = page.iter().map(|(name, _)| *name).collect();
    assert_eq!(served_of(&both), names);

    // Where the backend is Python, all of it is the page's.
    let python: Vec<_> = both.into_iter().chain([("main.py", "")]).collect();
    assert_eq!(served_of(&python).len(), backend.len() + page.len());
}

#[test]
fn files_of_tasks_and_hooks_are_the_backends() {
    let files = [
        (
            "manifest.json",
            r#"{"app_name": "x", "version": "1.0.0",
                "tasks": {"a": {"run": "lib/work.js:run"}}, "hooks": {"on_install": "lib/hook.js:run"}}"#,
        ),
        ("main.js", ""),
        ("lib/work.js", "require('./deep')"),
        ("lib/deep.js", ""),
        ("lib/hook.js", ""),
        ("index.js", ""),
    ];
    assert_eq!(served_of(&files), ["index.js"]);
}

#[test]
fn modules_may_ask_for_each_other() {
    let files = [
        ("main.js", "require('a')"),
        ("a.js", "require('b'); require('../../outside')"),
        ("b.js", "require('a')"),
        ("index.js", ""),
    ];
    assert_eq!(served_of(&files), ["index.js"]);
}

#[test]
fn a_backend_alone_has_no_frontend() {
    let bundle = Bundle::for_tests(&[
        ("manifest.json", "{}"),
        ("main.py", ""),
        ("component.wasm", ""),
        ("libs/x/y.py", ""),
        ("README.md", ""),
    ]);
    assert_eq!(digest(&bundle), None);
}

#[test]
fn the_frontend_is_known_by_its_files_alone() {
    let digest_of = |files: &[(&str, &'static str)]| digest(&Bundle::for_tests(files));
    let page = ("index.html", "<p>");
    let first = digest_of(&[page, ("main.py", "1")]);

    assert_eq!(
        first,
        digest_of(&[page, ("main.py", "2"), ("manifest.json", "")])
    );
    for other in [
        vec![("index.html", "<b>")],
        vec![("index.htm", "<p>")],
        vec![page, ("js/data.json", "{}")],
    ] {
        assert_ne!(digest_of(&other), first, "{other:?}");
    }
}
