//! Words, signs and texts of JavaScript source.

use std::str::Chars;

/// One piece of a source. Numbers are words; what a regular expression holds is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// A text without its quotes and escapes. Of a template only what stands outside of `${}`.
    Text {
        /// Where it begins, from 1.
        line: usize,
        text: String,
        has_fields: bool,
    },
    Sign(char),
    Regex,
}

/// Reads a source to its end.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut scanner = Scanner {
        rest: source.chars(),
        line: 1,
        tokens: Vec::new(),
        templates: Vec::new(),
    };
    scanner.run();
    scanner.tokens
}

struct Scanner<'a> {
    rest: Chars<'a>,
    line: usize,
    tokens: Vec<Token>,
    /// The templates whose `${` is open: which token each is, and the braces open since.
    templates: Vec<(usize, usize)>,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.next()?;
        if letter == '\n' {
            self.line += 1;
        }
        Some(letter)
    }

    fn starts_with(&self, text: &str) -> bool {
        self.rest.as_str().starts_with(text)
    }

    fn run(&mut self) {
        while let Some(letter) = self.peek() {
            match letter {
                '\'' | '"' => self.quoted(letter),
                '`' => self.template(),
                '/' if self.starts_with("//") => self.skip_line(),
                '/' if self.starts_with("/*") => self.skip_comment(),
                '/' if self.may_be_regex() => self.regex(),
                '{' | '}' => self.brace(letter),
                _ if letter.is_whitespace() => {
                    self.next();
                }
                _ if is_word(letter) => self.word(),
                _ => self.sign(letter),
            }
        }
    }

    fn sign(&mut self, letter: char) {
        self.next();
        self.tokens.push(Token::Sign(letter));
    }

    fn word(&mut self) {
        let mut word = String::new();
        while let Some(letter) = self.peek().filter(|letter| is_word(*letter)) {
            word.push(letter);
            self.next();
        }
        self.tokens.push(Token::Word(word));
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|letter| letter != '\n') {
            self.next();
        }
    }

    fn skip_comment(&mut self) {
        // Both letters first, because `/*/` is not the whole of one.
        self.next();
        self.next();
        while self.peek().is_some() && !self.starts_with("*/") {
            self.next();
        }
        self.next();
        self.next();
    }

    /// Whether a `/` begins a regular expression, by what stands before it.
    fn may_be_regex(&self) -> bool {
        match self.tokens.last() {
            None | Some(Token::Sign(_)) => {
                !matches!(self.tokens.last(), Some(Token::Sign(')' | ']' | '}')))
            }
            Some(Token::Word(word)) => matches!(
                word.as_str(),
                "return"
                    | "typeof"
                    | "case"
                    | "in"
                    | "of"
                    | "delete"
                    | "void"
                    | "throw"
                    | "else"
                    | "do"
                    | "yield"
                    | "await"
                    | "instanceof"
            ),
            Some(Token::Text { .. } | Token::Regex) => false,
        }
    }

    fn regex(&mut self) {
        let begin = self.rest.clone();
        self.next();
        let mut is_in_class = false;
        while let Some(letter) = self.peek().filter(|letter| *letter != '\n') {
            self.next();
            match letter {
                '\\' => {
                    self.next();
                }
                '[' => is_in_class = true,
                ']' => is_in_class = false,
                '/' if !is_in_class => {
                    self.tokens.push(Token::Regex);
                    return;
                }
                _ => {}
            }
        }
        // It was a division after all; a line has none to count again.
        self.rest = begin;
        self.sign('/');
    }

    fn quoted(&mut self, quote: char) {
        let line = self.line;
        let mut text = String::new();
        self.next();
        // An open text ends with its line.
        while let Some(letter) = self.peek().filter(|letter| *letter != '\n') {
            self.next();
            if letter == quote {
                break;
            } else if letter == '\\' {
                self.escape(&mut text);
            } else {
                text.push(letter);
            }
        }
        self.tokens.push(Token::Text {
            line,
            text,
            has_fields: false,
        });
    }

    fn template(&mut self) {
        self.next();
        self.tokens.push(Token::Text {
            line: self.line,
            text: String::new(),
            has_fields: false,
        });
        self.template_text(self.tokens.len() - 1);
    }

    /// Reads a template up to its end or its next `${`.
    fn template_text(&mut self, token: usize) {
        let mut more = String::new();
        let mut opens = false;
        while let Some(letter) = self.next() {
            match letter {
                '`' => break,
                '\\' => self.escape(&mut more),
                '$' if self.peek() == Some('{') => {
                    self.next();
                    opens = true;
                    break;
                }
                _ => more.push(letter),
            }
        }
        if let Some(Token::Text {
            text, has_fields, ..
        }) = self.tokens.get_mut(token)
        {
            text.push_str(&more);
            *has_fields |= opens;
        }
        if opens {
            self.templates.push((token, 0));
        }
    }

    fn brace(&mut self, letter: char) {
        match (self.templates.last_mut(), letter) {
            (Some((token, 0)), '}') => {
                let token = *token;
                self.templates.pop();
                self.next();
                self.template_text(token);
                return;
            }
            (Some((_, braces)), '}') => *braces -= 1,
            (Some((_, braces)), _) => *braces += 1,
            (None, _) => {}
        }
        self.sign(letter);
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, text: &mut String) {
        let Some(letter) = self.next() else { return };
        match letter {
            '\n' => {}
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'x' => self.code(2, text),
            'u' if self.peek() == Some('{') => {
                self.next();
                self.code(6, text);
                if self.peek() == Some('}') {
                    self.next();
                }
            }
            'u' => self.code(4, text),
            _ => text.push(letter),
        }
    }

    /// Reads up to `length` digits of a character's number.
    fn code(&mut self, length: usize, text: &mut String) {
        let mut code = 0;
        for _ in 0..length {
            let Some(digit) = self.peek().and_then(|letter| letter.to_digit(16)) else {
                break;
            };
            self.next();
            code = code * 16 + digit;
        }
        text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}
