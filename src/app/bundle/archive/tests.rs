mod raw;

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use self::raw::{Member, raw_zip};
use super::*;
use crate::app::Finding;
use crate::app::bundle::path::InvalidPath;

const SMALL: Limits = Limits {
    upload: 64 * 1024,
    entries: 5,
    file: 1000,
    total: 2500,
    ratio: 20,
    ratio_from: 2000,
};

/// A zip as an ordinary packer writes it.
fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in members {
        if name.ends_with('/') {
            zip.add_directory(*name, SimpleFileOptions::default())
                .unwrap();
        } else {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(contents).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn read(zip: &[u8]) -> Result<Bundle, BundleError> {
    super::read(zip, &Limits::CONTRACT)
}

fn names(bundle: &Bundle) -> Vec<&str> {
    bundle.files().map(|(path, _)| path.as_str()).collect()
}

/// The text of the refusal, for one member beside a harmless one.
fn refusal(member: Member<'_>) -> String {
    let zip = raw_zip(&[Member::new("main.py", b"x"), member]);
    read(&zip).unwrap_err().to_string()
}

#[test]
fn an_ordinary_zip_is_read_with_its_sub_folders() {
    let bundle = read(&packed(&[
        ("manifest.json", b"{}"),
        ("js/", b""),
        ("js/app.js", b"1"),
        ("empty/", b""),
        ("..foo", b""),
    ]))
    .unwrap();

    assert_eq!(names(&bundle), ["..foo", "js/app.js", "manifest.json"]);
    assert_eq!(bundle.file("js/app.js").unwrap().as_ref(), b"1");
    assert!(bundle.warnings().is_empty());
}

#[test]
fn a_zip_with_sizes_in_data_descriptors_is_read() {
    let mut zip = ZipWriter::new_stream(Vec::new());
    zip.start_file("main.py", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"print()").unwrap();
    let zip = zip.finish().unwrap().into_inner();
    assert_eq!(zip[6] & 8, 8, "the writer is expected to stream");

    assert_eq!(names(&read(&zip).unwrap()), ["main.py"]);
}

#[test]
fn backslashes_from_windows_are_separators() {
    let bundle = read(&raw_zip(&[
        Member::new("main.py", b"x"),
        Member::new("libs\\", b""),
        Member::new("libs\\a\\b.py", b"y"),
    ]))
    .unwrap();

    assert_eq!(names(&bundle), ["libs/a/b.py", "main.py"]);
}

#[test]
fn what_macos_and_windows_add_is_left_out_and_told() {
    let bundle = read(&packed(&[
        ("main.py", b""),
        ("__MACOSX/", b""),
        ("__MACOSX/._main.py", b"junk"),
        ("js/.DS_Store", b"junk"),
        ("Thumbs.db", b"junk"),
    ]))
    .unwrap();

    assert_eq!(names(&bundle), ["main.py"]);
    let warnings: Vec<_> = bundle.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["left out of the bundle: __MACOSX/, __MACOSX/._main.py, js/.DS_Store, Thumbs.db (NR-B14)"]
    );
}

#[test]
fn what_has_no_use_in_a_bundle_is_kept_with_a_warning() {
    let unwanted = [
        "__pycache__/main.pyc",
        ".env",
        "old.zip",
        "node_modules/x/i.js",
        "package.json",
        "vite.config.js",
    ];
    let mut members = vec![("main.py", b"".as_slice())];
    members.extend(unwanted.map(|name| (name, b"".as_slice())));
    let bundle = read(&packed(&members)).unwrap();

    let warnings = bundle.warnings();
    for name in unwanted {
        assert!(bundle.file(name).is_some());
        assert!(
            warnings
                .iter()
                .any(|found| found.rule == "NR-B14"
                    && found.text.starts_with(&format!("`{name}`: "))),
            "{name}: {warnings:?}"
        );
    }
}

#[test]
fn names_that_differ_only_in_case_are_two_files_and_a_warning() {
    let bundle = read(&packed(&[("A.py", b"1"), ("a.py", b"2")])).unwrap();

    assert_eq!(names(&bundle), ["A.py", "a.py"]);
    assert_eq!(
        bundle.warnings(),
        [Finding::new(
            "SK-B02",
            "`A.py` and `a.py` differ only in case; rename one"
        )]
    );
}

#[test]
fn a_wrapped_bundle_is_refused_by_the_name_of_its_folder() {
    let error = read(&packed(&[
        ("app_x/", b""),
        ("app_x/manifest.json", b"{}"),
        ("app_x/main.py", b""),
        ("__MACOSX/app_x/._main.py", b""),
    ]))
    .unwrap_err();

    assert_eq!(
        error.to_string(),
        "everything in the bundle is inside the folder `app_x`, but manifest.json belongs at its \
         root: use the contents of `app_x`, not the folder itself"
    );
}

#[test]
fn a_path_that_leads_out_of_the_bundle_is_refused_by_name() {
    for (name, expected) in [
        ("../evil", InvalidPath::Parent),
        ("a/../../evil", InvalidPath::Parent),
        ("..\\evil", InvalidPath::Parent),
        ("/etc/passwd", InvalidPath::Absolute),
        ("C:\\evil", InvalidPath::Drive),
        ("../", InvalidPath::Parent),
        ("__MACOSX/../../evil", InvalidPath::Parent),
    ] {
        let text = refusal(Member::new(name, b""));
        assert_eq!(
            text,
            format!("`{}`: {expected}", name.replace('\\', "\\\\"))
        );
    }
}

#[test]
fn a_control_character_is_refused_and_not_printed() {
    let text = refusal(Member::new("a\0b\n", b""));

    assert_eq!(
        text,
        "`a\\0b\\n`: its name has a control character (U+0000); rename it"
    );
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let text = refusal(Member::from_bytes(b"caf\x82.py", b""));

    assert!(
        text.starts_with("`caf\u{fffd}.py`: its name is not UTF-8"),
        "{text}"
    );
}

#[test]
fn a_long_name_is_refused_with_a_short_message() {
    let text = refusal(Member::new(&"x".repeat(300), b""));

    assert!(
        text.ends_with("longer than 255 bytes; shorten it"),
        "{text}"
    );
    assert!(text.len() < 300);
}

#[test]
fn symbolic_links_and_devices_are_refused() {
    for (mode, kind) in [
        (0o120_777, "symbolic link"),
        (0o060_644, "device, pipe or socket"),
        (0o010_644, "device, pipe or socket"),
        (0o040_755, "folder with the name of a file"),
    ] {
        let text = refusal(Member::new("link", b"/etc/passwd").mode(mode));
        assert!(
            text.starts_with(&format!("`link`: it is a {kind};")),
            "{text}"
        );
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    for (first, second, named) in [
        ("a.py", "a.py", "a.py"),
        ("./a.py", "a.py", "a.py"),
        ("l\\a.py", "l/a.py", "l/a.py"),
        ("l//a.py", "l/a.py", "l/a.py"),
    ] {
        let zip = raw_zip(&[Member::new(first, b"1"), Member::new(second, b"2")]);
        let text = read(&zip).unwrap_err().to_string();
        assert_eq!(
            text,
            format!("`{named}` stands in the bundle twice; keep one")
        );
    }
}

#[test]
fn a_path_that_is_a_file_and_a_folder_is_refused() {
    for members in [
        [Member::new("a", b"1"), Member::new("a/b", b"2")],
        [Member::new("a/b", b"2"), Member::new("a", b"1")],
        [Member::new("a", b"1"), Member::new("a/", b"")],
        [Member::new("a", b"1"), Member::new("a/b/", b"")],
    ] {
        let mut members = members.to_vec();
        // It sorts between `a` and `a/`, so neighbours alone would not tell.
        members.push(Member::new("a-c", b""));
        let text = read(&raw_zip(&members)).unwrap_err().to_string();
        assert_eq!(text, "`a` is both a file and a folder; rename one");
    }
}

#[test]
fn a_folder_with_contents_is_refused() {
    let text = refusal(Member::new("a/", b"hidden"));

    assert_eq!(text, "`a/` is both a file and a folder; rename one");
}

#[test]
fn an_encrypted_member_is_refused() {
    let text = refusal(Member::new("secret.py", b"0123456789abcdef").flags(1));

    assert_eq!(text, "`secret.py` is encrypted; pack without a password");
}

#[test]
fn an_unknown_compression_is_refused() {
    for method in [1, 9, 12, 14, 93, 99, 777] {
        let text = refusal(Member::new("main.js", b"x").method(method));
        assert!(
            text.starts_with("`main.js` is packed by a method that is not supported"),
            "{method}: {text}"
        );
    }
}

#[test]
fn a_damaged_member_is_refused_by_name() {
    let text = refusal(Member::new("data.csv", b"1,2").crc(7));
    assert_eq!(
        text,
        "`data.csv` is damaged (Invalid checksum): pack or upload the zip again"
    );

    let text = refusal(Member::new("data.csv", b"\xff\xff\xff").method(8));
    assert!(text.starts_with("`data.csv` is damaged ("), "{text}");
}

#[test]
fn a_member_that_lies_about_its_size_is_refused() {
    for size in [2, 9] {
        let text = refusal(Member::new("data.csv", b"1,2").size(size));
        assert!(
            text.starts_with("`data.csv` is damaged ("),
            "{size}: {text}"
        );
    }
}

#[test]
fn two_headers_that_disagree_about_a_member_are_refused() {
    let text = refusal(Member::new("a.py", b"x").local_name("b.py"));
    assert!(
        text.starts_with("`a.py`: the zip contradicts itself about it ("),
        "{text}"
    );
}

#[test]
fn members_that_share_bytes_are_refused() {
    let zip = raw_zip(&[
        Member::new("main.py", b"x"),
        Member::new("main.py", b"x").central_name("other").at(0),
    ]);

    let error = read(&zip).unwrap_err();
    assert!(
        matches!(
            error,
            BundleError::Inconsistent(..) | BundleError::InconsistentZip(_)
        ),
        "{error}"
    );
}

#[test]
fn a_file_that_only_the_local_headers_show_is_refused() {
    let zip = raw_zip(&[
        Member::new("main.py", b"x"),
        Member::new("hidden.py", b"evil").unlisted(),
    ]);

    let text = read(&zip).unwrap_err().to_string();
    assert!(text.starts_with("the zip contradicts itself ("), "{text}");
}

#[test]
fn what_is_not_a_zip_is_refused_as_such() {
    for bytes in [&b""[..], b"hello", b"\x1f\x8b\x08gzip", &[0; 4096]] {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, BundleError::NotAZip), "{error}");
    }
}

#[test]
fn a_zip_that_was_cut_off_is_refused_wherever_the_cut_is() {
    let whole = packed(&[("main.py", b"print('hello')"), ("index.html", b"<p>")]);
    for length in 2..whole.len() {
        let error = read(&whole[..length]).unwrap_err();
        assert!(
            matches!(error, BundleError::Damaged(_)),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_zip_without_files_is_refused() {
    for zip in [
        packed(&[]),
        packed(&[("folder/", b"")]),
        packed(&[(".DS_Store", b"")]),
    ] {
        let error = read(&zip).unwrap_err();
        assert!(matches!(error, BundleError::Empty), "{error}");
    }
}

#[test]
fn a_zip_inside_the_zip_is_a_file_like_any_other() {
    let inner = packed(&[("x", b"y")]);
    let bundle = read(&packed(&[("main.py", b""), ("inner.zip", &inner)])).unwrap();

    assert_eq!(bundle.file("inner.zip").unwrap(), &inner);
}

#[test]
fn sizes_are_bounded_to_the_byte() {
    let read = |zip: &[u8]| super::read(zip, &SMALL);
    // Bytes that do not compress, so that no ratio is in the way.
    let noise: Vec<u8> = (0..2000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();

    assert!(read(&packed(&[("a", &noise[..1000])])).is_ok());
    let error = read(&packed(&[("a", &noise[..1001])])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a` is larger than 1000 bytes; leave it out, or split it"
    );

    let (full, half) = (&noise[..1000], &noise[..500]);
    assert!(read(&packed(&[("a", full), ("b", full), ("c", half)])).is_ok());
    let error = read(&packed(&[("a", full), ("b", full), ("c", &noise[..501])])).unwrap_err();
    assert!(matches!(error, BundleError::TotalTooLarge(2500)), "{error}");
    assert!(error.is_too_large());
}

#[test]
fn entries_and_upload_are_bounded() {
    let read = |zip: &[u8]| super::read(zip, &SMALL);
    let members: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|name| (name, b"".as_slice()))
        .into();

    assert!(read(&packed(&members[..5])).is_ok());
    let error = read(&packed(&members)).unwrap_err();
    assert!(matches!(error, BundleError::TooManyEntries(5)), "{error}");

    let error = read(&[0; 64 * 1024 + 1]).unwrap_err();
    assert!(matches!(error, BundleError::UploadTooLarge(_)), "{error}");
}

#[test]
fn a_bomb_of_repeated_bytes_is_refused_as_soon_as_it_shows() {
    let zeros = [0; 1000];
    let error = super::read(
        &packed(&[("a", &zeros), ("b", &zeros), ("c", &zeros)]),
        &Limits {
            ratio: 5,
            total: 10_000,
            ..SMALL
        },
    )
    .unwrap_err();

    assert!(
        matches!(&error, BundleError::Ratio(5, name) if name == "c"),
        "{error}"
    );
}

#[test]
fn a_member_that_declares_too_much_is_refused_without_room_being_made_for_it() {
    let zip = raw_zip(&[Member::new("a", b"x").size(u32::MAX - 1)]);

    let error = read(&zip).unwrap_err();
    assert!(matches!(error, BundleError::DamagedMember(..)), "{error}");
}

#[test]
fn a_written_zip_is_the_same_for_the_same_files() {
    let zip = packed(&[("b.py", b"2"), ("a.py", b"1"), ("libs/x.py", b"3")]);
    let bundle = read(&zip).unwrap();
    let other = read(&packed(&[
        ("a.py", b"1"),
        ("libs\\x.py", b"3"),
        ("b.py", b"2"),
    ]))
    .unwrap();

    let written = bundle.to_zip().unwrap();
    assert_eq!(written, other.to_zip().unwrap());
    assert_eq!(read(&written).unwrap(), bundle);
}

#[test]
fn a_stored_zip_with_a_comment_is_read() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.set_comment("made by hand").unwrap();
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("main.py", stored).unwrap();
    zip.write_all(b"x").unwrap();
    let zip = zip.finish().unwrap().into_inner();

    assert_eq!(names(&read(&zip).unwrap()), ["main.py"]);
}
