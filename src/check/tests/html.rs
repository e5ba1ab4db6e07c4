//! Pages.

use super::*;

const PAGE: &str = "index.html";

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        rule: "NR-J04",
        file: PAGE,
        bad: &[
            ("<button onclick=\"go()\">", "onclick=\"go()\""),
            ("<body ONLOAD='a'>", "ONLOAD='a'"),
            ("<svg><g onmouseover=x /></svg>", "onmouseover=x"),
        ],
        good: &[
            "<button data-action=\"go\" data-onclick=\"x\" one=\"1\">onclick=\"x\"<!-- <a onclick=x> -->",
        ],
    },
    Vector {
        rule: "NR-H01",
        file: PAGE,
        bad: &[(
            "<p><script src=\"/static/js/bootstrap.bundle.min.js\"></script>",
            "<script src=\"/static/js/bootstrap.bundle.min.js\">",
        )],
        good: &["<head><script src=\"/static/js/bootstrap.bundle.min.js\"></script></head>"],
    },
    Vector {
        rule: "NR-H02",
        file: PAGE,
        bad: &[(
            "<body><link rel=\"stylesheet\" href=\"/static/css/bootstrap.min.css\">",
            "<link rel=\"stylesheet\" href=\"/static/css/bootstrap.min.css\">",
        )],
        good: &[
            "<html><head><link rel=\"stylesheet\" href=\"/static/css/bootstrap.min.css\"></head>",
        ],
    },
    Vector {
        rule: "NR-H03",
        file: PAGE,
        bad: &[
            (
                "<script src=\"https://cdn.example/x.js\"></script>",
                "https://cdn.example/x.js",
            ),
            (
                "<link rel=stylesheet href=//cdn.example/x.css>",
                "//cdn.example/x.css",
            ),
            (
                "<img src='http://localhost:3000/x.png'>",
                "http://localhost:3000/x.png",
            ),
            (
                "<video poster=\"https://a.example/x.png\">",
                "https://a.example/x.png",
            ),
        ],
        good: &[
            "<a href=\"https://docs.example\">docs</a><link rel=\"canonical\" href=\"https://a.example\">",
            "<img src=\"data:image/png;base64,AA==\"><!-- <script src=\"https://cdn.example\"> -->",
            "<script src=\"/assets/vendor/dayjs.min.js\"></script>",
        ],
    },
    Vector {
        rule: "NR-H04",
        file: PAGE,
        bad: &[(
            "<script src=\"/assets/vendor/dayjs.min.js\"></script><script src=\"index.js\"></script>",
            "<script src=\"/assets/vendor/dayjs.min.js\">",
        )],
        good: &["<script src=\"index.js\"></script>"],
    },
    Vector {
        rule: "NR-H06",
        file: PAGE,
        bad: &[(
            "<iframe src=\"x.html\"></iframe>",
            "<iframe src=\"x.html\">",
        )],
        good: &["<textarea><iframe></textarea>"],
    },
    Vector {
        rule: "NR-H07",
        file: PAGE,
        bad: &[
            (
                "<link rel=\"stylesheet\" href=\"css/app.css\">",
                "css/app.css",
            ),
            (
                "<script src=\"/apps/app_hello_world/gone.js\"></script>",
                "/apps/app_hello_world/gone.js",
            ),
        ],
        good: &[
            "<link rel=\"stylesheet\" href=\"./style.css?v=1\"><script src=\"/apps/app_hello_world/index.js\"></script>",
            "<script src=\"/apps/other/x.js\"></script><script src=\"{{ url }}\"></script>",
        ],
    },
    Vector {
        rule: "NR-H09",
        file: PAGE,
        bad: &[("<p id=\"message\">", "message")],
        good: &["<p id=\"hw-message\"><p id=\"\"><p id=\"{{id}}\">"],
    },
];

const GRID: &str = "(function () { \"use strict\"; new Tabulator(root, {}); })();";

/// The app with a grid, on a page with this head and body.
fn with_grid(head: &str, body: &str) -> Bundle {
    let page = format!("<html><head>{head}</head><body>{body}</body></html>");
    let mut bundle = app_with("index.js", GRID);
    put(&mut bundle, PAGE, &page);
    bundle
}

const CSS: &str = "<link rel=\"stylesheet\" href=\"/assets/vendor/tabulator.min.css\" />";
const LIBRARY: &str = "<script src=\"/assets/vendor/tabulator.min.js\"></script>";
const SCRIPT: &str = "<script src=\"index.js\"></script>";

#[test]
fn a_grid_needs_its_style_in_the_head() {
    let body = format!("{LIBRARY}{SCRIPT}");
    for (head, before, expected) in [
        (CSS, "", vec![]),
        ("", "", vec![(Severity::Error, "Tabulator".to_owned())]),
        ("", CSS, vec![(Severity::Warning, CSS.to_owned())]),
        ("<style>.tabulator { margin: 0 }</style>", "", vec![]),
    ] {
        let bundle = with_grid(head, &format!("{before}{body}"));
        assert_eq!(of_rule(&bundle, "NR-H05"), expected, "{head} {before}");
    }
}

#[test]
fn a_library_is_loaded_and_before_its_use() {
    for (body, missing, late) in [
        (format!("{LIBRARY}{SCRIPT}"), false, false),
        (SCRIPT.to_owned(), true, false),
        (format!("{SCRIPT}{LIBRARY}"), false, true),
        (
            format!("<script defer src=\"index.js\"></script>{LIBRARY}"),
            false,
            false,
        ),
        (
            format!("<script src=\"vendor/tabulator.js\"></script>{SCRIPT}"),
            false,
            false,
        ),
    ] {
        let bundle = with_grid(CSS, &body);
        assert_eq!(!of_rule(&bundle, "NR-H04").is_empty(), missing, "{body}");
        assert_eq!(!of_rule(&bundle, "NR-H08").is_empty(), late, "{body}");
    }
}

#[test]
fn an_image_that_is_missing_is_a_warning() {
    let found = of_rule(&app_with(PAGE, "<img src=\"logo.png\">"), "NR-H07");
    assert_eq!(found, [(Severity::Warning, "logo.png".to_owned())]);
}

#[test]
fn fragments_may_name_files_from_the_page_or_from_themselves() {
    let mut bundle = app_with(
        "js/parts/list.html",
        "<img src=\"a.png\"><img src=\"js/b.png\">",
    );
    put(&mut bundle, "js/parts/a.png", "");
    put(&mut bundle, "js/b.png", "");
    assert_eq!(of_rule(&bundle, "NR-H07"), []);
}

#[test]
fn icons_in_a_page_are_drawn_by_a_script() {
    let mut bundle = app_with(
        PAGE,
        "<i data-lucide=\"x\"></i><script src=\"index.js\"></script>",
    );
    assert_eq!(of_rule(&bundle, "NR-J11").len(), 1);

    put(
        &mut bundle,
        "index.js",
        "(function () { \"use strict\"; lucide.createIcons(); })();",
    );
    assert_eq!(of_rule(&bundle, "NR-J11"), []);
}
