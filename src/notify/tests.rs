use std::future::poll_fn;
use std::task::Poll;

use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::frame::{Frame, Word};
use super::queue::End;
use super::*;
use crate::auth::{Identity, Via};
use crate::ids::{SessionId, UserId};
use crate::services::Sealing;
use crate::store::notifications::tests::{declare, user};
use crate::store::notifications::{NewNotification, newest, put, subscriptions};
use crate::store::testing::TestDatabase;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const SETTINGS: Settings = Settings {
    sockets: 100,
    sockets_of_one: 10,
    keep: time::Duration::DAY,
    keep_of_one: 1_000,
    ping: Duration::from_secs(30),
};

/// Nodes on one database, with an app `shop` that declares `sold` and, for `sales:read`, `secret`.
struct World {
    database: TestDatabase,
    clock: Clock,
    app: AppName,
    /// Where webhooks may lead.
    origins: Vec<Origin>,
}

struct Node {
    notifications: Notifications,
    _stop: DropGuard,
}

/// What a subscriber was sent.
#[derive(Default)]
struct Sent {
    texts: Vec<String>,
}

impl Sink for Sent {
    type Error = ();

    async fn word(&mut self, word: Word) -> Result<(), ()> {
        self.texts.push(word.json());
        Ok(())
    }

    async fn frame(&mut self, frame: &Frame) -> Result<(), ()> {
        self.texts.push(frame.json.to_string());
        Ok(())
    }
}

impl Sent {
    /// `ready`, `gap` and the payloads of notifications.
    fn told(&self) -> Vec<String> {
        let told = |text: &String| {
            let json: Value = serde_json::from_str(text).unwrap();
            match json["type"].as_str().unwrap() {
                "action" => json["payload"].to_string(),
                other => other.to_owned(),
            }
        };
        self.texts.iter().map(told).collect()
    }
}

impl World {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let actions = [("sold", None), ("secret", Some("sales:read"))];
        let app = declare(database.store.pool(), "shop", &actions).await;
        Self {
            database,
            clock: Clock::manual(NOW),
            app,
            origins: Vec::new(),
        }
    }

    fn pool(&self) -> &PgPool {
        self.database.store.pool()
    }

    fn vault(&self) -> Vault {
        let key = self.database.database.key();
        let sealing = Sealing::open(None, None, key).unwrap();
        Vault::new(
            self.database.store.clone(),
            sealing,
            self.clock.clone(),
            Entropy,
        )
    }

    fn node(&self) -> Node {
        let store = self.database.store.clone();
        let auth = Auth::new(
            store.clone(),
            self.clock.clone(),
            Entropy,
            self.database.database.key(),
            time::Duration::HOUR,
        );
        let notifications = Notifications::new(Parts {
            store,
            clock: self.clock.clone(),
            entropy: Entropy,
            auth,
            vault: self.vault(),
            gateway: Gateway::open(None).unwrap(),
            webhook_origins: self.origins.clone().into(),
            settings: SETTINGS,
        });
        let stop = CancellationToken::new();
        tokio::spawn({
            let (notifications, stop) = (notifications.clone(), stop.clone());
            async move { notifications.run(stop).await }
        });
        Node {
            notifications,
            _stop: stop.drop_guard(),
        }
    }

    /// A user with a session that lasts an hour, subscribed to `sold`.
    async fn subscriber(&self, name: &str) -> Identity {
        let id = user(self.pool(), name).await;
        subscriptions::put(self.pool(), id, &self.app, "sold", NOW)
            .await
            .unwrap();
        self.session(id).await
    }

    async fn session(&self, user: UserId) -> Identity {
        let session = SessionId(Entropy.id(&self.clock));
        sqlx::query("INSERT INTO sessions VALUES ($1, $2, $3, $4)")
            .bind(session)
            .bind(user)
            .bind(NOW)
            .bind(NOW + time::Duration::HOUR)
            .execute(self.pool())
            .await
            .unwrap();
        Identity {
            user,
            username: String::new(),
            roles: Default::default(),
            permissions: Default::default(),
            via: Via::Session(session),
            expires_at: None,
        }
    }

    async fn fire(&self, action: &str, payload: &str) -> i64 {
        let new = NewNotification {
            app: self.app.clone(),
            action: action.to_owned(),
            payload: payload.to_owned(),
            triggered_at: NOW,
        };
        put(self.pool(), &[new]).await.unwrap();
        newest(self.pool()).await.unwrap()
    }

    async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.pool()).await.unwrap();
    }
}

impl Node {
    /// Somebody who takes part from now on.
    async fn live(&self, identity: &Identity) -> Subscriber {
        let subscriber = self.notifications.open(identity).unwrap();
        let mut sent = Sent::default();
        subscriber.follow(None, &mut sent).await.unwrap();
        assert_eq!(sent.told(), ["ready"]);
        subscriber
    }

    async fn back(&self, identity: &Identity, after: i64) -> (Subscriber, Vec<String>) {
        let subscriber = self.notifications.open(identity).unwrap();
        let mut sent = Sent::default();
        subscriber.follow(Some(after), &mut sent).await.unwrap();
        (subscriber, sent.told())
    }
}

async fn payload(subscriber: &Subscriber) -> String {
    let frame = subscriber.queue().next().await.unwrap();
    let json: Value = serde_json::from_str(frame.json.as_str()).unwrap();
    json["payload"].to_string()
}

/// Whether nothing waits for a subscriber at this moment.
async fn is_empty(subscriber: &Subscriber) -> bool {
    let mut next = std::pin::pin!(subscriber.queue().next());
    poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn every_node_hands_a_notification_to_its_subscribers_and_nobody_else() {
    let world = World::create().await;
    let (one, two) = (world.node(), world.node());
    let (ann, bob) = (world.subscriber("ann").await, world.subscriber("bob").await);
    let eve = user(world.pool(), "eve").await;
    let eve = world.session(eve).await;
    let here = one.live(&ann).await;
    let there = two.live(&ann).await;
    let other = two.live(&bob).await;
    let nobody = two.live(&eve).await;

    world.fire("sold", "1").await;
    world.fire("secret", "2").await;
    world.fire("other", "3").await;
    world.fire("sold", "4").await;

    for subscriber in [&here, &there, &other] {
        assert_eq!(payload(subscriber).await, "1");
        assert_eq!(payload(subscriber).await, "4");
        assert!(is_empty(subscriber).await);
    }
    assert!(is_empty(&nobody).await);
}

#[tokio::test]
async fn what_calls_fire_is_written_behind_their_backs() {
    let world = World::create().await;
    let (one, two) = (world.node(), world.node());
    let ann = world.subscriber("ann").await;
    let there = two.live(&ann).await;
    let fired = (0..300).map(|number| Fired {
        action: "sold".to_owned(),
        payload: number.to_string(),
    });

    one.notifications.send(&world.app, fired.collect());
    one.notifications.flush(Duration::from_secs(60)).await;

    assert_eq!(newest(world.pool()).await.unwrap(), 300);
    // More than is kept for a reader who does not read; it is all in the table.
    assert_eq!(there.queue().ended().await, End::Behind);
    drop(there);
    let (there, told) = two.back(&ann, 0).await;
    let expected: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    assert_eq!(told[..300], expected);
    assert_eq!(told[300], "ready");
    world.fire("sold", "300").await;
    assert_eq!(payload(&there).await, "300");
}

#[tokio::test]
async fn a_permission_counts_when_the_notification_is_delivered() {
    let world = World::create().await;
    let (one, two) = (world.node(), world.node());
    let ann = world.subscriber("ann").await;
    subscriptions::put(world.pool(), ann.user, &world.app, "secret", NOW)
        .await
        .unwrap();
    let (here, there) = (one.live(&ann).await, two.live(&ann).await);
    world
        .sql(
            "INSERT INTO roles VALUES ('sales', '', '{sales:read}', FALSE);
             INSERT INTO user_roles SELECT id, 'sales' FROM users",
        )
        .await;
    world.fire("secret", "1").await;

    world
        .sql("UPDATE roles SET permissions = '{sales:write}' WHERE name = 'sales'")
        .await;
    world.fire("secret", "2").await;
    world.fire("sold", "3").await;
    world
        .sql("UPDATE roles SET permissions = '{sales:*}' WHERE name = 'sales'")
        .await;
    world.fire("secret", "4").await;
    world.sql("DELETE FROM user_roles").await;
    world.fire("secret", "5").await;
    // The app itself asks for more, and for less.
    declare(
        world.pool(),
        "shop",
        &[("sold", Some("sales:read")), ("secret", None)],
    )
    .await;
    world.fire("sold", "6").await;
    let last = world.fire("secret", "7").await;

    for subscriber in [&here, &there] {
        // What is read together is judged by what holds when it is read, so "1", "2" and "4" may
        // come or not; what is fired after a right was taken away never comes.
        let mut told = Vec::new();
        loop {
            told.push(payload(subscriber).await);
            if told.last().is_some_and(|last| last == "7") {
                break;
            }
        }
        assert!(!told.contains(&"6".to_owned()), "{told:?}");
    }
    // And so is what was missed.
    let (_, told) = one.back(&ann, 0).await;
    assert_eq!(told, ["1", "2", "4", "5", "7", "ready"]);
    assert!(last > 0);
}

#[tokio::test]
async fn whoever_may_not_log_in_any_more_is_ended() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let (bob, cid) = (world.subscriber("bob").await, world.subscriber("cid").await);
    let lives = [
        node.live(&ann).await,
        node.live(&bob).await,
        node.live(&cid).await,
    ];

    sqlx::query("DELETE FROM sessions WHERE user_id = $1")
        .bind(ann.user)
        .execute(world.pool())
        .await
        .unwrap();
    world.fire("sold", "1").await;
    assert_eq!(lives[0].queue().next().await.unwrap_err(), End::LoggedOut);
    assert_eq!(payload(&lives[1]).await, "1");

    sqlx::query("UPDATE users SET enabled = FALSE WHERE id = $1")
        .bind(bob.user)
        .execute(world.pool())
        .await
        .unwrap();
    world.fire("sold", "2").await;
    assert_eq!(lives[1].queue().next().await.unwrap_err(), End::LoggedOut);
    assert_eq!(payload(&lives[2]).await, "1");
    assert_eq!(payload(&lives[2]).await, "2");

    // Nobody ends a session whose time is over; it ends all the same.
    world.clock.advance(Duration::from_secs(3_600));
    world.fire("sold", "3").await;
    assert_eq!(lives[2].queue().next().await.unwrap_err(), End::LoggedOut);

    let again = node.notifications.open(&cid).unwrap();
    let refused = again
        .follow(Some(0), &mut Sent::default())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, Stopped::End(End::LoggedOut)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_was_away_gets_what_was_missed_once_and_in_order() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let first = world.fire("sold", "1").await;
    for number in 2..=150 {
        world.fire("sold", &number.to_string()).await;
    }

    let (subscriber, told) = node.back(&ann, first).await;

    let mut expected: Vec<String> = (2..=150).map(|number| number.to_string()).collect();
    expected.push("ready".to_owned());
    assert_eq!(told, expected);
    world.fire("sold", "151").await;
    assert_eq!(payload(&subscriber).await, "151");
}

#[tokio::test]
async fn nothing_is_missed_or_told_twice_by_those_who_come_while_much_happens() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let first = world.fire("sold", "0").await;
    let firing = async {
        for number in 1..=100 {
            world.fire("sold", &number.to_string()).await;
        }
    };
    let coming = async {
        let mut all = Vec::new();
        for _ in 0..5 {
            let (subscriber, mut told) = node.back(&ann, first).await;
            assert_eq!(told.pop().unwrap(), "ready");
            while told.len() < 100 {
                told.push(payload(&subscriber).await);
            }
            all.push(told);
        }
        all
    };

    let ((), all) = tokio::join!(firing, coming);

    let expected: Vec<String> = (1..=100).map(|number| number.to_string()).collect();
    for told in all {
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_told_as_a_gap() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let first = world.fire("sold", "1").await;
    world.clock.advance(Duration::from_secs(1));
    world
        .sql("UPDATE notifications SET triggered_at = triggered_at - INTERVAL '2 days'")
        .await;
    world.fire("sold", "2").await;

    node.notifications.purge().await.unwrap();

    assert_eq!(node.back(&ann, first - 1).await.1, ["gap", "2", "ready"]);
    assert_eq!(node.back(&ann, first).await.1, ["2", "ready"]);
    // From a database that is not this one, or is older.
    assert_eq!(node.back(&ann, first + 1_000_000).await.1, ["gap", "ready"]);
}

#[tokio::test]
async fn of_one_app_so_many_are_kept() {
    let world = World::create().await;
    let node = world.node();
    let other = declare(world.pool(), "other", &[("sold", None)]).await;
    let new = |app: &AppName| NewNotification {
        app: app.clone(),
        action: "sold".to_owned(),
        payload: "1".to_owned(),
        triggered_at: NOW,
    };
    put(world.pool(), &vec![new(&world.app); 1_003])
        .await
        .unwrap();
    put(world.pool(), &vec![new(&other); 5]).await.unwrap();

    node.notifications.purge().await.unwrap();

    let kept: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT app, count(*), min(id) FROM notifications GROUP BY app ORDER BY app DESC",
    )
    .fetch_all(world.pool())
    .await
    .unwrap();
    assert_eq!(
        kept,
        [
            ("shop".to_owned(), 1_000, 4),
            ("other".to_owned(), 5, 1_004)
        ]
    );
}

#[tokio::test]
async fn places_are_bounded_and_free_again() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let mut open: Vec<Subscriber> = (0..10)
        .map(|_| node.notifications.open(&ann).unwrap())
        .collect();

    let refused = |identity: &Identity| node.notifications.open(identity).err();
    assert_eq!(refused(&ann), Some(Full::OfOne(10)));
    open.pop();
    open.push(node.notifications.open(&ann).unwrap());
    for number in 0..90 {
        let other = Identity {
            user: UserId(Uuid::from_u128(number)),
            ..ann.clone()
        };
        open.push(node.notifications.open(&other).unwrap());
    }
    let new = Identity {
        user: UserId(Uuid::from_u128(1_000)),
        ..ann.clone()
    };
    assert_eq!(refused(&new), Some(Full::All(100)));
    assert_eq!(node.notifications.listening(), 100);
    drop(open);
    assert_eq!(node.notifications.listening(), 0);
    assert_eq!(refused(&new), None);
}

#[tokio::test]
async fn a_lost_connection_loses_nothing() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let subscriber = node.live(&ann).await;
    let listening = "SELECT pid FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%skep_notifications%'";
    let listener = async || loop {
        let found: Vec<i32> = sqlx::query_scalar(listening)
            .fetch_all(world.pool())
            .await
            .unwrap();
        if let [pid] = found[..] {
            return pid;
        }
    };

    let first = listener().await;
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(first)
        .execute(world.pool())
        .await
        .unwrap();
    world.fire("sold", "1").await;

    assert_eq!(payload(&subscriber).await, "1");
    while listener().await == first {}
    world.fire("sold", "2").await;
    assert_eq!(payload(&subscriber).await, "2");
}

#[tokio::test]
async fn a_node_that_stops_lets_everybody_go() {
    let world = World::create().await;
    let node = world.node();
    let ann = world.subscriber("ann").await;
    let subscriber = node.live(&ann).await;
    let notifications = node.notifications.clone();

    drop(node);

    assert_eq!(subscriber.queue().next().await.unwrap_err(), End::Stopping);
    assert_eq!(notifications.open(&ann).err(), Some(Full::Stopping));
}
