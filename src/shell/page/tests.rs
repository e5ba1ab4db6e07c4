use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::app::Bundle;
use crate::shell::{File, Frontend};

const DIGEST: &str = "0f";
const MODULES: &str = "<script type=\"importmap\" nonce=\"{{skep-nonce}}\">\
    {\"imports\":{\"/apps/shop/\":\"/apps/shop/@0f/\",\"/apps/shop/@0f/\":\"/apps/shop/@0f/\"}}\
    </script>\n";

fn taken_apart(html: &str) -> Page {
    let names = ["style.css", "index.js", "js/app.js", "a b.js"];
    let files: BTreeMap<String, File> = names
        .iter()
        .map(|name| {
            let contents = Bytes::from_static(name.as_bytes());
            ((*name).to_owned(), File::new(name, &contents))
        })
        .collect();
    let app = "shop".parse().unwrap();
    let addresses = Addresses {
        app: &app,
        digest: DIGEST,
        files: &files,
    };
    take_apart(html.as_bytes(), &addresses).unwrap()
}

/// What comes into the head beside the map of modules, and the body.
fn parts(html: &str) -> (String, String) {
    let Page { head, body } = taken_apart(html);
    let head = head.strip_prefix(MODULES).expect("the map of modules");
    (head.trim_end().to_owned(), body)
}

fn integrity_of(name: &str) -> String {
    crate::shell::integrity(name.as_bytes())
}

#[test]
fn the_guides_own_starter_is_taken_apart() {
    let (head, body) = parts(
        r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="UTF-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1.0" />
    <title>shop</title>
    <!-- Bootstrap, for standalone testing only -->
    <link rel="stylesheet" href="/static/css/bootstrap.min.css" />
    <link rel="stylesheet" href="/assets/vendor/tabulator.min.css" />
    <link rel="stylesheet" href="style.css" />
  </head>
  <body>
    <div class="container py-4"><h1 class="h3 mb-1">Shop</h1></div>
    <script src="/static/js/bootstrap.bundle.min.js"></script>
    <script src="/assets/vendor/echarts.min.js"></script>
    <script src="index.js"></script>
  </body>
</html>"#,
    );

    let tabulator = crate::ui::library("/assets/vendor/tabulator.min.css").unwrap();
    let echarts = crate::ui::library("/assets/vendor/echarts.min.js").unwrap();
    assert_eq!(
        head,
        format!(
            "<link rel=\"stylesheet\" href=\"/assets/vendor/tabulator.min.css?v={}\" integrity=\"{}\" />\n\
             <link rel=\"stylesheet\" href=\"/apps/shop/@0f/style.css\" integrity=\"{}\" />",
            tabulator.digest,
            crate::shell::integrity(tabulator.plain),
            integrity_of("style.css"),
        )
    );
    assert!(body.contains(r#"<div class="container py-4"><h1 class="h3 mb-1">Shop</h1></div>"#));
    assert!(!body.contains("bootstrap.bundle"), "{body}");
    let script = format!(
        "<script src=\"/assets/vendor/echarts.min.js?v={}\" nonce=\"{{{{skep-nonce}}}}\"",
        echarts.digest
    );
    assert!(body.contains(&script), "{body}");
    let script = format!(
        "<script src=\"/apps/shop/@0f/index.js\" nonce=\"{{{{skep-nonce}}}}\" integrity=\"{}\"></script>",
        integrity_of("index.js")
    );
    assert!(body.ends_with(&script), "{body}");
    for gone in [
        "<html", "<head", "<body", "</body", "</html", "<title", "<meta", "doctype",
    ] {
        assert!(!body.contains(gone), "{gone}: {body}");
    }
}

#[test]
fn what_is_in_the_head_is_carried_over_in_its_order() {
    let (head, body) = parts(
        "<head><style>.a > b { color: red }</style>\
         <script>window.a = \"<p>\"</script>\
         <link rel=icon href=x.png>\
         <script type=module src=js/app.js defer></script></head><body><p>Hi</p></body>",
    );

    assert_eq!(
        head,
        format!(
            "<style>.a > b {{ color: red }}</style>\n\
             <script nonce=\"{{{{skep-nonce}}}}\">window.a = \"<p>\"</script>\n\
             <link rel=icon href=x.png>\n\
             <script type=module src=\"/apps/shop/@0f/js/app.js\" defer nonce=\"{{{{skep-nonce}}}}\" integrity=\"{}\"></script>",
            integrity_of("js/app.js")
        )
    );
    assert_eq!(body, "<p>Hi</p>");
}

#[test]
fn tags_that_html_lets_one_leave_out_may_be_left_out() {
    for html in [
        "<title>x</title><link rel=stylesheet href=other.css><p>Hi",
        "<!doctype html><html><head><title>x</title><link rel=stylesheet href=other.css><body><p>Hi",
        "\u{feff}<head><link rel=stylesheet href=other.css></head>\n<p>Hi",
    ] {
        let (head, body) = parts(html);
        assert_eq!(head, "<link rel=stylesheet href=other.css>", "{html}");
        assert_eq!(body, "<p>Hi", "{html}");
    }
    // What comes after something that one sees stays where it is.
    let (head, body) = parts("<div class=\"nr-app\" data-app=\"shop\">1</div><style>.x{}</style>");
    assert_eq!(head, "");
    assert_eq!(
        body,
        "<div class=\"nr-app\" data-app=\"shop\">1</div><style>.x{}</style>"
    );
}

#[test]
fn bootstrap_is_taken_out_wherever_it_is_and_nothing_else() {
    for gone in [
        "<link href=\"css/bootstrap.css?v=3\" rel=stylesheet>",
        "<link rel=stylesheet href=https://cdn.example/bootstrap@5/dist/css/bootstrap.rtl.min.css>",
        "<script src=\"/static/js/bootstrap.bundle.min.js\"></script>",
        "<script src=vendor/bootstrap.min.js defer></script>",
    ] {
        assert_eq!(parts(&format!("<head>{gone}</head>")).0, "", "{gone}");
        assert_eq!(
            parts(&format!("<body><p>{gone}</p>")).1,
            "<p></p>",
            "{gone}"
        );
    }
    for stays in [
        "<link rel=\"stylesheet\" href=\"bootstrap-icons.css\">",
        "<link rel=\"stylesheet\" href=\"bootstrap.theme.css\">",
        "<link rel=\"stylesheet\" href=\"my-bootstrap.css\">",
    ] {
        assert_eq!(parts(&format!("<head>{stays}</head>")).0, stays);
    }
}

#[test]
fn what_would_move_or_leave_the_page_goes() {
    let (head, body) = parts(
        "<head><base href=\"https://other.example/\"><noscript><meta http-equiv=refresh content=0></noscript></head>\
         <body><meta http-equiv=\"refresh\" content=\"0;url=https://other.example/\"><base href=x>\
         <noscript>No scripts</noscript><svg><title>T</title></svg></body>",
    );
    assert_eq!(head, "");
    assert_eq!(
        body,
        "<noscript>No scripts</noscript><svg><title>T</title></svg>"
    );
}

#[test]
fn only_files_of_the_app_are_named_by_their_contents() {
    let script = |src: &str| parts(&format!("<body><i></i><script src=\"{src}\"></script>")).1;
    for (src, address) in [
        ("index.js", "/apps/shop/@0f/index.js"),
        ("./js/../index.js?x=1", "/apps/shop/@0f/index.js?x=1"),
        ("/apps/shop/js/app.js", "/apps/shop/@0f/js/app.js"),
        ("a b.js", "/apps/shop/@0f/a%20b.js"),
        ("a%20b.js", "/apps/shop/@0f/a%20b.js"),
    ] {
        assert!(
            script(src).contains(&format!("src=\"{address}\" nonce")),
            "{}",
            script(src)
        );
    }
    for src in [
        "missing.js",
        "../index.js",
        "/index.js",
        "//other.example/apps/shop/index.js",
        "https://other.example/apps/shop/index.js",
        "data:text/javascript,1",
        "/apps/other/index.js",
        "/assets/vendor/nothing.js",
    ] {
        assert_eq!(
            script(src),
            format!("<i></i><script src=\"{src}\" nonce=\"{{{{skep-nonce}}}}\"></script>")
        );
    }
}

#[test]
fn a_nonce_that_the_author_wrote_does_not_count() {
    let (_, body) = parts("<p></p><script nonce=\"guess\">1</script>");
    assert_eq!(body, "<p></p><script nonce=\"{{skep-nonce}}\">1</script>");
}

#[test]
fn a_page_that_cannot_be_shown_says_why() {
    let app = "shop".parse().unwrap();
    let page_of = |contents: &'static str| {
        let bundle = Bundle::for_tests(&[("index.html", contents)]);
        Frontend::new(&app, &bundle).page
    };
    assert!(matches!(page_of("<p>Hi"), Some(Ok(_))));
    assert_eq!(Frontend::new(&app, &Bundle::for_tests(&[])).page, None);

    let files = BTreeMap::new();
    let addresses = Addresses {
        app: &app,
        digest: DIGEST,
        files: &files,
    };
    let large = vec![b' '; LARGEST + 1];
    assert_eq!(
        take_apart(&large, &addresses),
        Err(PageError::TooLarge(LARGEST + 1))
    );
    assert_eq!(take_apart(b"caf\xe9", &addresses), Err(PageError::NotUtf8));
}

/// Broken pages are no reason to fail.
#[test]
fn any_page_can_be_taken_apart() {
    for html in [
        "",
        "<",
        "<script",
        "<script>",
        "<head><style>.a",
        "</body></html><p>",
        "<p></head><link rel=stylesheet href=style.css>",
        "<select><script src=index.js></script></select>",
        "<template><script>1</script></template>",
        "<svg><script href=index.js></script></svg>",
        "<!-- <script> ",
    ] {
        let _ = taken_apart(html);
    }
}
