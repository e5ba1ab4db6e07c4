//! Reads a style sheet, as browsers do: what cannot be read is left out, and the rest stands.

use std::ops::Range;

use cssparser::{
    AtRuleParser, CowRcStr, DeclarationParser, ParseError, Parser, ParserState,
    QualifiedRuleParser, RuleBodyItemParser, RuleBodyParser, StyleSheetParser, Token,
};

use super::selector::{self, Selector};

/// Blocks in blocks that are read; what is nested deeper is left out.
const DEPTH: u8 = 32;

/// What a sheet holds.
#[derive(Debug, Default)]
pub(in crate::check) struct Sheet {
    pub(super) rules: Vec<StyleRule>,
    pub(super) colours: Vec<Colour>,
    pub(in crate::check) urls: Vec<Url>,
    pub(super) errors: Vec<(String, Range<usize>)>,
}

/// One rule with selectors.
#[derive(Debug)]
pub(super) struct StyleRule {
    pub(super) selectors: Vec<Selector>,
    /// The index of the rule that it is nested in.
    pub(super) within: Option<usize>,
    /// Whether all its declarations are variables (`--name`), at least one.
    pub(super) only_variables: bool,
    pub(super) variables: Vec<String>,
}

/// A colour that is written out.
#[derive(Debug)]
pub(in crate::check) struct Colour {
    pub(super) text: String,
    pub(super) range: Range<usize>,
    /// Whether it is what `var(--name, ...)` falls back to.
    pub(super) is_fallback: bool,
}

/// What `url()` or `@import` names.
#[derive(Debug)]
pub(in crate::check) struct Url {
    pub(in crate::check) text: String,
    pub(in crate::check) range: Range<usize>,
}

impl Sheet {
    /// The classes that it styles.
    pub(in crate::check) fn classes(&self) -> impl Iterator<Item = &str> {
        let selectors = self.rules.iter().flat_map(|rule| &rule.selectors);
        selectors.flat_map(Selector::classes)
    }
}

/// Reads a sheet that begins at `base` in its file.
pub(in crate::check) fn parse(text: &str, base: usize) -> Sheet {
    let mut input = Parser::new(text);
    input.set_nested_block_limit(DEPTH);
    let mut reader = Reader::new(base);
    let errors: Vec<_> = StyleSheetParser::new(&mut input, &mut reader)
        .filter_map(|rule| rule.err().map(|(_, text, _)| text))
        .collect();
    for part in errors {
        reader.error(text, part);
    }
    reader.sheet
}

/// Reads the declarations of a `style` attribute, and gives the colours in them.
pub(in crate::check) fn declarations(text: &str, base: usize) -> Vec<Colour> {
    let mut input = Parser::new(text);
    input.set_nested_block_limit(DEPTH);
    let mut reader = Reader::new(base);
    RuleBodyParser::new(&mut input, &mut reader).for_each(drop);
    reader.sheet.colours
}

struct Reader {
    base: usize,
    sheet: Sheet,
    /// The rule that is being read.
    current: Option<usize>,
    /// Inside of `@keyframes`, where selectors are percentages.
    in_frames: bool,
}

/// What stands before the block of an at-rule.
enum Prelude {
    /// Rules follow, for whatever it says.
    Rules,
    Frames,
    /// Declarations follow, as in `@font-face`.
    Declarations,
}

type Parsed<T> = Result<T, ParseError<()>>;

impl Reader {
    fn new(base: usize) -> Self {
        Self {
            base,
            sheet: Sheet::default(),
            current: None,
            in_frames: false,
        }
    }

    fn error(&mut self, whole: &str, part: &str) {
        // Both are parts of one text.
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        let line: String = part
            .trim()
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(60)
            .collect();
        if line.is_empty() {
            return;
        }
        let start = self.base + start + (part.len() - part.trim_start().len());
        let range = start..start + line.len();
        self.sheet
            .errors
            .push((format!("`{line}` cannot be read"), range));
    }

    /// Reads the items of a block.
    fn body(&mut self, input: &mut Parser<'_>) {
        RuleBodyParser::new(input, self).for_each(drop);
    }

    /// Reads what a declaration or a prelude holds: colours and addresses.
    fn values(&mut self, input: &mut Parser<'_>, has_colours: bool, is_fallback: bool) {
        loop {
            input.skip_whitespace();
            let start = input.position();
            let Ok(token) = input.next().cloned() else {
                return;
            };
            if let Token::Function(name) = &token {
                let name = name.to_ascii_lowercase();
                self.function(&name, start, input, has_colours, is_fallback);
                continue;
            }
            let range = self.range(start, input.position());
            if let Token::UnquotedUrl(text) = &token {
                let text = text.to_string();
                self.sheet.urls.push(Url { text, range });
            } else if let Token::Hash(text) | Token::IDHash(text) = &token {
                if has_colours && cssparser::color::parse_hash_color(text.as_bytes()).is_ok() {
                    self.colour(format!("#{text}"), range, is_fallback);
                }
            } else if let Token::Ident(name) = &token {
                if has_colours && cssparser::color::parse_named_color(name).is_ok() {
                    self.colour(name.to_string(), range, is_fallback);
                }
            } else if let Token::ParenthesisBlock
            | Token::SquareBracketBlock
            | Token::CurlyBracketBlock = &token
            {
                let _: Parsed<()> = input.parse_nested_block(|input| {
                    self.values(input, has_colours, is_fallback);
                    Ok(())
                });
            }
        }
    }

    fn function(
        &mut self,
        name: &str,
        start: cssparser::SourcePosition,
        input: &mut Parser<'_>,
        has_colours: bool,
        is_fallback: bool,
    ) {
        const COLOURS: [&str; 10] = [
            "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color",
        ];
        if name == "url" || name == "src" {
            let url = input.parse_nested_block(|input| -> Parsed<String> {
                Ok(input.expect_string()?.to_string())
            });
            let range = self.range(start, input.position());
            self.sheet
                .urls
                .extend(url.ok().map(|text| Url { text, range }));
            return;
        }
        let is_colour = COLOURS.contains(&name);
        let mut uses_variable = false;
        let _: Parsed<()> = input.parse_nested_block(|input| {
            if is_colour {
                while let Ok(token) = input.next().cloned() {
                    uses_variable |= matches!(&token, Token::Function(inner) if inner.eq_ignore_ascii_case("var"))
                        || matches!(&token, Token::Ident(word) if word.eq_ignore_ascii_case("from"));
                }
            } else {
                self.values(input, has_colours, is_fallback || name == "var");
            }
            Ok(())
        });
        if is_colour && !uses_variable && has_colours {
            let text = input.slice(start..input.position()).to_owned();
            let range = self.range(start, input.position());
            self.colour(text, range, is_fallback);
        }
    }

    fn colour(&mut self, text: String, range: Range<usize>, is_fallback: bool) {
        self.sheet.colours.push(Colour {
            text,
            range,
            is_fallback,
        });
    }

    fn range(
        &self,
        start: cssparser::SourcePosition,
        end: cssparser::SourcePosition,
    ) -> Range<usize> {
        self.base + start.byte_index()..self.base + end.byte_index()
    }
}

/// Properties whose words may be colours. Others have words of the same name: a font may be
/// called `Tan`, and an animation `red`.
fn has_colours(property: &str) -> bool {
    let name = property.to_ascii_lowercase();
    name.starts_with("--")
        || name.contains("color")
        || name.contains("shadow")
        || [
            "background",
            "border",
            "outline",
            "column-rule",
            "text-decoration",
        ]
        .iter()
        .any(|begin| name.starts_with(begin))
        || [
            "fill",
            "stroke",
            "filter",
            "text-emphasis",
            "-webkit-text-stroke",
        ]
        .contains(&name.as_str())
}

impl<'i> DeclarationParser<'i> for Reader {
    type Declaration = ();
    type Error = ();

    fn parse_value(
        &mut self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i>,
        _start: &ParserState,
    ) -> Parsed<()> {
        if name.starts_with("--") {
            // Its value may be anything, braces too.
            self.variable(&name);
        } else {
            // `a:hover { ... }` begins like a declaration.
            let state = input.state();
            loop {
                match input.next() {
                    Ok(Token::CurlyBracketBlock) => return Err(ParseError::unexpected_token()),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            input.reset(&state);
            if let Some(rule) = self
                .current
                .and_then(|index| self.sheet.rules.get_mut(index))
            {
                rule.only_variables = false;
            }
        }
        self.values(input, has_colours(&name), false);
        Ok(())
    }
}

impl Reader {
    fn variable(&mut self, name: &str) {
        let rule = self
            .current
            .and_then(|index| self.sheet.rules.get_mut(index));
        if let Some(rule) = rule {
            rule.variables.push(name.to_owned());
        }
    }
}

impl<'i> AtRuleParser<'i> for Reader {
    type Prelude = Prelude;
    type AtRule = ();
    type Error = ();

    fn parse_prelude(&mut self, name: CowRcStr<'i>, input: &mut Parser<'i>) -> Parsed<Prelude> {
        let name = name.to_ascii_lowercase();
        if name == "import" {
            input.skip_whitespace();
            let start = input.position();
            if let Ok(text) = input.try_parse(|input| input.expect_string_cloned()) {
                let range = self.range(start, input.position());
                let text = text.to_string();
                self.sheet.urls.push(Url { text, range });
            }
        }
        self.values(input, false, false);
        let bare = name
            .trim_start_matches("-webkit-")
            .trim_start_matches("-moz-");
        Ok(match bare {
            "keyframes" => Prelude::Frames,
            "media" | "supports" | "layer" | "container" | "scope" | "starting-style"
            | "document" => Prelude::Rules,
            _ => Prelude::Declarations,
        })
    }

    fn rule_without_block(&mut self, _prelude: Prelude, _start: &ParserState) -> Result<(), ()> {
        Ok(())
    }

    fn parse_block(
        &mut self,
        prelude: Prelude,
        _start: &ParserState,
        input: &mut Parser<'i>,
    ) -> Parsed<()> {
        let outer = self.in_frames;
        self.in_frames = match prelude {
            Prelude::Rules => outer,
            Prelude::Frames | Prelude::Declarations => true,
        };
        self.body(input);
        self.in_frames = outer;
        Ok(())
    }
}

impl<'i> QualifiedRuleParser<'i> for Reader {
    type Prelude = Vec<Selector>;
    type QualifiedRule = ();
    type Error = ();

    fn parse_prelude(&mut self, input: &mut Parser<'i>) -> Parsed<Vec<Selector>> {
        selector::list(input, self.base).ok_or_else(ParseError::unexpected_token)
    }

    fn parse_block(
        &mut self,
        selectors: Vec<Selector>,
        _start: &ParserState,
        input: &mut Parser<'i>,
    ) -> Parsed<()> {
        if self.in_frames {
            self.body(input);
            return Ok(());
        }
        let outer = self.current;
        self.sheet.rules.push(StyleRule {
            selectors,
            within: outer,
            only_variables: true,
            variables: Vec::new(),
        });
        let index = self.sheet.rules.len() - 1;
        self.current = Some(index);
        self.body(input);
        self.current = outer;
        if let Some(rule) = self.sheet.rules.get_mut(index) {
            rule.only_variables &= !rule.variables.is_empty();
        }
        Ok(())
    }
}

impl RuleBodyItemParser<'_, (), ()> for Reader {
    fn parse_declarations(&self) -> bool {
        true
    }

    fn parse_qualified(&self) -> bool {
        true
    }
}
