//! How much an app may write to its log in one call, and in which form.

use std::borrow::Cow;

/// The longest message; the rest of it is cut.
pub(crate) const MESSAGE_BYTES: usize = 8 * 1024;
/// The longest detail; the rest of it is cut.
pub(crate) const DETAIL_BYTES: usize = 32 * 1024;

/// What a call may still write.
#[derive(Debug)]
pub(crate) struct LogBudget {
    most: Most,
    lines: u32,
    bytes: usize,
    is_over: bool,
}

/// What a call may write: lines, and bytes of all of them together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) lines: u32,
    pub(crate) bytes: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    Yes,
    /// The first line over a limit: it is replaced by this one, which says so.
    Last(String),
    No,
}

impl LogBudget {
    pub(crate) fn new(most: Most) -> Self {
        Self {
            most,
            lines: 0,
            bytes: 0,
            is_over: false,
        }
    }

    /// Decides about one more line of so many bytes.
    pub(crate) fn admit(&mut self, bytes: usize) -> Admitted {
        if self.is_over {
            return Admitted::No;
        }
        let Most {
            lines: most_lines,
            bytes: most_bytes,
        } = self.most;
        self.lines += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.lines > most_lines {
            self.is_over = true;
            Admitted::Last(format!(
                "the call wrote more than {most_lines} log lines; the rest is left out"
            ))
        } else if self.bytes > most_bytes {
            self.is_over = true;
            let kib = most_bytes / 1024;
            Admitted::Last(format!(
                "the call wrote more than {kib} KiB to its log; the rest is left out"
            ))
        } else {
            Admitted::Yes
        }
    }

    /// Whether nothing more is admitted.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many lines were admitted.
    pub(crate) fn written(&self) -> u32 {
        self.lines - u32::from(self.is_over)
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
        let mut budget = LogBudget::new(Most {
            lines: 2,
            bytes: 1_000,
        });

        assert_eq!(budget.admit(1), Admitted::Yes);
        assert_eq!(budget.admit(1), Admitted::Yes);

        let words = "the call wrote more than 2 log lines; the rest is left out";
        assert_eq!(budget.admit(1), Admitted::Last(words.to_owned()));
        assert_eq!(budget.admit(1), Admitted::No);
        assert_eq!(budget.written(), 2);
    }

    #[test]
    fn a_call_writes_so_many_bytes_over_all_lines() {
        let mut budget = LogBudget::new(Most {
            lines: 1_000,
            bytes: 2_048,
        });

        assert_eq!(budget.admit(2_048), Admitted::Yes);

        let words = "the call wrote more than 2 KiB to its log; the rest is left out";
        assert_eq!(budget.admit(1), Admitted::Last(words.to_owned()));
        // One that would fit does not come after one that did not.
        assert_eq!(budget.admit(0), Admitted::No);
        assert_eq!(budget.written(), 1);
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
