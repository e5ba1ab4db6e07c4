//! A log of calls for one test, and what is written into it.

use std::sync::Arc;

use time::OffsetDateTime;
use time::macros::datetime;
use tokio_postgres::Client;

use super::*;
use crate::capability::caller::Caller;
use crate::cell::Ending;
use crate::ids::{AppName, CallId, ReleaseId};
use crate::postgres::AppPools;
use crate::services::{Entropy, HostKey};
use crate::store::calls::{Filter, insert, list};
use crate::store::testing::TestDatabase;
use crate::store::{apps, calls};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

pub(crate) fn shop() -> AppName {
    "shop".parse().unwrap()
}

/// A call of the app `shop`, with an id of its own.
pub(crate) fn call() -> NewCall {
    let clock = Clock::system();
    NewCall {
        id: CallId(Entropy.id(&clock)),
        app: shop(),
        release: ReleaseId(Entropy.id(&clock)),
        entry: "execute",
        job: None,
        caller: None,
        started_at: NOW,
        outcome: "ok",
        error: None,
        used: Used::default(),
    }
}

/// The tables of a host on which `shop` is.
pub(crate) struct Book(TestDatabase);

impl Book {
    pub(crate) async fn open() -> Self {
        let book = Self(TestDatabase::create().await);
        let mut connection = book.0.store.pool().acquire().await.unwrap();
        apps::ensure(&mut connection, &shop(), NOW).await.unwrap();
        book
    }

    pub(crate) fn store(&self) -> Store {
        self.0.store.clone()
    }

    pub(crate) fn key(&self) -> &HostKey {
        self.0.database.key()
    }

    pub(crate) fn pools(&self) -> AppPools {
        self.0.database.pools()
    }

    pub(crate) async fn write(&self, calls: &[NewCall]) {
        insert(self.0.store.pool(), calls).await.unwrap();
    }

    /// What is in the log, in the order of writing.
    pub(crate) async fn ids(&self) -> Vec<CallId> {
        sqlx::query_scalar("SELECT id FROM calls ORDER BY seq")
            .fetch_all(self.0.store.pool())
            .await
            .unwrap()
    }

    pub(crate) async fn drop_table(&self) {
        self.run("DROP TABLE calls").await;
    }

    async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.0.store.pool()).await.unwrap();
    }

    /// Keeps everybody from writing.
    pub(crate) async fn block(&self) -> Blocked {
        let client = self.0.database.host().await;
        let lock = client.batch_execute("BEGIN; LOCK TABLE skep.calls IN ACCESS EXCLUSIVE MODE");
        lock.await.unwrap();
        Blocked(client)
    }
}

pub(crate) struct Blocked(Client);

impl Blocked {
    pub(crate) async fn until_somebody_waits(&self) {
        let waiting =
            "SELECT FROM pg_locks WHERE NOT granted AND relation = 'skep.calls'::regclass";
        while self.0.query(waiting, &[]).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn end(&self) {
        self.0.batch_execute("ROLLBACK").await.unwrap();
    }
}

pub(crate) fn record(app: &str, ending: Ending, receipt: Receipt) -> Record {
    let call = call();
    Record {
        id: call.id,
        app: app.parse().unwrap(),
        release: call.release,
        entry: "execute",
        job: None,
        caller: None,
        ending,
        error: None,
        receipt,
    }
}

#[tokio::test]
async fn a_call_is_kept_with_its_receipt_and_its_error_in_one_short_line() {
    let book = Book::open().await;
    let ledger = Ledger::start(book.store(), Clock::manual(NOW));
    let receipt = Receipt {
        queued: Duration::from_micros(1),
        instantiate: Duration::from_micros(20),
        run: Duration::from_micros(300),
        database: crate::capability::db::session::Usage {
            waited: Duration::from_micros(120),
            statements: 3,
            rows: 7,
            sent: 40,
            received: 50,
        },
        egress: crate::capability::egress::EgressUsage {
            requests: 2,
            sent: 41,
            received: 51,
            waited: Duration::from_micros(30),
        },
        fuel: Some(60),
        memory: 70,
        payload: 80,
        answer: 90,
        log_lines: 100,
        grants: std::collections::BTreeSet::new(),
        error: None,
    };
    let caller = Caller {
        user_id: String::new(),
        username: "ann".to_owned(),
        roles: Vec::new(),
        permissions: Vec::new(),
    };
    let told = Record {
        caller: Some(Arc::new(caller)),
        error: Some(format!("no\0\n{}", "ä".repeat(600))),
        ..record("shop", Ending::AppError, receipt)
    };
    let id = told.id;

    ledger.ended(told);
    ledger.flush(Duration::from_secs(60)).await;

    let found = calls::find(book.store().pool(), &shop(), id).await.unwrap();
    let row = found.expect("the call is in the log");
    assert_eq!(row.caller.as_deref(), Some("ann"));
    assert_eq!(row.outcome, "app_error");
    assert_eq!(row.started_at, NOW - Duration::from_micros(321));
    let error = row.error.expect("an error");
    assert!(error.starts_with(r"no\u{0}\nää"), "{error}");
    assert!((1_020..=1_024).contains(&error.len()), "{}", error.len());
    let expected = Used {
        wall_micros: 321,
        queued_micros: 1,
        instantiate_micros: 20,
        guest_micros: 150,
        db_micros: 120,
        fuel: Some(60),
        memory_bytes: 70,
        statements: 3,
        rows: 7,
        db_sent_bytes: 40,
        db_received_bytes: 50,
        egress_micros: 30,
        egress_requests: 2,
        egress_sent_bytes: 41,
        egress_received_bytes: 51,
        payload_bytes: 80,
        answer_bytes: 90,
        log_lines: 100,
    };
    assert_eq!(row.used, expected);
}

#[tokio::test]
async fn calls_of_an_app_that_is_gone_or_going_are_left_out_and_others_do_not_wait() {
    let book = Book::open().await;
    let store = book.store();
    let going: AppName = "going".parse().unwrap();
    let mut deletion = store.pool().begin().await.unwrap();
    apps::ensure(&mut deletion, &going, NOW).await.unwrap();
    deletion.commit().await.unwrap();
    let of = |app: &AppName| NewCall {
        app: app.clone(),
        ..call()
    };
    book.write(&[of(&going)]).await;
    let mut deletion = store.pool().begin().await.unwrap();
    apps::delete(&mut deletion, &going).await.unwrap();

    let kept = call();
    book.write(&[of(&going), of(&"gone".parse().unwrap()), kept.clone()])
        .await;
    deletion.commit().await.unwrap();

    assert_eq!(book.ids().await, [kept.id]);
}

#[tokio::test]
async fn calls_are_listed_newest_first_page_by_page_and_filtered() {
    let book = Book::open().await;
    let took = |outcome, wall_micros| NewCall {
        outcome,
        used: Used {
            wall_micros,
            ..Used::default()
        },
        ..call()
    };
    let written = [took("ok", 10), took("crashed", 20), took("busy", 30)];
    book.write(&written).await;
    let [ok, crashed, busy] = written.map(|call| call.id);
    let store = book.store();
    let app = shop();
    let listed = async |filter: Filter<'_>| {
        let rows = list(store.pool(), &app, &filter).await.unwrap();
        let ids: Vec<CallId> = rows.iter().map(|row| row.id).collect();
        (ids, rows.last().map(|row| row.seq))
    };
    let all = Filter {
        limit: 10,
        ..Filter::default()
    };

    let (first, last) = listed(Filter { limit: 2, ..all }).await;
    assert_eq!(first, [busy, crashed]);
    let rest = Filter {
        before: last,
        ..all
    };
    assert_eq!(listed(rest).await.0, [ok]);
    let failed = Filter {
        failed: true,
        ..all
    };
    assert_eq!(listed(failed).await.0, [busy, crashed]);
    let of_outcome = Filter {
        outcome: Some("crashed"),
        ..all
    };
    assert_eq!(listed(of_outcome).await.0, [crashed]);
    let slow = Filter {
        slower_than_micros: Some(20),
        ..all
    };
    assert_eq!(listed(slow).await.0, [busy, crashed]);
    let other = list(store.pool(), &"other".parse().unwrap(), &all).await;
    assert!(other.unwrap().is_empty());
}
