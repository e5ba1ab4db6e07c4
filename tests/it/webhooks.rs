//! Webhooks: notifications that are sent to another server, signed, once or again.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::bundle::Bundle;
use crate::host::{Client, Host, Setup, until};
use crate::notify::until_serving;

/// A server that takes webhooks and remembers them.
struct Receiver {
    origin: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// What is answered next; 204 where nothing is left.
    answers: Mutex<VecDeque<StatusCode>>,
    messages: Mutex<Vec<Message>>,
}

#[derive(Clone)]
struct Message {
    id: String,
    timestamp: String,
    signature: String,
    body: Bytes,
}

impl Receiver {
    async fn start(answers: &[u16]) -> Self {
        let answers = answers
            .iter()
            .map(|status| StatusCode::from_u16(*status).unwrap());
        let seen = Arc::new(Seen {
            answers: Mutex::new(answers.collect()),
            messages: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, seen }
    }

    /// Waits for so many messages.
    async fn messages(&self, count: usize) -> Vec<Message> {
        until("messages come", async || {
            let messages = self.seen.messages.lock().unwrap().clone();
            (messages.len() >= count).then_some(messages)
        })
        .await
    }
}

async fn take(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    seen.messages.lock().unwrap().push(Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body,
    });
    let answer = seen.answers.lock().unwrap().pop_front();
    let location = [("location", "http://127.0.0.1:1/elsewhere")];
    (answer.unwrap_or(StatusCode::NO_CONTENT), location).into_response()
}

impl Message {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// As the specification tells receivers to check it.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.", self.id, self.timestamp).as_bytes());
        mac.update(&self.body);
        let signature = self.signature.strip_prefix("v1,").unwrap();
        mac.verify_slice(&STANDARD.decode(signature).unwrap())
            .is_ok()
    }
}

async fn host(origins: &[&str]) -> Host {
    let origins = serde_json::to_string(origins).unwrap();
    let host = Setup::default()
        .setting("SKEP_WEBHOOK_ORIGINS", origins)
        .start()
        .await;
    let actions = json!([
        { "name": "sold", "display_name": "Sold" }, { "name": "open", "display_name": "Open" },
    ]);
    host.install(&Bundle::of_guest("shop", "echo").with("actions", actions))
        .await;
    host
}

async fn add(admin: &Client, receiver: &Receiver, action: Option<&str>) -> Value {
    let url = format!("{}/hook", receiver.origin);
    let body = json!({ "app": "shop", "action": action, "url": url });
    admin.post("/api/webhooks", &body).await.expect(201).json()
}

async fn fire(admin: &Client, action: &str, payload: Value) {
    let data = json!({ "_actions": [{ "name": action, "payload": payload }] });
    admin.call("shop", &data).await.expect(200);
}

/// Waits until a webhook's newest delivery is in a state.
async fn delivery(admin: &Client, webhook: &Value, state: &str) -> Value {
    let path = format!(
        "/api/webhooks/{}/deliveries",
        webhook["id"].as_str().unwrap()
    );
    until(state, async || {
        let list = admin.get(&path).await.expect(200).json();
        let newest = list["deliveries"].get(0)?.clone();
        (newest["state"] == state).then_some(newest)
    })
    .await
}

/// Has what waits for another try tried at once.
async fn hurry(host: &Host) {
    let sql = "UPDATE skep.webhook_deliveries SET due_at = now() WHERE state = 'pending'";
    host.database().await.execute(sql, &[]).await.unwrap();
}

#[tokio::test]
async fn a_notification_is_posted_signed_and_its_secret_shown_once() {
    let receiver = Receiver::start(&[]).await;
    let host = host(&[&receiver.origin]).await;
    let admin = host.admin();
    let added = add(&admin, &receiver, Some("sold")).await;
    let secret = added["secret"].as_str().unwrap();

    fire(&admin, "open", json!(0)).await;
    fire(&admin, "sold", json!({ "n": 1 })).await;

    let [message] = &receiver.messages(1).await[..] else {
        panic!("more than one message");
    };
    assert!(message.is_signed_with(secret));
    let frame = message.json();
    assert_eq!(
        (&frame["type"], &frame["app_name"]),
        (&json!("action"), &json!("shop"))
    );
    assert_eq!(
        (&frame["action_name"], &frame["payload"]),
        (&json!("sold"), &json!({ "n": 1 }))
    );
    let done = delivery(&admin, &added, "delivered").await;
    assert_eq!(
        (&done["attempts"], &done["status"]),
        (&json!(1), &json!(204))
    );

    let list = admin.get("/api/webhooks?app=shop").await.expect(200);
    assert!(!list.body.contains("whsec_"), "{}", list.body);
    assert_eq!(list.json()["webhooks"][0]["allowed"], true);
    let credentials = admin.get("/api/apps/shop/credentials").await.expect(200);
    assert!(
        !credentials.body.contains("webhook"),
        "{}",
        credentials.body
    );
    let log = host.raw_log();
    assert!(!String::from_utf8_lossy(&log).contains(secret));

    let path = format!("/api/webhooks/{}", added["id"].as_str().unwrap());
    admin
        .post(&format!("{path}/test"), &json!({}))
        .await
        .expect(202);
    let messages = receiver.messages(2).await;
    assert_eq!(
        messages[1].json(),
        json!({ "type": "test", "app_name": "shop" })
    );
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    let audit = admin
        .get("/api/audit?app=shop&limit=2")
        .await
        .expect(200)
        .json();
    let actions = [
        &audit["entries"][0]["action"],
        &audit["entries"][1]["action"],
    ];
    assert_eq!(actions, ["webhook.remove", "webhook.add"]);
    let kept = "SELECT count(*) FROM skep.credentials";
    let kept: i64 = host
        .database()
        .await
        .query_one(kept, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_under_the_same_id() {
    let receiver = Receiver::start(&[500, 302]).await;
    let host = host(&[&receiver.origin]).await;
    let admin = host.admin();
    let added = add(&admin, &receiver, None).await;
    fire(&admin, "sold", json!(1)).await;
    receiver.messages(1).await;
    let waiting = until("it is written down", async || {
        let waiting = delivery(&admin, &added, "pending").await;
        (waiting["status"] == 500).then_some(waiting)
    })
    .await;
    assert_eq!(waiting["error"], "500 Internal Server Error");
    hurry(&host).await;
    receiver.messages(2).await;
    until("it is written down", async || {
        (delivery(&admin, &added, "pending").await["status"] == 302).then_some(())
    })
    .await;
    hurry(&host).await;

    let messages = receiver.messages(3).await;

    let secret = added["secret"].as_str().unwrap();
    assert!(
        messages
            .iter()
            .all(|message| message.is_signed_with(secret))
    );
    let ids: BTreeSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), 1);
    let done = delivery(&admin, &added, "delivered").await;
    assert_eq!(done["attempts"], 3);
    let id = done["id"].as_str().unwrap().replace('-', "");
    assert_eq!(ids.first().copied(), Some(format!("msg_{id}").as_str()));
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_is_asked_no_more() {
    let receiver = Receiver::start(&[410]).await;
    let host = host(&[&receiver.origin]).await;
    let admin = host.admin();
    let added = add(&admin, &receiver, None).await;

    fire(&admin, "sold", json!(1)).await;

    let failed = delivery(&admin, &added, "failed").await;
    assert_eq!(
        (&failed["attempts"], &failed["status"]),
        (&json!(1), &json!(410))
    );
}

#[tokio::test]
async fn two_nodes_send_each_notification_once() {
    let receiver = Receiver::start(&[]).await;
    let one = host(&[&receiver.origin]).await;
    let two = one.second_node().await;
    until_serving(&two).await;
    let admin = one.admin();
    let added = add(&admin, &receiver, None).await;
    let actions: Vec<Value> = (0..50)
        .map(|n| json!({ "name": "sold", "payload": n }))
        .collect();

    two.admin()
        .call("shop", &json!({ "_actions": actions }))
        .await
        .expect(200);

    receiver.messages(50).await;
    let path = format!(
        "/api/webhooks/{}/deliveries?state=delivered",
        added["id"].as_str().unwrap()
    );
    until("all are delivered", async || {
        let list = admin.get(&path).await.expect(200).json();
        (list["deliveries"].as_array().unwrap().len() == 50).then_some(())
    })
    .await;
    let messages = receiver.messages(50).await;
    let mut payloads: Vec<u64> = messages
        .iter()
        .map(|message| message.json()["payload"].as_u64().unwrap())
        .collect();
    payloads.sort_unstable();
    assert_eq!(payloads, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_webhook_leads_only_where_the_configuration_allows() {
    let receiver = Receiver::start(&[]).await;
    let host = host(&["https://hooks.example.com"]).await;
    let admin = host.admin();
    let add = async |client: &Client, app: &str, url: &str| {
        let body = json!({ "app": app, "url": url });
        client.post("/api/webhooks", &body).await
    };

    let refused = add(&admin, "shop", &format!("{}/hook", receiver.origin))
        .await
        .expect(422);
    let error = refused.error();
    assert!(
        error.contains("may not lead to") && error.contains("webhook_origins"),
        "{error}"
    );
    add(&admin, "shop", "no address").await.expect(422);
    add(&admin, "other", "https://hooks.example.com/")
        .await
        .expect(404);
    let body = json!({ "app": "shop", "action": "other", "url": "https://hooks.example.com/" });
    admin.post("/api/webhooks", &body).await.expect(404);
    let ann = host.user("ann", &["user"]).await;
    add(&ann, "shop", "https://hooks.example.com/")
        .await
        .expect(403);
    ann.get("/api/webhooks").await.expect(403);

    // One whose place was taken out of the configuration later is not sent.
    let added = add(&admin, "shop", "https://hooks.example.com/")
        .await
        .expect(201)
        .json();
    let moved = format!("UPDATE skep.webhooks SET url = '{}/hook'", receiver.origin);
    host.database().await.execute(&moved, &[]).await.unwrap();
    fire(&admin, "sold", json!(1)).await;
    let waiting = until("it was tried", async || {
        let waiting = delivery(&admin, &added, "pending").await;
        waiting["error"].is_string().then_some(waiting)
    })
    .await;
    assert!(
        waiting["error"]
            .as_str()
            .unwrap()
            .contains("may not lead to"),
        "{waiting}"
    );
    assert!(receiver.messages(0).await.is_empty());
    let list = admin.get("/api/webhooks").await.expect(200).json();
    assert_eq!(list["webhooks"][0]["allowed"], false);
}
