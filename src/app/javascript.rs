//! The texts in JavaScript source, for people to see what an app may send to the database.
//!
//! Not a parser: it finds words, signs and texts, whatever they mean. No source, however broken,
//! makes it fail.

mod tokens;

use super::python::Literal;
use tokens::{Token, tokens};

/// Where a JavaScript backend begins.
pub(crate) const MAIN: &str = "main.js";

/// Finds the texts of a source, in order. Texts that `+` puts together are one.
pub(crate) fn literals(source: &str) -> Vec<Literal> {
    let mut found: Vec<Literal> = Vec::new();
    let tokens = tokens(source);
    for (index, token) in tokens.iter().enumerate() {
        let Token::Text {
            line,
            text,
            has_fields,
        } = token
        else {
            continue;
        };
        let at = |offset: usize| index.checked_sub(offset).and_then(|at| tokens.get(at));
        let follows_plus = matches!(at(1), Some(Token::Sign('+')));
        let is_joined = follows_plus && matches!(at(2), Some(Token::Text { .. }));
        let is_part = *has_fields
            || (follows_plus && !is_joined)
            || is_continued(tokens.get(index + 1..).unwrap_or_default());
        match found.last_mut().filter(|_| is_joined) {
            Some(last) => {
                last.text.push_str(text);
                last.is_part |= is_part;
            }
            None => found.push(Literal {
                line: *line,
                text: text.clone(),
                is_part,
            }),
        }
    }
    found
}

/// Whether what comes behind a text makes another text of it: `+ x`, `.replace(...)`.
fn is_continued(behind: &[Token]) -> bool {
    match behind {
        [Token::Sign('+'), Token::Text { .. }, ..] => false,
        [Token::Sign('+'), ..] => true,
        [Token::Sign('.'), Token::Word(method), ..] => {
            ["concat", "replace", "replaceAll", "format", "join"].contains(&method.as_str())
        }
        [..] => false,
    }
}

#[cfg(test)]
mod tests;
