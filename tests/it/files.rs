//! Files of the host: what a start makes sure of, and what deploys leave.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::bundle::Bundle;
use crate::host::{Host, until};

/// What is in a folder below the data folder.
fn entries(host: &Host, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(host.data().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Waits until the app answers: a node is ready before it has compiled what it lacks.
async fn serves(host: &Host) {
    until("the app serves", async || {
        let answer = host.call("app", json!({ "n": 1 })).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

fn count_of(host: &Host, message: &str) -> usize {
    let said = |line: &serde_json::Value| {
        let text = line["message"].as_str().unwrap_or_default();
        text.starts_with(message)
    };
    host.log().into_iter().filter(said).count()
}

#[tokio::test]
async fn a_start_tells_which_walls_stand_around_builds() {
    let host = Host::start().await;

    let line = host
        .logged("the walls are told", |line| line["walls"].is_string())
        .await;

    let walls = line["walls"].as_str().unwrap();
    for wall in [
        "landlock: ",
        "; network namespace: ",
        "; process namespace: ",
        "; user: ",
    ] {
        assert!(walls.contains(wall), "{walls}");
    }
    // The tests' machines have a user for it, whoever runs them.
    assert!(!walls.ends_with("user: 0"), "{walls}");
}

#[tokio::test]
async fn a_deploy_leaves_no_work_behind_and_a_start_removes_what_a_crash_has_left() {
    let mut host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    host.deploy(&Bundle::new("bad").file("component.wasm", *b"\0asm nothing"))
        .await
        .expect(422);
    assert_eq!(entries(&host, "work"), Vec::<PathBuf>::new());

    host.kill().await;
    let left = host.data().join("work/build-old/staging/deep");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("file"), "left").unwrap();
    host.restart().await;

    assert_eq!(entries(&host, "work"), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn compiled_code_that_somebody_changed_is_compiled_again_and_told_once() {
    let mut host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let images = entries(&host, "cache/compiled");
    let [image] = images.as_slice() else {
        panic!("one image: {images:?}");
    };
    let good = fs::read(image).unwrap();
    let mut bad = good.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;

    host.kill().await;
    fs::write(image, &bad).unwrap();
    let folder = image.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    host.restart().await;

    serves(&host).await;
    assert_eq!(
        count_of(&host, "a compiled component was changed on disk"),
        1
    );
    assert_eq!(
        fs::metadata(folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_ne!(fs::read(image).unwrap(), bad);

    host.kill().await;
    host.restart().await;
    serves(&host).await;
    assert_eq!(
        count_of(&host, "a compiled component was changed on disk"),
        1
    );
}
