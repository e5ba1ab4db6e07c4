//! What commands print: text for people, or JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::terminal::{acts, harmless, on_one_line};

/// Where a command prints, and in which form.
pub(crate) struct Output {
    json: bool,
    to: Box<dyn Write>,
}

impl Output {
    /// Text on standard output.
    pub(crate) fn text() -> Self {
        Self::new(false)
    }

    /// Text, or JSON if asked for, on standard output.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            to: Box::new(io::stdout()),
        }
    }

    /// Prints a line for people; programs see nothing.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        writeln!(self.to, "{}", harmless(text))
    }

    /// Prints the whole answer for programs, or a line for people.
    pub(crate) fn answer(&mut self, whole: &impl Serialize, text: &str) -> io::Result<()> {
        if self.json {
            self.json(whole)
        } else {
            self.line(text)
        }
    }

    /// Prints the whole answer for programs, or a table for people.
    pub(crate) fn table<const N: usize>(
        &mut self,
        whole: &impl Serialize,
        heads: [&str; N],
        rows: Vec<[String; N]>,
    ) -> io::Result<()> {
        if self.json {
            return self.json(whole);
        }
        let heads = heads.map(str::to_owned);
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| row.map(|cell| on_one_line(&cell)))
            .collect();
        let mut widths = [0; N];
        for row in std::iter::once(&heads).chain(&rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in std::iter::once(&heads).chain(&rows) {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(self.to, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// Prints one of many answers: JSON on one line for programs, or a line for people, which is
    /// printed as it is: nothing in it may act on a terminal but what is meant to.
    pub(crate) fn event(&mut self, whole: &impl Serialize, text: &str) -> io::Result<()> {
        if self.json {
            return self.record(whole);
        }
        writeln!(self.to, "{text}")
    }

    /// Prints JSON on a line of its own.
    fn record(&mut self, record: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(record)?;
        writeln!(self.to, "{}", harmless_json(&text))
    }

    fn json(&mut self, whole: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(whole)?;
        writeln!(self.to, "{}", harmless_json(&text))
    }
}

/// JSON text leaves some characters as they are that a terminal obeys. They stand in strings
/// only, where an escape means the same; line breaks are the printer's own.
fn harmless_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Names in one cell of a table.
pub(crate) fn joined(names: &[String]) -> String {
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What a command printed.
    #[derive(Clone, Default)]
    pub(crate) struct Printed(Arc<Mutex<Vec<u8>>>);

    impl Printed {
        pub(crate) fn output(&self, json: bool) -> Output {
            Output {
                json,
                to: Box::new(self.clone()),
            }
        }

        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).expect("a text")
        }
    }

    impl Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Printed;

    fn printed(json: bool) -> String {
        let printed = Printed::default();
        let rows = vec![["maja".into(), "-".into()], ["w".into(), "drone".into()]];
        printed
            .output(json)
            .table(&["maja", "w"], ["NAME", "KIND"], rows)
            .unwrap();
        printed.text()
    }

    #[test]
    fn people_see_columns() {
        assert_eq!(printed(false), "NAME  KIND\nmaja  -\nw     drone\n");
    }

    #[test]
    fn a_record_is_one_line_that_no_terminal_obeys() {
        let printed = Printed::default();
        let text = "a\u{1b}\n\u{9b}\u{202e}ä";
        printed.output(true).record(&text).unwrap();
        assert_eq!(printed.text(), "\"a\\u001b\\n\\u009b\\u202eä\"\n");
        assert_eq!(
            serde_json::from_str::<String>(&printed.text()).unwrap(),
            text
        );
    }

    #[test]
    fn programs_see_json_and_nothing_else() {
        assert_eq!(printed(true), "[\n  \"maja\",\n  \"w\"\n]\n");

        let printed = Printed::default();
        printed.output(true).line("hello").unwrap();
        assert_eq!(printed.text(), "");
    }
}
