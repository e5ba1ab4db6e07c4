//! The texts in Python source, for people to see what an app may send to the database.
//!
//! Not a parser: it finds string literals, whatever the code around them, and says which of
//! them are only parts of a text that is put together at run time. Nothing is decided by it,
//! and no source, however broken, makes it fail.

use std::str::Chars;

/// One text in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// Without quotes and escapes; adjacent literals are one. Of a literal with fields only
    /// what stands outside of them.
    pub(crate) text: String,
    /// Whether more is put together with it at run time: fields, `+`, `%` or `.format()`.
    pub(crate) is_part: bool,
}

/// Nested fields of f-strings that are looked into.
const MAX_DEPTH: usize = 8;

/// Finds the texts of a source, in order.
pub(crate) fn literals(source: &str) -> Vec<Literal> {
    let mut scanner = Scanner {
        rest: source.chars(),
        line: 1,
    };
    let mut found: Vec<Literal> = Vec::new();
    let mut brackets = 0_usize;
    let mut before = Before::Other;
    while let Some(letter) = scanner.peek() {
        match letter {
            '#' => scanner.skip_while(|letter| letter != '\n'),
            '\\' if scanner.second() == Some('\n') => {
                scanner.next();
                scanner.next();
            }
            '\n' => {
                scanner.next();
                // Inside brackets a line's end means nothing.
                if brackets == 0 {
                    before = Before::Other;
                }
            }
            '\'' | '"' => before = scanner.literal("", before, &mut found),
            _ if letter.is_whitespace() => {
                scanner.next();
            }
            _ if is_word(letter) => {
                let word = scanner.word();
                let quoted = matches!(scanner.peek(), Some('\'' | '"'));
                before = if quoted && is_prefix(&word) {
                    scanner.literal(&word, before, &mut found)
                } else {
                    Before::Other
                };
            }
            _ => {
                scanner.next();
                match letter {
                    '(' | '[' | '{' => brackets += 1,
                    ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                if before == Before::Literal && scanner.extends(letter) {
                    mark(&mut found);
                }
                before = match letter {
                    '+' => Before::Plus,
                    _ => Before::Other,
                };
            }
        }
    }
    found
}

/// What stood before a literal, as far as it matters to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Literal,
    Plus,
    Other,
}

fn mark(found: &mut [Literal]) {
    if let Some(last) = found.last_mut() {
        last.is_part = true;
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_prefix(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    matches!(
        word.as_str(),
        "r" | "u" | "b" | "br" | "rb" | "f" | "fr" | "rf" | "t" | "tr" | "rt"
    )
}

struct Scanner<'a> {
    rest: Chars<'a>,
    line: usize,
}

/// How the text of one literal is written.
#[derive(Clone, Copy)]
struct Style {
    quote: char,
    is_triple: bool,
    is_raw: bool,
    has_fields: bool,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn second(&self) -> Option<char> {
        self.rest.clone().nth(1)
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.next()?;
        if letter == '\n' {
            self.line += 1;
        }
        Some(letter)
    }

    fn skip_while(&mut self, matches: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&matches) {
            self.next();
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(letter) = self.peek().filter(|letter| is_word(*letter)) {
            word.push(letter);
            self.next();
        }
        word
    }

    /// Whether the operator after a literal makes more of it.
    fn extends(&self, operator: char) -> bool {
        match operator {
            '+' | '%' => true,
            '.' => {
                let method: String = self.rest.clone().take_while(|c| is_word(*c)).collect();
                matches!(
                    method.as_str(),
                    "format" | "format_map" | "join" | "replace"
                )
            }
            _ => false,
        }
    }

    /// Reads a literal whose prefix has been read, and joins it to the one right before it.
    fn literal(&mut self, prefix: &str, before: Before, found: &mut Vec<Literal>) -> Before {
        let line = self.line;
        let mut text = String::new();
        let has_fields = self.text(prefix, 0, &mut text);
        match found.last_mut().filter(|_| before == Before::Literal) {
            Some(last) => {
                last.text.push_str(&text);
                last.is_part |= has_fields;
            }
            None => found.push(Literal {
                line,
                text,
                is_part: has_fields || before == Before::Plus,
            }),
        }
        Before::Literal
    }

    /// Reads from the opening quote to behind the closing one. True where there are fields.
    fn text(&mut self, prefix: &str, depth: usize, text: &mut String) -> bool {
        let prefix = prefix.to_ascii_lowercase();
        let Some(quote) = self.next() else {
            return false;
        };
        let is_triple = self.peek() == Some(quote) && self.second() == Some(quote);
        if is_triple {
            self.next();
            self.next();
        } else if self.peek() == Some(quote) {
            self.next();
            return false;
        }
        let style = Style {
            quote,
            is_triple,
            is_raw: prefix.contains('r'),
            has_fields: prefix.contains(['f', 't']),
        };
        self.contents(style, depth, text)
    }

    fn contents(&mut self, style: Style, depth: usize, text: &mut String) -> bool {
        let mut has_fields = false;
        while let Some(letter) = self.peek() {
            if letter == '\n' && !style.is_triple {
                // An open literal ends with its line.
                return has_fields;
            }
            self.next();
            if letter == style.quote && self.closes(style) {
                return has_fields;
            }
            match letter {
                '\\' => self.escape(style, text),
                '{' | '}' if style.has_fields && self.peek() == Some(letter) => {
                    self.next();
                    text.push(letter);
                }
                '{' if style.has_fields => {
                    has_fields = true;
                    self.field(style, depth);
                }
                _ => text.push(letter),
            }
        }
        has_fields
    }

    /// Whether the quote that was just read ends the literal; what else belongs to the end
    /// is read too.
    fn closes(&mut self, style: Style) -> bool {
        if !style.is_triple {
            return true;
        }
        let closes = self.peek() == Some(style.quote) && self.second() == Some(style.quote);
        if closes {
            self.next();
            self.next();
        }
        closes
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, style: Style, text: &mut String) {
        let Some(letter) = self.next() else { return };
        if style.is_raw {
            text.extend(['\\', letter]);
            return;
        }
        match letter {
            '\n' => {}
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '\\' | '\'' | '"' => text.push(letter),
            'x' => self.code(2, 16, 0, text),
            'u' => self.code(4, 16, 0, text),
            'U' => self.code(8, 16, 0, text),
            '0'..='7' => self.code(2, 8, letter.to_digit(8).unwrap_or_default(), text),
            _ => text.extend(['\\', letter]),
        }
    }

    /// Reads up to `length` digits of a character's number.
    fn code(&mut self, length: usize, radix: u32, begin: u32, text: &mut String) {
        let mut code = begin;
        for _ in 0..length {
            let Some(digit) = self.peek().and_then(|letter| letter.to_digit(radix)) else {
                break;
            };
            self.next();
            code = code.wrapping_mul(radix).wrapping_add(digit);
        }
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// Reads an f-string's field up to its closing brace; literals in it may hold quotes.
    fn field(&mut self, style: Style, depth: usize) {
        let mut braces = 1_usize;
        let mut ignored = String::new();
        while let Some(letter) = self.peek() {
            match letter {
                '\n' if !style.is_triple => return,
                '{' => braces += 1,
                '}' => braces -= 1,
                '\'' | '"' if depth < MAX_DEPTH => {
                    // A field with the outer quote in it is valid since Python 3.12.
                    self.text("f", depth + 1, &mut ignored);
                    continue;
                }
                _ => {}
            }
            self.next();
            if braces == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
