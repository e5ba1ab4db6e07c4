//! Server-Sent Events, as far as Skep sends them.

use reqwest::Response;

/// An answer that goes on.
pub(crate) struct Events {
    response: Response,
    /// What came after the last whole event.
    rest: Vec<u8>,
}

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<String>,
}

impl Events {
    pub(crate) fn new(response: Response) -> Self {
        let rest = Vec::new();
        Self { response, rest }
    }

    /// The next event; none where the server has ended the answer, or was lost.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.take() {
                return Some(event);
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.rest.extend_from_slice(&chunk);
        }
    }

    fn take(&mut self) -> Option<Event> {
        let end = self.rest.windows(2).position(|pair| pair == b"\n\n")?;
        let after = self.rest.split_off(end + 2);
        let event = std::mem::replace(&mut self.rest, after);
        Some(event_of(&String::from_utf8_lossy(&event)))
    }
}

fn event_of(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines() {
        // A line without a name is a comment, which keeps the connection alive.
        match line.split_once(": ") {
            Some(("id", id)) => event.id = Some(id.to_owned()),
            Some(("data", data)) => match &mut event.data {
                Some(before) => {
                    before.push('\n');
                    before.push_str(data);
                }
                None => event.data = Some(data.to_owned()),
            },
            Some(_) | None => {}
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_an_id_or_data_or_neither() {
        let event = |id: Option<&str>, data: Option<&str>| Event {
            id: id.map(str::to_owned),
            data: data.map(str::to_owned),
        };
        assert_eq!(
            event_of("id: 7\ndata: {\"a\": 1}\n\n"),
            event(Some("7"), Some("{\"a\": 1}"))
        );
        assert_eq!(event_of("data: a\ndata: b\n\n"), event(None, Some("a\nb")));
        assert_eq!(event_of("id: 8\n\n"), event(Some("8"), None));
        assert_eq!(event_of(":\n\n"), event(None, None));
    }
}
