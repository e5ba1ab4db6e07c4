use super::*;

fn frontend(files: &[(&str, &'static str)]) -> Frontend {
    Frontend::new(&"shop".parse().unwrap(), &Bundle::for_tests(files))
}

#[test]
fn each_file_has_the_kind_that_browsers_want() {
    for (path, kind) in [
        ("index.html", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("js/app.js", "text/javascript; charset=utf-8"),
        ("js/app.mjs", "text/javascript; charset=utf-8"),
        ("data.json", "application/json; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("rows.csv", "text/csv; charset=utf-8"),
        ("photo.png", "image/png"),
        ("font.woff2", "font/woff2"),
        (
            "sheet.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        ("module.wasm", "application/wasm"),
        ("LIST", "application/octet-stream"),
    ] {
        let frontend = frontend(&[(path, "x")]);
        assert_eq!(frontend.file(path).unwrap().kind, kind, "{path}");
    }
}

#[test]
fn text_is_packed_where_that_makes_it_smaller() {
    let long: &'static str = Box::leak("word ".repeat(1000).into_boxed_str());
    let frontend = frontend(&[("a.js", long), ("b.js", "short"), ("c.png", long)]);

    let packed = |path: &str| frontend.file(path).unwrap().gzip.as_ref().map(Bytes::len);
    assert!(packed("a.js").is_some_and(|bytes| bytes < 200));
    assert_eq!(packed("b.js"), None);
    assert_eq!(packed("c.png"), None);
    assert!(frontend.bytes() > 10_000);
}

#[test]
fn the_backend_is_not_in_it() {
    let frontend = frontend(&[
        ("index.html", "<p>"),
        ("main.py", ""),
        ("manifest.json", "{}"),
    ]);

    assert!(frontend.file("index.html").is_some());
    for path in [
        "main.py",
        "manifest.json",
        "",
        "/index.html",
        "../index.html",
    ] {
        assert!(frontend.file(path).is_none(), "{path}");
    }
}
