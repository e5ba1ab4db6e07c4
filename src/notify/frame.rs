//! What subscribers read of a notification: written once, and shared by all of them.

use std::sync::OnceLock;

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::ids::{AppName, JobId};
use crate::store::notifications::NotificationRow;

/// A notification as it is sent. The text is JSON on one line.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) id: i64,
    /// Checked to be UTF-8 once, which is why it has the type of a socket's messages.
    pub(crate) json: Utf8Bytes,
    event: OnceLock<Bytes>,
}

/// The words of the host's own that go the same ways as notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// What follows is new; all up to this id was sent, or is from before.
    Ready { id: i64 },
    /// Something after this id may have been missed and is not kept any more.
    Gap { last_id: i64 },
    /// The reader is too slow: connect again and go on from this id.
    Reconnect { last_id: i64 },
}

#[derive(Serialize)]
struct Action<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: i64,
    app_name: &'a AppName,
    action_name: &'a str,
    payload: &'a RawValue,
    job_id: Option<JobId>,
    #[serde(with = "time::serde::rfc3339")]
    triggered_at: OffsetDateTime,
}

impl Frame {
    /// # Errors
    ///
    /// When the payload is not JSON, which is never written.
    pub(crate) fn new(row: &NotificationRow) -> serde_json::Result<Self> {
        let json = serde_json::to_string(&Action {
            kind: "action",
            id: row.id,
            app_name: &row.app,
            action_name: &row.action,
            payload: serde_json::from_str(&row.payload)?,
            job_id: row.job_id,
            triggered_at: row.triggered_at,
        })?;
        Ok(Self {
            id: row.id,
            json: json.into(),
            event: OnceLock::new(),
        })
    }

    /// The frame as an event of a stream.
    pub(crate) fn event(&self) -> Bytes {
        let event = || Bytes::from(format!("id: {}\ndata: {}\n\n", self.id, self.json.as_str()));
        self.event.get_or_init(event).clone()
    }
}

impl Word {
    /// The word as JSON text.
    pub(crate) fn json(self) -> String {
        match self {
            Self::Ready { id } => format!(r#"{{"type":"ready","id":{id}}}"#),
            Self::Gap { last_id } => format!(r#"{{"type":"gap","last_id":{last_id}}}"#),
            Self::Reconnect { last_id } => format!(r#"{{"type":"reconnect","last_id":{last_id}}}"#),
        }
    }

    /// The word as an event of a stream. That everything is read up to an id is for a browser to
    /// remember.
    pub(crate) fn event(self) -> Bytes {
        let id = match self {
            Self::Ready { id } => format!("id: {id}\n"),
            Self::Gap { .. } | Self::Reconnect { .. } => String::new(),
        };
        Bytes::from(format!("{id}data: {}\n\n", self.json()))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn row() -> NotificationRow {
        NotificationRow {
            id: 7,
            app: "shop".parse().unwrap(),
            action: "sold".to_owned(),
            payload: r#"{"price": 1.50}"#.to_owned(),
            job_id: None,
            triggered_at: datetime!(2026-11-21 12:00 UTC),
            declared: true,
            required_permission: None,
        }
    }

    #[test]
    fn a_frame_is_the_contracts_and_its_payload_the_apps_to_the_letter() {
        let frame = Frame::new(&row()).unwrap();

        let json = r#"{"type":"action","id":7,"app_name":"shop","action_name":"sold","payload":{"price": 1.50},"job_id":null,"triggered_at":"2026-11-21T12:00:00Z"}"#;
        assert_eq!(frame.json.as_str(), json);
        assert_eq!(frame.event(), format!("id: 7\ndata: {json}\n\n"));
    }

    #[test]
    fn a_jobs_frame_names_it() {
        let job = JobId(Uuid::nil());
        let frame = Frame::new(&NotificationRow {
            job_id: Some(job),
            ..row()
        })
        .unwrap();

        let json: serde_json::Value = serde_json::from_str(frame.json.as_str()).unwrap();
        assert_eq!(json["job_id"], job.to_string());
    }

    #[test]
    fn only_what_was_read_to_its_end_is_remembered() {
        let ready = Word::Ready { id: 3 };
        assert_eq!(
            ready.event(),
            "id: 3\ndata: {\"type\":\"ready\",\"id\":3}\n\n"
        );
        let gap = Word::Gap { last_id: 3 };
        assert_eq!(gap.event(), "data: {\"type\":\"gap\",\"last_id\":3}\n\n");
    }
}
