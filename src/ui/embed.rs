//! The build script: compresses what browsers are given, and writes the table that
//! `src/ui.rs` includes.
//!
//! What is compressed is kept by its digest, so that a change of one page costs one page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

const VENDOR: &str = "src/ui/vendor";
const ADMIN: &str = "src/ui/admin";
const SHELL: &str = "src/ui/shell";

/// Address, package of npm, and file of it.
const LIBRARIES: [(&str, &str, &str); 9] = [
    ("/assets/vendor/dayjs.min.js", "dayjs", "dayjs.min.js"),
    (
        "/assets/vendor/echarts.min.js",
        "echarts",
        "dist/echarts.min.js",
    ),
    (
        "/assets/vendor/lucide.min.js",
        "lucide",
        "dist/umd/lucide.min.js",
    ),
    (
        "/assets/vendor/papaparse.min.js",
        "papaparse",
        "papaparse.min.js",
    ),
    (
        "/assets/vendor/tabulator.min.css",
        "tabulator-tables",
        "dist/css/tabulator.min.css",
    ),
    (
        "/assets/vendor/tabulator.min.js",
        "tabulator-tables",
        "dist/js/tabulator.min.js",
    ),
    (
        "/assets/vendor/xlsx.full.min.js",
        "@e965/xlsx",
        "dist/xlsx.full.min.js",
    ),
    (
        "/static/css/bootstrap.min.css",
        "bootstrap",
        "dist/css/bootstrap.min.css",
    ),
    (
        "/static/js/bootstrap.bundle.min.js",
        "bootstrap",
        "dist/js/bootstrap.bundle.min.js",
    ),
];

/// Packages of npm with the file that has their licence: those above, and those that are
/// within their files.
const LICENCES: [(&str, &str); 11] = [
    ("@e965/xlsx", "LICENSE"),
    ("@popperjs/core", "LICENSE.md"),
    ("bootstrap", "LICENSE"),
    ("dayjs", "LICENSE"),
    ("echarts", "LICENSE"),
    ("echarts", "licenses/LICENSE-d3"),
    ("lucide", "LICENSE"),
    ("papaparse", "LICENSE"),
    ("tabulator-tables", "LICENSE"),
    ("tslib", "LICENSE.txt"),
    ("zrender", "LICENSE"),
];

/// What npm writes down of the packages that it chose, or installed.
#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: String,
    /// A hash of its archive.
    integrity: Option<String>,
}

type Failure = Box<dyn std::error::Error>;

fn main() {
    println!("cargo::rerun-if-changed={VENDOR}/package-lock.json");
    println!("cargo::rerun-if-changed={VENDOR}/node_modules/.package-lock.json");
    println!("cargo::rerun-if-changed={ADMIN}");
    println!("cargo::rerun-if-changed={SHELL}");
    println!("cargo::rerun-if-changed=src/ui/embed.rs");
    if let Err(error) = embed() {
        println!("cargo::error={error}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write so"
)]
fn embed() -> Result<(), Failure> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let versions = installed()?;
    let mut table = String::from("pub(crate) static LIBRARIES: &[Asset] = &[\n");
    for (address, package, file) in LIBRARIES {
        let contents = read_vendored(package, file)?;
        table += &asset(&out, address, &contents)?;
    }
    table += "];\n";
    for (name, folder) in [("ADMIN", ADMIN), ("SHELL", SHELL)] {
        let files = files(folder)?;
        write!(table, "\npub(crate) static {name}: &[Asset] = &[\n")?;
        for (path, contents) in &files {
            table += &asset(&out, path, contents)?;
        }
        writeln!(
            table,
            "];\n\npub(crate) const {name}_DIGEST: &str = {:?};",
            tree_digest(&files)
        )?;
    }
    fs::write(out.join("licences.txt"), licences(&versions)?)?;
    writeln!(
        table,
        "pub(crate) const LICENCES: &str = include_str!({:?});",
        out.join("licences.txt")
    )?;
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// The versions of the packages, which are those of the lock file, or it fails.
fn installed() -> Result<BTreeMap<&'static str, Package>, Failure> {
    let missing = "the libraries for browsers are not here as src/ui/vendor/package-lock.json \
                   names them: run scripts/setup.sh, or `npm ci --ignore-scripts` in src/ui/vendor";
    let read = |file: &str| -> Result<Lock, Failure> {
        let text = fs::read(Path::new(VENDOR).join(file)).map_err(|_| missing)?;
        Ok(serde_json::from_slice(&text)?)
    };
    let (mut locked, here) = (
        read("package-lock.json")?,
        read("node_modules/.package-lock.json")?,
    );
    let mut versions = BTreeMap::new();
    for (package, _) in LICENCES {
        let key = format!("node_modules/{package}");
        let found = here.packages.get(&key);
        let Some(wanted) = locked.packages.remove(&key) else {
            // Two of its licences may be listed.
            if versions.contains_key(package) {
                continue;
            }
            return Err(format!("{VENDOR}/package-lock.json does not name {package}").into());
        };
        if found.map(|found| &found.integrity) != Some(&wanted.integrity) {
            return Err(missing.into());
        }
        versions.insert(package, wanted);
    }
    Ok(versions)
}

fn read_vendored(package: &str, file: &str) -> Result<Vec<u8>, Failure> {
    let path = Path::new(VENDOR)
        .join("node_modules")
        .join(package)
        .join(file);
    fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// The files below a folder by their path.
fn files(root: &str) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(root)?
                    .to_str()
                    .ok_or("a file name is not text")?;
                found.insert(name.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

fn tree_digest(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut all = String::new();
    for (path, contents) in files {
        all += &format!("{} {path}\n", digest(contents));
    }
    digest(all.as_bytes()).chars().take(16).collect()
}

/// One row of the table.
fn asset(out: &Path, path: &str, contents: &[u8]) -> Result<String, Failure> {
    let digest = digest(contents);
    let keep =
        |ending: &str, make: &dyn Fn() -> Result<Vec<u8>, Failure>| -> Result<PathBuf, Failure> {
            let file = out.join(format!("{digest}.{ending}"));
            if !file.exists() {
                // Under its name only when it is whole: a build may be stopped.
                let partial = file.with_extension("partial");
                fs::write(&partial, make()?)?;
                fs::rename(&partial, &file)?;
            }
            Ok(file)
        };
    let plain = keep("plain", &|| Ok(contents.to_vec()))?;
    let brotli = keep("br", &|| {
        let mut packed = Vec::new();
        let parameters = brotli::enc::BrotliEncoderParams {
            quality: 11,
            lgwin: 22,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &contents[..], &mut packed, &parameters)?;
        Ok(packed)
    })?;
    let gzip = keep("gz", &|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(contents)?;
        Ok(encoder.finish()?)
    })?;
    Ok(format!(
        "    Asset {{ path: {path:?}, kind: {:?}, digest: {digest:?}, plain: include_bytes!({plain:?}), \
         brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }},\n",
        kind(path)?
    ))
}

fn kind(path: &str) -> Result<&'static str, Failure> {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("html") => Ok("text/html; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        _ => Err(format!("{path}: src/ui/embed.rs knows no content type of such files").into()),
    }
}

fn licences(versions: &BTreeMap<&str, Package>) -> Result<String, Failure> {
    let mut text =
        String::from("Libraries that Skep serves to browsers, and those that are within them.\n");
    for (package, file) in LICENCES {
        let Some(Package {
            version, license, ..
        }) = versions.get(package)
        else {
            continue;
        };
        let words = String::from_utf8(read_vendored(package, file)?)?;
        write!(
            text,
            "\n{}\n{package} {version} ({license})",
            "=".repeat(72)
        )?;
        if file.contains('/') {
            write!(text, ": {file}")?;
        }
        write!(text, "\n{}\n\n{}\n", "=".repeat(72), words.trim())?;
    }
    Ok(text)
}

fn digest(contents: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(contents) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
