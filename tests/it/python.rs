//! Python and JavaScript apps for tests: those in `tests/apps`, built once and compiled once.
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
use crate::host::{Host, Setup, folder, skep};

/// The host key of the servers here, and of no other in the world.
const KEY: &str = "dGhlIGtleSBvZiB0aGUgdGVzdHMsIGtub3duIHRvIGE=\n";

/// A server whose compiled code is kept. It has a database server of its own, because a shared
/// host key gives the roles of two servers the same names.
pub(crate) async fn host() -> Host {
    host_with(Setup::embedded()).await
}

/// Such a server with other settings.
pub(crate) async fn host_with(setup: Setup) -> Host {
    let setup = setup
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
    bundle("torture")
}

/// An app of `tests/apps` with its component.
pub(crate) fn bundle(app: &str) -> Bundle {
    Bundle::new(app).file("component.wasm", built(app))
}

/// `tests/apps/egress` with its component, and the packages of `tests/wheels.txt` in it.
pub(crate) fn egress() -> Bundle {
    let staged = folder();
    let app = staged.path().join("egress");
    fs::create_dir(&app).unwrap();
    for file in ["manifest.json", "main.py"] {
        fs::copy(source("egress").join(file), app.join(file)).unwrap();
    }
    for wheel in wheels() {
        let mut wheel = zip::ZipArchive::new(File::open(wheel).unwrap()).unwrap();
        wheel.extract(app.join("libs")).unwrap();
    }
    Bundle::new("egress").file("component.wasm", built_of("egress", &app))
}

/// The wheels that `scripts/setup.sh` has fetched.
fn wheels() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "as scripts/steps.sh does")]
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = set("SKEP_CACHE").unwrap_or_else(|| {
        let caches = set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap().join(".cache"));
        caches.join("skep")
    });
    let wanted = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wheels.txt")).unwrap();
    let folder = cache.join("wheels");
    assert!(
        fs::read(folder.join("wheels.txt")).is_ok_and(|kept| kept == wanted),
        "run scripts/setup.sh, which fetches the packages of tests/wheels.txt"
    );
    let files = fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "whl"))
        .collect()
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

/// The component of an app in `tests/apps`.
pub(crate) fn built(app: &str) -> Vec<u8> {
    built_of(app, &source(app))
}

/// The component of an app's files, as `skep build` makes it.
pub(crate) fn built_of(app: &str, files: &Path) -> Vec<u8> {
    let _turn = turn();
    let zip = kept("built").join(format!("{app}-{}.zip", recipe(files)));
    if !zip.is_file() {
        let made = zip.with_extension("new");
        let mut build = skep();
        build.arg("build").arg(files).arg("-o").arg(&made);
        let output = build.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "SKEP_COMPONENTIZE_PY, SKEP_COMPONENTIZE_JS or PATH have to lead to the builders: {error}"
        );
        fs::rename(made, &zip).unwrap();
    }
    let mut zip = zip::ZipArchive::new(File::open(zip).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut zip.by_name("component.wasm").unwrap(), &mut bytes).unwrap();
    bytes
}

/// Names everything that decides what a build gives.
fn recipe(app: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut digest = Sha256::new();
    let sdk = if app.join("main.js").is_file() {
        ["sdk-js/src", "sdk-js/builder"]
    } else {
        ["sdk-py/src", "sdk-py/compat"]
    };
    feed(app, &mut digest);
    for folder in [sdk[0], sdk[1], "wit"] {
        feed(&root.join(folder), &mut digest);
    }
    digest.update(fs::read(root.join("tests/wheels.txt")).unwrap());
    digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Feeds the names and contents of all files below a folder, wherever that is.
fn feed(folder: &Path, digest: &mut Sha256) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        digest.update(path.file_name().unwrap().as_encoded_bytes());
        if path.is_dir() && !path.ends_with("__pycache__") {
            feed(&path, digest);
        } else if let Ok(bytes) = fs::read(&path) {
            digest.update(bytes);
        }
    }
}

/// Makes a data folder for `skep dev` and `skep test`, with the host key and the compiled code that
/// are kept.
pub(crate) fn share_with(data: &Path) {
    fs::create_dir(data).unwrap();
    std::os::unix::fs::symlink(kept("cache"), data.join("cache")).unwrap();
    fs::copy(key(), data.join("host.key")).unwrap();
    fs::write(data.join("made-by-skep"), "").unwrap();
}

/// A folder that outlives the test.
pub(crate) fn kept(name: &str) -> PathBuf {
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
