//! Apps in the browser, as far as it goes without one: their page in the layout, and their files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::bundle::Bundle;
use crate::host::{Answer, Host};

/// The starter of the NodeRouter guide.
const STARTER: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="UTF-8" />
    <title>shop</title>
    <link rel="stylesheet" href="/static/css/bootstrap.min.css" />
    <link rel="stylesheet" href="style.css" />
  </head>
  <body>
    <div class="container py-4"><h1 class="h3 mb-1">The shop</h1></div>
    <script src="/static/js/bootstrap.bundle.min.js"></script>
    <script src="/assets/vendor/dayjs.min.js"></script>
    <script src="index.js"></script>
  </body>
</html>"#;

fn shop() -> Bundle {
    Bundle::of_guest("shop", "echo")
        .with("display_name", json!("The shop of <b>A & B</b>"))
        .file("index.html", STARTER)
        .file("index.js", "(function () { \"use strict\"; })();")
        .file("style.css", ".sh-card { color: var(--bs-body-color); }")
        .file("js/components/row.html", "<tr class=\"sh-row\"></tr>")
        .file("js/long.js", "export const word = 1;\n".repeat(200))
        .file("main.py", "def execute(data): return data")
        .file("libs/package/secret.json", "{}")
        .file("services/items.py", "x = 1")
        .file(".env", "SECRET=1")
}

async fn get_with(host: &Host, path: &str, name: &str, value: &str) -> Answer {
    let admin = host.admin();
    let request = admin.request(Method::GET, path).header(name, value);
    admin.send(request).await
}

#[tokio::test]
async fn an_apps_page_is_put_into_the_layout() {
    let host = Host::start().await;
    host.install(&shop()).await;

    let page = host.admin().get("/apps/shop/").await.expect(200);
    let html = &page.body;
    let title = "<title>The shop of &#60;b&#62;A &#38; B&#60;/b&#62; · Skep</title>";
    assert!(html.contains(title), "{html}");
    let (head, body) = html.split_once("<div class=\"nr-app\">").unwrap();
    assert!(
        body.contains("<h1 class=\"h3 mb-1\">The shop</h1>"),
        "{html}"
    );

    // Bootstrap once and before all, the app's head behind it, and AdminWS behind the app.
    assert_eq!(html.matches("bootstrap.min.css").count(), 1);
    assert_eq!(html.matches("bootstrap.bundle.min.js").count(), 1);
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
    assert!(place("bootstrap.min.css") < place("/style.css"));
    assert!(place("/style.css") < head.len());
    assert!(place("dayjs.min.js") > head.len());
    assert!(place("dayjs.min.js") < place("/index.js"));
    assert!(place("/index.js") < place("/admin-ws.js"));
    assert_eq!(html.matches("<html").count(), 1);
    assert_eq!(html.matches("<body").count(), 1);

    // Each script runs by the nonce of this answer.
    let policy = page.header("content-security-policy");
    let (_, rest) = policy.split_once("'nonce-").unwrap();
    let nonce = format!("nonce=\"{}\"", rest.split('\'').next().unwrap());
    assert_eq!(
        html.matches("<script").count(),
        html.matches(&nonce).count()
    );
    let again = host.admin().get("/apps/shop/").await.expect(200);
    assert!(!again.body.contains(&nonce));
}

#[tokio::test]
async fn what_a_page_refers_to_is_what_its_digest_says() {
    let host = Host::start().await;
    host.install(&shop()).await;
    let page = host.admin().get("/apps/shop/").await.expect(200).body;

    let mut checked = 0;
    for tag in page.split('<').filter(|tag| tag.contains("integrity=")) {
        let value = |name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let address = value(if tag.starts_with("script") {
            "src"
        } else {
            "href"
        });
        let file = host.admin().get(&address).await.expect(200);
        let digest = STANDARD.encode(Sha256::digest(file.body.as_bytes()));
        assert_eq!(value("integrity"), format!("sha256-{digest}"), "{address}");
        assert!(
            file.header("cache-control").ends_with("immutable"),
            "{address}"
        );
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[tokio::test]
async fn files_for_browsers_are_served_and_those_of_the_backend_are_not() {
    let host = Host::start().await;
    host.install(&shop()).await;

    for (path, kind) in [
        ("index.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("js/components/row.html", "text/html; charset=utf-8"),
        ("js/long.js", "text/javascript; charset=utf-8"),
        ("js%2Flong.js", "text/javascript; charset=utf-8"),
    ] {
        let path = format!("/apps/shop/{path}");
        let file = host.admin().get(&path).await.expect(200);
        assert_eq!(file.header("content-type"), kind, "{path}");
        assert_eq!(file.header("cache-control"), "private, no-cache");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!(file.header("cross-origin-resource-policy"), "same-origin");
        // Alone, it may do nothing.
        let policy = file.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");

        let tag = file.header("etag").to_owned();
        let same = get_with(&host, &path, "if-none-match", &tag)
            .await
            .expect(304);
        assert_eq!(same.body, "");
    }
    for path in [
        "main.py",
        "manifest.json",
        "component.wasm",
        "services/items.py",
        "libs/package/secret.json",
        "libs%2Fpackage%2Fsecret.json",
        "Main.py",
        ".env",
        "nothing.js",
        "js/",
        "..%2Fmanifest.json",
        "js/..%2F..%2Fmain.py",
        "%2e%2e/main.py",
        "main.py%00.js",
    ] {
        let answer = host.admin().get(&format!("/apps/shop/{path}")).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        answer.error();
    }
}

#[tokio::test]
async fn long_text_is_sent_packed_to_who_takes_that() {
    let host = Host::start().await;
    host.install(&shop()).await;
    let plain = host.admin().get("/apps/shop/js/long.js").await.expect(200);
    assert!(!plain.headers.contains_key("content-encoding"));

    let admin = host.admin();
    let request = admin
        .request(Method::GET, "/apps/shop/js/long.js")
        .header("accept-encoding", "gzip, br");
    let packed = request.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["vary"], "accept-encoding");
    assert_ne!(packed.headers()["etag"], plain.header("etag"));
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() * 10 < plain.body.len());
    let mut unpacked = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&packed[..]),
        &mut unpacked,
    )
    .unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn who_lacks_the_apps_permission_gets_neither_page_nor_file() {
    let host = Host::start().await;
    let permission = json!("sales:access");
    host.install(&shop().with("required_permission", permission))
        .await;
    let uma = host.user("uma", &["user"]).await;

    let page = uma.get("/apps/shop/").await.expect(403);
    assert!(
        page.body.contains("You may not open this app"),
        "{}",
        page.body
    );
    assert!(page.body.contains("sales:access"));
    assert!(!page.body.contains("h3 mb-1"));
    for path in ["index.js", "index.html", "nothing.js"] {
        let answer = uma.get(&format!("/apps/shop/{path}")).await.expect(403);
        assert_eq!(
            answer.error(),
            "insufficient permissions: sales:access required"
        );
    }
    let answer = host
        .anonymous()
        .get("/apps/shop/index.js")
        .await
        .expect(401);
    assert!(!answer.body.contains("use strict"));
    host.admin().get("/apps/shop/").await.expect(200);
}

#[tokio::test]
async fn a_disabled_app_has_a_page_that_says_so() {
    let host = Host::start().await;
    host.install(&shop()).await;
    let admin = host.admin();
    admin
        .post("/admin/api/apps/shop/disable", &json!({}))
        .await
        .expect(204);

    let page = admin.get("/apps/shop/").await.expect(503);
    assert!(
        page.body.contains("This app is switched off"),
        "{}",
        page.body
    );
    admin.get("/apps/shop/index.js").await.expect(503);

    admin
        .post("/admin/api/apps/shop/enable", &json!({}))
        .await
        .expect(204);
    admin.get("/apps/shop/").await.expect(200);
}

#[tokio::test]
async fn a_page_that_cannot_be_shown_says_what_to_mend() {
    let host = Host::start().await;
    let broken = Bundle::of_guest("broken", "echo").file("index.html", b"<p>caf\xe9".to_vec());
    host.install(&broken).await;
    let pageless = Bundle::of_guest("pageless", "echo").file("data.json", "{}");
    host.install(&pageless).await;

    let page = host.admin().get("/apps/broken/").await.expect(500);
    assert!(
        page.body.contains("index.html is not UTF-8"),
        "{}",
        page.body
    );
    let page = host.admin().get("/apps/pageless/").await.expect(404);
    assert!(page.body.contains("This app has no page"), "{}", page.body);
    host.admin()
        .get("/apps/pageless/data.json")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_page_goes_on_with_the_files_that_it_began_with() {
    let host = Host::start().await;
    host.install(&shop()).await;
    let named = |page: &str| {
        let (_, rest) = page.split_once("/apps/shop/@").unwrap();
        format!("/apps/shop/@{}", rest.split('/').next().unwrap())
    };
    let before = named(&host.admin().get("/apps/shop/").await.expect(200).body);

    let next = shop().version("2.0.0").file("js/new.js", "export {};");
    host.install(&next).await;
    let now = named(&host.admin().get("/apps/shop/").await.expect(200).body);
    assert_ne!(before, now);
    host.admin()
        .get(&format!("{now}/js/new.js"))
        .await
        .expect(200);
    host.admin()
        .get(&format!("{before}/js/new.js"))
        .await
        .expect(404);
    host.admin()
        .get(&format!("{before}/index.js"))
        .await
        .expect(200);
    host.admin()
        .get(&format!("{before}/main.py"))
        .await
        .expect(404);
    let unknown = format!("/apps/shop/@{}/index.js", "0".repeat(64));
    host.admin().get(&unknown).await.expect(404);
}

#[tokio::test]
async fn pages_that_nobody_consented_to_are_not_shown() {
    let host = Host::start().await;
    host.install(&shop()).await;
    let role = json!({ "name": "deployer", "permissions": ["skep:apps"] });
    host.admin()
        .post("/admin/api/roles", &role)
        .await
        .expect(201);
    let dora = host.user("dora", &["deployer"]).await;

    let changed = STARTER.replace("The shop", "Another shop");
    let next = Bundle::of_guest("shop", "echo")
        .version("2.0.0")
        .file("index.html", changed)
        .file("index.js", "")
        .file("style.css", "");
    let report = dora.deploy(next.zip()).await.expect(202).json();
    assert_eq!(report["state"], "waiting");
    let page = host.admin().get("/apps/shop/").await.expect(200);
    assert!(!page.body.contains("Another shop"));
    let frontend = report["plan"]["frontend"]["after"].as_str().unwrap();
    let waiting = format!("/apps/shop/@{frontend}/index.html");
    host.admin().get(&waiting).await.expect(404);

    host.admin().accept(&report).await.expect(204);
    let page = host.admin().get("/apps/shop/").await.expect(200);
    assert!(page.body.contains("Another shop"));
    let shown = host
        .admin()
        .get("/admin/api/apps/shop")
        .await
        .expect(200)
        .json();
    assert_eq!(shown["frontend"], report["plan"]["frontend"]["after"]);
}

#[tokio::test]
async fn somebody_who_goes_to_index_html_comes_to_the_page() {
    let host = Host::start().await;
    host.install(&shop()).await;

    let visit = get_with(&host, "/apps/shop/index.html", "sec-fetch-dest", "document").await;
    assert!(visit.expect(200).body.contains("class=\"nr-app\""));
    // A script that fetches it gets the file.
    let fetched = get_with(&host, "/apps/shop/index.html", "sec-fetch-dest", "empty").await;
    assert_eq!(fetched.expect(200).body, STARTER);
}
