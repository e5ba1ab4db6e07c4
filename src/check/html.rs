//! Pages: what they load, and what they must leave to the layout.

mod parse;

pub(super) use parse::{Attribute, Element, Page, parse};

use std::ops::Range;

use super::css;
use super::names::Names;
use super::page::is_remote;
use super::problem::Problem;
use super::rules::{html as rules, js};

/// A problem and where it is.
type Found = (Problem, Range<usize>);

/// Looks at one page by itself.
pub(super) fn check(page: &Page, names: &Names) -> Vec<Found> {
    let mut found = Vec::new();
    for element in &page.elements {
        found.extend(handlers(element));
        found.extend(style(element));
        found.extend(bootstrap(element));
        if !is_bootstrap(element) {
            found.extend(element.resources().filter_map(remote));
        }
        found.extend(id(element, names));
        if element.name == "iframe" || element.name == "frame" {
            let text = format!("`<{}>` is blocked", element.name);
            found.push((Problem::new(&rules::FRAME, text), element.range.clone()));
        }
    }
    found
}

/// Attributes with code, such as `onclick`.
fn handlers(element: &Element) -> impl Iterator<Item = Found> {
    let handlers = element.attributes.iter().filter(|it| is_handler(&it.name));
    handlers.map(|attribute| {
        let text = format!("`{}` of `<{}>` is blocked", attribute.name, element.name);
        (
            Problem::new(&js::INLINE_HANDLER, text),
            attribute.range.clone(),
        )
    })
}

/// Handlers in HTML that a script has as a text, or as part of one.
pub(super) fn handlers_in_text(text: &str) -> Option<String> {
    if !text.contains('<') && !text.contains('=') {
        return None;
    }
    // A part may end inside of a tag; what closes it here stands in another part.
    ["", ">", "\">", "'>"].iter().find_map(|end| {
        let page = parse(&format!("{text}{end}"));
        let mut attributes = page.elements.iter().flat_map(|element| &element.attributes);
        let found = attributes.find(|attribute| is_handler(&attribute.name))?;
        Some(found.name.clone())
    })
}

/// Whether an attribute's name is that of an event that elements have.
pub(super) fn is_handler(name: &str) -> bool {
    const EVENTS: &str = " abort animationend animationiteration animationstart auxclick \
        beforeinput beforeunload blur cancel canplay change click close contextmenu copy cut \
        dblclick drag dragend dragenter dragleave dragover dragstart drop durationchange ended \
        error focus focusin focusout formdata hashchange input invalid keydown keypress keyup \
        load loadeddata loadedmetadata message mousedown mouseenter mouseleave mousemove \
        mouseout mouseover mouseup offline online pagehide pageshow paste pause play playing \
        pointercancel pointerdown pointerenter pointerleave pointermove pointerout pointerover \
        pointerup popstate progress ratechange reset resize scroll search seeked seeking select \
        selectionchange selectstart show slotchange stalled storage submit suspend timeupdate \
        toggle touchcancel touchend touchmove touchstart transitionend unload volumechange \
        waiting wheel ";
    name.strip_prefix("on")
        .is_some_and(|event| !event.is_empty() && EVENTS.contains(&format!(" {event} ")))
}

fn style(element: &Element) -> Vec<Found> {
    let Some(style) = element.attribute("style") else {
        return Vec::new();
    };
    let colours = css::declarations(&style.value, style.value_range.start);
    colours.iter().map(css::colour).collect()
}

/// What loads Bootstrap, which the layout does.
pub(super) fn is_bootstrap(element: &Element) -> bool {
    let name = |attribute: &Attribute| {
        let path = attribute.value.split(['?', '#']).next().unwrap_or_default();
        let name = path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        name == "bootstrap" || name.starts_with("bootstrap.")
    };
    match element.name.as_str() {
        "script" => element.attribute("src").is_some_and(name),
        "link" => element.attribute("href").is_some_and(name),
        _other => false,
    }
}

fn bootstrap(element: &Element) -> Option<Found> {
    if !is_bootstrap(element) || element.in_head {
        return None;
    }
    let (rule, text) = if element.name == "script" {
        (
            &rules::BOOTSTRAP_SCRIPT,
            "the layout has Bootstrap's script",
        )
    } else {
        (&rules::BOOTSTRAP_STYLE, "the layout has Bootstrap's style")
    };
    Some((Problem::new(rule, text), element.range.clone()))
}

fn remote(resource: &Attribute) -> Option<Found> {
    is_remote(&resource.value).then(|| {
        let url: String = resource.value.chars().take(80).collect();
        let text = format!("`{url}` is on another host");
        (
            Problem::new(&rules::REMOTE, text),
            resource.value_range.clone(),
        )
    })
}

fn id(element: &Element, names: &Names) -> Option<Found> {
    let id = element.attribute("id")?;
    let is_plain = !id.value.is_empty() && !id.value.contains(['{', '$', '<']);
    (is_plain && !names.own(&id.value)).then(|| {
        let text = format!("`{}` has no prefix of the app", id.value);
        (Problem::new(&rules::IDS, text), id.value_range.clone())
    })
}
