use serde_json::json;

use super::*;

fn setting(kind: Kind) -> Setting {
    Setting {
        key: "key".to_owned(),
        label: "Key".to_owned(),
        description: String::new(),
        kind,
        default: None,
        required: false,
    }
}

#[track_caller]
fn check(kind: Kind, fit: &[Value], unfit: &[Value]) {
    let setting = setting(kind);
    for value in fit {
        assert_eq!(setting.admit(value), Ok(()), "{value}");
    }
    for value in unfit {
        assert!(setting.admit(value).is_err(), "{value}");
    }
}

#[test]
fn a_text_is_bounded_and_may_be_empty() {
    let kind = Kind::Text {
        min: None,
        max: Some(3),
    };
    check(
        kind,
        &[json!(""), json!("üüü")],
        &[json!("abcd"), json!(1), json!(null), json!("\0")],
    );
    let kind = Kind::Text {
        min: Some(1),
        max: None,
    };
    check(kind, &[json!("a")], &[json!(""), json!("a".repeat(10_001))]);
}

#[test]
fn a_number_is_bounded_and_may_be_nought() {
    let kind = Kind::Number {
        min: Some(0.0),
        max: Some(1.5),
    };
    check(
        kind,
        &[json!(0), json!(1.5)],
        &[json!(-1), json!(2), json!("0"), json!(true)],
    );
    let kind = Kind::Number {
        min: None,
        max: None,
    };
    check(kind, &[json!(-1e9)], &[json!(null), json!([])]);
}

#[test]
fn a_toggle_is_true_or_false() {
    check(
        Kind::Toggle,
        &[json!(true), json!(false)],
        &[json!(0), json!("true"), json!(null)],
    );
}

#[test]
fn a_select_is_one_of_its_options() {
    let option = |value: &str| SelectOption {
        value: value.to_owned(),
        label: String::new(),
    };
    let options = vec![option("a"), option("")];
    check(
        Kind::Select { options },
        &[json!("a"), json!("")],
        &[json!("b"), json!("A"), json!(1)],
    );
}

#[test]
fn a_schedule_has_five_fields_that_cron_knows() {
    check(
        Kind::Cron,
        &[
            json!("* * * * *"),
            json!("0 6 * * 1-5"),
            json!("*/15 0,12 1 JAN MON"),
        ],
        &[
            json!(""),
            json!("* * * *"),
            json!("0 * * * * *"),
            json!("61 * * * *"),
            json!("@daily"),
            json!(5),
        ],
    );
}

#[test]
fn an_address_has_a_scheme_that_is_allowed() {
    let kind = Kind::Url {
        schemes: Vec::new(),
    };
    check(
        kind,
        &[json!("https://a.example/x?y"), json!("ftp://a")],
        &[json!(""), json!("a.example"), json!(1)],
    );
    let kind = Kind::Url {
        schemes: vec!["https".to_owned()],
    };
    check(
        kind,
        &[json!("HTTPS://a.example")],
        &[json!("http://a.example")],
    );
}

#[test]
fn a_port_is_a_whole_number() {
    check(
        Kind::Port,
        &[json!(1), json!(65_535)],
        &[json!(0), json!(65_536), json!(1.5), json!("80"), json!(-1)],
    );
}

#[test]
fn a_file_is_bounded_in_bytes() {
    let kind = Kind::File {
        max: Some(4),
        accept: None,
    };
    check(
        kind,
        &[json!(""), json!("üü")],
        &[json!("üüa"), json!(null)],
    );
    let kind = Kind::File {
        max: Some(u64::MAX),
        accept: None,
    };
    check(
        kind,
        &[json!("a".repeat(256 * 1024))],
        &[json!("a".repeat(256 * 1024 + 1))],
    );
}

#[test]
fn what_is_expected_is_said() {
    let unfit = setting(Kind::Number {
        min: Some(1.0),
        max: Some(2.5),
    })
    .admit(&json!(3));
    assert_eq!(
        unfit.unwrap_err().to_string(),
        "the setting `key` must be a number from 1 to 2.5"
    );
}

#[test]
fn a_value_that_does_not_fit_counts_as_not_set() {
    let mut setting = setting(Kind::Toggle);
    let (wrong, right) = (json!("yes"), json!(false));
    assert_eq!(setting.effective(Some(&wrong)), None);
    setting.default = Some(json!(true));
    assert_eq!(setting.effective(None), Some(&json!(true)));
    assert_eq!(setting.effective(Some(&wrong)), Some(&json!(true)));
    assert_eq!(setting.effective(Some(&right)), Some(&json!(false)));
}
