use uuid::Uuid;

use super::*;

fn session(permissions: &[&str]) -> Identity {
    Identity {
        user: UserId(Uuid::nil()),
        username: "anna".into(),
        roles: BTreeSet::new(),
        permissions: set(permissions),
        via: Via::Session(SessionId(Uuid::nil())),
        expires_at: None,
    }
}

fn token(permissions: &[&str], scopes: &[&str]) -> Identity {
    Identity {
        via: Via::Token(TokenId(Uuid::nil()), set(scopes)),
        ..session(permissions)
    }
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_session_may_what_its_user_may() {
    let identity = session(&["sales:read"]);

    assert_eq!(identity.require("sales:read"), Ok(()));
    assert_eq!(
        identity.require("sales:write"),
        Err(Refused("sales:write".into()))
    );
}

#[test]
fn a_refusal_has_the_contracts_text() {
    let refused = session(&[]).require("sales:access").unwrap_err();

    assert_eq!(
        refused.to_string(),
        "insufficient permissions: sales:access required"
    );
}

#[test]
fn a_token_may_what_both_its_user_and_its_scopes_allow() {
    let identity = token(&["sales:*", "stock:read"], &["sales:read", "skep:apps"]);

    assert!(identity.may("sales:read"));
    // In the user's permissions only.
    assert!(!identity.may("sales:write"));
    assert!(!identity.may("stock:read"));
    // In the scopes only.
    assert!(!identity.may("skep:apps"));
}

#[test]
fn a_token_for_everything_may_what_its_user_may() {
    let identity = token(&["sales:read"], &["*"]);

    assert!(identity.may("sales:read"));
    assert!(identity.may(CALL));
    assert!(!identity.may("stock:read"));
    assert!(!identity.may("*"));
}

#[test]
fn every_user_may_call_apps_but_a_token_needs_the_scope() {
    assert!(session(&[]).may(CALL));
    assert!(token(&[], &["apps:call"]).may(CALL));
    assert!(!token(&["*"], &["sales:read"]).may(CALL));
}

#[test]
fn nobody_handles_rights_beyond_their_own() {
    let operator = session(&["skep:users", "sales:*"]);

    assert_eq!(operator.require_all(&["sales:read", "skep:users"]), Ok(()));
    assert_eq!(
        operator.require_all(&["sales:read", "*"]),
        Err(Refused("*".into()))
    );
}

#[test]
fn a_token_makes_no_token_wider_than_itself() {
    let caller = token(&["*"], &["sales:*", "apps:call"]);

    assert_eq!(caller.require_scopes(&["sales:read", "apps:call"]), Ok(()));
    for wider in ["*", "stock:read"] {
        assert_eq!(
            caller.require_scopes(&[wider]),
            Err(Refused(wider.into())),
            "{wider}"
        );
    }
    assert_eq!(session(&[]).require_scopes(&["*"]), Ok(()));
}

#[test]
fn an_identity_ends_at_the_moment_it_expires() {
    let end = time::macros::datetime!(2026-11-21 12:00 UTC);
    let identity = Identity {
        expires_at: Some(end),
        ..session(&[])
    };

    assert!(!identity.has_expired(end - time::Duration::SECOND));
    assert!(identity.has_expired(end));
    assert!(!session(&[]).has_expired(end));
}

#[test]
fn names_are_short_plain_and_begin_with_a_letter_or_digit() {
    for good in ["a", "9", "anna@example.com", "A.b_c-d", &"a".repeat(64)] {
        assert!(good.parse::<Username>().is_ok(), "{good}");
    }
    for bad in ["", ".a", "@a", "a b", "a/b", "ä", "a\n", &"a".repeat(65)] {
        assert!(bad.parse::<Username>().is_err(), "{bad}");
    }
    assert!("a@b".parse::<RoleName>().is_err());
    assert!("sales-team".parse::<RoleName>().is_ok());
}
