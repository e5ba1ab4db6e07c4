//! Secrets are nowhere but where they belong: everything that the host writes is searched.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::host::{Answer, Host, Setup};
use crate::secrets::{app, set};

#[tokio::test]
async fn a_secret_is_found_nowhere_but_in_the_apps_own_answer() {
    let host = Setup::default()
        .setting("SKEP_LOG", "debug,skep=trace,sqlx=trace,hyper=trace")
        .start()
        .await;
    host.install(&app("one")).await;
    let canaries: Vec<String> = ["first", "second", "third"]
        .iter()
        .map(|place| format!("canary-{place}-{}", uuid()))
        .collect();

    let answers = handle(&host, &canaries).await;
    let places = places(&host, &answers).await;

    assert!(places.len() > 20, "{:?}", places.keys());
    // What is searched is really there.
    assert!(found(&places["log"], b"skep"), "the log is empty");
    assert!(found(&places["table credentials"], b"erp"));
    let hidden = STANDARD.encode(format!("x{}yz", canaries[0]));
    let mut needles = disguises(&canaries[0]).into_iter();
    assert!(needles.any(|needle| found(hidden.as_bytes(), &needle)));

    for canary in &canaries {
        for needle in disguises(canary) {
            for (place, bytes) in &places {
                assert!(!found(bytes, &needle), "{canary} is in {place}");
            }
        }
    }
}

#[tokio::test]
async fn a_crash_leaves_no_image_of_the_memory() {
    let host = Host::start().await;
    let limits = format!("/proc/{}/limits", host.process_id());
    let limits = std::fs::read_to_string(limits).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
}

/// Does with secrets what can be done, errors of every kind included.
async fn handle(host: &Host, canaries: &[String]) -> Vec<Answer> {
    let admin = host.admin();
    let mut answers: Vec<Answer> = Vec::new();
    let quoted = |canary: &str| format!("\"{canary}\"");

    answers.push(
        set(&admin, "one", "erp", quoted(&canaries[0]))
            .await
            .expect(200),
    );
    let given = host.call("one", json!({ "c": "erp" })).await.expect(200);
    assert_eq!(given.json()["result"], canaries[0]);
    assert!(!format!("{:?}", given.headers).contains(&canaries[0]));
    answers.push(
        set(&admin, "one", "erp", quoted(&canaries[1]))
            .await
            .expect(200),
    );
    answers.push(
        admin
            .post("/api/credentials/rotate-key", &json!({}))
            .await
            .expect(200),
    );

    // Errors of every kind, with the secret in the request.
    let canary = quoted(&canaries[2]);
    for (app, name, status) in [("none", "erp", 404), ("one", "%00", 400)] {
        answers.push(set(&admin, app, name, canary.clone()).await.expect(status));
    }
    let nobody = set(&host.anonymous(), "one", "erp", canary.clone()).await;
    answers.push(nobody.expect(401));
    let large = canary.repeat(1024 * 1024 / canary.len() + 1);
    answers.push(set(&admin, "one", "erp", large).await.expect(413));
    let database = host.database().await;
    database
        .batch_execute("UPDATE skep.credentials SET sealed = sealed || 'x'")
        .await
        .unwrap();
    let broken = host.call("one", json!({ "c": "erp" })).await.expect(500);
    assert_eq!(broken.error(), "unavailable");
    answers.push(broken);
    answers.push(
        admin
            .post("/api/credentials/rotate-key", &json!({}))
            .await
            .expect(200),
    );
    for path in [
        "/api/apps/one/credentials",
        "/api/apps/one/credential-reads",
        "/api/audit",
        "/api/audit/export",
        "/admin/api/apps/one",
    ] {
        answers.push(admin.get(path).await.expect(200));
    }
    answers
}

/// Everywhere that a secret could have ended.
async fn places(host: &Host, answers: &[Answer]) -> BTreeMap<String, Vec<u8>> {
    let database = host.database().await;
    let mut places: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (number, answer) in answers.iter().enumerate() {
        let text = format!("{:?} {}", answer.headers, answer.body);
        places.insert(format!("answer {number}"), text.into_bytes());
    }
    places.extend(tables(&database).await);
    places.extend(files(&host.data()));
    places.insert("log".to_owned(), host.raw_log());
    for what in ["environ", "cmdline"] {
        let file = format!("/proc/{}/{what}", host.process_id());
        // Who is not root cannot read it at all.
        if let Ok(bytes) = std::fs::read(&file) {
            places.insert(file, bytes);
        }
    }
    places
}

/// Every table of the host, as COPY writes it.
async fn tables(database: &tokio_postgres::Client) -> BTreeMap<String, Vec<u8>> {
    use futures_util::TryStreamExt;

    let rows = database
        .query(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'skep'",
            &[],
        )
        .await
        .unwrap();
    let mut tables = BTreeMap::new();
    for row in rows {
        let name: String = row.get(0);
        let copy = format!("COPY skep.\"{name}\" TO STDOUT");
        let chunks = database.copy_out(&copy).await.unwrap();
        let chunks: Vec<bytes::Bytes> = chunks.try_collect().await.unwrap();
        tables.insert(format!("table {name}"), chunks.concat());
    }
    tables
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// A text as it may stand in a file: plain, in hexadecimal, in base64 at each of its places.
fn disguises(text: &str) -> Vec<Vec<u8>> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        text.into(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    for shift in 0..3 {
        // What stands around it is not known: only whole groups of three bytes in the middle.
        let bytes = &text.as_bytes()[shift..];
        let whole = &bytes[..bytes.len() / 3 * 3];
        all.push(STANDARD.encode(whole).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    all
}

fn found(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Something that stands nowhere by chance.
fn uuid() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
