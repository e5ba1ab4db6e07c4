use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PrivateFolder) {
    let work = tempfile::tempdir().unwrap();
    let folder = PrivateFolder::create(&work.path().join("work"), "test-", None).unwrap();
    (work, folder)
}

fn names(path: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn the_folder_and_all_in_it_are_for_its_owner_alone() {
    let (_work, folder) = folder();
    folder.write("a/b/file", b"text").unwrap();

    for (path, mode) in [
        ("", 0o700),
        ("a", 0o700),
        ("a/b", 0o700),
        ("a/b/file", 0o600),
    ] {
        let found = fs::metadata(folder.path().join(path)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{path}");
    }
    assert_eq!(folder.take("a/b/file", 4).unwrap(), b"text");
}

#[test]
fn nothing_is_written_outside_or_over_what_is_there() {
    let (work, folder) = folder();
    fs::write(work.path().join("outside"), "old").unwrap();
    std::os::unix::fs::symlink(work.path(), folder.path().join("link")).unwrap();
    folder.write("file", b"first").unwrap();

    for path in [
        "../outside",
        "../../outside",
        "/etc/skep",
        "link/outside",
        "link/new/file",
        "link",
        "file",
        "file/below",
    ] {
        assert!(folder.write(path, b"new").is_err(), "{path}");
    }

    assert_eq!(names(work.path()).len(), 2);
    assert_eq!(
        fs::read_to_string(work.path().join("outside")).unwrap(),
        "old"
    );
    assert_eq!(folder.take("file", 9).unwrap(), b"first");
}

#[test]
fn only_a_plain_file_of_bounded_size_is_taken() {
    let (work, folder) = folder();
    let outside = work.path().join("secret");
    fs::write(&outside, "secret").unwrap();
    let at = |name| folder.path().join(name);
    std::os::unix::fs::symlink(&outside, at("link")).unwrap();
    std::os::unix::fs::symlink("plain", at("inner-link")).unwrap();
    fs::hard_link(&outside, at("hard-link")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        at("pipe"),
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("plain"), "12345").unwrap();
    // A hole of a size that no memory has.
    fs::File::create(at("huge"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();

    for name in [
        "link",
        "inner-link",
        "hard-link",
        "pipe",
        "folder",
        "huge",
        "none",
        "../secret",
    ] {
        assert!(folder.take(name, 1_000).is_err(), "{name}");
    }
    assert!(folder.take("plain", 4).is_err());
    assert_eq!(folder.take("plain", 5).unwrap(), b"12345");
}

#[test]
fn a_sweep_takes_what_nobody_works_in() {
    let work = tempfile::tempdir().unwrap();
    let mine = PrivateFolder::create(work.path(), "build-", None).unwrap();
    mine.write("file", b"text").unwrap();
    fs::create_dir_all(work.path().join("build-old/deep/deeper")).unwrap();
    fs::write(work.path().join("build-old/deep/file"), "").unwrap();
    fs::write(work.path().join("stray"), "").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("kept"), "").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), work.path().join("link")).unwrap();

    sweep(work.path()).unwrap();

    assert_eq!(names(work.path()), std::slice::from_ref(&mine.name));
    assert_eq!(names(elsewhere.path()), ["kept"]);
    assert_eq!(mine.take("file", 4).unwrap(), b"text");
    drop(mine);
    assert!(names(work.path()).is_empty());
    sweep(&work.path().join("none")).unwrap();
}
