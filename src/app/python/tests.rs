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
fn every_kind_of_literal_is_found_with_its_line() {
    let source = r#"
a = 'one'  # not 'this'
b = "t'wo"
c = """three
"lines" """
d = r'\d' + 1
e = rb"\x"
f = ''
"#;

    assert_eq!(
        found(source),
        [
            "2: one",
            "3: t'wo",
            "4: three\n\"lines\" ",
            "6+: \\d",
            "7: \\x",
            "8: "
        ]
    );
}

#[test]
fn escapes_are_read_as_python_does() {
    assert_eq!(
        found(r"'a\n\t\\\'\x41\u00e9\101\q\'"),
        ["1: a\n\t\\'Aé\u{41}\\q'"]
    );
    assert_eq!(found("'a\\\nb'"), ["1: ab"]);
    assert_eq!(found(r"'\ud800\U99999999'"), ["1: \u{fffd}\u{fffd}"]);
}

#[test]
fn adjacent_literals_are_one_text() {
    assert_eq!(
        found("f('SELECT a '  # what\n  'FROM b')"),
        ["1: SELECT a FROM b"]
    );
    assert_eq!(found("x = 'SELECT ' \\\n 'a'"), ["1: SELECT a"]);
    // At the end of a line outside of brackets the statement ends.
    assert_eq!(found("'doc'\n'other'"), ["1: doc", "2: other"]);
    assert_eq!(found("['a', 'b']"), ["1: a", "1: b"]);
}

#[test]
fn what_is_put_together_at_run_time_is_marked() {
    for source in [
        "f'SELECT {x}'",
        "'SELECT ' + x",
        "x + 'SELECT '",
        "'SELECT ' % x",
        "'SELECT '.format(x)",
        "'SELECT '.join(x)",
        "('SELECT '\n f'{x}')",
    ] {
        assert_eq!(found(source), ["1+: SELECT "], "{source}");
    }
    for source in [
        "f'SELECT '",
        "'SELECT '.strip()",
        "x('SELECT ', y + z)",
        "'SELECT ' == x",
    ] {
        assert_eq!(found(source), ["1: SELECT "], "{source}");
    }
}

#[test]
fn fields_of_f_strings_may_hold_literals_and_braces() {
    assert_eq!(found(r#"f"a {x["k"]} b" 'c'"#), ["1+: a  bc"]);
    assert_eq!(found(r#"f"{{a}} {x!r:>{width}} b""#), ["1+: {a}  b"]);
    assert_eq!(found(r#"f'{ {"a": f"{y}"} }b'; 'c'"#), ["1+: b", "1: c"]);
}

#[test]
fn words_before_a_quote_are_no_prefix_unless_they_are_one() {
    assert_eq!(found("return'a'"), ["1: a"]);
    assert_eq!(found("B'a' Rb'b' F'{c}'"), ["1+: ab"]);
}

#[test]
fn an_open_literal_ends_with_its_line_or_the_file() {
    assert_eq!(found("'a\n'b'"), ["1: a", "2: b"]);
    assert_eq!(found("'''a\nb"), ["1: a\nb"]);
    assert_eq!(found("f'{"), ["1+: "]);
}

proptest! {
    #[test]
    fn no_source_makes_it_fail(source in r#"[fr'"{}\\\n#()+ ax]{0,60}"#) {
        literals(&source);
    }
}
