//! The scratch folder of a cell, from Python.

use serde_json::{Value, json};

use crate::host::{Answer, Host};
use crate::python;

/// A server with the app, in a fresh cell for each call and, as `reused`, in cells that stay.
async fn host() -> Host {
    let host = python::host().await;
    let table = "CREATE TABLE IF NOT EXISTS scratch_notes (note TEXT)";
    let app = python::bundle("scratch")
        .with("limits", json!({ "wall_ms": 20_000 }))
        .with("tables", json!([table]));
    let reused = python::bundle("scratch")
        .with("app_name", json!("reused"))
        .with("instances", json!("reused"));
    let _turn = python::turn();
    host.install(&app).await;
    host.install(&reused).await;
    host
}

async fn run(host: &Host, app: &str, python: &str) -> Answer {
    host.call(app, json!({ "python": python })).await
}

/// What a piece of Python leaves in `result`.
async fn result(host: &Host, app: &str, python: &str) -> Value {
    let answer = run(host, app, python).await.expect(200).json();
    answer["result"].clone()
}

#[tokio::test]
async fn a_call_has_a_folder_for_files_that_is_empty_and_its_own() {
    let host = host().await;

    let files = r#"
with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
    file.write("hello\n" * 3)
    file.flush()
    file.seek(0)
    lines = file.readlines()
    name = os.path.dirname(file.name)
with tempfile.TemporaryDirectory() as folder:
    os.makedirs(folder + "/a/b")
    with open(folder + "/a/b/c.bin", "wb") as out:
        out.write(bytes(300_000))
    with open(folder + "/a/b/c.bin", "ab") as out:
        out.write(b"end")
    with open(folder + "/a/b/c.bin", "r+b") as out:
        out.seek(10)
        out.write(b"middle")
        out.truncate(400_000)
    os.rename(folder + "/a/b/c.bin", folder + "/a/d.bin")
    with open(folder + "/a/d.bin", "rb") as back:
        data = back.read()
    recent = abs(time.time() - os.stat(folder + "/a/d.bin").st_mtime) < 600
    walked = [(sorted(d), sorted(f)) for _, d, f in os.walk(folder)]
    shutil.copytree(folder + "/a", folder + "/copy")
    copied = os.path.getsize(folder + "/copy/d.bin")
with open("/tmp/left", "w") as file:
    file.write("behind")
result = [lines, name, len(data), data[10:16].decode(), data[300_000:300_003].decode(),
          recent, walked, copied, os.listdir("/tmp")]
"#;
    let expected = json!([
        ["hello\n", "hello\n", "hello\n"],
        "/tmp",
        400_000,
        "middle",
        "end",
        true,
        [[["a"], []], [["b"], ["d.bin"]], [[], []]],
        400_000,
        ["left"],
    ]);
    for app in ["scratch", "reused", "reused"] {
        // Nothing of the call before is there, though `reused` runs in the same cell.
        assert_eq!(
            result(&host, app, "result = os.listdir('/tmp')").await,
            json!([]),
            "{app}"
        );
        assert_eq!(result(&host, app, files).await, expected, "{app}");
    }
}

#[tokio::test]
async fn a_full_folder_is_an_error_that_the_call_survives() {
    let host = host().await;
    let fill = r#"
def fill(name, size):
    with open("/tmp/" + name, "wb") as file:
        for _ in range(size):
            file.write(bytes(1024 * 1024))

fill("first", 63)
result = [refused(lambda: fill("second", 2))]
with open("/tmp/second", "r+b") as file:
    result.append(refused(lambda: os.ftruncate(file.fileno(), 1 << 40)))
    result.append(refused(lambda: os.pwrite(file.fileno(), b"x", 1 << 40)))
held.append(open("/tmp/first", "rb"))
os.remove("/tmp/first")
result.append(refused(lambda: fill("third", 60)))
held.pop().close()
result.append(refused(lambda: fill("third", 60)))
"#;
    // The C library of Python in a cell asks no stream why it refused: it is always EIO.
    let expected = json!(["EIO", "ENOSPC", "ENOSPC", "EIO", null]);
    assert_eq!(result(&host, "scratch", fill).await, expected);

    let line = host
        .logged("the log tells that the folder is full", |line| {
            line["part"] == "scratch"
        })
        .await;
    let text = line["message"].as_str().unwrap();
    assert!(
        text.starts_with("the scratch folder /tmp is full: "),
        "{text}"
    );
    let told = |line: &&Value| line["part"] == "scratch";
    assert_eq!(host.log().iter().filter(told).count(), 1);

    // The next call has all of it again, in the same cell too.
    for _ in 0..2 {
        assert_eq!(result(&host, "reused", fill).await, expected);
    }
}

#[tokio::test]
async fn a_reused_cell_keeps_nothing_through_what_it_holds_open() {
    let host = host().await;

    let open = r#"
file = open("/tmp/kept", "w+b", buffering=0)
file.truncate(60 * 1024 * 1024)
held.append(file)
result = len(held)
"#;
    let look = r#"
result = [len(held), refused(lambda: held[0].seek(0) or held[0].read(1)) is not None,
          refused(lambda: held[0].write(b"x")) is not None, os.listdir("/tmp")]
with open("/tmp/other", "wb") as file:
    file.write(bytes(60 * 1024 * 1024))
"#;
    assert_eq!(result(&host, "reused", open).await, json!(1));
    assert_eq!(
        result(&host, "reused", look).await,
        json!([1, true, true, []])
    );
}

#[tokio::test]
async fn files_and_folders_are_bounded_in_number() {
    let host = host().await;

    let many = r#"
for number in range(999):
    open(f"/tmp/{number}", "w").close()
os.mkdir("/tmp/folder")
result = [refused(lambda: open("/tmp/more", "w")), refused(lambda: os.mkdir("/tmp/more")),
          len(os.listdir("/tmp"))]
os.remove("/tmp/0")
open("/tmp/folder/more", "w").close()
"#;
    assert_eq!(
        result(&host, "scratch", many).await,
        json!(["ENOSPC", "ENOSPC", 1_000])
    );
}

#[tokio::test]
async fn no_path_and_no_link_leads_out_of_the_folder() {
    let host = host().await;

    let out = r#"
open("/tmp/file", "w").close()
paths = ["/tmp/../etc/passwd", "/tmp/../../etc/passwd", "/etc/passwd", "/", "/proc/self/environ",
         "etc/passwd", "../etc/passwd", "/tmp/./../tmp/../etc/passwd"]
result = [
    [refused(lambda path=path: open(path).read()) is not None for path in paths],
    [refused(lambda path=path: open(path + ".new", "w")) is not None for path in paths],
    refused(lambda: os.symlink("/etc/passwd", "/tmp/link")),
    refused(lambda: os.link("/tmp/file", "/tmp/link")),
    refused(lambda: os.rename("/tmp/file", "/tmp/../file")) is not None,
    os.listdir("/tmp"),
]
"#;
    let all = json!([true, true, true, true, true, true, true, true]);
    let expected = json!([all, all, "EPERM", "EPERM", true, ["file"]]);
    assert_eq!(result(&host, "scratch", out).await, expected);
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_see_each_other() {
    let host = host().await;

    // Each waits until both have written, so neither is over before the other has begun.
    let write = |own: &str| {
        format!(
            r#"
open("/tmp/{own}", "w").close()
cursor = conn.cursor()
cursor.execute("INSERT INTO scratch_notes VALUES ('{own}')")
conn.commit()
met = 0
while met < 2:
    cursor.execute("SELECT count(*) FROM scratch_notes WHERE note IN ('one', 'other')")
    met = cursor.fetchone()[0]
    conn.commit()
result = os.listdir("/tmp")
"#
        )
    };
    let (one, other) = (write("one"), write("other"));
    let (one, other) = tokio::join!(
        result(&host, "scratch", &one),
        result(&host, "scratch", &other)
    );

    assert_eq!((one, other), (json!(["one"]), json!(["other"])));
}

#[tokio::test]
async fn the_folder_is_there_while_a_release_is_loaded_and_not_while_it_is_built() {
    let host = host().await;

    // The module ran at build, and what it found then is in the snapshot.
    let found = r#"
cursor = conn.cursor()
cursor.execute("SELECT note FROM scratch_notes")
result = [at_load, cursor.fetchall()]
"#;
    assert_eq!(
        result(&host, "scratch", found).await,
        json!(["ENOENT", [["['loaded']"]]])
    );
}

#[tokio::test]
async fn calls_that_are_stopped_leave_nothing() {
    let host = host().await;
    let fill = "open('/tmp/x', 'wb').write(bytes(60 << 20))\n";

    let late = format!("{fill}while True: pass");
    host.call("scratch", json!({ "python": late }))
        .await
        .expect(504);
    let ended = format!("{fill}os.abort()");
    host.call("reused", json!({ "python": ended }))
        .await
        .expect(500);

    for app in ["scratch", "reused"] {
        let again = format!("result = os.listdir('/tmp')\n{fill}");
        assert_eq!(result(&host, app, &again).await, json!([]), "{app}");
    }
}
