//! One selector: the names in it, and what it is about.

use std::ops::Range;

use cssparser::{ParseError, Parser, Token};

use crate::check::names::{Names, is_bootstrap};

/// The wrapper that the layout puts around every app.
const WRAPPER: &str = "nr-app";
/// What the classes of Tabulator begin with.
const GRID: &str = "tabulator";

/// One of the selectors before a block.
#[derive(Debug, Default)]
pub(in crate::check) struct Selector {
    pub(super) text: String,
    pub(super) range: Range<usize>,
    /// Between the combinators, the subject last.
    compounds: Vec<Compound>,
}

/// What one element must be.
#[derive(Debug, Default)]
struct Compound {
    /// Classes with a dot, ids with a hash before them.
    names: Vec<String>,
    /// It is said by an attribute, such as `[data-app="x"]`, or stands for the rule around it.
    is_marked: bool,
}

impl Selector {
    /// Whether it has a class or an id of the app.
    pub(super) fn has_own(&self, names: &Names) -> bool {
        let mut all = self.compounds.iter().flat_map(|compound| &compound.names);
        all.any(|name| names.own(bare(name)))
    }

    /// Whether it is held inside an app by the layout's wrapper, a marked element, or the rule
    /// around it.
    pub(super) fn is_held(&self) -> bool {
        self.compounds.iter().any(|compound| {
            let wrapper = |name: &String| bare(name) == WRAPPER;
            compound.is_marked || compound.names.iter().any(wrapper)
        })
    }

    /// A class of the subject that neither has a prefix nor stands beside one that has.
    pub(super) fn unprefixed_subject(&self, names: &Names) -> Option<&str> {
        let subject = self.compounds.last()?;
        if subject.is_marked || subject.names.iter().any(|name| names.own(bare(name))) {
            return None;
        }
        let class = subject
            .names
            .iter()
            .find_map(|name| name.strip_prefix('.'))?;
        // Classes of Bootstrap and of grids are there to be used, and adjusted inside the app.
        (!is_bootstrap(class) && !class.starts_with(GRID)).then_some(class)
    }

    pub(super) fn first_name(&self) -> Option<&str> {
        let mut all = self.compounds.iter().flat_map(|compound| &compound.names);
        all.next().map(String::as_str)
    }

    /// The classes in it.
    pub(super) fn classes(&self) -> impl Iterator<Item = &str> {
        let names = self.compounds.iter().flat_map(|compound| &compound.names);
        names.filter_map(|name| name.strip_prefix('.'))
    }
}

fn bare(name: &str) -> &str {
    name.trim_start_matches(['.', '#'])
}

/// Reads selectors, separated by commas, up to the block. `base` is where the text begins in its
/// file. None where something stands among them that cannot.
pub(super) fn list(input: &mut Parser<'_>, base: usize) -> Option<Vec<Selector>> {
    let mut reader = Reader {
        done: Vec::new(),
        current: Selector::default(),
        open: None,
        base,
        start: None,
        gap: false,
        is_broken: false,
    };
    reader.read(input, true);
    reader.end(input);
    (!reader.is_broken).then_some(reader.done)
}

struct Reader {
    done: Vec<Selector>,
    current: Selector,
    open: Option<Compound>,
    base: usize,
    /// Where the current selector begins.
    start: Option<cssparser::SourcePosition>,
    /// Whether a combinator stands before what comes next.
    gap: bool,
    is_broken: bool,
}

impl Reader {
    fn read(&mut self, input: &mut Parser<'_>, is_outermost: bool) {
        loop {
            let before = input.position();
            let Ok(token) = input.next_including_whitespace().cloned() else {
                return;
            };
            if let Token::WhiteSpace(_) = token {
                self.gap = true;
                continue;
            }
            if let Token::Comma = token {
                if is_outermost {
                    self.end_at(input, before);
                } else {
                    self.gap = true;
                }
                continue;
            }
            self.start.get_or_insert(before);
            self.token(&token, input);
        }
    }

    fn token(&mut self, token: &Token<'_>, input: &mut Parser<'_>) {
        self.is_broken |= token.is_parse_error() || *token == Token::Semicolon;
        if let Token::Delim('>' | '+' | '~') = token {
            self.gap = true;
        } else if let Token::Delim('.') = token {
            if let Ok(Token::Ident(class)) = input.next_including_whitespace() {
                let name = format!(".{class}");
                self.compound().names.push(name);
            }
        } else if let Token::IDHash(id) | Token::Hash(id) = token {
            let name = format!("#{id}");
            self.compound().names.push(name);
        } else if let Token::Delim('&') = token {
            self.compound().is_marked = true;
        } else if let Token::SquareBracketBlock = token {
            self.attribute(input);
        } else if let Token::Function(name) = token {
            self.function(&name.to_ascii_lowercase(), input);
        } else {
            // An element, `*`, or a colon before a pseudo-class: it says nothing about whose.
            self.compound();
        }
    }

    /// An attribute marks what the app has put there; the theme is the layout's.
    fn attribute(&mut self, input: &mut Parser<'_>) {
        let name = input.parse_nested_block(|input| -> Result<String, ParseError<()>> {
            let name = input.expect_ident()?.to_string();
            while input.next().is_ok() {}
            Ok(name)
        });
        let marks = name.is_ok_and(|name| name.starts_with("data-") && name != "data-bs-theme");
        let compound = self.compound();
        compound.is_marked |= marks;
    }

    /// `:is(...)` and `:where(...)` say more about the element; `:not(...)` and the rest do not.
    fn function(&mut self, name: &str, input: &mut Parser<'_>) {
        self.compound();
        let says_more = name == "is" || name == "where";
        let _: Result<(), ParseError<()>> = input.parse_nested_block(|input| {
            if says_more {
                self.read(input, false);
            }
            while input.next().is_ok() {}
            Ok(())
        });
    }

    fn compound(&mut self) -> &mut Compound {
        if self.gap {
            self.current.compounds.extend(self.open.take());
            self.gap = false;
        }
        self.open.get_or_insert_default()
    }

    fn end(&mut self, input: &Parser<'_>) {
        self.end_at(input, input.position());
    }

    fn end_at(&mut self, input: &Parser<'_>, end: cssparser::SourcePosition) {
        let mut selector = std::mem::take(&mut self.current);
        selector.compounds.extend(self.open.take());
        self.gap = false;
        let Some(start) = self.start.take() else {
            return;
        };
        let text = input.slice(start..end).trim_end();
        let begin = self.base + start.byte_index();
        selector.range = begin..begin + text.len();
        selector.text = text.to_owned();
        self.done.push(selector);
    }
}
