use proptest::prelude::*;

use super::*;

/// Line, text and a `+` for what is put together at run time.
fn found(source: &str) -> Vec<String> {
    literals(source)
        .into_iter()
        .map(
            |Literal {
                 line,
                 text,
                 is_part,
             }| {
                let part = if is_part { "+" } else { "" };
                format!("{line}{part}: {text}")
            },
        )
        .collect()
}

#[test]
fn every_kind_of_text_is_found_with_its_line() {
    let source = r#"
var a = 'one'; // not 'this'
/* nor "this" */ var b = "t'wo\n\x41\u{42}"
var c = `three
lines`, d = /["']/g.test(x), e = 4 / 2 + "five" / 1
var f = ''
"#;

    assert_eq!(
        found(source),
        [
            "2: one",
            "3: t'wo\nAB",
            "4: three\nlines",
            "5+: five",
            "6: "
        ]
    );
}

#[test]
fn texts_in_a_row_are_one_and_what_is_put_together_is_told() {
    let source = r#"
sql("SELECT id " +
    "FROM items", [1])
sql("SELECT id FROM " + table)
sql(table + " WHERE true")
sql(`SELECT ${"id" + `${x}`} FROM items`)
sql("SELECT x".replace("x", y))
"#;

    assert_eq!(
        found(source),
        [
            "2: SELECT id FROM items",
            "4+: SELECT id FROM ",
            "5+:  WHERE true",
            "6+: SELECT  FROM items",
            "6+: id",
            "7+: SELECT x",
            "7: x",
        ]
    );
}

proptest! {
    #[test]
    fn no_source_makes_it_fail(source in r#"[a-z'"`/\\{}$()+\n*\[\]]{0,60}"#) {
        let _ = literals(&source);
    }
}
