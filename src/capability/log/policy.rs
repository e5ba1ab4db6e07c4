//! How much an app may write to its log in one call, and in which form.

use std::borrow::Cow;

/// The longest message; the rest of it is cut.
pub(crate) const MESSAGE_BYTES: usize = 8 * 1024;
/// The longest detail; the rest of it is cut.
pub(crate) const DETAIL_BYTES: usize = 32 * 1024;
/// Lines in one call; later ones are left out.
pub(crate) const LINES: u32 = 1_000;

/// What a call has written so far.
#[derive(Debug, Default)]
pub(crate) struct LogBudget {
    lines: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    Yes,
    /// The first line over the limit: it is replaced by one that says so.
    Last,
    No,
}

impl LogBudget {
    /// Decides about one more line.
    pub(crate) fn admit(&mut self) -> Admitted {
        self.lines = self.lines.saturating_add(1);
        match self.lines {
            ..=LINES => Admitted::Yes,
            lines if lines == LINES + 1 => Admitted::Last,
            _ => Admitted::No,
        }
    }

    /// How many lines were admitted.
    pub(crate) fn written(&self) -> u32 {
        self.lines.min(LINES)
    }
}

/// The first `limit` bytes of a text, or a little less, so that no character is cut.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// A text with its line breaks and other control characters written as escapes.
///
/// An exception's text may hold what a caller sent; as it is, it could pass for other lines of
/// the log.
pub(crate) fn single_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_writes_so_many_lines_then_one_that_says_so_then_none() {
        let mut budget = LogBudget::default();

        for _ in 0..LINES {
            assert_eq!(budget.admit(), Admitted::Yes);
        }

        assert_eq!(budget.admit(), Admitted::Last);
        assert_eq!(budget.admit(), Admitted::No);
        assert_eq!(budget.written(), LINES);
    }

    #[test]
    fn a_message_never_makes_a_second_line() {
        assert_eq!(single_line("a\nERROR b\x1b[0m"), "a\\nERROR b\\u{1b}[0m");
        assert_eq!(single_line("ä b"), "ä b");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aäb", 2), "a");
        assert_eq!(cut("aäb", 3), "aä");
        assert_eq!(cut("aäb", 99), "aäb");
    }
}
