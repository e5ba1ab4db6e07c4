//! What may reach a terminal: text that apps wrote must not move its cursor or change its colours.

/// Whether a terminal does something for a character rather than show it.
pub(in crate::cli) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of any number of lines in which nothing but line breaks and tabs acts on a terminal;
/// the rest is shown as escapes.
pub(in crate::cli) fn harmless(text: &str) -> String {
    escaped(text, &['\n', '\t'])
}

/// A text in which nothing acts on a terminal, and which cannot pass for further lines.
pub(in crate::cli) fn on_one_line(text: &str) -> String {
    escaped(text, &[])
}

fn escaped(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) && !kept.contains(&character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let hostile = "a\u{1b}]0;pwned\u{7}\r\u{9b}31m\u{202e}b\n\tä";
        assert_eq!(
            harmless(hostile),
            "a\\u{1b}]0;pwned\\u{7}\\r\\u{9b}31m\\u{202e}b\n\tä"
        );
        assert_eq!(on_one_line("1 %\njob 2: done"), "1 %\\njob 2: done");
    }
}
