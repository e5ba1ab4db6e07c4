//! Bundles that are made to break a reader: whatever comes, an answer does.

use proptest::prelude::*;

use super::*;
use crate::check::sources::FILE_BYTES;

#[test]
fn what_is_no_text_is_not_read() {
    for file in ["main.py", "index.js", "style.css", "index.html"] {
        let mut bundle = app();
        let path = BundlePath::parse(file).unwrap();
        bundle.insert(path, Bytes::from_static(b"\xff\xfe\x00a = 1"));

        let found = of_rule(&bundle, "SK-B20");
        assert_eq!(found, [(Severity::Info, String::new())], "{file}");
    }
}

#[test]
fn a_large_file_is_not_read() {
    let text = format!("body {{}} {}", " ".repeat(FILE_BYTES));
    let bundle = app_with("big.css", &text);

    assert_eq!(of_rule(&bundle, "SK-B20").len(), 1);
    assert_eq!(of_rule(&bundle, "NR-C04"), []);
}

#[test]
fn deep_nesting_is_read_or_given_up() {
    const DEPTH: usize = 10_000;
    let nested = |open: &str, close: &str| open.repeat(DEPTH) + &close.repeat(DEPTH);
    for (file, text) in [
        ("style.css", format!(".hw-a {{ {} }}", nested("a { ", "}"))),
        (
            "style.css",
            format!(".hw-a {{ margin: {} }}", nested("calc(", ")")),
        ),
        ("style.css", nested(":is(", ")")),
        ("style.css", nested("@media x { ", "}")),
        ("index.html", nested("<div>", "</div>")),
        ("index.js", nested("(", ")")),
        ("index.js", nested("[", "]")),
        (
            "index.js",
            format!("x = {}1", "-".to_owned() + &"!".repeat(DEPTH)),
        ),
        ("index.js", format!("x = 1{}", " + 1".repeat(DEPTH))),
        ("index.js", nested("function f() {", "}")),
        ("main.py", format!("x = {}", nested("(", ")"))),
        ("main.py", format!("x = 1{}", " + 1".repeat(DEPTH))),
        ("main.py", format!("x = {}1", "not ".repeat(DEPTH))),
        ("manifest.json", nested("[", "]")),
        (
            "manifest.json",
            format!("{{\"tables\": {}}}", nested("[", "]")),
        ),
    ] {
        // It is enough that there is an answer.
        let _ = problems(&app_with(file, &text));
    }
}

#[test]
fn long_lists_take_no_time_to_speak_of() {
    const COUNT: usize = 20_000;
    for (file, text) in [
        ("style.css", ".btn-a, ".repeat(COUNT) + ".b {}"),
        ("style.css", "}".repeat(COUNT)),
        ("index.html", "<a id=x onclick=y class='q w'>".repeat(COUNT)),
        ("index.html", "<".repeat(COUNT)),
        (
            "index.js",
            "document.querySelectorAll('p');\n".repeat(COUNT),
        ),
        ("index.js", "x('<b');\n".repeat(COUNT)),
        ("main.py", "cur.execute('SELECT a FROM b')\n".repeat(COUNT)),
        ("main.py", "def f(): f()\n".repeat(COUNT)),
    ] {
        let _ = problems(&app_with(file, &text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_source_makes_a_reader_panic(
        file in prop::sample::select(vec![
            "main.py", "index.js", "style.css", "index.html", "manifest.json",
        ]),
        text in prop::collection::vec(
            prop::sample::select(vec![
                "(", ")", "{", "}", "[", "]", "<", ">", "/", "*", "'", "\"", "`", "\\", "\n", "=",
                ":", ";", ",", ".", "#", "@", "%", "$", "&", "!", "-", "a", "é", "1", " ",
                "function", "def ", "class ", "import ", "url(", "<script>", "</script>", "<style>",
                "execute", "data", "fetch(", "@media ", "var(", "f'{", "SELECT ", "\u{0}", "\r\n",
            ]),
            0..40,
        ),
    ) {
        let bundle = app_with(file, &text.concat());
        for problem in problems(&bundle) {
            if let Some(place) = problem.place {
                let source = bundle.file(&place.file).unwrap();
                let source = String::from_utf8_lossy(source);
                prop_assert!(source.get(place.start.offset..place.end.offset).is_some());
            }
        }
    }
}
