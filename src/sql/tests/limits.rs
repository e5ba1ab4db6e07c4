//! Texts that are long or deep: an answer, never a crash.

use std::thread;

use proptest::prelude::*;

use crate::sql::{Code, TEXT_BYTES, inspect};

/// A stack as those of the threads that serve calls.
const STACK: usize = 2 * 1024 * 1024;

/// What a text is refused with; none where it passes.
fn code(sql: String) -> Option<Code> {
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || inspect(&sql).err().map(|refusal| refusal.code()))
        .expect("a thread")
        .join()
        .expect("no panic")
}

/// Texts that grow with a number, each in another way.
#[expect(clippy::too_many_lines, reason = "one entry a way to grow")]
pub(super) fn growing(count: usize) -> Vec<(&'static str, String)> {
    let wrap = |open: &str, middle: &str, close: &str| {
        format!(
            "SELECT {}{middle}{}",
            open.repeat(count),
            close.repeat(count)
        )
    };
    let list = |item: fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(", ");
    vec![
        ("parentheses", wrap("(", "1", ")")),
        ("plus", wrap("1 + ", "1", "")),
        ("concatenation", wrap("title || ", "'x'", "")),
        ("not", wrap("NOT ", "true", "")),
        ("minus", wrap("- ", "id", "")),
        ("and", wrap("true AND ", "true", "")),
        ("or in and", wrap("(true AND (false OR ", "true", "))")),
        ("array", wrap("ARRAY[", "1", "]")),
        ("case", wrap("CASE WHEN true THEN ", "1", " END")),
        ("function", wrap("abs(", "1", ")")),
        ("casts", wrap("", "1", "::int")),
        ("subscripts", wrap("", "(ARRAY[1])", "[1]")),
        ("fields", wrap("", "(x)", ".a")),
        ("time zones", wrap("", "now()", " AT TIME ZONE 'UTC'")),
        ("null tests", wrap("", "(1", " IS NULL") + ")"),
        ("collations", wrap("", "'x'", " COLLATE \"C\"")),
        ("subqueries", wrap("(SELECT ", "1", ")")),
        ("unions", wrap("1 UNION ALL SELECT ", "1", "")),
        ("unions in parentheses", wrap("1 UNION (SELECT ", "1", ")")),
        (
            "joins",
            format!("SELECT 1 FROM items{}", " JOIN items ON true".repeat(count)),
        ),
        (
            "joins in parentheses",
            format!(
                "SELECT 1 FROM {}items{}",
                "(".repeat(count),
                " JOIN items ON true)".repeat(count)
            ),
        ),
        (
            "with",
            format!(
                "{}SELECT 1{}",
                "WITH x AS (".repeat(count),
                ") SELECT 1".repeat(count)
            ),
        ),
        (
            "comments",
            format!("{}{} SELECT 1", "/* ".repeat(count), "*/".repeat(count)),
        ),
        (
            "in list",
            format!("SELECT 1 WHERE 1 IN ({})", list(|n| n.to_string())),
        ),
        (
            "rows",
            format!(
                "INSERT INTO items (id, title) VALUES {}",
                list(|n| format!("({n}, 'x')"))
            ),
        ),
        (
            "tables",
            format!("SELECT 1 FROM {}", list(|n| format!("t{n}"))),
        ),
        ("columns", format!("SELECT {}", list(|n| format!("c.c{n}")))),
        ("names", format!("SELECT {}a", "a.".repeat(count))),
        ("open", "SELECT ".to_owned() + &"(".repeat(count)),
        ("brackets", "SELECT ".to_owned() + &"[".repeat(count)),
        ("quotes", "SELECT ".to_owned() + &"'".repeat(count)),
        ("statements", "SELECT 1;".repeat(count)),
    ]
}

/// Cuts a text to the longest that is read at all, so that all of it is parsed.
fn longest(count: usize) -> Vec<(&'static str, String)> {
    let mut texts = growing(count);
    texts.retain(|(_, text)| text.len() <= TEXT_BYTES);
    texts
}

/// Texts that make a tree of which each level lies in the one before.
const DEEP: [&str; 19] = [
    "plus",
    "concatenation",
    "not",
    "or in and",
    "array",
    "case",
    "function",
    "casts",
    "null tests",
    "collations",
    "time zones",
    "subqueries",
    "unions",
    "unions in parentheses",
    "joins",
    "joins in parentheses",
    "with",
    "minus",
    "open",
];
/// Texts that only grow in length.
const FLAT: [&str; 6] = ["and", "comments", "in list", "rows", "tables", "columns"];

#[test]
fn a_text_that_nests_without_end_is_refused_and_never_crashes() {
    for count in [1_000, 100_000] {
        for (name, text) in longest(count) {
            let code = code(text);
            if FLAT.contains(&name) {
                // Long ones have too many words.
                assert!(code.is_none() || count > 10_000, "{count} {name}: {code:?}");
            } else if DEEP.contains(&name) && (name, count) != ("open", 1_000) {
                assert_eq!(code, Some(Code::TooDeep), "{count} {name}");
            }
        }
    }
}

#[test]
fn a_refusal_for_depth_says_how_deep_a_text_may_be() {
    for (name, text) in growing(200) {
        match inspect(&text) {
            Err(refusal) if refusal.code() == Code::TooDeep => {
                let text = refusal.to_string();
                assert!(text.contains("nested too deeply"), "{name}: {text}");
                assert!(text.contains("45 operators"), "{name}: {text}");
            }
            Err(refusal) => assert_ne!(refusal.code(), Code::UndefinedTable, "{name}"),
            Ok(_) => {}
        }
    }
    let deep = |(name, count): (&str, usize)| {
        let texts = growing(count);
        let (_, text) = texts.into_iter().find(|(other, _)| *other == name).unwrap();
        inspect(&text).err().map(|refusal| refusal.code())
    };
    for limit in [("concatenation", 45), ("joins", 45), ("subqueries", 15)] {
        assert_eq!(deep(limit), None, "{limit:?}");
    }
    for limit in [("concatenation", 50), ("joins", 50), ("subqueries", 20)] {
        assert_eq!(deep(limit), Some(Code::TooDeep), "{limit:?}");
    }
}

#[test]
fn a_text_over_the_limit_is_refused_before_it_is_read() {
    let longest = format!("SELECT '{}'", "x".repeat(TEXT_BYTES - "SELECT ''".len()));

    assert_eq!(code(longest.clone()), None);
    assert_eq!(code(longest + " "), Some(Code::TooLong));
}

#[test]
fn places_are_counted_in_characters() {
    let refusal = inspect("SELECT 'ä€😀',\n  'ü', pg_sleep(1)").unwrap_err();

    assert!(
        refusal.to_string().contains("(line 2, column 8)"),
        "{refusal}"
    );
    assert_eq!(refusal.spot().unwrap().character(), 22);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = inspect(&text);
    }

    #[test]
    fn no_sequence_of_words_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40)
    ) {
        let _ = inspect(&words.join(" "));
    }
}

const WORDS: [&str; 72] = [
    "SELECT",
    "INSERT INTO",
    "UPDATE",
    "DELETE FROM",
    "MERGE INTO",
    "VALUES",
    "TABLE",
    "WITH",
    "AS",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "UNION",
    "JOIN",
    "ON",
    "USING",
    "SET",
    "RETURNING",
    "CREATE TABLE",
    "ALTER TABLE",
    "DROP TABLE",
    "DROP FUNCTION",
    "DROP SCHEMA",
    "DROP TRIGGER",
    "DROP TYPE",
    "DROP RULE",
    "CREATE INDEX",
    "CREATE VIEW",
    "COMMENT ON",
    "TRUNCATE",
    "GRANT",
    "COPY",
    "EXPLAIN",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ".",
    "*",
    "::",
    "||",
    "=",
    "$1",
    "1",
    "1.5",
    "'x'",
    "E'\\x'",
    "U&'\\0041'",
    "$$x$$",
    "items",
    "id",
    "a.b.c.d",
    "\"x\"",
    "int",
    "text[]",
    "interval",
    "NULL",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "OVER",
    "FILTER",
    "CASCADE",
];
