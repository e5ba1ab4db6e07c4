use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, contents) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    folder
}

fn read(folder: &Path) -> Result<Bundle, BundleError> {
    super::read(folder, &Limits::CONTRACT)
}

fn names(bundle: &Bundle) -> Vec<&str> {
    bundle.files().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn a_folder_is_read_with_its_name_and_without_what_tools_leave_behind() {
    let parent = folder(&[
        ("app_x/manifest.json", "{}"),
        ("app_x/libs/p/__init__.py", ""),
        ("app_x/.git/HEAD", "ref"),
        ("app_x/__pycache__/main.pyc", ""),
        ("app_x/libs/p/old.pyc", ""),
        ("app_x/.venv/lib/x.py", ""),
        ("app_x/node_modules/x/index.js", ""),
        ("app_x/.main.py.swp", ""),
        ("app_x/main.py~", ""),
        ("app_x/.env", "PASSWORD=x"),
        ("app_x/.DS_Store", ""),
    ]);
    let bundle = read(&parent.path().join("app_x")).unwrap();

    assert_eq!(bundle.folder_name(), Some("app_x"));
    assert_eq!(names(&bundle), ["libs/p/__init__.py", "manifest.json"]);
    assert_eq!(
        bundle.skipped(),
        [
            ".DS_Store",
            ".env",
            ".git",
            ".main.py.swp",
            ".venv",
            "__pycache__",
            "libs/p/old.pyc",
            "main.py~",
            "node_modules",
        ]
    );
}

#[test]
fn a_folder_and_a_zip_of_it_have_the_same_digest() {
    let folder = folder(&[("manifest.json", "{}"), ("js/app.js", "1")]);
    let bundle = read(folder.path()).unwrap();
    let zipped = Bundle::from_zip(&bundle.to_zip().unwrap()).unwrap();

    assert_eq!(zipped.digest(), bundle.digest());
}

#[test]
fn a_symbolic_link_is_refused_wherever_it_leads() {
    for target in ["/etc/passwd", "main.py", "nowhere"] {
        let folder = folder(&[("main.py", "")]);
        symlink(target, folder.path().join("link")).unwrap();

        let text = read(folder.path()).unwrap_err().to_string();
        assert!(text.starts_with("`link`: it is a symbolic link;"), "{text}");
    }
}

#[test]
fn what_stands_in_the_place_of_a_tools_folder_is_left_out_too() {
    let folder = folder(&[("main.py", "a"), (".git", "gitdir: elsewhere")]);
    symlink("/nowhere", folder.path().join(".venv")).unwrap();

    let bundle = read(folder.path()).unwrap();

    assert_eq!(names(&bundle), ["main.py"]);
    assert_eq!(bundle.skipped(), [".git", ".venv"]);
}

#[test]
fn a_link_to_a_folder_outside_is_refused() {
    let outside = folder(&[("secret", "")]);
    let folder = folder(&[("main.py", "")]);
    symlink(outside.path(), folder.path().join("libs")).unwrap();

    let text = read(folder.path()).unwrap_err().to_string();
    assert!(text.starts_with("`libs`: it is a symbolic link;"), "{text}");
}

#[test]
fn a_pipe_is_refused_instead_of_waited_for() {
    let folder = folder(&[("main.py", "")]);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();

    let text = read(folder.path()).unwrap_err().to_string();
    assert!(
        text.starts_with("`pipe`: it is a device, pipe or socket;"),
        "{text}"
    );
}

#[test]
fn a_folder_around_the_app_is_refused_by_its_name() {
    let parent = folder(&[("app_x/manifest.json", "{}"), ("app_x/main.py", "")]);

    let error = read(parent.path()).unwrap_err();
    assert!(
        matches!(&error, BundleError::Wrapped(name) if name == "app_x"),
        "{error}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = read(Path::new("no/such/folder")).unwrap_err();

    assert!(
        error
            .to_string()
            .starts_with("cannot read `no/such/folder`: "),
        "{error}"
    );
}

#[test]
fn the_limits_hold_for_folders() {
    let folder = folder(&[("a", "12345"), ("b", "12345")]);
    let limits = |file, total, entries| Limits {
        file,
        total,
        entries,
        ..Limits::CONTRACT
    };
    let read = |limits| super::read(folder.path(), &limits);

    assert!(read(limits(5, 10, 2)).is_ok());
    for (limits, expected) in [
        (
            limits(4, 10, 2),
            "`a` is larger than 4 bytes; leave it out, or split it",
        ),
        (
            limits(5, 9, 2),
            "the bundle is larger than 9 bytes unpacked; leave out what the app does not need",
        ),
        (
            limits(5, 10, 1),
            "the bundle has more than 1 entries; leave out what the app does not need",
        ),
    ] {
        assert_eq!(read(limits).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_folder_that_changes_while_it_is_read_gives_nothing_from_outside() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let outside = folder(&[("secret", "secret")]);
    let app = folder(&[
        ("manifest.json", "{}"),
        ("x", "inside"),
        ("libs/secret", "inside"),
    ]);
    let spare = TempDir::new().unwrap();
    let (x, libs) = (app.path().join("x"), app.path().join("libs"));
    // Prepared beside, so that each exchange is one step.
    let exchange = |name: &str, place: &Path| {
        let _ = fs::rename(place, spare.path().join("old"));
        let _ = fs::rename(spare.path().join(name), place);
        let _ = fs::rename(spare.path().join("old"), spare.path().join(name));
    };
    symlink(outside.path().join("secret"), spare.path().join("link")).unwrap();
    symlink(outside.path(), spare.path().join("folder-link")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        spare.path().join("pipe"),
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                exchange("link", &x);
                exchange("pipe", &x);
                exchange("folder-link", &libs);
            }
        });
        for _ in 0..500 {
            // Most readings fail, and none may hang or succeed with what is not there.
            if let Ok(bundle) = read(app.path()) {
                let mut contents = bundle.files().map(|(_, contents)| contents);
                assert!(contents.all(|contents| contents != "secret"));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
