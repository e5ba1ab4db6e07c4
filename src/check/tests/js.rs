//! Scripts of the browser. `index.js` is loaded by the page as a classic script.

use super::*;

const SCRIPT: &str = "index.js";

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        rule: "NR-J01",
        file: SCRIPT,
        bad: &[
            ("\"use strict\";\nfunction esc(x) { return x; }", "esc"),
            ("var a = 1, b = 2;", "a"),
            ("(function () {})();\nlet state;", "state"),
            ("if (true) { var hidden = 1; }", "hidden"),
            ("class Card {}", "Card"),
        ],
        good: &[
            "(function () { \"use strict\"; var a; })();",
            "\"use strict\";\n(() => { const a = 1; })();\n(async () => { await 1; })();",
            "!function () { \"use strict\"; var a; }();",
            "(function () { \"use strict\"; }).call(this);",
            "(async function () { \"use strict\"; })().catch(console.error);",
            "window.HelloWorld = (function () { \"use strict\"; return {}; })();",
            ";",
        ],
    },
    Vector {
        rule: "NR-J02",
        file: SCRIPT,
        bad: &[
            ("(function () { var a; })();", "function"),
            ("(() => { })();", "() => { "),
        ],
        good: &[
            "(function () { 'use strict'; })();",
            "\"use strict\"; (function () {})();",
        ],
    },
    Vector {
        rule: "NR-J03",
        file: SCRIPT,
        bad: &[
            (
                "(function () { \"use strict\"; window.esc = 1; })();",
                "window.esc",
            ),
            (
                "(function () { \"use strict\"; globalThis['el'] = 1; })();",
                "globalThis['el']",
            ),
            (
                "(function () { \"use strict\"; counter = 1; })();",
                "counter",
            ),
            ("(function () { for (index in {}) {} })();", "index"),
        ],
        good: &[
            "(function () { \"use strict\"; window.HelloWorld = {}; window.hwState = 1; })();",
            "(function () { \"use strict\"; window.location.hash = \"a\"; window.onresize = 1; location = \"#\"; })();",
            "(function (window) { \"use strict\"; window.esc = 1; var a; a = 2; })({});",
            "(function () { \"use strict\"; window.__helloInit = true; window.hw.esc = 1; })();",
        ],
    },
    Vector {
        rule: "NR-J04",
        file: SCRIPT,
        bad: &[
            (
                "x('<button onclick=\"go()\">')",
                "'<button onclick=\"go()\">'",
            ),
            ("x('<b onclick=\"go(' + id + ')\">')", "'<b onclick=\"go('"),
            (
                "x(`<img src=\"a\" onerror='${f}'>`)",
                "`<img src=\"a\" onerror='${f}'>`",
            ),
            (
                "e.setAttribute('onclick', 'go()')",
                "e.setAttribute('onclick', 'go()')",
            ),
        ],
        good: &[
            "x('<option one=\"1\" data-onclick=\"a\">only on < one = two</option>')",
            "e.onclick = function () {}; x('onclick=1'); x('a < b, onload = c');",
        ],
    },
    Vector {
        rule: "NR-J05",
        file: SCRIPT,
        bad: &[
            (
                "document.querySelectorAll('.tab')",
                "document.querySelectorAll('.tab')",
            ),
            (
                "window.document.querySelectorAll('[data-action]')",
                "window.document.querySelectorAll('[data-action]')",
            ),
        ],
        good: &[
            "document.querySelector('.nr-app').querySelectorAll('.tab')",
            "document.querySelectorAll('.nr-app .tab'); document.querySelectorAll('.hw-tab, #hw-x a')",
            "(function (document) { document.querySelectorAll('p') })(root); root.querySelectorAll('p')",
        ],
    },
    Vector {
        rule: "NR-J06",
        file: SCRIPT,
        bad: &[
            ("AdminWS.showToast('info', 'x')", "AdminWS.showToast"),
            (
                "(function () { AdminWS.showToast('info', 'x') })()",
                "AdminWS.showToast",
            ),
            (
                "window.AdminWS.showToast('info', 'x')",
                "window.AdminWS.showToast",
            ),
        ],
        good: &[
            "(function () { function f() { AdminWS.showToast('info', 'x') } })()",
            "x.then(() => AdminWS.showToast('info', 'x'))",
            "(function (AdminWS) { AdminWS.showToast() })({})",
        ],
    },
    Vector {
        rule: "NR-J07",
        file: SCRIPT,
        bad: &[
            ("fetch('https://api.example/x')", "'https://api.example/x'"),
            (
                "fetch(`http://localhost:8000/api/${x}`)",
                "`http://localhost:8000/api/${x}`",
            ),
            ("window.fetch('//a.example')", "'//a.example'"),
            (
                "new WebSocket('wss://a.example/' + x)",
                "'wss://a.example/' + x",
            ),
            ("xhr.open('GET', 'http://a.example')", "'http://a.example'"),
        ],
        good: &[
            "fetch('/api/sync/app_hello_world'); fetch('js/x.html'); fetch(url)",
            "new WebSocket('wss://' + location.host + '/x'); new WebSocket(`${proto}//${host}`)",
            "window.open('https://a.example'); a.href = 'https://a.example'",
        ],
    },
    Vector {
        rule: "NR-J08",
        file: SCRIPT,
        bad: &[
            ("fetch('/api/sync/app_other')", "'/api/sync/app_other'"),
            ("fetch(`/api/async/other?x=${y}`)", "/api/async/other?x="),
        ],
        good: &[
            "fetch('/api/sync/app_hello_world'); fetch('/api/sync/' + APP); fetch(`/api/sync/${APP}`)",
            "fetch('/api/async/jobs/' + id); fetch(`/api/async/jobs/${id}`); x('/api/sync/app_' + y)",
        ],
    },
    Vector {
        rule: "NR-J09",
        file: SCRIPT,
        bad: &[
            (
                "async function f() { const r = await fetch('/x'); return r.json(); }",
                "fetch",
            ),
            ("fetch('/x').then(r => r.json())", "fetch"),
        ],
        good: &[
            "async function f() { const r = await fetch('/x'); if (!r.ok) throw 1; return r.json(); }",
            "fetch('/x').then(r => { if (r.status === 403) throw 1; return r.json() })",
            "fetch('/x').then(checked); function f() { return fetch('/x'); } const g = () => fetch('/x')",
            "use(await_, fetch('/x')); async function h() { const { ok } = await fetch('/x'); }",
        ],
    },
    Vector {
        rule: "NR-J10",
        file: SCRIPT,
        bad: &[
            ("(function () { const echarts = {}; })()", "echarts"),
            ("var Papa = 1;", "Papa"),
            ("(function () { function dayjs() {} })()", "dayjs"),
        ],
        good: &[
            "(function () { list.map(function (lucide) {}); })()",
            "(function ($, dayjs) { dayjs() })(1, 2)",
            "(function () { var chart = echarts.init(e); })()",
        ],
    },
    Vector {
        rule: "NR-J11",
        file: SCRIPT,
        bad: &[(
            "e.innerHTML = '<i data-lucide=\"x\"></i>'",
            "'<i data-lucide=\"x\"></i>'",
        )],
        good: &["e.innerHTML = '<i data-lucide=\"x\"></i>'; lucide.createIcons();"],
    },
    Vector {
        rule: "NR-J13",
        file: SCRIPT,
        bad: &[
            ("e.style.color = '#ff0000'", "'#ff0000'"),
            (
                "e.style.setProperty('color', 'rgb(1, 2, 3)')",
                "'rgb(1, 2, 3)'",
            ),
        ],
        good: &["e.style.color = 'var(--bs-primary)'; x('#top'); x('#hello'); e.style.color = c"],
    },
    Vector {
        rule: "SK-J01",
        file: SCRIPT,
        bad: &[
            ("(function () { var = 1; })();", "="),
            // The page loads it as a classic script.
            ("import { x } from './x.js';\n", "import"),
            ("(function () {})();\nexport default 1;\n", "export"),
        ],
        good: &["(function () { \"use strict\"; x?.y ?? 1; class A { #b = 1n } })();"],
    },
];

/// The app with a module in the place of its script.
fn with_module(text: &str) -> Bundle {
    let page = include_str!("app/index.html").replace(
        "<script src=\"index.js\">",
        "<script type=\"module\" src=\"js/app.js\">",
    );
    let mut bundle = app_with("index.html", &page);
    put(&mut bundle, "js/app.js", text);
    bundle
}

#[test]
fn modules_need_no_function_around_them() {
    let text = include_str!("app/index.js");
    let inner = text.trim_start_matches("(function () {\n  \"use strict\";\n");
    let inner = inner.trim_end().trim_end_matches("})();");
    assert_ne!(inner, text);

    let found = problems(&with_module(inner));
    assert_eq!(found, [], "{found:#?}");
}

#[test]
fn imports_that_no_browser_resolves_are_found() {
    for (text, part) in [
        ("import x from 'lodash';", "'lodash'"),
        (
            "import 'https://cdn.example/x.js';",
            "'https://cdn.example/x.js'",
        ),
        ("export * from 'x';", "'x'"),
        (
            "export { a } from '//cdn.example/x.js';",
            "'//cdn.example/x.js'",
        ),
        ("await import('react');", "'react'"),
    ] {
        let found = of_rule(&with_module(text), "NR-J12");
        assert_eq!(found, [(Severity::Error, part.to_owned())], "{text}");
    }
    let mut bundle = with_module(
        "import a from './a.js'; import b from '/assets/vendor/x.js'; import(name); import('./' + x);",
    );
    put(&mut bundle, "js/a.js", "export default 1;");
    assert_eq!(problems(&bundle), []);
}

#[test]
fn imports_that_a_map_names_are_resolved() {
    let page = "<script type=\"importmap\">{\"imports\": {\"x\": \"./x.js\", \"y/\": \"./y/\"}}</script>\
                <script type=\"module\" src=\"js/app.js\"></script>";
    let mut bundle = with_module("import 'x'; import 'y/z.js';");
    put(&mut bundle, "index.html", page);

    assert_eq!(of_rule(&bundle, "NR-J12"), []);
}

#[test]
fn a_file_that_is_imported_and_missing_is_found() {
    let found = of_rule(&with_module("import './gone.js';"), "NR-H07");
    assert_eq!(found, [(Severity::Error, "'./gone.js'".to_owned())]);
}

#[test]
fn what_is_imported_is_read_too() {
    let mut bundle = with_module("import './parts/table.js';");
    put(
        &mut bundle,
        "js/parts/table.js",
        "document.querySelectorAll('p');",
    );

    assert_eq!(of_rule(&bundle, "NR-J05").len(), 1);
}

#[test]
fn what_no_page_loads_is_not_read() {
    let mut bundle = app_with(
        "lib/backend.js",
        "var global = document.querySelectorAll('p');",
    );
    put(
        &mut bundle,
        "main.js",
        "function execute(payload) { return {}; }",
    );

    assert_eq!(problems(&bundle), []);
}

#[test]
fn what_may_be_well_is_no_error() {
    for (rule, text) in [
        (
            "NR-J01",
            "document.addEventListener('DOMContentLoaded', function () { 'use strict'; });",
        ),
        (
            "NR-J01",
            "var HelloWorld = (function () { 'use strict'; return {}; })();",
        ),
        (
            "NR-J03",
            "(function () { 'use strict'; window.Shop = window.Shop || {}; })();",
        ),
        (
            "NR-J05",
            "(function () { 'use strict'; document.querySelectorAll(selector); })();",
        ),
        (
            "NR-J06",
            "(function () { if (window.AdminWS) AdminWS.showToast('info', 'x'); })();",
        ),
        (
            "NR-J10",
            "(function () { 'use strict'; const echarts = window.echarts; })();",
        ),
        (
            "NR-J10",
            "(function () { 'use strict'; const { Papa } = window; })();",
        ),
    ] {
        let found = of_rule(&app_with(SCRIPT, text), rule);
        let severities: Vec<_> = found.iter().map(|(severity, _)| *severity).collect();
        assert_eq!(severities, [Severity::Warning], "{rule} in {text}");
    }
    let chart = "(function () { 'use strict'; setOption({ color: ['#ff0000'] }); })();";
    let found = of_rule(&app_with(SCRIPT, chart), "NR-J13");
    assert_eq!(found, [(Severity::Info, "'#ff0000'".to_owned())]);
}

#[test]
fn scripts_inside_of_pages_are_read_in_their_place() {
    let page =
        "<p>\n<script>\n  var shared = 1;\n</script><script type=\"text/template\">var x</script>";
    let found = of_rule(&app_with("index.html", page), "NR-J01");

    assert_eq!(found, [(Severity::Error, "shared".to_owned())]);
}
