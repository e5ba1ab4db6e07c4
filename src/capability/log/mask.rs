//! Hides the secrets that a call has read from what it logs.
//!
//! It is a help for authors and not a wall: only what is written as it was read is found.

use std::borrow::Cow;

use zeroize::Zeroizing;

/// What stands for a secret.
const HIDDEN: &str = "[secret]";
/// Shorter ones stand in many texts by chance, in bytes.
const SHORTEST: usize = 6;
/// Lines of a secret are looked for too, from this length on and so many: those of a key file
/// are printed one by one.
const SHORTEST_LINE: usize = 16;
const LINES: usize = 256;

/// The secrets of one call, longest first. They are wiped when it goes.
#[derive(Default)]
pub(super) struct Mask(Vec<Zeroizing<String>>);

impl Mask {
    /// Hides a secret from now on. One that is no text is not found in a text anyway.
    pub(super) fn hide(&mut self, secret: &[u8]) {
        let Ok(secret) = std::str::from_utf8(secret) else {
            return;
        };
        let secret = secret.trim();
        self.add(secret, SHORTEST);
        if let Ok(json) = serde_json::to_string(secret) {
            let json = Zeroizing::new(json);
            let inner = json.get(1..json.len() - 1).unwrap_or_default();
            self.add(inner, SHORTEST);
        }
        if secret.contains('\n') {
            for line in secret.lines().take(LINES) {
                self.add(line.trim(), SHORTEST_LINE);
            }
        }
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    fn add(&mut self, secret: &str, shortest: usize) {
        if secret.len() >= shortest && !self.0.iter().any(|known| known.as_str() == secret) {
            self.0.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// A text without the secrets.
    pub(super) fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for secret in &self.0 {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), HIDDEN));
            }
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        let mut mask = Mask::default();
        for secret in secrets {
            mask.hide(secret.as_bytes());
        }
        mask
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands_and_the_rest_is_not() {
        let mask = mask(&["hunter2!", "hunter2!-and-more"]);

        assert_eq!(
            mask.masked("a hunter2! b hunter2!"),
            "a [secret] b [secret]"
        );
        assert_eq!(mask.masked("x=hunter2!-and-more"), "x=[secret]");
        assert_eq!(mask.masked("hunter2"), "hunter2");
    }

    #[test]
    fn a_short_one_and_one_that_is_no_text_are_left_alone() {
        let mut mask = mask(&["abcde", " \n"]);
        mask.hide(&[0xff; 20]);

        assert_eq!(mask.masked("abcde"), "abcde");
        assert!(mask.0.is_empty());
    }

    #[test]
    fn a_key_file_is_hidden_whole_in_json_and_line_by_line() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n";
        let mask = mask(&[key]);

        let json = serde_json::json!({ "key": key }).to_string();
        assert_eq!(mask.masked(&json), r#"{"key":"[secret]\n"}"#);
        assert_eq!(mask.masked("MIIEvQIBADANBgkqhkiG"), "[secret]");
        assert_eq!(mask.masked("short"), "short");
    }

    #[test]
    fn reading_a_secret_again_adds_nothing() {
        assert_eq!(mask(&["hunter2!", "hunter2!"]).0.len(), 1);
    }
}
