//! Text of others in a line for people to decide by.

/// The text without anything that would show as something else: control characters, and
/// those that turn or hide what follows, are written as escapes.
pub(crate) fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, letter| {
        if letter.is_control() || is_hidden(letter) {
            plain.extend(letter.escape_default());
        } else {
            plain.push(letter);
        }
        plain
    })
}

/// Marks of direction, letters without width, line and paragraph separators, tags.
fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_and_what_is_not_is_shown() {
        assert_eq!(plain("Straße 店 \"x\""), "Straße 店 \"x\"");
        assert_eq!(plain("a\tb\u{1b}[1m"), "a\\tb\\u{1b}[1m");
        assert_eq!(plain("\u{202e}txt\u{200b}"), "\\u{202e}txt\\u{200b}");
    }
}
