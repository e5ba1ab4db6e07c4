//! What authors work with: `skep new`, `skep test` and `skep dev`, from outside.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::host::{Client, folder, skep, until};
use crate::python;

/// An author with a folder for apps, and what has been built before on this machine.
struct Author {
    folder: TempDir,
}

impl Author {
    fn new() -> Self {
        let folder = folder();
        python::share_with(&folder.path().join("data"));
        Self { folder }
    }

    fn app(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make(&self, name: &str, template: &str) -> PathBuf {
        let output = skep()
            .args(["new", name, "--template", template, "--path"])
            .arg(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        self.app(name)
    }

    /// Writes an app whose manifest has only what it must.
    fn write(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let app = self.app(name);
        fs::create_dir_all(app.join("tests")).unwrap();
        let manifest = json!({
            "app_name": name, "display_name": name, "version": "1.0.0",
            "description": "For a test.", "required_permission": "", "actions": [],
            "tables": [format!("CREATE TABLE IF NOT EXISTS {name}_items (name text NOT NULL)")],
        });
        fs::write(app.join("manifest.json"), manifest.to_string()).unwrap();
        for (path, text) in files {
            fs::write(app.join(path), text).unwrap();
        }
        app
    }

    /// A command of which nothing has to be built and compiled again.
    fn command(&self, name: &str) -> Command {
        let mut command = skep();
        command
            .arg(name)
            .env("XDG_CACHE_HOME", python::kept("live"))
            .arg("--data")
            .arg(self.folder.path().join("data"));
        command
    }

    fn test(&self, app: &Path, more: &[&str]) -> Output {
        let _turn = python::turn();
        let mut command = self.command("test");
        command.arg(app).args(more).output().unwrap()
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn what_is_new_passes_its_own_tests() {
    let author = Author::new();
    for (template, tests) in [
        ("python", 6),
        ("dashboard", 6),
        ("job", 6),
        ("javascript", 4),
    ] {
        let app = author.make(&format!("app_{template}"), template);

        let output = author.test(&app, &[]);

        let all = format!("{tests} passed, 0 failed, 0 skipped\n");
        assert!(output.status.success(), "{template}: {}", said(&output));
        assert!(said(&output).ends_with(&all), "{}", said(&output));
    }
}

/// An app some of whose tests fail.
const FAILING: [(&str, &str); 3] = [
    (
        "main.py",
        "
def execute(data, conn=None):
    with conn.cursor() as cur:
        cur.execute('INSERT INTO shop_items VALUES (%s)', (data['name'],))
    return {'name': data['name'], 'more': 1}
",
    ),
    (
        "tests/cases.json",
        r#"[
            {"name": "other rows", "input": {"name": "a"},
             "rows": {"SELECT name FROM shop_items": [{"name": "b"}]}},
            {"name": "other answer", "input": {"name": "a"}, "output": {"name": "a"}},
            {"name": "a part", "input": {"name": "a"}, "contains": {"name": "a"}},
            {"name": "broken", "input": {}},
            {"name": "meant to break", "input": {}, "error": "KeyError"}
        ]"#,
    ),
    (
        "tests/test_main.py",
        "
import unittest

import main


def test_rows_are_its_own(conn):
    main.execute({'name': 'a'}, conn=conn)
    with conn.cursor() as cur:
        cur.execute('SELECT count(*) FROM shop_items')
        assert cur.fetchone() == (1,)


test_again = test_rows_are_its_own


def test_that_fails():
    print('before it failed')
    assert 1 == 2, 'one is not two'


def test_that_asks_for_more(tmp_path):
    pass


async def test_that_waits():
    pass


def test_the_sources_are_for_reading():
    import os
    for change in (
        lambda: open('/sources/main.py', 'w'),
        lambda: open('/sources/new.py', 'w'),
        lambda: os.mkdir('/sources/new'),
        lambda: os.remove('/sources/main.py'),
        lambda: os.rename('/sources/main.py', '/sources/other.py'),
        lambda: os.rename('/sources/main.py', '/tmp/main.py'),
        lambda: os.utime('/sources/main.py', (1, 1)),
    ):
        try:
            change()
        except OSError:
            continue
        raise AssertionError('it was changed')
    assert 'def execute' in open('/sources/main.py').read()
    assert sorted(os.listdir('/sources')) == ['main.py', 'manifest.json', 'tests']


class Tests(unittest.TestCase):
    @unittest.skip('not today')
    def test_skipped(self):
        self.fail()

    def test_passed(self):
        self.assertTrue(callable(main.execute))
",
    ),
];

#[tokio::test]
async fn a_test_that_fails_says_why_and_so_does_the_command() {
    let author = Author::new();
    let app = author.write("shop", &FAILING);

    let output = author.test(&app, &[]);

    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for expected in [
        "FAILED  tests/cases.json  other rows",
        "the rows of `SELECT name FROM shop_items`: at `[0].name`: expected \"b\", found \"a\"",
        "the answer: `more` is there and not expected: 1",
        "ok      tests/cases.json  a part",
        "FAILED  tests/cases.json  broken",
        "KeyError: 'name'",
        "ok      tests/cases.json  meant to break",
        "ok      tests/test_main.py  test_rows_are_its_own",
        "ok      tests/test_main.py  test_again",
        "FAILED  tests/test_main.py  test_that_fails",
        "assert 1 == 2, 'one is not two'",
        "before it failed",
        "test_that_asks_for_more wants tmp_path: a test is given `conn` and `query`, and no more",
        "ok      tests/test_main.py  test_that_waits",
        "ok      tests/test_main.py  test_the_sources_are_for_reading",
        "skipped tests/test_main.py  Tests.test_skipped: not today",
        "ok      tests/test_main.py  Tests.test_passed",
        "\n7 passed, 5 failed, 1 skipped\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }

    let one = author.test(&app, &["--only", "Tests.test_passed"]);
    assert!(one.status.success(), "{}", said(&one));
    assert!(said(&one).ends_with("\n1 passed, 0 failed, 0 skipped\n"));
    let none = author.test(&app, &["--only", "no such"]);
    assert_eq!(said(&none), "error: no test has this in its name\n");
}

#[tokio::test]
async fn an_app_that_cannot_be_tested_is_told_so() {
    let author = Author::new();
    let main = "def execute(data):\n    return {}\n";
    let empty = author.write("empty", &[("main.py", main)]);
    assert!(
        said(&author.test(&empty, &[])).contains("has no tests: write cases into `tests/*.json`")
    );

    let broken = author.write(
        "broken",
        &[
            (
                "main.py",
                "raise RuntimeError('not today')\n\n\ndef execute(data):\n    return {}\n",
            ),
            ("tests/cases.json", r#"[{"input": {}}]"#),
        ],
    );
    let output = author.test(&broken, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains("broken cannot be deployed: "), "{text}");
    assert!(text.contains("RuntimeError: not today"), "{text}");
    assert!(text.contains("File \"main.py\", line 1"), "{text}");
}

/// `skep dev` in a process of its own. Dropping it kills the process.
struct Dev {
    child: Child,
    printed: PathBuf,
}

impl Dev {
    fn start(author: &Author, app: &Path) -> Self {
        let printed = author.folder.path().join("printed");
        let child = author
            .command("dev")
            .args(["--listen", "127.0.0.1:0"])
            .arg(app)
            .stdin(Stdio::null())
            .stdout(File::create(&printed).unwrap())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self { child, printed }
    }

    /// Waits until it has printed something, and gives all that it has.
    async fn prints(&mut self, what: &str) -> String {
        until(what, async || {
            let text = fs::read_to_string(&self.printed).unwrap();
            if self.child.try_wait().unwrap().is_some() {
                panic!("it ended: {text}");
            }
            text.contains(what).then_some(text)
        })
        .await
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first word that begins so.
fn link<'a>(text: &'a str, begins: &str) -> &'a str {
    let mut words = text.split_whitespace();
    words.find(|word| word.starts_with(begins)).unwrap()
}

/// Opens a link as a browser that keeps no cookies: where it leads, and the session.
async fn open(link: &str) -> (String, String) {
    // That there is one already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let answer = browser.get(link).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let cookie = header("set-cookie");
    let (_, token) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    (header("location"), token.to_owned())
}

#[tokio::test]
async fn an_edited_app_runs_at_once_and_a_broken_one_leaves_the_one_before() {
    let author = Author::new();
    let main = |word: &str| {
        format!(
            "def execute(data, conn=None):\n    print('called')\n    \
             with conn.cursor() as cur:\n        \
             cur.execute('SELECT name FROM shop_items')\n        \
             return {{'says': '{word}', 'names': [row[0] for row in cur.fetchall()]}}\n"
        )
    };
    let page =
        "<!doctype html><html><head><title>Shop</title></head><body><p>page</p></body></html>";
    let app = author.write("shop", &[("main.py", &main("one")), ("index.html", page)]);
    fs::write(
        app.join("tests/items.sql"),
        "INSERT INTO shop_items VALUES ('a sample');",
    )
    .unwrap();

    let turn = python::turn();
    let mut dev = Dev::start(&author, &app);
    let text = dev.prints("Ctrl-C stops").await;
    drop(turn);
    assert!(text.contains("shop runs as release 1 ("), "{text}");
    assert!(text.contains("ran the samples in tests/"), "{text}");
    let link = link(&text, "http://").to_owned();
    let (target, token) = open(&link).await;
    assert_eq!(target, "/apps/shop/");
    let url = link.split("/dev/").next().unwrap();
    let client = Client::anonymous(url).with_token(&token);
    let call = async || -> Value { client.call("shop", &json!({})).await.expect(200).json() };

    assert_eq!(
        call().await,
        json!({ "says": "one", "names": ["a sample"] })
    );
    let text = dev.prints("✓ execute by admin").await;
    assert!(text.contains("stdout   called\n"), "{text}");
    assert!(text.contains("database "), "{text}");
    let shown = client.get("/apps/shop/").await.expect(200).body;
    assert!(shown.contains("/live.js\""), "{shown}");

    fs::write(app.join("main.py"), main("two")).unwrap();
    dev.prints("shop runs as release 2 (").await;
    assert_eq!(call().await["says"], "two");

    fs::write(app.join("main.py"), "def execute(data:\n").unwrap();
    let text = dev.prints("✗ shop: ").await;
    assert!(text.contains("main.py:2:"), "{text}");
    assert!(text.contains("SK-P01"), "{text}");
    assert_eq!(call().await["says"], "two");

    fs::write(app.join("index.html"), page.replace("page", "other page")).unwrap();
    fs::write(app.join("main.py"), main("three")).unwrap();
    dev.prints("shop runs as release 3 (").await;
    assert_eq!(call().await["says"], "three");

    kill_process(Pid::from_child(&dev.child), Signal::INT).unwrap();
    let ended = until("it has ended", async || dev.child.try_wait().unwrap()).await;
    assert!(ended.success());
}
