//! The commands for users, roles and tokens, against a server.

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::cli::output::testing::Printed;
use crate::cli::{role, token};
use crate::config::ClientConfig;
use crate::http::testing::{ADMIN_PASSWORD, PASSWORD, TestHost};

#[derive(Parser)]
enum Line {
    User {
        #[command(subcommand)]
        command: Command,
    },
    Role {
        #[command(subcommand)]
        command: role::Command,
    },
    Token {
        #[command(subcommand)]
        command: token::Command,
    },
}

/// What a command line prints, or its error.
async fn run(client: &Client, line: &str, json: bool) -> String {
    let printed = Printed::default();
    let mut output = printed.output(json);
    let words = std::iter::once("skep").chain(line.split_whitespace());
    let done = match Line::parse_from(words) {
        Line::User { command } => command.run(client, &mut output).await,
        Line::Role { command } => command.run(client, &mut output).await,
        Line::Token { command } => command.run(client, &mut output).await,
    };
    match done {
        Ok(()) => printed.text(),
        Err(error) => format!("error: {error:#}\n"),
    }
}

async fn client(host: &TestHost, token: &str) -> Client {
    Client::from_session(&ClientConfig {
        url: Some(format!("http://{}", host.serve().await)),
        token: Some(token.into()),
        session_file: None,
    })
    .unwrap()
}

#[tokio::test]
async fn roles_and_users_are_managed_from_the_command_line() {
    let host = TestHost::start().await;
    let admin = client(&host, &host.token_of("admin", ADMIN_PASSWORD).await).await;
    let body = json!({ "username": "anna", "password": PASSWORD });
    let _: Value = admin.post(USERS, &body).await.unwrap();

    for (line, printed) in [
        (
            "role set sales -p sales:read -p sales:write --description Team",
            "sales gives sales:read, sales:write\n",
        ),
        (
            "role list",
            "NAME   PERMISSIONS              DESCRIPTION\n\
             admin  *                        May do everything\n\
             sales  sales:read, sales:write  Team\n\
             user   -                        What every new user has unless other roles are named\n",
        ),
        (
            "user roles anna user sales",
            "username     anna\n\
             state        enabled\n\
             roles        sales, user\n\
             permissions  sales:read, sales:write\n\
             created      2026-11-21T12:00:00Z\n\
             changed      2026-11-21T12:00:00Z\n",
        ),
        (
            "role delete sales",
            "error: users who hold the role `sales`: 1; take it from them first\n",
        ),
        (
            "user disable admin",
            "error: this is the last enabled user with the role `admin`: give the role to \
             somebody else first\n",
        ),
        (
            "user list",
            "USERNAME  STATE    ROLES\n\
             admin     enabled  admin\n\
             anna      enabled  sales, user\n",
        ),
        ("user delete anna", "deleted the user anna\n"),
        ("user show anna", "error: no such user: `anna`\n"),
        ("role delete sales", "deleted the role sales\n"),
    ] {
        assert_eq!(run(&admin, line, false).await, printed, "{line}");
    }
}

#[tokio::test]
async fn programs_get_the_servers_answer_as_json() {
    let host = TestHost::start().await;
    let admin = client(&host, &host.token_of("admin", ADMIN_PASSWORD).await).await;

    let shown: Value = serde_json::from_str(&run(&admin, "user show admin", true).await).unwrap();

    let answered: Value = admin.get("/admin/api/users/admin").await.unwrap();
    assert_eq!(shown, answered);
}

#[tokio::test]
async fn tokens_are_managed_from_the_command_line() {
    let host = TestHost::start().await;
    let admin = client(&host, &host.token_of("admin", ADMIN_PASSWORD).await).await;

    let token = run(&admin, "token create ci -s skep:apps --days 7", false).await;
    let by_token = client(&host, token.trim()).await;
    assert_eq!(
        run(&by_token, "user list", false).await,
        "error: insufficient permissions: skep:users required\n"
    );

    let tokens: Value = admin.get("/api/tokens").await.unwrap();
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    let listed = run(&admin, "token list --all", false).await;
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        row,
        [
            id,
            "admin",
            "ci",
            "skep:apps",
            "good",
            "2026-11-28T12:00:00Z",
            "2026-11-21T12:00:00Z",
        ]
    );

    let revoked = run(&admin, &format!("token revoke {id}"), false).await;
    assert_eq!(revoked, format!("revoked the token {id}\n"));
    let error = run(&by_token, "user list", false).await;
    assert!(
        error.starts_with("error: not logged in at `http://127.0.0.1:"),
        "{error}"
    );
}
