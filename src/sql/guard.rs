//! Texts that would cost the parser far more than they are long are refused before it.
//!
//! The parser and the code around it take more than linear time or memory for some texts:
//! signs in a row and comments within comments are read again for each of them, a long number
//! is copied for each sign before it, and `(a, b, ...) = source` writes its source once for
//! each column, so that a kilobyte can become gigabytes. One pass over the text bounds them.
//! It only estimates costs: what a text means is decided by the parser alone.

use super::refusal::{Code, Refusal, Spot};

/// The signs `+`, `-` and `/` in one run of signs without a space.
const SIGNS: usize = 64;
/// The bytes of a number, or of what begins like one.
const NUMBER_BYTES: usize = 1000;
/// The bytes of a text, each counted as often as the tree holds what it says.
const WRITTEN_BYTES: u64 = 16 * 1024 * 1024;

/// The weight of all words and signs together, [`weight`] of each. The worst texts of this
/// weight take 0.3 s and 200 MB; a megabyte of rows with ten values each stays below it.
const WEIGHT: u64 = 200_000;

/// Decides whether a text may be given to the parser.
pub(super) fn admit(sql: &str) -> Result<(), Refusal> {
    let mut guard = Guard {
        bytes: sql.as_bytes(),
        at: 0,
        groups: vec![Group::within(1)],
        closed: None,
        written: 0,
        weight: 0,
    };
    guard.run().map_err(|excess| {
        let spot = i32::try_from(guard.at)
            .ok()
            .and_then(|offset| Spot::at(sql, offset));
        let (what, fix) = match excess {
            Excess::Signs => (
                "there are too many signs in a row",
                "put spaces between operators, and no comments within comments",
            ),
            Excess::Number => (
                "there is a number of more than a thousand digits",
                "send it as text, or as a parameter",
            ),
            Excess::Weight => (
                "the statement has too many words",
                "send it in parts, such as some thousand rows with each INSERT",
            ),
            Excess::Written => (
                "there are too many lists with an equals sign behind them, or too long ones",
                "write `a = 1, b = 2` instead of `(a, b) = (1, 2)`",
            ),
        };
        Refusal::new(Code::TooDeep, spot, what, fix)
    })
}

/// What there is too much of.
enum Excess {
    Signs,
    Number,
    Weight,
    Written,
}

/// What stands between two parentheses.
struct Group {
    commas: u64,
    /// How often what stands in it is written.
    times: u64,
    /// How often what stands in the next group in it is written.
    times_within: u64,
}

impl Group {
    fn within(times: u64) -> Self {
        Self {
            commas: 0,
            times,
            times_within: times,
        }
    }
}

struct Guard<'a> {
    bytes: &'a [u8],
    at: usize,
    groups: Vec<Group>,
    /// The commas of the group that was closed by the token before this one.
    closed: Option<u64>,
    written: u64,
    weight: u64,
}

/// What a word or a sign that begins with a byte costs the parser at most, as measured: a name
/// becomes a column or a call, a literal only a constant.
fn weight(first: u8) -> u64 {
    match first {
        b',' | b';' | b'.' | b':' | b')' | b']' => 0,
        b'\'' | b'0'..=b'9' => 1,
        b'$' | b'(' | b'[' => 2,
        _name_or_sign => 4,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn is_sign(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

impl Guard<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn run(&mut self) -> Result<(), Excess> {
        while let Some(byte) = self.peek(0) {
            let begin = self.at;
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                    self.at += 1;
                    continue;
                }
                b'-' if self.peek(1) == Some(b'-') => {
                    self.line_comment();
                    continue;
                }
                b'/' if self.peek(1) == Some(b'*') => {
                    self.block_comment()?;
                    continue;
                }
                b'\'' => self.quoted(b'\'', false),
                b'"' => self.quoted(b'"', false),
                b'$' => self.dollar(),
                b'0'..=b'9' => self.number()?,
                byte if is_word(byte) => self.word(),
                byte if is_sign(byte) => self.signs()?,
                byte => self.point(byte),
            }
            if !matches!(byte, b')') && !is_sign(byte) {
                self.closed = None;
            }
            self.count(self.at - begin)?;
            self.weight += weight(byte);
            if self.weight > WEIGHT {
                return Err(Excess::Weight);
            }
        }
        Ok(())
    }

    /// Counts what was read, as often as it is written.
    fn count(&mut self, bytes: usize) -> Result<(), Excess> {
        let times = self.groups.last().map_or(1, |group| group.times_within);
        self.written = self
            .written
            .saturating_add(times.saturating_mul(bytes as u64));
        if self.written > WRITTEN_BYTES {
            return Err(Excess::Written);
        }
        Ok(())
    }

    fn point(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'(' | b'[' => {
                let times = self.groups.last().map_or(1, |group| group.times_within);
                self.groups.push(Group::within(times));
            }
            b')' | b']' => {
                // The outermost stays, whatever the text closes.
                if self.groups.len() > 1
                    && let Some(group) = self.groups.pop()
                {
                    self.closed = Some(group.commas);
                }
            }
            b',' => {
                if let Some(group) = self.groups.last_mut() {
                    group.commas += 1;
                }
            }
            _other => {}
        }
    }

    fn signs(&mut self) -> Result<(), Excess> {
        if self.peek(0) == Some(b'=')
            && let (Some(commas), Some(group)) = (self.closed, self.groups.last_mut())
        {
            group.times_within = group.times.saturating_mul(commas.saturating_add(1));
        }
        self.closed = None;
        self.bounded_signs(|byte| matches!(byte, b'+' | b'-' | b'/'))
    }

    /// Reads a run of signs, until a comment begins in it.
    fn bounded_signs(&mut self, costly: impl Fn(u8) -> bool) -> Result<(), Excess> {
        let mut count = 0;
        let begin = self.at;
        while let Some(sign) = self.peek(0).filter(|byte| is_sign(*byte)) {
            let comment = matches!(
                (sign, self.peek(1)),
                (b'-', Some(b'-')) | (b'/', Some(b'*'))
            );
            if comment && self.at > begin {
                return Ok(());
            }
            count += usize::from(costly(sign));
            if count > SIGNS {
                return Err(Excess::Signs);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn line_comment(&mut self) {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
    }

    /// Reads a comment and those within it. The lexer reads the whole run of signs again for
    /// each beginning in it, that of a comment right behind this one included.
    fn block_comment(&mut self) -> Result<(), Excess> {
        let mut depth = 0_usize;
        let mut beginnings = 0;
        while let Some(byte) = self.peek(0) {
            if !is_sign(byte) {
                beginnings = 0;
                self.at += 1;
            } else if self.rest().starts_with(b"/*") {
                depth += 1;
                beginnings += 1;
                self.at += 2;
            } else if self.rest().starts_with(b"*/") {
                depth = depth.saturating_sub(1);
                self.at += 2;
            } else {
                self.at += 1;
            }
            if beginnings > SIGNS {
                return Err(Excess::Signs);
            }
            if depth == 0 && !self.rest().starts_with(b"/*") {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads to the closing quote. A doubled one closes and opens again, which is the same here.
    fn quoted(&mut self, quote: u8, escapes: bool) {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == quote {
                return;
            }
            if escapes && byte == b'\\' {
                self.at += 1;
            }
        }
    }

    /// Reads `E'...'`, which goes on behind a line break with the next quote.
    fn escaped(&mut self) {
        loop {
            self.quoted(b'\'', true);
            if self.peek(0) == Some(b'\'') {
                continue;
            }
            let end = self.at;
            self.skip_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            while self.rest().starts_with(b"--") {
                self.line_comment();
                self.skip_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            }
            let gap = self.bytes.get(end..self.at).unwrap_or_default();
            let broken = gap.contains(&b'\n') || gap.contains(&b'\r');
            if !broken || self.peek(0) != Some(b'\'') {
                self.at = end;
                return;
            }
        }
    }

    fn word(&mut self) {
        let begin = self.at;
        self.skip_while(is_word);
        let word = self.bytes.get(begin..self.at).unwrap_or_default();
        if word.eq_ignore_ascii_case(b"e") && self.peek(0) == Some(b'\'') {
            self.escaped();
        }
    }

    fn number(&mut self) -> Result<(), Excess> {
        let begin = self.at;
        self.skip_while(|byte| is_word(byte) || byte == b'.');
        if self.at - begin > NUMBER_BYTES {
            return Err(Excess::Number);
        }
        Ok(())
    }

    /// Reads `$1`, or from `$tag$` to the next `$tag$`.
    fn dollar(&mut self) {
        let begin = self.at;
        self.at += 1;
        if self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.skip_while(|byte| byte.is_ascii_digit());
            return;
        }
        self.skip_while(|byte| is_word(byte) && byte != b'$');
        if self.peek(0) != Some(b'$') {
            return;
        }
        self.at += 1;
        let tag = self.bytes.get(begin..self.at).unwrap_or_default();
        let rest = self.rest();
        // A tag that never comes again is an error to the parser.
        let end = memmem(rest, tag).map_or(rest.len(), |end| end + tag.len());
        self.at += end;
    }
}

/// Where a tag stands in a text. Only its first byte can be a dollar between words, so that
/// the search is linear.
fn memmem(text: &[u8], tag: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(dollar) = text.get(from..)?.iter().position(|byte| *byte == b'$') {
        if text.get(from + dollar..)?.starts_with(tag) {
            return Some(from + dollar);
        }
        from += dollar + 1;
    }
    None
}

#[cfg(test)]
mod tests;
