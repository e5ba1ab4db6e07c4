use serde_json::json;
use time::macros::datetime;
use wit::Host;

use super::*;
use crate::app::Setting;
use crate::app::setting::Kind;
use crate::store::apps;
use crate::store::testing::TestDatabase;

async fn call(database: &TestDatabase, declared: &[Setting]) -> CallSettings {
    let clock = Clock::manual(datetime!(2026-11-21 12:00 UTC));
    let app: AppName = "app".parse().unwrap();
    let mut connection = database.store.pool().acquire().await.unwrap();
    apps::ensure(&mut connection, &app, clock.now())
        .await
        .unwrap();
    CallSettings {
        store: database.store.clone(),
        clock,
        app,
        grant: SettingsGrant::new(declared),
        uses: Uses::default(),
    }
}

fn setting(key: &str, kind: Kind, default: Option<Value>) -> Setting {
    Setting {
        key: key.to_owned(),
        label: key.to_owned(),
        description: String::new(),
        kind,
        default,
        required: false,
    }
}

fn declared() -> [Setting; 3] {
    let number = Kind::Number {
        min: None,
        max: None,
    };
    let text = Kind::Text {
        min: None,
        max: None,
    };
    [
        setting("fast", Kind::Toggle, Some(json!(true))),
        setting("count", number, Some(json!(5))),
        setting("note", text, None),
    ]
}

fn of(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[tokio::test]
async fn false_nought_and_the_empty_text_are_values() {
    let database = TestDatabase::create().await;
    let mut call = call(&database, &declared()).await;
    assert_eq!(call.get("fast".into()).await.unwrap(), of("true"));
    assert_eq!(call.get("note".into()).await.unwrap(), None);

    for (key, value) in [("fast", "false"), ("count", "0"), ("note", "\"\"")] {
        call.set(key.into(), value.into()).await.unwrap();
        assert_eq!(call.get(key.into()).await.unwrap(), of(value));
    }
    let all = call.all().await.unwrap();
    let all: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(all, [("fast", "false"), ("count", "0"), ("note", "\"\"")]);

    // Back to the defaults.
    for key in ["fast", "count", "note"] {
        call.unset(key.into()).await.unwrap();
        call.unset(key.into()).await.unwrap();
    }
    let all = call.all().await.unwrap();
    assert_eq!(
        all,
        [("fast".into(), "true".into()), ("count".into(), "5".into())]
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let database = TestDatabase::create().await;
    let mut call = call(&database, &declared()).await;

    let unfit = call
        .set("count".into(), "\"many\"".into())
        .await
        .unwrap_err();
    assert_eq!(unfit.to_string(), "the setting `count` must be a number");
    let unknown = call.set("other".into(), "1".into()).await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the manifest declares no setting `other`"
    );
    assert!(call.get("other".into()).await.is_err());
    assert!(call.unset("other".into()).await.is_err());

    let rows = settings::list(database.store.pool(), &call.app)
        .await
        .unwrap();
    assert!(rows.is_empty(), "{rows:?}");
}

#[tokio::test]
async fn a_value_of_an_earlier_declaration_is_read_as_the_default() {
    let database = TestDatabase::create().await;
    let mut before = call(&database, &declared()).await;
    before.set("count".into(), "7".into()).await.unwrap();

    let port = [setting("count", Kind::Toggle, Some(json!(false)))];
    let mut after = call(&database, &port).await;
    assert_eq!(after.get("count".into()).await.unwrap(), of("false"));
    assert_eq!(
        after.all().await.unwrap(),
        [("count".into(), "false".into())]
    );

    // And is there again where it fits.
    assert_eq!(before.get("count".into()).await.unwrap(), of("7"));
}
