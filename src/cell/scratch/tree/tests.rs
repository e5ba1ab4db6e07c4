use proptest::prelude::*;

use super::*;

const NOW: Moment = Moment::from_secs(1_000_000);
const WRITE: Opening = Opening {
    create: true,
    exclusive: false,
    truncate: false,
    folder: false,
    write: true,
};
const READ: Opening = Opening {
    create: false,
    write: false,
    ..WRITE
};

fn tree() -> Tree {
    Tree::new(Limits {
        bytes: 1_000,
        entries: 10,
    })
}

/// A file of this size, which nobody holds open.
fn put(tree: &mut Tree, path: &str, size: usize) -> Result<(), Refusal> {
    let id = tree.open(ROOT, path, WRITE, NOW)?;
    let written = tree.write(id, Some(0), &vec![7; size], NOW);
    tree.release(id);
    written.map(|_| ())
}

fn names(tree: &Tree, folder: NodeId) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    while let Some((name, _)) = tree
        .entry_after(folder, names.last().map(String::as_str))
        .unwrap()
    {
        names.push(name);
    }
    names
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let mut tree = tree();
    let id = tree.open(ROOT, "a", WRITE, NOW).unwrap();

    assert_eq!(tree.write(id, Some(3), b"xyz", NOW), Ok(6));
    assert_eq!(tree.write(id, None, b"!", NOW), Ok(7));

    assert_eq!(tree.read(id, 0, 100).unwrap(), b"\0\0\0xyz!");
    assert_eq!(tree.read(id, 4, 2).unwrap(), b"yz");
    assert_eq!(tree.read(id, 7, 1).unwrap(), b"");
    assert_eq!(tree.read(id, u64::MAX, 1).unwrap(), b"");
    assert_eq!(tree.stat(id).unwrap().times.modified, NOW);
}

#[test]
fn what_is_over_the_limit_is_refused_and_changes_nothing() {
    let mut tree = tree();
    put(&mut tree, "a", 600).unwrap();

    assert_eq!(put(&mut tree, "b", 401), Err(Refusal::Full));
    assert_eq!(tree.bytes(), 600);
    assert_eq!(put(&mut tree, "b", 400), Ok(()));
    // To write over what is there needs no room.
    assert_eq!(put(&mut tree, "b", 400), Ok(()));
    assert_eq!(put(&mut tree, "c", 1), Err(Refusal::Full));

    tree.remove_file(ROOT, "a", NOW).unwrap();
    assert_eq!(put(&mut tree, "c", 600), Ok(()));
}

#[test]
fn a_hole_counts_as_if_it_were_written() {
    let mut tree = tree();
    let id = tree.open(ROOT, "a", WRITE, NOW).unwrap();

    assert_eq!(tree.resize(id, 1_001, NOW), Err(Refusal::Full));
    assert_eq!(tree.resize(id, u64::MAX, NOW), Err(Refusal::Full));
    assert_eq!(tree.write(id, Some(1_000), b"x", NOW), Err(Refusal::Full));
    assert_eq!(
        tree.write(id, Some(u64::MAX), b"x", NOW),
        Err(Refusal::TooLarge)
    );
    assert_eq!(tree.bytes(), 0);

    assert_eq!(tree.resize(id, 1_000, NOW), Ok(()));
    assert_eq!(tree.bytes(), 1_000);
    assert_eq!(tree.resize(id, 10, NOW), Ok(()));
    assert_eq!(tree.bytes(), 10);
}

#[test]
fn a_removed_file_counts_until_it_is_closed() {
    let mut tree = tree();
    let id = tree.open(ROOT, "a", WRITE, NOW).unwrap();
    tree.write(id, None, &[1; 900], NOW).unwrap();
    tree.remove_file(ROOT, "a", NOW).unwrap();

    assert_eq!(put(&mut tree, "b", 200), Err(Refusal::Full));
    assert_eq!(tree.read(id, 0, 1).unwrap(), [1]);

    tree.release(id);
    assert_eq!(put(&mut tree, "b", 200), Ok(()));
    assert_eq!(tree.read(id, 0, 1), Err(Refusal::BadHandle));
}

#[test]
fn files_and_folders_are_counted_removed_but_open_ones_too() {
    let mut tree = tree();
    for name in 0..9 {
        put(&mut tree, &name.to_string(), 0).unwrap();
    }
    let held = tree.open(ROOT, "held", WRITE, NOW).unwrap();
    tree.remove_file(ROOT, "held", NOW).unwrap();

    assert_eq!(put(&mut tree, "x", 0), Err(Refusal::Full));
    assert_eq!(tree.make_folder(ROOT, "x", NOW), Err(Refusal::Full));

    tree.release(held);
    assert_eq!(tree.make_folder(ROOT, "x", NOW), Ok(()));
    assert_eq!(names(&tree, ROOT).len(), 10);
}

#[test]
fn no_path_leads_out() {
    let mut tree = tree();
    tree.make_folder(ROOT, "f", NOW).unwrap();
    let inside = tree.find(ROOT, "f").unwrap();

    for path in [
        "..",
        "../x",
        "f/../..",
        "f/../../x",
        "/",
        "/tmp",
        "/etc/passwd",
    ] {
        assert_eq!(tree.find(ROOT, path), Err(Refusal::NotPermitted), "{path}");
        assert_eq!(
            tree.open(ROOT, path, WRITE, NOW),
            Err(Refusal::NotPermitted),
            "{path}"
        );
    }
    assert_eq!(tree.find(inside, "../.."), Err(Refusal::NotPermitted));
    assert_eq!(tree.find(inside, ".."), Ok(ROOT));
    assert_eq!(tree.find(ROOT, "f/../f/./"), Ok(inside));
    assert_eq!(tree.find(ROOT, "a\0b"), Err(Refusal::Invalid));
    assert_eq!(tree.find(ROOT, ""), Err(Refusal::NotFound));
    let long = "x".repeat(256);
    assert_eq!(put(&mut tree, &long, 0), Err(Refusal::NameTooLong));
}

#[test]
fn a_file_is_no_folder_and_a_folder_no_file() {
    let mut tree = tree();
    put(&mut tree, "file", 1).unwrap();
    tree.make_folder(ROOT, "folder", NOW).unwrap();
    put(&mut tree, "folder/x", 1).unwrap();

    assert_eq!(put(&mut tree, "file/x", 1), Err(Refusal::NotAFolder));
    assert_eq!(put(&mut tree, "folder", 1), Err(Refusal::IsFolder));
    assert_eq!(put(&mut tree, "new/", 1), Err(Refusal::IsFolder));
    assert_eq!(tree.find(ROOT, "file/"), Err(Refusal::NotAFolder));
    assert_eq!(tree.make_folder(ROOT, "file", NOW), Err(Refusal::Exists));
    assert_eq!(tree.make_folder(ROOT, "folder/", NOW), Err(Refusal::Exists));
    assert_eq!(
        tree.remove_folder(ROOT, "folder", NOW),
        Err(Refusal::NotEmpty)
    );
    assert_eq!(
        tree.remove_folder(ROOT, "file", NOW),
        Err(Refusal::NotAFolder)
    );
    assert_eq!(
        tree.remove_file(ROOT, "folder", NOW),
        Err(Refusal::IsFolder)
    );
    let exclusive = Opening {
        exclusive: true,
        ..WRITE
    };
    assert_eq!(
        tree.open(ROOT, "file", exclusive, NOW),
        Err(Refusal::Exists)
    );
    assert_eq!(tree.open(ROOT, "none", READ, NOW), Err(Refusal::NotFound));
}

#[test]
fn a_rename_takes_the_place_of_what_is_there() {
    let mut tree = tree();
    put(&mut tree, "a", 100).unwrap();
    put(&mut tree, "b", 200).unwrap();
    tree.make_folder(ROOT, "f", NOW).unwrap();
    tree.make_folder(ROOT, "f/g", NOW).unwrap();

    assert_eq!(tree.rename((ROOT, "a"), (ROOT, "b"), NOW), Ok(()));
    assert_eq!(tree.bytes(), 100);
    assert_eq!(tree.rename((ROOT, "b"), (ROOT, "b"), NOW), Ok(()));
    assert_eq!(tree.bytes(), 100);
    assert_eq!(
        tree.rename((ROOT, "b"), (ROOT, "f"), NOW),
        Err(Refusal::IsFolder)
    );
    assert_eq!(
        tree.rename((ROOT, "f"), (ROOT, "b"), NOW),
        Err(Refusal::NotAFolder)
    );
    assert_eq!(
        tree.rename((ROOT, "f"), (ROOT, "f/g/h"), NOW),
        Err(Refusal::Invalid)
    );
    assert_eq!(tree.rename((ROOT, "f/g"), (ROOT, "g"), NOW), Ok(()));
    let moved = tree.find(ROOT, "g").unwrap();
    assert_eq!(tree.find(moved, ".."), Ok(ROOT));
    assert_eq!(tree.rename((ROOT, "b"), (moved, "b"), NOW), Ok(()));
    assert_eq!(names(&tree, ROOT), ["f", "g"]);
    assert_eq!(names(&tree, moved), ["b"]);
}

#[test]
fn nothing_can_be_put_into_a_folder_that_was_removed() {
    let mut tree = tree();
    tree.make_folder(ROOT, "f", NOW).unwrap();
    put(&mut tree, "a", 1).unwrap();
    let held = tree.open(ROOT, "f", READ, NOW).unwrap();
    tree.remove_folder(ROOT, "f", NOW).unwrap();

    assert_eq!(tree.open(held, "x", WRITE, NOW), Err(Refusal::NotFound));
    assert_eq!(
        tree.rename((ROOT, "a"), (held, "a"), NOW),
        Err(Refusal::NotFound)
    );
    assert_eq!(names(&tree, ROOT), ["a"]);
}

#[test]
fn clearing_leaves_nothing_to_open_handles_either() {
    let mut tree = tree();
    let id = tree.open(ROOT, "a", WRITE, NOW).unwrap();
    tree.write(id, None, b"secret", NOW).unwrap();

    tree.clear();

    assert_eq!(tree.bytes(), 0);
    assert_eq!(names(&tree, ROOT), Vec::<String>::new());
    assert_eq!(tree.read(id, 0, 6), Err(Refusal::BadHandle));
    let other = tree.open(ROOT, "b", WRITE, NOW).unwrap();
    assert_ne!(other, id);
    tree.release(id);
    assert_eq!(tree.write(other, None, b"x", NOW), Ok(1));
}

#[derive(Debug, Clone)]
enum Step {
    Put(String, usize),
    Hold(String),
    Release,
    Resize(String, u64),
    Folder(String),
    RemoveFile(String),
    RemoveFolder(String),
    Rename(String, String),
}

fn any_step() -> impl Strategy<Value = Step> {
    let path = || "[abc](/[abc]){0,2}|\\.\\./a|a/\\.\\.";
    prop_oneof![
        (path(), 0_usize..500).prop_map(|(path, size)| Step::Put(path, size)),
        path().prop_map(Step::Hold),
        Just(Step::Release),
        (path(), 0_u64..1_200).prop_map(|(path, size)| Step::Resize(path, size)),
        path().prop_map(Step::Folder),
        path().prop_map(Step::RemoveFile),
        path().prop_map(Step::RemoveFolder),
        (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
    ]
}

proptest! {
    #[test]
    fn the_count_is_true_and_within_bounds_whatever_is_done(
        steps in proptest::collection::vec(any_step(), 0..60),
    ) {
        let mut tree = tree();
        let mut held = Vec::new();
        for step in steps {
            // Most steps fail, and none of those may change the count.
            let _ = match step {
                Step::Put(path, size) => put(&mut tree, &path, size),
                Step::Hold(path) => tree.open(ROOT, &path, READ, NOW).map(|id| held.push(id)),
                Step::Release => {
                    held.pop().into_iter().for_each(|id| tree.release(id));
                    Ok(())
                }
                Step::Resize(path, size) => tree
                    .find(ROOT, &path)
                    .and_then(|id| tree.resize(id, size, NOW)),
                Step::Folder(path) => tree.make_folder(ROOT, &path, NOW),
                Step::RemoveFile(path) => tree.remove_file(ROOT, &path, NOW),
                Step::RemoveFolder(path) => tree.remove_folder(ROOT, &path, NOW),
                Step::Rename(from, to) => tree.rename((ROOT, &from), (ROOT, &to), NOW),
            };
            let real: u64 = tree.nodes.values().map(Node::size).sum();
            prop_assert_eq!(tree.bytes, real);
            prop_assert!(tree.bytes <= 1_000);
            prop_assert!(tree.nodes.len() <= 11);
        }
        held.into_iter().for_each(|id| tree.release(id));
        let reachable = tree.nodes.values().all(|node| node.named && node.handles == 0);
        prop_assert!(reachable, "a node without a name or handle was kept");
    }
}

#[test]
fn files_that_were_given_can_be_read_and_not_changed() {
    let files: [(&str, &[u8]); 3] = [
        ("main.py", b"a"),
        ("lib/deep/x.py", b"bc"),
        ("lib/y.py", b""),
    ];
    let mut tree = Tree::of_files(files.into_iter(), NOW).unwrap();

    let id = tree.find(ROOT, "lib/deep/x.py").unwrap();
    assert_eq!(tree.read(id, 0, 10).unwrap(), b"bc");
    assert_eq!(
        tree.entry_after(ROOT, None).unwrap(),
        Some(("lib".to_owned(), true))
    );
    let reading = tree.open(ROOT, "main.py", Opening::default(), NOW).unwrap();
    tree.release(reading);

    let write = Opening {
        write: true,
        ..Opening::default()
    };
    let truncate = Opening {
        truncate: true,
        ..Opening::default()
    };
    let create = Opening {
        create: true,
        ..Opening::default()
    };
    let times = tree.stat(id).unwrap().times;
    for refused in [
        tree.open(ROOT, "main.py", write, NOW).map(drop),
        tree.open(ROOT, "main.py", truncate, NOW).map(drop),
        tree.open(ROOT, "new.py", create, NOW).map(drop),
        tree.write(id, None, b"x", NOW).map(drop),
        tree.resize(id, 0, NOW),
        tree.make_folder(ROOT, "new", NOW),
        tree.remove_file(ROOT, "main.py", NOW),
        tree.rename((ROOT, "main.py"), (ROOT, "lib/main.py"), NOW),
        tree.set_times(id, times),
    ] {
        assert_eq!(refused, Err(Refusal::ReadOnly));
    }
    assert_eq!(tree.read(id, 0, 10).unwrap(), b"bc");
}

#[test]
fn files_that_were_given_lead_nowhere_else() {
    for path in ["../main.py", "/main.py", ""] {
        assert!(
            Tree::of_files([(path, &b"a"[..])].into_iter(), NOW).is_err(),
            "{path}"
        );
    }
}
