//! What commands print: text for people, or JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

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
        writeln!(self.to, "{text}")
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

    /// Prints one of many answers: JSON on one line for programs, or a line for people.
    pub(crate) fn event(&mut self, whole: &impl Serialize, text: &str) -> io::Result<()> {
        if self.json {
            serde_json::to_writer(&mut self.to, whole)?;
            return writeln!(self.to);
        }
        self.line(text)
    }

    fn json(&mut self, whole: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.to, whole)?;
        writeln!(self.to)
    }
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
    fn programs_see_json_and_nothing_else() {
        assert_eq!(printed(true), "[\n  \"maja\",\n  \"w\"\n]\n");

        let printed = Printed::default();
        printed.output(true).line("hello").unwrap();
        assert_eq!(printed.text(), "");
    }
}
