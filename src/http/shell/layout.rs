//! The page around an app: its header, Bootstrap, the theme, and the notifications.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::plain;
use crate::http::content_policy;
use crate::http::error::ApiError;
use crate::ids::AppName;
use crate::services::Services;
use crate::ui;

/// Its place among the layout's files.
pub(super) const FILE: &str = "layout.html";

/// The layout with the addresses of its files, which do not change.
static LAYOUT: LazyLock<String> = LazyLock::new(|| {
    let html = ui::shell(FILE).map_or(&[][..], |file| file.plain);
    let files = format!("/assets/shell/{}", ui::SHELL_DIGEST);
    let library = |address: &str| {
        let digest = ui::library(address).map_or("", |library| library.digest);
        format!("{address}?v={digest}")
    };
    fill(
        &String::from_utf8_lossy(html),
        &[
            ("files", &files),
            ("bootstrap.css", &library("/static/css/bootstrap.min.css")),
            (
                "bootstrap.js",
                &library("/static/js/bootstrap.bundle.min.js"),
            ),
        ],
    )
});

/// What a page of an app under development has beside.
static LIVE: LazyLock<String> = LazyLock::new(|| {
    let file = format!("/assets/shell/{}/live.js", ui::SHELL_DIGEST);
    format!("<script src=\"{file}\" nonce=\"{{nonce}}\" defer></script>")
});

/// What is shown in the layout.
pub(super) struct View {
    /// A text.
    pub(super) title: String,
    /// The app, where there is one.
    pub(super) app: Option<AppName>,
    /// Who looks at it; empty where that is not known.
    pub(super) username: String,
    /// HTML.
    pub(super) head: String,
    /// HTML.
    pub(super) content: String,
    /// What stands for the nonce in these two.
    pub(super) nonce_place: Option<&'static str>,
}

/// Answers with a page.
pub(super) fn answer(
    services: &Services,
    status: StatusCode,
    view: &View,
) -> Result<Response, ApiError> {
    let (headers, nonce) = content_policy::shell(&services.entropy)?;
    let with_nonce = |html: &str| match view.nonce_place {
        Some(place) => html.replace(place, &nonce),
        None => html.to_owned(),
    };
    let mut head = with_nonce(&view.head);
    if services.live.is_some() {
        head.push_str(&fill(&LIVE, &[("nonce", &nonce)]));
    }
    let app = view.app.as_ref().map_or("", AppName::as_str);
    let html = fill(
        &LAYOUT,
        &[
            ("nonce", &nonce),
            ("title", &text(&view.title)),
            ("app", app),
            ("username", &text(&view.username)),
            ("head", &head),
            ("content", &with_nonce(&view.content)),
        ],
    );
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    Ok((status, kind, headers, html).into_response())
}

/// Puts values in place of `{name}`. What a value brings along is left as it is, and so are names
/// that have none.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((*value, behind))
        });
        if let Some((value, behind)) = place {
            filled.push_str(value);
            rest = behind;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled + rest
}

/// A text of others as HTML.
pub(super) fn text(text: &str) -> String {
    plain(text).chars().fold(String::new(), |mut html, letter| {
        match letter {
            '&' | '<' | '>' | '"' | '\'' => {
                // Writing to a String cannot fail.
                let _ = write!(html, "&#{};", u32::from(letter));
            }
            _ => html.push(letter),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_filled_again() {
        let values = [("a", "{b} {c"), ("b", "B")];
        assert_eq!(fill("<{a}|{b}|{d}|{|{", &values), "<{b} {c|B|{d}|{|{");
        assert_eq!(fill("", &values), "");
    }

    #[test]
    fn a_text_stays_a_text() {
        assert_eq!(
            text("<img src=x onerror='a(\"b\")'> & \u{202e}x"),
            "&#60;img src=x onerror=&#39;a(&#34;b&#34;)&#39;&#62; &#38; \\u{202e}x"
        );
    }

    #[test]
    fn the_layout_knows_where_its_files_are() {
        for place in ["{files}", "{bootstrap.css}", "{bootstrap.js}", "?v=\""] {
            assert!(!LAYOUT.contains(place), "{place}");
        }
        for place in [
            "{nonce}",
            "{title}",
            "{head}",
            "{content}",
            "{app}",
            "{username}",
        ] {
            assert!(LAYOUT.contains(place), "{place}");
        }
    }
}
