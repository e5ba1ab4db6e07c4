//! What `skep prompt` gives a coding assistant: the app at its end works as it stands.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{folder, skep};
use crate::python;

/// Writes the files that a prompt ends with, as an assistant would: each path in backticks, and
/// what it holds between fences of four.
fn write_app(prompt: &str, folder: &Path) {
    let (_, files) = prompt.split_once("## An app that works").unwrap();
    for file in files.split("\n````\n") {
        let Some((path, contents)) = file.split_once("\n\n````") else {
            continue;
        };
        let (_, contents) = contents.split_once('\n').unwrap();
        let path = folder.join(path.trim().trim_matches('`'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
}

#[tokio::test]
async fn the_app_in_a_prompt_builds_deploys_and_answers() {
    for template in ["python", "javascript"] {
        let output = skep()
            .args(["prompt", "--template", template])
            .output()
            .unwrap();
        assert!(output.status.success());
        let staged = folder();
        let app = staged.path().join("starter");
        write_app(&String::from_utf8(output.stdout).unwrap(), &app);

        let host = python::host().await;
        let manifest = fs::read(app.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let mut bundle =
            Bundle::new("starter").file("component.wasm", python::built_of(template, &app));
        for key in ["actions", "tables"] {
            if let Some(value) = manifest.get(key) {
                bundle = bundle.with(key, value.clone());
            }
        }
        {
            let _turn = python::turn();
            host.install(&bundle).await;
        }

        let call = async |data: Value| host.call("starter", data).await.expect(200).json();
        let made = call(json!({ "action": "create", "name": " one " })).await;
        assert_eq!(made, json!({ "id": 1, "name": "one" }), "{template}");
        let listed = call(json!({ "action": "list" })).await;
        assert_eq!(listed["rows"][0]["name"], "one", "{template}");
        assert_eq!(
            call(json!({ "action": "create" })).await,
            json!({ "error": "name is required" })
        );
    }
}
