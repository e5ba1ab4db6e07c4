use bytes::Bytes;

use super::*;

const MINIMAL: &str = r#"{"app_name": "app_x", "version": "1.0.0"}"#;

fn bundle(files: &[(&str, &str)]) -> Bundle {
    let folder = tempfile::TempDir::with_prefix("app").unwrap();
    for (name, contents) in files {
        std::fs::write(folder.path().join(name), contents).unwrap();
    }
    Bundle::from_folder(folder.path()).unwrap()
}

fn zipped(files: &[(&str, &str)]) -> Bundle {
    Bundle::from_zip(&bundle(files).to_zip().unwrap()).unwrap()
}

fn refusal(files: &[(&str, &str)]) -> String {
    Description::read(&zipped(files)).unwrap_err().to_string()
}

#[test]
fn a_bundle_with_a_manifest_and_main_py_is_an_app() {
    let description =
        Description::read(&zipped(&[("manifest.json", MINIMAL), ("main.py", "")])).unwrap();

    assert_eq!(description.manifest.app_name.as_str(), "app_x");
    assert_eq!(description.backend, Backend::Python);
    assert_eq!(description.warnings, []);
}

#[test]
fn main_js_is_a_backend_too() {
    let files = [("manifest.json", MINIMAL), ("main.js", "")];

    let description = Description::read(&zipped(&files)).unwrap();
    assert_eq!(description.backend, Backend::JavaScript);
}

#[test]
fn a_component_goes_before_the_source_it_was_built_of() {
    let mut bundle = zipped(&[("manifest.json", MINIMAL), ("main.py", "")]);
    let path = BundlePath::parse("component.wasm").unwrap();
    bundle.insert(path, Bytes::from_static(b"\0asm"));

    let description = Description::read(&bundle).unwrap();
    assert_eq!(description.backend, Backend::Component);
}

#[test]
fn a_bundle_without_a_manifest_or_a_backend_is_told_what_is_missing() {
    assert_eq!(
        refusal(&[("main.py", "")]),
        "manifest.json is required at the bundle root"
    );
    assert_eq!(
        refusal(&[("manifest.json", MINIMAL)]),
        "main.py is required at the bundle root (or main.js, or component.wasm, where the app is \
         built already)"
    );
}

#[test]
fn backends_of_other_generations_are_refused_by_their_file() {
    let text = refusal(&[("manifest.json", MINIMAL), ("main.lua", "")]);
    assert!(
        text.starts_with("Lua backends (main.lua) are not supported"),
        "{text}"
    );
    let script = r#"{"name": "x", "version": "1.0.0", "script": "edge.lua"}"#;
    let text = refusal(&[("manifest.json", script), ("edge.lua", "")]);
    assert!(
        text.starts_with("Lua backends (edge.lua) are not supported"),
        "{text}"
    );
}

#[test]
fn a_frontend_file_named_main_js_is_no_backend_beside_main_py() {
    let files = [("manifest.json", MINIMAL), ("main.py", ""), ("main.js", "")];

    let description = Description::read(&zipped(&files)).unwrap();
    assert_eq!(description.backend, Backend::Python);
}

#[test]
fn a_folder_with_another_name_than_the_app_is_a_warning() {
    let description =
        Description::read(&bundle(&[("manifest.json", MINIMAL), ("main.py", "")])).unwrap();

    let [warning] = description.warnings.as_slice() else {
        panic!("{:?}", description.warnings);
    };
    assert_eq!(warning.rule, "NR-B05");
    assert!(
        warning
            .text
            .ends_with("`, the app `app_x`: give both the same name"),
        "{warning}"
    );
}
