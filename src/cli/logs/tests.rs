use clap::Parser;
use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity, Level, Origin};
use crate::cli::output::testing::Printed;
use crate::http::testing::{ADMIN_PASSWORD, TestHost};
use crate::ids::{CallId, ReleaseId};
use crate::store::apps;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(words: &[&str]) -> Arguments {
    let words = ["skep"].iter().chain(words);
    Command::try_parse_from(words).unwrap().arguments
}

#[test]
fn what_is_asked_for_is_what_is_sent() {
    let call = Uuid::nil();
    let asked = arguments(&[
        "shop",
        "--level",
        "warn",
        "--since",
        "1h",
        "--grep",
        "a&b %",
        "--call",
        &call.to_string(),
    ]);

    let query = asked
        .filter(&Clock::manual(datetime!(2026-11-21 12:00 UTC)))
        .unwrap();

    let expected =
        format!("&app=shop&level=warn&call={call}&q=a%26b%20%25&since=2026-11-21T11%3A00%3A00Z");
    assert_eq!(query, expected);
}

#[tokio::test]
async fn lines_are_printed_oldest_first_and_the_newest_of_too_many() {
    let host = TestHost::start().await;
    let mut connection = host.services.store.pool().acquire().await.unwrap();
    let now = host.services.clock.now();
    apps::ensure(&mut connection, &"shop".parse().unwrap(), now)
        .await
        .unwrap();
    drop(connection);
    let identity = Identity {
        app: "shop".parse().unwrap(),
        release: ReleaseId(Uuid::nil()),
        call: CallId(Uuid::nil()),
        job: None,
    };
    let most = Most {
        lines: 10_000,
        bytes: usize::MAX,
    };
    let log = CallLog::new(identity, most, host.services.book.clone());
    for number in 0..1_500 {
        log.write(Level::Info, Origin::Log, &format!("line {number}"), None);
    }
    let client = Client::anonymous(&format!("http://{}", host.serve().await)).unwrap();
    let token = host.token_of("admin", ADMIN_PASSWORD).await;
    let client = client.with_token(token.into());

    let printed = Printed::default();
    let asked = arguments(&["shop", "-n", "1200"]);
    asked
        .show(&client, &mut printed.output(false), false)
        .await
        .unwrap();
    let text = printed.text();
    assert_eq!(text.lines().count(), 1_200);
    assert!(
        text.lines()
            .next()
            .unwrap()
            .ends_with("  info   log      line 300"),
        "{text}"
    );
    assert!(text.lines().last().unwrap().ends_with("line 1499"));

    let printed = Printed::default();
    let asked = arguments(&["-n", "2", "--json"]);
    asked
        .show(&client, &mut printed.output(true), false)
        .await
        .unwrap();
    let lines: Vec<Value> = printed
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[1]["message"], json!("line 1499"));
    assert_eq!(lines.len(), 2);

    let printed = Printed::default();
    let asked = arguments(&["--grep", "line 1500"]);
    asked
        .show(&client, &mut printed.output(false), false)
        .await
        .unwrap();
    assert_eq!(printed.text(), "no such lines\n");

    let nobody = arguments(&["other"])
        .show(&client, &mut printed.output(false), false)
        .await;
    assert_eq!(nobody.unwrap_err().to_string(), "app 'other' not found");
}
