use super::*;

fn refusal_of(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn comments_are_refused_with_the_advice_to_remove_them() {
    for text in [
        "{\"app_name\": \"a\", // the name\n\"version\": \"1.0.0\"}",
        "{\"app_name\": \"a\" /* the name */}",
        "# the manifest\n{}",
    ] {
        let refusal = refusal_of(text);
        assert!(
            refusal.starts_with("manifest.json is not valid JSON: "),
            "{refusal}"
        );
        assert!(
            refusal.ends_with("; JSON has no comments: remove them"),
            "{refusal}"
        );
    }
    // A URL in a string is no comment.
    let refusal = refusal_of(r#"{"description": "see \" http://x", }"#);
    assert_eq!(
        refusal,
        "manifest.json is not valid JSON: trailing comma at line 1 column 36"
    );
}

#[test]
fn a_key_that_stands_twice_is_refused_at_any_depth() {
    assert_eq!(
        refusal_of("{\"app_name\": \"a\",\n \"app_name\": \"b\"}"),
        "manifest.json is not valid JSON: the key `app_name` stands twice at line 2 column 11"
    );
    assert!(
        refusal_of(r#"{"limits": {"wall_ms": 1, "wall_ms": 2}}"#)
            .contains("`wall_ms` stands twice")
    );
}

#[test]
fn a_manifest_is_one_json_object_in_utf8() {
    assert_eq!(
        refusal_of("[]"),
        "manifest.json must be a JSON object, not an array"
    );
    assert!(refusal_of("").starts_with("manifest.json is not valid JSON: EOF"));
    assert!(refusal_of("{} {}").contains("trailing characters"));
    assert!(refusal_of(&"[".repeat(1000)).contains("recursion limit"));

    let utf16 = b"\xff\xfe{\0}\0";
    assert_eq!(parse(utf16).unwrap_err(), ManifestError::NotUtf8);
    let huge = vec![b' '; 4 * 1024 * 1024 + 1];
    assert_eq!(
        parse(&huge).unwrap_err(),
        ManifestError::TooLarge(4 * 1024 * 1024)
    );
}

#[test]
fn a_byte_order_mark_is_accepted() {
    let text = "\u{feff}{}".to_owned();
    assert!(parse(text.as_bytes()).is_ok());
}

mod any {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_does_not_make_the_reader_panic(text in r#"[{}\[\]",:\\/*#a-c0-9 ]{0,60}|.{0,80}"#) {
            let _ = super::parse(text.as_bytes());
        }
    }
}
