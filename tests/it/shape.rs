//! What keeps the tree and the interface honest, whoever adds to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Map, Value};

use crate::guest;
use crate::host::Host;

/// What anybody may ask for.
const PUBLIC: [&str; 5] = [
    "POST /api/auth/login",
    "GET /healthz",
    "GET /health",
    "GET /readyz",
    "GET /api/openapi.json",
];

#[tokio::test]
async fn every_route_that_is_not_public_wants_a_login() {
    let host = Host::start().await;
    let document = host
        .anonymous()
        .get("/api/openapi.json")
        .await
        .expect(200)
        .json();
    let before = host.state().await;
    let mut asked = 0;

    for (path, operations) in document["paths"].as_object().unwrap() {
        let concrete = path.replace(['{', '}'], "");
        for method in operations.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let route = format!("{method} {path}");
            if PUBLIC.contains(&route.as_str()) {
                continue;
            }
            let anonymous = host.anonymous();
            let answer = anonymous.send(anonymous.request(method, &concrete)).await;
            assert_eq!(answer.status, 401, "{route}: {}", answer.body);
            let error = answer.error();
            assert!(error.starts_with("not logged in: "), "{route}: {error}");
            asked += 1;
        }
    }

    assert!(asked > 20, "only {asked} routes were asked");
    assert_eq!(host.state().await, before);
}

#[test]
fn every_path_that_is_routed_is_described() {
    let mut sources = files(&root().join("src/http"));
    sources.retain(|file, _| !file.ends_with("tests.rs") && !file.ends_with("testing.rs"));
    let described: String = sources.values().map(String::as_str).collect();

    for (file, text) in &sources {
        for part in text.split(".route(").skip(1) {
            let Some(path) = part.split('"').nth(1) else {
                continue;
            };
            // What browsers load is no interface for programs, and `skep dev` has no other.
            if ["/", "/admin", "/admin/", "/admin/{*page}"].contains(&path)
                || ["/assets/", "/static/", "/admin/assets/", "/apps", "/dev/"]
                    .iter()
                    .any(|files| path.starts_with(files))
            {
                continue;
            }
            // Once for the route, and once for its description.
            let is_described = described.matches(&format!("path = \"{path}\"")).count() > 0;
            let is_alias =
                ["/admin/api/nodes/deploy", "/health", "/api/openapi.json"].contains(&path);
            assert!(is_described || is_alias, "{}: {path}", file.display());
        }
    }
}

#[test]
fn every_interface_has_its_capability_and_its_module() {
    // What every interface uses, and those that apps offer.
    const NOT_CAPABILITIES: [&str; 3] = ["types", "lifecycle", "task"];
    // Those in `deps` are WASI's.
    let mut own = files(&root().join("wit"));
    own.retain(|file, _| !file.starts_with(root().join("wit/deps")));
    let interfaces: Vec<String> = own
        .values()
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            let name = line.strip_prefix("interface ")?.strip_suffix(" {")?;
            Some(name.to_owned())
        })
        .filter(|name| !NOT_CAPABILITIES.contains(&name.as_str()))
        .collect();

    assert!(interfaces.len() >= 3, "{interfaces:?}");
    for name in interfaces {
        for file in [
            format!("wit/{name}.wit"),
            format!("src/capability/{name}.rs"),
            format!("sdk-py/src/skep/{name}.py"),
        ] {
            assert!(root().join(&file).is_file(), "{file}");
        }
    }
}

#[test]
fn every_guest_is_used_by_a_test() {
    let tests: String = files(&root().join("tests/it")).into_values().collect();

    let is_used = |name: &String| tests.contains(&format!("\"{name}\""));
    let unused: Vec<String> = guest::names()
        .into_iter()
        .filter(|name| !is_used(name))
        .collect();

    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn every_example_is_called() {
    let calls = std::fs::read_to_string(root().join("examples/calls.jsonl")).unwrap();
    let called: Vec<Map<String, Value>> = calls
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();

    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(called.iter().any(|call| call["app"] == name), "{name}");
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The text files below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.insert(path, text);
        }
    }
    found
}
