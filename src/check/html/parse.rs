//! Reads HTML as browsers split it into tags, with the place of each.

use std::convert::Infallible;
use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// A page, or a fragment of one.
#[derive(Debug, Default)]
pub(in crate::check) struct Page {
    pub(in crate::check) elements: Vec<Element>,
}

/// A start tag.
#[derive(Debug, Default)]
pub(in crate::check) struct Element {
    /// In lower case.
    pub(in crate::check) name: String,
    pub(in crate::check) range: Range<usize>,
    pub(in crate::check) attributes: Vec<Attribute>,
    pub(in crate::check) in_head: bool,
    /// Of a script or a style: what is between its tags, in the page's text.
    pub(in crate::check) contents: Option<Range<usize>>,
}

/// An attribute.
#[derive(Debug, Default)]
pub(in crate::check) struct Attribute {
    /// In lower case.
    pub(in crate::check) name: String,
    /// As the browser understands it.
    pub(in crate::check) value: String,
    /// From the name to the end of the value.
    pub(in crate::check) range: Range<usize>,
    pub(in crate::check) value_range: Range<usize>,
}

impl Attribute {
    /// Takes the quote behind the value to the attribute's place.
    fn take_quote(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let before = self
            .value_range
            .start
            .checked_sub(1)
            .and_then(|at| bytes.get(at));
        let is_quoted = matches!(before, Some(b'"' | b'\''));
        if is_quoted && before == bytes.get(self.value_range.end) {
            self.range.end = self.value_range.end + 1;
        }
    }
}

impl Element {
    pub(in crate::check) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// Whether a list of words in an attribute has one of these.
    pub(in crate::check) fn has_word(&self, attribute: &str, words: &[&str]) -> bool {
        self.attribute(attribute).is_some_and(|attribute| {
            let value = attribute.value.to_ascii_lowercase();
            value
                .split_ascii_whitespace()
                .any(|word| words.contains(&word))
        })
    }

    /// The attributes that name what the browser loads for the element.
    pub(in crate::check) fn resources(&self) -> impl Iterator<Item = &Attribute> {
        let names: &[&str] = match self.name.as_str() {
            "link" if self.loads() => &["href"],
            "script" | "img" | "source" | "audio" | "track" | "embed" | "input" => &["src"],
            "video" => &["src", "poster"],
            "object" => &["data"],
            "use" | "image" => &["href", "xlink:href"],
            _other => &[],
        };
        names.iter().filter_map(|name| self.attribute(name))
    }

    /// Whether a link loads something: others only say where more is to be found.
    fn loads(&self) -> bool {
        const RELATIONS: [&str; 7] = [
            "stylesheet",
            "icon",
            "preload",
            "modulepreload",
            "prefetch",
            "manifest",
            "apple-touch-icon",
        ];
        self.has_word("rel", &RELATIONS)
    }

    /// Whether it is a style sheet of its own.
    pub(in crate::check) fn is_sheet(&self) -> bool {
        self.name == "link" && self.has_word("rel", &["stylesheet"])
    }

    /// Of a script that browsers run: whether it is a module.
    pub(in crate::check) fn script(&self) -> Option<bool> {
        if self.name != "script" {
            return None;
        }
        let kind = self
            .attribute("type")
            .map(|kind| kind.value.trim().to_ascii_lowercase());
        match kind.as_deref() {
            Some("module") => Some(true),
            None | Some("" | "text/javascript" | "application/javascript") => Some(false),
            Some(_other) => None,
        }
    }
}

/// Reads a text. No text is refused.
pub(in crate::check) fn parse(text: &str) -> Page {
    let mut reader = Reader::default();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| {
        reader.take(event, span.start..span.end);
        None::<Infallible>
    });
    emitter.naively_switch_states(true);
    // Reading from a text cannot fail.
    let _ = Tokenizer::new_with_emitter(text, emitter).finish();
    let mut page = reader.page;
    for element in &mut page.elements {
        for attribute in &mut element.attributes {
            attribute.take_quote(text);
        }
    }
    page
}

#[derive(Default)]
struct Reader {
    page: Page,
    open: Option<Element>,
    /// The index of the script or style that is open.
    raw: Option<usize>,
    past_head: bool,
}

/// Elements that may stand in a head, its own tag aside.
const IN_HEAD: [&str; 8] = [
    "base", "link", "meta", "noscript", "script", "style", "template", "title",
];

impl Reader {
    fn take(&mut self, event: CallbackEvent<'_>, range: Range<usize>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.open = Some(Element {
                    name: text(name),
                    range,
                    ..Element::default()
                });
            }
            CallbackEvent::AttributeName { name } => {
                if let Some(element) = &mut self.open {
                    element.attributes.push(Attribute {
                        name: text(name),
                        value: String::new(),
                        value_range: range.end..range.end,
                        range,
                    });
                }
            }
            CallbackEvent::AttributeValue { value } => {
                let attributes = self.open.as_mut().map(|element| &mut element.attributes);
                if let Some(attribute) = attributes.and_then(|all| all.last_mut()) {
                    attribute.value = text(value);
                    attribute.range.end = range.end;
                    attribute.value_range = range;
                }
            }
            CallbackEvent::CloseStartTag { .. } => self.close(range.end),
            CallbackEvent::EndTag { name } => self.end(name, range.start),
            CallbackEvent::String { .. }
            | CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => {}
        }
    }

    fn close(&mut self, end: usize) {
        let Some(mut element) = self.open.take() else {
            return;
        };
        element.range.end = end;
        let name = element.name.as_str();
        if name != "html" && name != "head" && !IN_HEAD.contains(&name) {
            self.past_head = true;
        }
        element.in_head = !self.past_head;
        let is_raw = name == "script" || name == "style";
        if is_raw {
            element.contents = Some(end..end);
        }
        self.page.elements.push(element);
        self.raw = is_raw.then(|| self.page.elements.len() - 1);
    }

    fn end(&mut self, name: &[u8], start: usize) {
        if name == b"head" {
            self.past_head = true;
        }
        let raw = self
            .raw
            .take()
            .and_then(|index| self.page.elements.get_mut(index));
        if let Some(contents) = raw.and_then(|element| element.contents.as_mut()) {
            contents.end = start.max(contents.start);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
