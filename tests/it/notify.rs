//! Notifications from outside: apps fire them, and users on any node read them.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::bundle::Bundle;
use crate::host::{Client, Host, skep, until};
use crate::job_app::until_status;

/// A socket of notifications.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(host: &Host, token: &str, query: &str) -> Self {
        let url = host.url().replacen("http", "ws", 1);
        let mut request = format!("{url}/api/ws/notify{query}")
            .into_client_request()
            .unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Self(socket)
    }

    /// A socket that is told of whatever is new.
    pub(crate) async fn ready(host: &Host, token: &str) -> Self {
        let mut socket = Self::open(host, token, "").await;
        assert_eq!(socket.next().await["type"], "ready");
        socket
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = self.0.next().await.unwrap().unwrap();
            if let Message::Text(text) = &message {
                return serde_json::from_str(text).unwrap();
            }
            if let Message::Close(frame) = message {
                return json!({ "closed": frame.unwrap().code.to_string() });
            }
        }
    }

    /// The payloads of the next notifications.
    async fn payloads<const N: usize>(&mut self) -> [Value; N] {
        let mut payloads = [const { Value::Null }; N];
        for payload in &mut payloads {
            let frame = self.next().await;
            assert_eq!(frame["type"], "action", "{frame}");
            *payload = frame["payload"].clone();
        }
        payloads
    }
}

/// An app that answers with what it is sent, and declares two notifications.
fn echo() -> Bundle {
    let sold = json!({ "name": "sold", "display_name": "Something was sold" });
    let secret = json!({
        "name": "secret", "display_name": "Numbers", "required_permission": "sales:read"
    });
    Bundle::of_guest("shop", "echo").with("actions", json!([sold, secret]))
}

async fn fire(client: &Client, app: &str, action: &str, payload: Value) {
    let data = json!({ "_actions": [{ "name": action, "payload": payload }], "sold": 1 });
    let answer = client.call(app, &data).await.expect(200);
    assert_eq!(answer.json(), json!({ "sold": 1 }));
}

/// Waits until a node can run the app.
pub(crate) async fn until_serving(node: &Host) {
    until("the node serves the app", async || {
        let answer = node.call("shop", json!({})).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

/// Waits until so many notifications are written: calls do not.
async fn until_written(host: &Host, count: i64) {
    let database = host.database().await;
    until("they are written", async || {
        let sql = "SELECT count(*) FROM skep.notifications";
        let row = database.query_one(sql, &[]).await.unwrap();
        (row.get::<_, i64>(0) == count).then_some(())
    })
    .await;
}

async fn subscribe(client: &Client, action: &str) {
    let body = json!({ "app_name": "shop", "action_name": action });
    client
        .post("/api/notify/subscribe", &body)
        .await
        .expect(200);
}

#[tokio::test]
async fn what_an_answer_fires_comes_to_subscribers_on_every_node() {
    let one = Host::start().await;
    one.install(&echo()).await;
    let two = one.second_node().await;
    until_serving(&two).await;
    let admin = one.admin();
    subscribe(&admin, "sold").await;
    let mut here = Socket::ready(&one, one.token()).await;
    let mut there = Socket::ready(&two, one.token()).await;
    let large = json!("x".repeat(100_000));

    fire(&admin, "shop", "sold", json!({ "n": 1 })).await;
    fire(&two.admin(), "shop", "sold", large.clone()).await;
    let data = json!({ "_actions": [
        { "name": "other" }, 5, { "action": "sold", "payload": null }, { "name": "sold" },
    ]});
    admin.call("shop", &data).await.expect(200);

    // The two nodes may write in any order.
    for socket in [&mut here, &mut there] {
        let mut got: [Value; 4] = socket.payloads().await;
        got.sort_by_key(|payload| payload.to_string().len());
        assert_eq!(
            got,
            [json!({}), json!(null), json!({ "n": 1 }), large.clone()]
        );
    }
    for said in [
        "a notification was not sent: the manifest's `actions` declare no notification `other`",
        "a notification was not sent: an entry of `_actions` is no object",
    ] {
        one.logged(said, |line| {
            line["message"] == said && line["app"] == "shop"
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_call_sends_comes_when_it_succeeds_and_never_when_it_fails() {
    let host = Host::start().await;
    let sold = json!([{ "name": "sold", "display_name": "Sold" }, { "name": "last", "display_name": "L" }]);
    host.install(&Bundle::of_guest("shop", "notify").with("actions", sold))
        .await;
    let admin = host.admin();
    subscribe(&admin, "sold").await;
    subscribe(&admin, "last").await;
    let mut socket = Socket::ready(&host, host.token()).await;

    let failed = admin
        .call("shop", &json!({ "f": "sold" }))
        .await
        .expect(500);
    assert_eq!(failed.error(), "failed");
    let refused = admin
        .call("shop", &json!({ "s": "other" }))
        .await
        .expect(500);
    assert_eq!(refused.error(), "other");
    admin
        .call("shop", &json!({ "s": "last" }))
        .await
        .expect(200);

    let frame = socket.next().await;
    assert_eq!(
        (&frame["action_name"], &frame["payload"]),
        (&json!("last"), &json!([1]))
    );
}

#[tokio::test]
async fn a_right_that_was_taken_away_on_one_node_holds_on_all() {
    let one = Host::start().await;
    one.install(&echo()).await;
    let two = one.second_node().await;
    let admin = one.admin();
    let role = json!({ "permissions": ["sales:read"] });
    let put = admin.request(Method::PUT, "/admin/api/roles/seller");
    admin.send(put.json(&role)).await.expect(201);
    let ann = one.user("ann", &["seller"]).await;
    let token = one.anonymous().log_in("ann", crate::host::PASSWORD).await;
    subscribe(&ann, "secret").await;
    subscribe(&ann, "sold").await;
    let mut socket = Socket::ready(&two, &token).await;
    fire(&admin, "shop", "secret", json!(1)).await;
    assert_eq!(socket.payloads().await, [json!(1)]);

    let put = admin.request(Method::PUT, "/admin/api/roles/seller");
    admin
        .send(put.json(&json!({ "permissions": [] })))
        .await
        .expect(200);
    fire(&admin, "shop", "secret", json!(2)).await;
    fire(&admin, "shop", "sold", json!(3)).await;
    assert_eq!(socket.payloads().await, [json!(3)]);
    let list = ann
        .get("/api/notify/subscriptions?subscribed=true")
        .await
        .expect(200)
        .json();
    assert_eq!(
        list["subscriptions"][0]["status"], "no_permission",
        "{list}"
    );
    let body = json!({ "app_name": "shop", "action_name": "secret" });
    let error = ann
        .post("/api/notify/subscribe", &body)
        .await
        .expect(403)
        .error();
    assert_eq!(error, "insufficient permissions: sales:read required");

    // A user who may not log in any more is told nothing at all.
    let patch = admin.request(Method::PATCH, "/admin/api/users/ann");
    admin
        .send(patch.json(&json!({ "enabled": false })))
        .await
        .expect(200);
    assert_eq!(socket.next().await, json!({ "closed": "1008" }));
}

#[tokio::test]
async fn who_was_away_reads_what_was_missed_on_another_node_and_in_another_way() {
    let one = Host::start().await;
    one.install(&echo()).await;
    let mut two = one.second_node().await;
    let admin = one.admin();
    subscribe(&admin, "sold").await;
    let mut socket = Socket::ready(&two, one.token()).await;
    fire(&admin, "shop", "sold", json!(1)).await;
    let last = socket.next().await["id"].as_i64().unwrap();
    two.terminate();
    assert_eq!(socket.next().await, json!({ "closed": "1001" }));
    assert!(two.ended().await.success());

    fire(&admin, "shop", "sold", json!(2)).await;
    fire(&admin, "shop", "sold", json!(3)).await;
    until_written(&one, 3).await;

    let mut socket = Socket::open(&one, one.token(), &format!("?last_id={last}")).await;
    assert_eq!(socket.payloads().await, [json!(2), json!(3)]);
    assert_eq!(socket.next().await["type"], "ready");
    let request = admin.request(Method::GET, "/api/notify/events");
    let mut events = request
        .header("last-event-id", last + 1)
        .send()
        .await
        .unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("ready") {
        text.push_str(std::str::from_utf8(&events.chunk().await.unwrap().unwrap()).unwrap());
    }
    fire(&admin, "shop", "sold", json!(4)).await;
    while text.matches("data: ").count() < 3 {
        text.push_str(std::str::from_utf8(&events.chunk().await.unwrap().unwrap()).unwrap());
    }
    let told: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    assert_eq!(
        (&told[0]["payload"], &told[1]["type"], &told[2]["payload"]),
        (&json!(3), &json!("ready"), &json!(4))
    );
    assert!(text.contains(&format!("id: {}\n", told[2]["id"])), "{text}");
}

#[tokio::test]
async fn a_listening_connection_that_is_cut_is_made_again_and_nothing_is_missed() {
    let host = Host::start().await;
    host.install(&echo()).await;
    let admin = host.admin();
    subscribe(&admin, "sold").await;
    let mut socket = Socket::ready(&host, host.token()).await;
    let database = host.database().await;
    let listening = "SELECT pid FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%skep_notifications%'";
    let pid = async || {
        until("it listens", async || {
            let rows = database.query(listening, &[]).await.unwrap();
            rows.first().map(|row| row.get::<_, i32>(0))
        })
        .await
    };
    let before = pid().await;

    database
        .execute("SELECT pg_terminate_backend($1)", &[&before])
        .await
        .unwrap();
    fire(&admin, "shop", "sold", json!(1)).await;

    assert_eq!(socket.payloads().await, [json!(1)]);
    until("it listens again", async || {
        (pid().await != before).then_some(())
    })
    .await;
    fire(&admin, "shop", "sold", json!(2)).await;
    assert_eq!(socket.payloads().await, [json!(2)]);
}

#[tokio::test]
async fn what_a_job_fires_names_it_and_comes_when_it_is_completed() {
    let host = Host::start().await;
    host.install(&echo()).await;
    let admin = host.admin();
    subscribe(&admin, "sold").await;
    let mut socket = Socket::ready(&host, host.token()).await;

    let data = json!({ "_actions": [{ "name": "sold", "payload": 1 }] });
    let answer = admin
        .post("/api/async/shop", &data)
        .await
        .expect(202)
        .json();
    let id = answer["job_id"].as_str().unwrap();

    let frame = socket.next().await;
    assert_eq!(
        (&frame["job_id"], &frame["payload"]),
        (&json!(id), &json!(1))
    );
    let done = until_status(&admin, id, "completed").await;
    assert_eq!(done["result"], json!({ "_job_id": id }));
}

#[tokio::test]
async fn the_command_line_subscribes_and_follows() {
    let host = Host::start().await;
    host.install(&echo()).await;
    let command = |arguments: &[&str]| {
        let mut command = skep();
        command.arg("notify").args(arguments);
        command
            .env("SKEP_URL", host.url())
            .env("SKEP_TOKEN", host.token());
        command
    };
    let said = |arguments: &[&str]| {
        let output = command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };

    assert!(said(&["subscribe", "shop", "sold"]).contains("you get shop/sold from now on"));
    let list: Value = serde_json::from_str(&said(&["list", "--subscribed", "--json"])).unwrap();
    assert_eq!(list["subscriptions"][0]["action_name"], "sold", "{list}");
    fire(&host.admin(), "shop", "sold", json!(1)).await;
    let mut following = command(&["follow", "--after", "0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let frame: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    following.kill().unwrap();
    following.wait().unwrap();

    assert_eq!(
        (&frame["action_name"], &frame["payload"]),
        (&json!("sold"), &json!(1))
    );
    said(&["unsubscribe", "shop", "sold"]);
    assert!(said(&["list", "--subscribed"]).contains("no app declares"));
}
