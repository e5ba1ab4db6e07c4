//! The texts in JavaScript source, for people to see what an app may send to the database, and
//! the modules of its backend, which no browser is given.
//!
//! Not a parser: it finds words, signs and texts, whatever they mean. No source, however broken,
//! makes it fail.

mod tokens;

use std::collections::BTreeSet;

use super::Bundle;
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

/// The scripts of a bundle's backend: `main.js` and what it requires, directly or not, by names
/// that stand in the source. None where `main.py` is the backend.
pub(crate) fn backend_files(bundle: &Bundle) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    if bundle.file("main.py").is_some() || bundle.file(MAIN).is_none() {
        return reached;
    }
    let mut waiting = vec![MAIN.to_owned()];
    while let Some(path) = waiting.pop() {
        let Some(source) = bundle.file(&path) else {
            continue;
        };
        for asked in required(&String::from_utf8_lossy(source)) {
            let name = resolve(&asked, &path);
            let candidates = ["", ".js", ".json", "/index.js"].map(|end| format!("{name}{end}"));
            let found = candidates
                .into_iter()
                .find(|path| bundle.file(path).is_some());
            waiting.extend(found.filter(|found| !reached.contains(found)));
        }
        reached.insert(path);
    }
    reached
}

/// The names in a source's `require("...")`.
fn required(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let calls = tokens.windows(3);
    calls
        .filter_map(|call| match call {
            [
                Token::Word(word),
                Token::Sign('('),
                Token::Text { text, .. },
            ] if word == "require" => Some(text.clone()),
            [..] => None,
        })
        .collect()
}

/// The path of what a module asks for: from the bundle's root, or from its own folder with `./`.
fn resolve(asked: &str, from: &str) -> String {
    if !asked.starts_with("./") && !asked.starts_with("../") {
        return asked.trim_start_matches('/').to_owned();
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in asked.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests;
