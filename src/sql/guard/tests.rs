//! What is refused before the parser, and what is not.

use crate::sql::{Code, inspect};

#[test]
fn what_grows_in_the_parser_is_refused_before_it() {
    let nested = (0..20).fold("SELECT 1".to_owned(), |inner, _| {
        format!("WITH x AS (UPDATE items SET (a, b) = ({inner})) SELECT 1")
    });
    let spaced = (0..20).fold("SELECT 1".to_owned(), |inner, _| {
        format!("WITH x AS (UPDATE items SET ( a,b )/**/ =ROW(CASE WHEN ({inner}) = 1 THEN 2 END)) SELECT 1")
    });
    let wide = format!(
        "UPDATE items SET ({}a) = (SELECT '{}')",
        "a, ".repeat(8000),
        "x".repeat(16000)
    );
    let number = "1".repeat(100_000);
    let columns = format!("SELECT {}a", "a,".repeat(60_000));
    let stars = format!("SELECT {}a", "*,".repeat(60_000));
    for (text, what) in [
        (format!("SELECT {}1", "+".repeat(40_000)), "signs in a row"),
        (
            format!("SELECT 1 <{}1", "+-".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT {}1", "/**/".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT 1 {}", "/*".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT E'\\'', {}1", "+".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT E'a'\n --\n'\\'', {}1", "+".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT $a$ $b$ ' $a$, {}1", "+".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT a$a$, {}1 $a$", "+".repeat(40_000)),
            "signs in a row",
        ),
        (
            format!("SELECT {}{number}.5", "- ".repeat(9000)),
            "a thousand digits",
        ),
        (
            format!("SELECT {}.{number}", "- ".repeat(9000)),
            "a thousand digits",
        ),
        (columns, "too many words"),
        (stars, "too many words"),
        (nested, "lists with an equals sign"),
        (spaced, "lists with an equals sign"),
        (wide, "lists with an equals sign"),
    ] {
        let head: String = text.chars().take(60).collect();
        let refusal = inspect(&text).expect_err(&head);
        assert_eq!(refusal.code(), Code::TooDeep, "{head}");
        assert!(refusal.to_string().contains(what), "{head}: {refusal}");
    }
}

#[test]
fn texts_of_people_pass() {
    let line = "-".repeat(500);
    let plus = "+".repeat(500);
    let digits = "1".repeat(5000);
    let rows = vec!["('2026-01-02', 'a, (b) = c', 1.5, NULL)"; 18_000].join(", ");
    for text in [
        format!("-- {line}\nSELECT '{plus}', '{digits}', $${line}$$, E'{plus}\\'' /* {line} */"),
        format!("/*{}*/ SELECT 1", "*".repeat(200)),
        "SELECT 1 WHERE (a, b) = (1, 2) AND (c, d, e) = (SELECT 1, 2, 3)".to_owned(),
        format!(
            "INSERT INTO items VALUES {rows} ON CONFLICT (a) DO UPDATE SET (a, b) = (excluded.a, excluded.b)"
        ),
        "SELECT -1, - -1, +-1, 1--1\n".to_owned(),
    ] {
        let head: String = text.chars().take(60).collect();
        assert!(inspect(&text).is_ok(), "{head}: {:?}", inspect(&text));
    }
}
