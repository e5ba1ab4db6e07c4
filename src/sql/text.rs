//! SQL as it stands in the sources of apps.

use std::collections::BTreeMap;

/// Whether a text begins as statements do. Words such as SET and SHOW begin too many others.
pub(crate) fn looks_like_sql(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "ALTER", "COMMENT", "COPY", "CREATE", "DECLARE", "DELETE", "DO", "DROP", "GRANT", "INSERT",
        "MERGE", "SELECT", "TRUNCATE", "UPDATE", "WITH",
    ];
    first_word(text).is_some_and(|word| WORDS.contains(&word.as_str()))
}

/// The first word behind white space, comments and opening brackets, in capitals.
pub(crate) fn first_word(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '(');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n')?.1;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/")?.1;
        } else {
            break;
        }
    }
    let word: String = rest
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase();
    let more = rest.get(word.len()..)?;
    let ends =
        more.is_empty() || more.starts_with(|c: char| c.is_whitespace() || "(*$'\"/".contains(c));
    (ends && !word.is_empty()).then_some(word)
}

/// The statement with what `place` makes of each parameter's number in the place of Python's `%s`
/// and `%(name)s`.
///
/// A parameter in brackets, such as `($1)`, can also be read where a tuple stands (`IN %s`,
/// `VALUES %s`).
pub(crate) fn with_parameters(text: &str, place: impl Fn(usize) -> String) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = 0_usize;
    let mut sql = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        sql.push_str(before);
        let named = after
            .strip_prefix('(')
            .and_then(|named| named.split_once(")s"))
            .filter(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        rest = if let Some(behind) = after.strip_prefix('s') {
            count += 1;
            sql.push_str(&place(count));
            behind
        } else if let Some((name, behind)) = named {
            let number = *numbers.entry(name).or_insert_with(|| {
                count += 1;
                count
            });
            sql.push_str(&place(number));
            behind
        } else if let Some(behind) = after.strip_prefix('%') {
            sql.push('%');
            behind
        } else {
            sql.push('%');
            after
        };
    }
    sql + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_python_become_those_of_postgresql() {
        for (python, sql) in [
            ("a = %s AND b = %s", "a = ($1) AND b = ($2)"),
            ("a = %(x)s OR %(y)s = %(x)s", "a = ($1) OR ($2) = ($1)"),
            ("a LIKE 'x%%' AND b % 2", "a LIKE 'x%' AND b % 2"),
            ("%(", "%("),
        ] {
            let found = with_parameters(python, |number| format!("(${number})"));
            assert_eq!(found, sql);
        }
    }

    #[test]
    fn only_what_begins_as_a_statement_is_read_as_one() {
        for text in [
            "select 1",
            "  -- why\n/* x */ (SELECT 1)",
            "WITH a AS (SELECT 1) SELECT 1",
            "DELETE\nFROM a",
        ] {
            assert!(looks_like_sql(text), "{text}");
        }
        for text in [
            "",
            "selected",
            "Update: done",
            "-- select",
            "set a",
            "show",
            "ünder",
        ] {
            assert!(!looks_like_sql(text), "{text}");
        }
    }
}
