//! Python apps for tests: those in `tests/apps`, built once and compiled once.
//!
//! Building and compiling one takes a minute of a core, so what comes out is kept between runs,
//! and one process works while the others wait. Servers that use it share a host key, because
//! that is what compiled code is authenticated with.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::bundle::Bundle;
use crate::host::{Host, Setup, skep};

/// The host key of the servers here, and of no other in the world.
const KEY: &str = "dGhlIGtleSBvZiB0aGUgdGVzdHMsIGtub3duIHRvIGE=\n";

/// A server whose compiled code is kept. It has a database server of its own, because a shared
/// host key gives the roles of two servers the same names.
pub(crate) async fn host() -> Host {
    let setup = Setup::embedded()
        .setting("SKEP_KEY_FILE", key().to_str().unwrap())
        .cache(kept("cache"));
    setup.start().await
}

/// Deploys `tests/apps/torture` under the name that its tables are made for.
pub(crate) async fn install_torture(host: &Host, limits: Value) {
    let bundle = torture().with("limits", limits);
    let _turn = turn();
    host.install(&bundle).await;
}

/// `tests/apps/torture` with its component.
pub(crate) fn torture() -> Bundle {
    Bundle::new("torture").file("component.wasm", built("torture"))
}

/// The files of an app in `tests/apps`.
pub(crate) fn source(app: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/apps")
        .join(app)
}

/// Waits for the turn to do what takes long, which ends with what comes back.
pub(crate) fn turn() -> File {
    let file = File::create(kept("shared").join("turn")).unwrap();
    flock(&file, FlockOperation::LockExclusive).unwrap();
    file
}

/// The component of an app, as `skep build` makes it.
pub(crate) fn built(app: &str) -> Vec<u8> {
    let _turn = turn();
    let zip = kept("built").join(format!("{app}-{}.zip", recipe(app)));
    if !zip.is_file() {
        let made = zip.with_extension("new");
        let mut build = skep();
        build.arg("build").arg(source(app)).arg("-o").arg(&made);
        let output = build.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "SKEP_COMPONENTIZE_PY or PATH has to lead to it: {error}"
        );
        fs::rename(made, &zip).unwrap();
    }
    let mut zip = zip::ZipArchive::new(File::open(zip).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut zip.by_name("component.wasm").unwrap(), &mut bytes).unwrap();
    bytes
}

/// Names everything that decides what a build gives.
fn recipe(app: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut digest = Sha256::new();
    for folder in [
        source(app),
        root.join("sdk-py/src"),
        root.join("sdk-py/compat"),
        root.join("wit"),
    ] {
        feed(&folder, &mut digest);
    }
    digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn feed(folder: &Path, digest: &mut Sha256) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("__pycache__") {
            feed(&path, digest);
        } else if let Ok(bytes) = fs::read(&path) {
            digest.update(path.to_str().unwrap());
            digest.update(bytes);
        }
    }
}

/// A folder that outlives the test.
fn kept(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("python")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn key() -> PathBuf {
    use std::io::Write;

    let _turn = turn();
    let path = kept("shared").join("host.key");
    if !path.is_file() {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(KEY.as_bytes()).unwrap();
    }
    path
}
