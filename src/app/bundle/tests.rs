use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn bundle(files: &BTreeMap<String, Vec<u8>>) -> Bundle {
    Bundle {
        files: files
            .iter()
            .map(|(name, contents)| {
                let path = BundlePath::parse(name).unwrap();
                (path, Bytes::from(contents.clone()))
            })
            .collect(),
        skipped: Vec::new(),
        folder_name: None,
    }
}

fn digest(files: &[(&str, &str)]) -> String {
    let files = files
        .iter()
        .map(|(name, contents)| ((*name).to_owned(), contents.as_bytes().to_vec()));
    bundle(&files.collect()).digest()
}

#[test]
fn the_digest_is_of_paths_and_contents_and_stays_what_it_is() {
    assert_eq!(
        digest(&[("a", "b")]),
        "cf6ab613e3942391f88ed698557e1680f160bd10e88c6b668c50360c10930e2b"
    );
    let different = [
        digest(&[("a", "b")]),
        digest(&[("a", "bc")]),
        digest(&[("ab", "c")]),
        digest(&[("a", "b"), ("c", "")]),
        digest(&[("a", ""), ("b", "c")]),
    ];
    for (index, one) in different.iter().enumerate() {
        assert!(different.iter().skip(index + 1).all(|other| other != one));
    }
}

#[test]
fn a_component_put_into_a_bundle_takes_its_place() {
    let mut bundle = bundle(&BTreeMap::from([("main.py".to_owned(), Vec::new())]));
    let path = BundlePath::parse("component.wasm").unwrap();
    bundle.insert(path.clone(), Bytes::from_static(b"old"));
    bundle.insert(path, Bytes::from_static(b"new"));

    assert_eq!(bundle.file("component.wasm").unwrap().as_ref(), b"new");
    assert_eq!(bundle.files().len(), 2);
}

/// Names that are files at the root, so that none is a folder of another.
fn any_files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let name = "[a-zé._-]{1,8}".prop_filter("a name", |name| !matches!(name.as_str(), "." | ".."));
    let contents = proptest::collection::vec(any::<u8>(), 0..200);
    proptest::collection::btree_map(name, contents, 1..8)
}

proptest! {
    #[test]
    fn a_bundle_survives_being_zipped(files in any_files()) {
        let bundle = bundle(&files);
        let zip = bundle.to_zip().unwrap();
        let read = Bundle::from_zip(&zip).unwrap();

        prop_assert_eq!(read.digest(), bundle.digest());
        prop_assert_eq!(read.to_zip().unwrap(), zip);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Bundle::from_zip(&bytes).is_err());
    }

    #[test]
    fn no_damage_makes_the_reader_panic_or_read_something_else(
        files in any_files(),
        at in any::<proptest::sample::Index>(),
        value in any::<u8>(),
    ) {
        let bundle = bundle(&files);
        let mut zip = bundle.to_zip().unwrap();
        let at = at.index(zip.len());
        zip[at] = value;

        // What is read in spite of the damage is what was packed, but for names, which no
        // checksum guards.
        if let Ok(read) = Bundle::from_zip(&zip) {
            let contents = |bundle: &Bundle| {
                let mut contents: Vec<_> = bundle.files().map(|(_, file)| file.clone()).collect();
                contents.sort_unstable();
                contents
            };
            prop_assert_eq!(contents(&read), contents(&bundle));
        }
    }
}
