//! Style sheets.

use super::*;

const STYLE: &str = "style.css";

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        rule: "NR-C01",
        file: STYLE,
        bad: &[
            (".btn-xs { padding: 0 }", ".btn-xs"),
            (".hw-a {} .card > .title, .hw-b {}", ".card > .title"),
            (
                "@media (min-width: 1px) { #main .x { margin: 0 } }",
                "#main .x",
            ),
            ("table.wide td {}", "table.wide td"),
            (".active:hover::before {}", ".active:hover::before"),
            (".a:not(.hw-b) {}", ".a:not(.hw-b)"),
        ],
        good: &[
            ".hw-card {} .hw-card .hw-name {} .btn-group .hw-x {} .hw_x {} .hwName {}",
            ".hw-a { .inner { margin: 0 } &.active {} }",
            "#hw-root table td {}",
            ".card:is(.hw-a) {}",
            "@keyframes spin { from { margin: 0 } 50% {} to {} }",
            "@font-face { font-family: x; src: url(x.woff2) }",
            ".app_hello_world-card {} .hello-x {} .app-hello-world {}",
            "[data-app=\"app_hello_world\"] .x {} .nr-app .x {}",
            "[data-bs-theme=\"dark\"] .hw-card {}",
        ],
    },
    Vector {
        rule: "NR-C02",
        file: STYLE,
        bad: &[("#hw-tabs .item {}", "#hw-tabs .item")],
        good: &[
            ".hw-tabs .hw-item {} .hw-tabs .nav-link {} .hw-a td {} .hw-a.active {} .hw-grid .tabulator-row {}",
        ],
    },
    Vector {
        rule: "NR-C03",
        file: STYLE,
        bad: &[
            (".hw-a { color: #fff }", "#fff"),
            (".hw-a { border: 1px solid rgb(1, 2, 3) }", "rgb(1, 2, 3)"),
            (
                ".hw-a { box-shadow: 0 0 1px rgba(0,0,0,.2) }",
                "rgba(0,0,0,.2)",
            ),
            (
                ".hw-a { background: linear-gradient(red, var(--bs-body-bg)) }",
                "red",
            ),
            (".hw-a { --hw-accent: #abcdef }", "#abcdef"),
        ],
        good: &[
            ".hw-a { color: var(--bs-primary); background: transparent; border-color: currentColor }",
            ".hw-a { color: rgba(var(--bs-body-color-rgb), .5) }",
            ".hw-a { font-family: Tan, Navy; animation: red 1s; content: '#fff'; grid-area: green }",
            "#hw-fff .hw-a { margin: 0 } /* #fff */",
        ],
    },
    Vector {
        rule: "NR-C04",
        file: STYLE,
        bad: &[
            ("body { margin: 0 }", "body"),
            (":root { --bs-body-bg: var(--x) }", ":root"),
            ("*, .hw-a { margin: 0 }", "*"),
            ("h1 + p {}", "h1 + p"),
            ("@media print { table td { margin: 0 } }", "table td"),
            ("a:hover {}", "a:hover"),
            ("::selection {}", "::selection"),
        ],
        good: &[
            ".hw-table thead th {} .hw-a > * {} table.hw-b {}",
            ":root { --hw-gap: 1rem; --hw-size: 2px }",
            "html[data-bs-theme=dark] .hw-a {}",
        ],
    },
    Vector {
        rule: "NR-C05",
        file: STYLE,
        bad: &[
            (
                "@import \"https://fonts.example/x.css\";",
                "\"https://fonts.example/x.css\"",
            ),
            (
                "@import url(//fonts.example/x.css);",
                "url(//fonts.example/x.css)",
            ),
            (
                ".hw-a { background: url('http://a.example/x.png') }",
                "url('http://a.example/x.png')",
            ),
        ],
        good: &[".hw-a { background: url(data:image/png;base64,AA==) } .hw-b { mask: url(#hw-m) }"],
    },
    Vector {
        rule: "NR-C06",
        file: "index.html",
        bad: &[("<div class=\"btn btn-xs\"></div>", "btn btn-xs")],
        good: &["<div class=\"btn btn-sm hw-anything nr-app tabulator-x {{x}} a-\"></div>"],
    },
    Vector {
        rule: "SK-C01",
        file: STYLE,
        bad: &[(".hw-a { margin: 0 }\n} .hw-b { margin: 0 }", "} .hw-b {")],
        good: &[".hw-a { margin: 0; ; } .hw-b { *zoom: 1; -x: {} }"],
    },
];

#[test]
fn a_fallback_is_only_noted() {
    let found = of_rule(
        &app_with(STYLE, ".hw-a { color: var(--bs-x, #fff) }"),
        "NR-C03",
    );
    assert_eq!(found, [(Severity::Info, "#fff".to_owned())]);
}

#[test]
fn styles_inside_of_pages_count_too() {
    let page = "<style>\n  .btn-xs { color: red }\n</style><p style=\"margin: 0; color: #123\">";
    let bundle = app_with("index.html", page);

    assert_eq!(
        of_rule(&bundle, "NR-C01"),
        [(Severity::Error, ".btn-xs".to_owned())]
    );
    let colours = of_rule(&bundle, "NR-C03");
    let parts: Vec<_> = colours.iter().map(|(_, part)| part.as_str()).collect();
    assert_eq!(parts, ["red", "#123"]);
}

#[test]
fn sheets_that_others_made_are_not_read() {
    for path in ["vendor/x.css", "css/x.min.css", "libs/a/x.css"] {
        let found = problems(&app_with(path, ".btn-xs { color: red }"));
        assert!(
            found.iter().all(|it| it.severity == Severity::Info),
            "{path}: {found:#?}"
        );
    }
}

#[test]
fn classes_of_scripts_are_known_by_what_looks_for_them() {
    let script = |line: &str| format!("(function () {{ \"use strict\";\n{line}\n}})();");

    let bad = script("e.className = \"btn btn-xs\"; f.classList.add(\"y\", \"hw-z\");");
    let found = of_rule(&app_with("index.js", &bad), "NR-C06");
    let parts: Vec<_> = found.iter().map(|(_, part)| part.as_str()).collect();
    assert_eq!(parts, ["\"btn btn-xs\"", "\"y\""]);

    let good = script("e.className = \"row-x\"; root.querySelector(\".row-x\");");
    assert_eq!(of_rule(&app_with("index.js", &good), "NR-C06"), []);
}
