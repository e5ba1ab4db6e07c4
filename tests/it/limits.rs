//! What an operator sets, what a manifest asks for, and what a node has for all its cells.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::host::{Host, Setup, folder, skep};

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn a_wish_over_the_ceiling_is_lowered_and_the_deployer_is_told() {
    let host = Setup::default()
        .setting("SKEP_LIMITS__CEILING__WALL_MS", "400")
        .setting("SKEP_LIMITS__DEFAULT__WALL_MS", "300")
        .start()
        .await;

    let wishes = json!({ "wall_ms": 5_000, "memory_mb": 32 });
    let report = host
        .install(&Bundle::of_guest("app", "loop").with("limits", wishes))
        .await;
    assert_eq!(
        report["warnings"],
        json!([{
            "rule": "SK-B05",
            "text": "`limits.wall_ms` is 5000, and this server gives 400 at most: the app gets 400",
        }])
    );
    let answer = host.call("app", json!({})).await.expect(504);
    assert_eq!(
        answer.error(),
        "the call was stopped: it took longer than its 0.4 s"
    );

    let report = host.install(&Bundle::of_guest("other", "loop")).await;
    assert_eq!(report["warnings"], json!([]));
    let answer = host.call("other", json!({})).await.expect(504);
    assert_eq!(
        answer.error(),
        "the call was stopped: it took longer than its 0.3 s"
    );
}

#[test]
fn settings_that_cannot_hold_are_refused_at_the_start() {
    for (name, value, error) in [
        (
            "SKEP_LIMITS__DEFAULT__MEMORY_MB",
            "513",
            "error: the setting `limits.default.memory_mb` is 513, above `limits.ceiling.memory_mb`, \
             which is 512: lower the one or raise the other",
        ),
        (
            "SKEP_LIMITS__CEILING__WALL_MS",
            "600001",
            "error: the setting `limits.ceiling.wall_ms` is 600001: at most 600000 is possible",
        ),
        (
            "SKEP_LIMITS__DEFAULT__ROWS",
            "0",
            "expected a nonzero u32 for key \"LIMITS.DEFAULT.ROWS\"",
        ),
        (
            "SKEP_LIMITS__DEFAULT__WALLMS",
            "1",
            "unknown field: found `wallms`",
        ),
        ("SKEP_LIMITS__CALLS", "many", "for key \"LIMITS.CALLS\""),
    ] {
        let folder = folder();
        let output = skep()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .env(name, value)
            .output()
            .unwrap();

        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}");
        assert!(said.contains(error), "{name}: {said}");
        // Nothing was made for a server that does not start.
        assert!(!folder.path().join("data").exists(), "{name}");
    }
}

#[test]
fn the_config_file_sets_limits_one_by_one() {
    let folder = folder();
    let file = folder.path().join("skep.toml");
    std::fs::write(&file, "[limits.ceiling]\nlog_lines = 999\n").unwrap();

    let output = skep()
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .current_dir(folder.path())
        .output()
        .unwrap();

    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: the setting `limits.default.log_lines` is 1000, above"),
        "{said}"
    );
}

#[tokio::test]
async fn where_instructions_are_counted_a_call_has_so_many() {
    let host = Setup::default()
        .setting("SKEP_LIMITS__COUNT_FUEL", "true")
        .start()
        .await;
    let app = Bundle::of_guest("app", "loop").with("limits", json!({ "fuel": 5 }));
    host.install(&app).await;
    let reused = Bundle::of_guest("reused", "counter")
        .with("limits", json!({ "fuel": 1 }))
        .with("instances", json!("reused"));
    host.install(&reused).await;

    let answer = host.call("app", json!({})).await.expect(504);
    assert_eq!(
        answer.error(),
        "the call was stopped: it ran more than its 5 million instructions"
    );
    assert_eq!(answer.json()["code"], "out_of_fuel");
    host.call("app", json!({ "calm": 1 })).await.expect(200);

    // A cell that is used again has all of them again.
    for call in 1..=3 {
        let answer = host.call("reused", json!({})).await.expect(200);
        assert_eq!(answer.json(), json!({ "result": call }));
    }
}

#[tokio::test]
async fn cells_never_hold_more_than_the_memory_for_them() {
    const TOTAL: u64 = 768;
    const EACH: u64 = 64;
    let host = Setup::default()
        .setting("SKEP_LIMITS__TOTAL_MEMORY_MB", TOTAL.to_string())
        .setting("SKEP_LIMITS__DEFAULT__MEMORY_MB", EACH.to_string())
        .setting("SKEP_LIMITS__CEILING__MEMORY_MB", "128")
        .start()
        .await;
    let touch = |app: &str| {
        let limits = json!({ "wall_ms": 2_000, "concurrency": 32 });
        Bundle::of_guest(app, "touch").with("limits", limits)
    };
    host.install(&touch("one")).await;
    host.install(&touch("two")).await;
    let before = host.peak_memory();

    let calls = (0..48).map(|call| {
        let app = if call % 2 == 0 { "one" } else { "two" };
        host.call(app, json!({}))
    });
    let (mut ran, mut waited) = (0, 0);
    for answer in join_all(calls).await {
        match answer.status {
            504 => ran += 1,
            503 => {
                assert_eq!(
                    answer.error(),
                    "the server is busy: its memory for cells is in use"
                );
                waited += 1;
            }
            status => panic!("{status}: {}", answer.body),
        }
    }

    let grown = host.peak_memory() - before;
    assert!(grown < TOTAL * MIB, "{} MiB", grown / MIB);
    // They did take what they may: without the bound it would be three GiB.
    assert!(ran >= 4 && waited >= 4, "{ran} ran, {waited} waited");
    assert!(grown > 4 * EACH * MIB, "{} MiB", grown / MIB);
    host.call("one", json!({ "calm": 1 })).await.expect(200);
}

#[tokio::test]
async fn idle_cells_make_room_for_a_call_that_needs_their_memory() {
    let host = Setup::default()
        .setting("SKEP_LIMITS__TOTAL_MEMORY_MB", "512")
        .setting("SKEP_LIMITS__CEILING__MEMORY_MB", "256")
        .start()
        .await;
    let idle = Bundle::of_guest("idle", "fit")
        .with("limits", json!({ "memory_mb": 128 }))
        .with("instances", json!("reused"));
    host.install(&idle).await;
    let large = Bundle::of_guest("large", "fit").with("limits", json!({ "memory_mb": 256 }));
    host.install(&large).await;
    let pages = async |app: &str| host.call(app, json!({})).await.expect(200).json();

    let all = pages("idle").await;
    // Its cell stays, with all of its memory, beside which the other does not fit.
    assert_eq!(pages("idle").await, all);
    pages("large").await;
    assert_eq!(pages("idle").await, all);
}

#[tokio::test]
async fn a_component_that_begins_with_more_than_its_memory_is_told_so() {
    let host = Host::start().await;
    let data = Bundle::new("data").file("component.wasm", with_data(20 << 20));
    host.install(&data.clone().with("limits", json!({ "memory_mb": 16 })))
        .await;

    let answer = host.call("data", json!({})).await.expect(507);
    assert_eq!(
        answer.error(),
        "the call was stopped: it needed more than its 16 MiB of memory"
    );

    host.install(&data.version("2.0.0")).await;
    host.call("data", json!({ "calm": 1 })).await.expect(200);
}

#[tokio::test]
async fn components_that_are_too_large_or_want_too_much_are_refused() {
    let host = Host::start().await;
    let before = host.state().await;
    let refused = async |component: Vec<u8>, status: u16, error: &str| {
        let bundle = Bundle::new("app").file("component.wasm", component);
        let answer = host.deploy(&bundle).await.expect(status);
        let said: Value = answer.json();
        assert!(
            said["error"].as_str().unwrap().contains(error),
            "{error}: {said}"
        );
        assert_eq!(host.state().await, before);
    };

    refused(
        vec![0; 100 << 20],
        413,
        "`component.wasm` is larger than 52428800 bytes",
    )
    .await;
    for (kind, error) in [
        (
            "func",
            "the component imports `evil:a0/b`, which Skep does not offer",
        ),
        ("instance", "instances count exceeds limit of 1000"),
    ] {
        let imports: String = (0..5_000)
            .map(|number| format!("(import \"evil:a{number}/b\" ({kind}))"))
            .collect();
        let component = format!("(component {imports})");
        refused(wat::parse_str(component).unwrap(), 422, error).await;
    }
    let exports: String = (0..5_000)
        .map(|number| format!("(export \"e{number}\" (func $f))"))
        .collect();
    let text = format!(
        "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
         (func $f (canon lift (core func $i \"f\"))) {exports})"
    );
    refused(
        wat::parse_str(text).unwrap(),
        422,
        "the component does not export `execute`",
    )
    .await;
    let modules: String = (0..65)
        .map(|_| "(core instance (instantiate $m))")
        .collect();
    refused(
        wat::parse_str(format!("(component (core module $m) {modules})")).unwrap(),
        422,
        "65 core module instances",
    )
    .await;
    refused(
        wat::parse_str(
            "(component (core module $m (memory 8193)) (core instance (instantiate $m)))",
        )
        .unwrap(),
        422,
        "memory",
    )
    .await;
    let functions = "(func (param i32) (result i32) local.get 0)".repeat(1_000_001);
    refused(
        wat::parse_str(format!("(component (core module {functions}))")).unwrap(),
        422,
        "the component is not valid WebAssembly",
    )
    .await;
}

/// The guest `echo` with so many bytes of data that its memory begins with.
fn with_data(bytes: usize) -> Vec<u8> {
    let pages = bytes / 65_536 + 2;
    let module = format!(
        "(core module $ballast (memory {pages}) (data (i32.const 65536) \"{}\"))
         (core instance (instantiate $ballast))",
        "x".repeat(bytes)
    );
    crate::guest::component_with("echo", &module)
}
