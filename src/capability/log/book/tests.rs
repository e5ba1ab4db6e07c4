use sqlx::types::Json;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_postgres::Client;
use uuid::Uuid;

use super::super::policy::Most;
use super::super::{CallLog, Identity};
use super::*;
use crate::ids::{CallId, ReleaseId};
use crate::store::apps;
use crate::store::logs::{Filter, LineRow, SizeRow};
use crate::store::testing::TestDatabase;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const FOR_EVER: Duration = Duration::from_secs(600);

/// A host on which the apps `shop` and `other` are.
struct Host(TestDatabase);

impl Host {
    async fn start() -> Self {
        let host = Self(TestDatabase::create().await);
        let mut connection = host.0.store.pool().acquire().await.unwrap();
        for app in ["shop", "other"] {
            let app = app.parse().unwrap();
            apps::ensure(&mut connection, &app, NOW).await.unwrap();
        }
        drop(connection);
        host
    }

    fn book(&self) -> LogBook {
        LogBook::start(self.0.store.clone(), Clock::manual(NOW), None)
    }

    fn small_book(&self, room: Room) -> LogBook {
        LogBook::start_with(self.0.store.clone(), Clock::manual(NOW), room, None)
    }

    async fn rows(&self) -> Vec<LineRow> {
        let mut rows = logs::list(self.0.store.pool(), &Filter::default(), None, 10_000)
            .await
            .unwrap();
        rows.reverse();
        rows
    }

    async fn messages(&self) -> Vec<String> {
        self.rows()
            .await
            .into_iter()
            .map(|row| row.message)
            .collect()
    }

    /// Keeps everybody from writing.
    async fn block(&self) -> Client {
        let client = self.0.database.host().await;
        let lock = client.batch_execute("BEGIN; LOCK TABLE skep.logs IN ACCESS EXCLUSIVE MODE");
        lock.await.unwrap();
        client
    }

    async fn until_somebody_waits(&self, blocker: &Client) {
        let waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'skep.logs'::regclass";
        while blocker.query(waiting, &[]).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

fn log_of(book: &LogBook, app: &str) -> CallLog {
    let identity = Identity {
        app: app.parse().unwrap(),
        release: ReleaseId(Uuid::from_u128(1)),
        call: CallId(Uuid::from_u128(2)),
        job: None,
    };
    let most = Most {
        lines: 100_000,
        bytes: usize::MAX,
    };
    CallLog::new(identity, most, book.clone())
}

fn say(log: &CallLog, message: &str) {
    log.write(Level::Info, Origin::Log, message, None);
}

#[tokio::test]
async fn a_line_is_kept_with_all_that_is_known_of_it() {
    let host = Host::start().await;
    let book = host.book();
    let log = log_of(&book, "shop");

    log.write(
        Level::Warn,
        Origin::Stderr,
        "a\nb\0",
        Some(r#"{"n": 1, "z": "\u0000"}"#),
    );
    log.host(Level::Info, "egress", "GET");
    log.conclude("KeyError: 'x'", None);
    book.flush(FOR_EVER).await;

    let rows = host.rows().await;
    let [first, second, third] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!(first.at, NOW);
    assert_eq!(first.app.as_str(), "shop");
    assert_eq!(first.call_id, CallId(Uuid::from_u128(2)));
    assert_eq!(
        (first.release, first.job_id, first.attempt),
        (None, None, None)
    );
    assert_eq!((first.level, first.source.as_str()), (2, "stderr"));
    assert_eq!(first.message, "a\nb\u{fffd}");
    let detail = first.detail.as_ref().map(|Json(detail)| detail.clone());
    assert_eq!(detail, Some(serde_json::json!({ "n": 1, "z": "\u{fffd}" })));
    let detail = second.detail.as_ref().map(|Json(detail)| detail.clone());
    assert_eq!(detail, Some(serde_json::json!({ "part": "egress" })));
    assert_eq!((third.level, third.source.as_str()), (3, "failure"));
}

#[tokio::test]
async fn lines_are_written_in_their_order_and_counted_by_app() {
    let host = Host::start().await;
    let book = host.book();
    let (shop, other) = (log_of(&book, "shop"), log_of(&book, "other"));
    let words: Vec<String> = (0..2 * BATCH + 1)
        .map(|number| number.to_string())
        .collect();

    for word in &words {
        say(&shop, word);
    }
    say(&other, "x");
    book.flush(FOR_EVER).await;

    let sizes = logs::sizes(host.0.store.pool()).await.unwrap();
    let of = |app: &str| {
        sizes
            .iter()
            .find(|size| size.app.as_str() == app)
            .unwrap()
            .clone()
    };
    let lengths: usize = words.iter().map(|word| word.len() + AROUND).sum();
    let expected = SizeRow {
        app: "shop".parse().unwrap(),
        rows: i64::try_from(words.len()).unwrap(),
        bytes: i64::try_from(lengths).unwrap(),
    };
    assert_eq!(of("shop"), expected);
    assert_eq!(of("other").rows, 1);
    let mut seen = host.messages().await;
    seen.retain(|message| message != "x");
    assert_eq!(seen, words);
}

#[tokio::test]
async fn a_line_is_written_before_long_though_nobody_asks() {
    let host = Host::start().await;
    let book = host.book();

    say(&log_of(&book, "shop"), "hello");

    while host.messages().await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn of_a_flood_the_surplus_is_left_out_and_the_log_says_how_much_and_others_are_not_hurt() {
    let host = Host::start().await;
    let line = AROUND + 1;
    let book = host.small_book(Room {
        all: 10 * line,
        of_app: 2 * line,
    });
    let (shop, other) = (log_of(&book, "shop"), log_of(&book, "other"));
    let blocker = host.block().await;
    say(&shop, "1");
    // The writer has taken the first, whose room it holds, and comes back for no other.
    host.until_somebody_waits(&blocker).await;

    for word in ["2", "3", "4"] {
        say(&shop, word);
    }
    say(&other, "x");
    blocker.batch_execute("ROLLBACK").await.unwrap();
    book.flush(FOR_EVER).await;

    let missing =
        "2 of the app's lines are missing here: they came faster than the database takes them";
    assert_eq!(host.messages().await, ["1", "2", "x", missing]);
    say(&shop, "5");
    book.flush(FOR_EVER).await;
    assert_eq!(host.messages().await.last().unwrap(), "5");
}

#[tokio::test]
async fn a_line_that_the_database_refuses_takes_no_other_with_it() {
    let host = Host::start().await;
    let book = host.book();
    let log = log_of(&book, "shop");
    sqlx::query("ALTER TABLE logs ADD CHECK (message <> 'poison')")
        .execute(host.0.store.pool())
        .await
        .unwrap();

    for word in ["a", "b", "poison", "c"] {
        say(&log, word);
    }
    book.flush(FOR_EVER).await;

    let missing = "1 of the app's lines are missing here: the database did not take them";
    assert_eq!(host.messages().await, ["a", "b", "c", missing]);
}

#[tokio::test]
async fn lines_of_an_app_that_is_gone_or_going_are_left_out_and_others_do_not_wait() {
    let host = Host::start().await;
    let book = host.book();
    let store = &host.0.store;
    say(&log_of(&book, "other"), "before");
    book.flush(FOR_EVER).await;
    let mut deletion = store.pool().begin().await.unwrap();
    apps::delete(&mut deletion, &"other".parse().unwrap())
        .await
        .unwrap();

    say(&log_of(&book, "other"), "going");
    say(&log_of(&book, "gone"), "gone");
    say(&log_of(&book, "shop"), "kept");
    book.flush(FOR_EVER).await;
    deletion.commit().await.unwrap();

    assert_eq!(host.messages().await, ["kept"]);
    assert_eq!(logs::sizes(store.pool()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn lines_of_many_nodes_become_visible_in_the_order_of_their_numbers() {
    let host = Host::start().await;
    let nodes: Vec<LogBook> = (0..4).map(|_| host.book()).collect();
    let writing: Vec<_> = nodes
        .iter()
        .map(|book| {
            let (book, log) = (book.clone(), log_of(book, "shop"));
            tokio::spawn(async move {
                for word in 0..50 {
                    say(&log, &word.to_string());
                    book.flush(FOR_EVER).await;
                }
            })
        })
        .collect();

    let (mut last, mut seen) = (0, 0);
    while seen < 200 {
        let newest = logs::newest(host.0.store.pool()).await.unwrap();
        let place = (last, newest);
        seen += logs::between(host.0.store.pool(), &Filter::default(), place)
            .await
            .unwrap()
            .len();
        last = newest;
    }
    for written in writing {
        written.await.unwrap();
    }
    // Had one come late, it would be missing: nobody looks back.
    assert_eq!(host.rows().await.len(), seen);
}

#[tokio::test]
async fn a_secret_that_was_read_is_hidden_until_the_call_is_over() {
    let book = LogBook::unwritten(Clock::manual(NOW));
    let log = log_of(&book, "shop");
    log.hide(b"hunter2-hunter2");

    log.write(
        Level::Info,
        Origin::Stdout,
        "it is hunter2-hunter2",
        Some(r#"["hunter2-hunter2"]"#),
    );
    log.host(Level::Info, "egress", "hunter2-hunter2");
    log.conclude("hunter2-hunter2", Some("hunter2-hunter2"));

    let lines = format!("{:?}", book.waiting());
    assert!(lines.contains("it is [secret]"), "{lines}");
    assert!(!lines.contains("hunter2"), "{lines}");
    assert_eq!(log.masked("hunter2-hunter2"), "[secret]");
    log.close();
    assert_eq!(log.masked("hunter2-hunter2"), "hunter2-hunter2");
}
