use std::net::SocketAddr;

use axum::http::StatusCode;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::DropGuard;

use crate::capability::notify::policy::Fired;
use crate::config::Config;
use crate::http::testing::{ADMIN_PASSWORD, TestHost};
use crate::ids::AppName;
use crate::store::notifications::tests::declare;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A host that delivers, with an app `shop`.
struct World {
    host: TestHost,
    address: SocketAddr,
    app: AppName,
    _stop: DropGuard,
}

impl World {
    async fn start() -> Self {
        let config = Config {
            notify_sockets_per_user: 3.try_into().unwrap(),
            ..Config::for_tests()
        };
        let host = TestHost::start_with(config).await;
        let actions = [("sold", None), ("secret", Some("sales:read"))];
        let app = declare(host.services.store.pool(), "shop", &actions).await;
        let stop = host.services.draining.clone();
        tokio::spawn({
            let (notifications, stop) = (host.services.notifications.clone(), stop.clone());
            async move { notifications.run(stop).await }
        });
        Self {
            address: host.serve().await,
            host,
            app,
            _stop: stop.drop_guard(),
        }
    }

    async fn token(&self) -> String {
        self.host.token_of("admin", ADMIN_PASSWORD).await
    }

    /// Opens a socket, which may be refused.
    async fn try_open(
        &self,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Socket, tungstenite::Error> {
        let url = format!("ws://{}/api/ws/notify{query}", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(socket)
    }

    /// A socket of the administrator's.
    async fn open(&self, query: &str) -> Socket {
        let bearer = format!("Bearer {}", self.token().await);
        self.try_open(query, &[("authorization", &bearer)])
            .await
            .unwrap()
    }

    async fn refused(&self, headers: &[(&'static str, &str)]) -> u16 {
        match self.try_open("", headers).await {
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    async fn subscribe(&self) {
        let admin = self.host.admin().await;
        let body = json!({ "app_name": "shop", "action_name": "sold" });
        let answer = admin.post("/api/notify/subscribe", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }

    fn fire(&self, payload: String) {
        let action = "sold".to_owned();
        self.host
            .services
            .notifications
            .send(&self.app, vec![Fired { action, payload }]);
    }
}

/// The next message that says something.
async fn next(socket: &mut Socket) -> Message {
    loop {
        let message = socket.next().await.unwrap().unwrap();
        if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
            return message;
        }
    }
}

async fn json(socket: &mut Socket) -> Value {
    let message = next(socket).await;
    let Message::Text(text) = message else {
        panic!("{message:?}");
    };
    serde_json::from_str(&text).unwrap()
}

async fn code(socket: &mut Socket) -> u16 {
    loop {
        let message = next(socket).await;
        if let Message::Close(Some(frame)) = message {
            return frame.code.into();
        }
        assert!(matches!(message, Message::Text(_)), "{message:?}");
    }
}

#[tokio::test]
async fn subscribing_asks_for_what_the_action_requires() {
    let host = TestHost::start().await;
    declare(
        host.services.store.pool(),
        "shop",
        &[("sold", None), ("secret", Some("sales:read"))],
    )
    .await;
    let (clerk, seller) = (
        host.user("clerk", &[]).await,
        host.user("seller", &["sales:*"]).await,
    );
    let path = "/api/notify/subscribe";
    let body = |action: &str| json!({ "app_name": "shop", "action_name": action });

    let answer = clerk.post(path, &body("sold")).await;
    let said = json!({ "app_name": "shop", "action_name": "sold", "subscribed": true });
    assert_eq!((answer.status, answer.body), (StatusCode::OK, said));
    let refused = clerk.post(path, &body("secret")).await;
    refused.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: sales:read required",
    );
    assert_eq!(
        seller.post(path, &body("secret")).await.status,
        StatusCode::OK
    );
    for unknown in [
        body("other"),
        json!({ "app_name": "other", "action_name": "sold" }),
        json!({ "app_name": "no name", "action_name": "sold" }),
        json!({ "app_name": "other", "action_name": "sold", "subscribed": false }),
    ] {
        let answer = clerk.post(path, &unknown).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }

    let list = clerk.get("/api/notify/subscriptions").await.body;
    let [sold] = list["subscriptions"].as_array().unwrap().as_slice() else {
        panic!("{list}");
    };
    assert_eq!(
        (&sold["action_name"], &sold["subscribed"], &sold["status"]),
        (&json!("sold"), &json!(true), &json!("active"))
    );

    let end = json!({ "app_name": "shop", "action_name": "sold", "subscribed": false });
    for _ in 0..2 {
        let answer = clerk.post(path, &end).await;
        assert_eq!(answer.body["subscribed"], false, "{answer:?}");
    }
    let own = "/api/notify/subscriptions/shop/secret";
    assert_eq!(clerk.delete(own).await.status, StatusCode::NOT_FOUND);
    assert_eq!(seller.delete(own).await.status, StatusCode::NO_CONTENT);
    assert_eq!(seller.delete(own).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_subscription_whose_permission_went_is_shown_as_such() {
    let host = TestHost::start().await;
    let pool = host.services.store.pool();
    declare(pool, "shop", &[("a", None), ("b", None), ("c", None)]).await;
    let clerk = host.user("clerk", &[]).await;
    for action in ["a", "b", "c"] {
        let body = json!({ "app_name": "shop", "action_name": action });
        assert_eq!(
            clerk.post("/api/notify/subscribe", &body).await.status,
            StatusCode::OK
        );
    }
    declare(
        pool,
        "shop",
        &[("a", Some("sales:read")), ("b", None), ("d", Some("x:y"))],
    )
    .await;

    let statuses = async |query: &str| {
        let list = clerk
            .get(&format!("/api/notify/subscriptions{query}"))
            .await
            .body;
        let told = list["subscriptions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|body| {
                let (name, status) = (&body["action_name"], &body["status"]);
                format!("{} {}", name.as_str().unwrap(), status.as_str().unwrap())
            });
        (told.collect::<Vec<_>>(), list["next"].clone())
    };
    let all = ["a no_permission", "b active", "c undeclared"];
    assert_eq!(
        statuses("").await,
        (all.map(str::to_owned).into(), Value::Null)
    );
    assert_eq!(statuses("?subscribed=false").await.0, Vec::<String>::new());
    assert_eq!(statuses("?app=other").await.0, Vec::<String>::new());
    let (page, next) = statuses("?limit=2").await;
    assert_eq!((page.len(), next), (2, json!("shop/b")));
    assert_eq!(statuses("?limit=2&after=shop/b").await.0, ["c undeclared"]);

    // What is not declared any more can be left, and not come back to.
    let body = json!({ "app_name": "shop", "action_name": "c", "subscribed": false });
    assert_eq!(
        clerk.post("/api/notify/subscribe", &body).await.status,
        StatusCode::OK
    );
    assert_eq!(
        clerk.post("/api/notify/subscribe", &body).await.status,
        StatusCode::NOT_FOUND
    );
    sqlx::query("UPDATE apps SET enabled = FALSE")
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(statuses("").await.0, ["a no_permission", "b disabled"]);
}

#[tokio::test]
async fn a_socket_is_opened_with_a_credential_from_our_own_pages() {
    let world = World::start().await;
    let token = world.token().await;
    let (bearer, cookie) = (format!("Bearer {token}"), format!("skep_session={token}"));
    let own = format!("http://{}", world.address);

    assert_eq!(world.refused(&[]).await, 401);
    assert_eq!(
        world.refused(&[("authorization", "Bearer nobody")]).await,
        401
    );
    let foreign = [
        ("cookie", cookie.as_str()),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(world.refused(&foreign).await, 403);
    for headers in [
        &[("authorization", bearer.as_str())][..],
        &[("cookie", &cookie), ("origin", &own)],
    ] {
        let mut socket = world.try_open("", headers).await.unwrap();
        assert_eq!(json(&mut socket).await, json!({ "type": "ready", "id": 0 }));
    }
    let admin = world.host.admin().await;
    assert_eq!(
        admin.get("/api/ws/notify").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_notification_comes_as_the_contracts_frame() {
    let world = World::start().await;
    world.subscribe().await;
    let mut socket = world.open("").await;
    assert_eq!(json(&mut socket).await["type"], "ready");
    let large = format!("\"{}\"", "x".repeat(100_000));

    world.fire(r#"{"price": 1.5}"#.to_owned());
    world.fire(large.clone());

    assert_eq!(
        json(&mut socket).await,
        json!({
            "type": "action", "id": 1, "app_name": "shop", "action_name": "sold",
            "payload": { "price": 1.5 }, "job_id": null, "triggered_at": "2026-11-21T12:00:00Z",
        })
    );
    assert_eq!(json(&mut socket).await["payload"].to_string(), large);
    let mut again = world.open("?last_id=1").await;
    assert_eq!(json(&mut again).await["id"], 2);
    assert_eq!(json(&mut again).await, json!({ "type": "ready", "id": 2 }));
}

#[tokio::test]
async fn one_user_has_so_many_sockets() {
    let world = World::start().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(world.open("").await);
    }
    let bearer = format!("Bearer {}", world.token().await);

    assert_eq!(world.refused(&[("authorization", &bearer)]).await, 429);

    let mut first = open.pop().unwrap();
    first.close(None).await.unwrap();
    while first.next().await.is_some() {}
    world.host.services.notifications.at_most(2).await;
    world.open("").await;
}

#[tokio::test]
async fn a_client_that_floods_is_closed() {
    let world = World::start().await;
    let mut socket = world.open("").await;
    assert_eq!(json(&mut socket).await["type"], "ready");

    // The server may have closed before the last is sent.
    for _ in 0..1_000 {
        if socket.send(Message::Text("hello".into())).await.is_err() {
            break;
        }
    }
    assert_eq!(code(&mut socket).await, 1008);

    let mut socket = world.open("").await;
    assert_eq!(json(&mut socket).await["type"], "ready");
    socket
        .send(Message::Binary(vec![0; 5_000].into()))
        .await
        .unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    world.host.services.notifications.at_most(0).await;
}

#[tokio::test]
async fn a_slow_reader_is_told_to_come_again_and_keeps_nobody_waiting() {
    const COUNT: usize = 400;
    let world = World::start().await;
    world.subscribe().await;
    let (mut slow, mut quick) = (world.open("").await, world.open("").await);
    assert_eq!(json(&mut slow).await["type"], "ready");
    assert_eq!(json(&mut quick).await["type"], "ready");
    let payload = format!("\"{}\"", "x".repeat(100_000));

    for id in 1..=COUNT {
        world.fire(payload.clone());
        // Whoever reads gets it, however much waits for the other one.
        assert_eq!(json(&mut quick).await["id"], id);
    }

    // The server has given it up; it is being told.
    world.host.services.notifications.at_most(1).await;
    let mut last = 0;
    let told = loop {
        let frame = json(&mut slow).await;
        if frame["type"] == "reconnect" {
            break frame["last_id"].as_u64().unwrap();
        }
        last += 1;
        assert_eq!(frame["id"], last);
    };
    assert!(last < u64::try_from(COUNT).unwrap());
    assert!(told <= last && told + 1 >= last, "{told} {last}");
    assert_eq!(code(&mut slow).await, 1013);
    let mut again = world.open(&format!("?last_id={last}")).await;
    for id in last + 1..=u64::try_from(COUNT).unwrap() {
        assert_eq!(json(&mut again).await["id"], id);
    }
    assert_eq!(json(&mut again).await["type"], "ready");
}

#[tokio::test]
async fn a_burst_reaches_whoever_reads() {
    let world = World::start().await;
    world.subscribe().await;
    let mut socket = world.open("").await;
    assert_eq!(json(&mut socket).await["type"], "ready");
    let fired = (0..3_000).map(|number: u32| Fired {
        action: "sold".to_owned(),
        payload: number.to_string(),
    });

    world
        .host
        .services
        .notifications
        .send(&world.app, fired.collect());

    let mut next = 1;
    while next <= 3_000 {
        let frame = json(&mut socket).await;
        match frame["type"].as_str().unwrap() {
            "action" => {
                assert_eq!(frame["id"], next);
                next += 1;
            }
            // It fell behind for a moment, and goes on where it was.
            "ready" => {}
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_logout_closes_the_sockets_of_the_session() {
    let world = World::start().await;
    world.subscribe().await;
    let token = world.token().await;
    let bearer = format!("Bearer {token}");
    let mut socket = world
        .try_open("", &[("authorization", &bearer)])
        .await
        .unwrap();
    assert_eq!(json(&mut socket).await["type"], "ready");

    let out = world
        .host
        .bearer(&token)
        .post("/api/auth/logout", &json!({}))
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    world.fire("1".to_owned());

    assert_eq!(code(&mut socket).await, 1008);
}

#[tokio::test]
async fn sockets_are_told_that_the_server_stops() {
    let world = World::start().await;
    let mut socket = world.open("").await;
    assert_eq!(json(&mut socket).await["type"], "ready");

    world.host.services.draining.cancel();

    assert_eq!(code(&mut socket).await, 1001);
}
