use std::num::NonZeroU32;

use serde_json::{Value, json};

use super::super::{Access, Param, ParamKind, StatementKind, TableAccess};
use super::*;

/// The least that is valid, with a few fields put in or over it.
fn with(fields: Value) -> Value {
    let mut manifest = json!({"app_name": "app_x", "version": "1.0.0"});
    let object = manifest.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    manifest
}

fn parsed(fields: Value) -> Parsed {
    parse(with(fields).to_string().as_bytes()).unwrap()
}

/// The text of the refusal, without its beginning.
fn refusal(fields: Value) -> String {
    refusal_of(&with(fields).to_string())
}

fn refusal_of(text: &str) -> String {
    let text = parse(text.as_bytes()).unwrap_err().to_string();
    text.strip_prefix("manifest.json: ")
        .map_or(text.clone(), str::to_owned)
}

fn warnings(fields: Value) -> Vec<String> {
    parsed(fields)
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_least_manifest_has_defaults_for_the_rest() {
    let Parsed {
        manifest,
        script,
        warnings,
    } = parsed(json!({}));

    assert_eq!(manifest.app_name.as_str(), "app_x");
    assert_eq!(manifest.version, Version::new(1, 0, 0));
    assert_eq!(manifest.display_name, "app_x");
    assert_eq!(manifest.description, "");
    assert_eq!(manifest.required_permission, None);
    assert!(manifest.notifications.is_empty() && manifest.statements.is_empty());
    assert!(manifest.tables.is_empty());
    assert_eq!(manifest.instances, Instances::Fresh);
    assert_eq!(manifest.limits, Wishes::default());
    assert_eq!(script, None);
    assert!(warnings.is_empty());
}

#[test]
fn a_manifest_is_kept_and_read_back_whole() {
    let manifest = parsed(json!({
        "actions": [{"name": "n"}, {"name": "q", "type": "query", "sql": "SELECT 1"}],
        "limits": {"wall_ms": 5},
    }))
    .manifest;
    let stored = serde_json::to_value(&manifest).unwrap();

    assert_eq!(
        serde_json::from_value::<Manifest>(stored).unwrap(),
        manifest
    );
}

#[test]
fn every_field_of_the_contract_is_read() {
    let parsed = parsed(json!({
        "name": "app_x",
        "display_name": "Sales",
        "description": "What was sold.",
        "required_permission": "sales:access",
        "actions": [
            {
                "name": "deal_closed",
                "display_name": "Deal Closed",
                "description": "Fired when a deal is won.",
                "required_permission": "sales:access",
                "tables": [{"schema": "public", "table": "deals", "access": "write"}],
            },
            {
                "name": "list_deals",
                "type": "query",
                "sql": "SELECT * FROM deals WHERE id = $1::uuid",
                "params": [{"name": "id", "type": "uuid", "nullable": true}],
            },
            {"name": "close", "type": "mutation", "sql": "UPDATE deals SET won = true"},
        ],
        "tables": ["CREATE TABLE IF NOT EXISTS deals (id UUID)"],
        "dependencies": [],
        "script": "main.lua",
        "instances": "reused",
        "limits": {"wall_ms": 2000},
    }));
    let manifest = parsed.manifest;

    assert_eq!(parsed.warnings, []);
    assert_eq!(parsed.script.as_deref(), Some("main.lua"));
    assert_eq!(manifest.display_name, "Sales");
    assert_eq!(
        manifest.required_permission.as_deref(),
        Some("sales:access")
    );
    let [notification] = manifest.notifications.as_slice() else {
        panic!("{:?}", manifest.notifications);
    };
    assert_eq!(notification.name, "deal_closed");
    assert_eq!(notification.display_name, "Deal Closed");
    assert_eq!(
        notification.tables,
        [TableAccess {
            schema: "public".to_owned(),
            table: "deals".to_owned(),
            access: Access::Write,
        }]
    );
    let [query, mutation] = manifest.statements.as_slice() else {
        panic!("{:?}", manifest.statements);
    };
    assert_eq!(query.kind, StatementKind::Query);
    assert_eq!(
        query.params,
        Some(vec![Param {
            name: "id".to_owned(),
            kind: ParamKind::Uuid,
            nullable: true,
        }])
    );
    assert_eq!(mutation.kind, StatementKind::Mutation);
    assert_eq!(mutation.params, None);
    assert_eq!(manifest.tables.len(), 1);
    assert_eq!(manifest.instances, Instances::Reused);
}

#[test]
fn an_app_wishes_for_what_its_calls_may_use() {
    let limits = json!({"limits": {
        "wall_ms": 2000, "memory_mb": 64, "concurrency": 2,
        "fuel": 3, "statements": 4, "rows": 5, "result_mb": 6,
    }});

    let wishes = Wishes {
        wall_ms: NonZeroU32::new(2000),
        memory_mb: NonZeroU32::new(64),
        concurrency: NonZeroU32::new(2),
        fuel: NonZeroU32::new(3),
        statements: NonZeroU32::new(4),
        rows: NonZeroU32::new(5),
        result_mb: NonZeroU32::new(6),
    };
    assert_eq!(parsed(limits).manifest.limits, wishes);
}

#[test]
fn name_stands_in_for_app_name_and_must_not_contradict_it() {
    let by_name = parse(br#"{"name": "inventory_manager", "version": "1.0.0"}"#).unwrap();
    assert_eq!(by_name.manifest.app_name.as_str(), "inventory_manager");

    assert_eq!(
        refusal(json!({"name": "other"})),
        "`app_name` is \"app_x\" and `name` is \"other\": give one, or both alike"
    );
    assert_eq!(
        refusal_of(r#"{"version": "1.0.0"}"#),
        "`app_name` is missing"
    );
    assert_eq!(refusal(json!({"app_name": null})), "`app_name` is missing");
    assert_eq!(
        refusal(json!({"app_name": "my app"})),
        "invalid app name 'my app': must start with alphanumeric and contain only \
         [a-zA-Z0-9_-] (max 64 chars)"
    );
    assert!(refusal(json!({"app_name": "a".repeat(65)})).starts_with("invalid app name"));
}

#[test]
fn the_version_is_major_minor_patch() {
    for good in ["0.0.1", "10.20.30", "1.0.0-beta.1"] {
        parsed(json!({"version": good}));
    }
    for bad in [
        "1.0", "1", "v1.0.0", "1.0.0.0", "01.0.0", "", "1.0.x", " 1.0.0",
    ] {
        assert_eq!(
            refusal(json!({"version": bad})),
            format!("`version` must be MAJOR.MINOR.PATCH such as \"1.0.0\", not {bad:?}")
        );
    }
    assert_eq!(
        refusal_of(r#"{"app_name": "app_x"}"#),
        "`version` is missing: give one such as \"1.0.0\""
    );
}

#[test]
fn no_permission_and_an_empty_one_are_the_same() {
    for none in [json!(""), json!(null)] {
        let manifest = parsed(json!({"required_permission": none})).manifest;
        assert_eq!(manifest.required_permission, None);
    }
    // What was meant to close the app must not open it.
    for bad in [" ", "sales access", "\n", &"x".repeat(129)] {
        assert!(
            refusal(json!({"required_permission": bad}))
                .starts_with("`required_permission` must be"),
            "{bad:?}"
        );
    }
}

#[test]
fn an_action_needs_a_name_of_its_own() {
    let refusal = |actions: Value| refusal(json!({"actions": actions}));

    assert_eq!(refusal(json!([{}])), "`actions[0].name` is missing");
    assert_eq!(
        refusal(json!([{"name": "a"}, {"name": "b c"}])),
        "`actions[1].name` is \"b c\": it must start with a letter or digit and contain only \
         [a-zA-Z0-9_-] (max 64 chars)"
    );
    assert_eq!(
        refusal(json!([{"name": "a"}, {"name": "a", "type": "query", "sql": "SELECT 1"}])),
        "`actions[1].name` is \"a\" a second time: rename one"
    );
    assert_eq!(
        refusal(json!(["a"])),
        "`actions[0]` must be an object, not a string"
    );
    assert_eq!(
        refusal(json!({})),
        "`actions` must be an array, not an object"
    );
}

#[test]
fn a_named_statement_needs_a_kind_and_sql() {
    let refusal = |action: Value| refusal(json!({"actions": [action]}));

    assert_eq!(
        refusal(json!({"name": "a", "sql": "SELECT 1"})),
        "`actions[0].type` is missing"
    );
    assert_eq!(
        refusal(json!({"name": "a", "type": "select", "sql": "SELECT 1"})),
        "`actions[0].type` must be \"query\" or \"mutation\""
    );
    assert_eq!(
        refusal(json!({"name": "a", "type": "query", "sql": " "})),
        "`actions[0].sql` is missing"
    );
    assert_eq!(
        refusal(json!({"name": "a", "type": "query", "sql": "x".repeat(MAX_SQL + 1)})),
        "`actions[0].sql` is longer than 65536 bytes"
    );
    assert_eq!(
        refusal(json!({
            "name": "a", "type": "query", "sql": "SELECT 1",
            "params": [{"name": "p"}, {"name": "p"}],
        })),
        "`actions[0].params[1].name` is \"p\" a second time"
    );
    assert_eq!(
        refusal(json!({
            "name": "a", "type": "query", "sql": "SELECT 1",
            "params": [{"name": "p", "nullable": "yes"}, 1],
        })),
        "`actions[0].params[0].nullable` must be true or false, not a string; \
         `actions[0].params[1]` must be an object, not a number"
    );
}

#[test]
fn a_parameter_of_an_unknown_type_is_passed_as_text_with_a_warning() {
    let parsed = parsed(json!({"actions": [{
        "name": "a", "type": "query", "sql": "SELECT $1::date",
        "params": [{"name": "day", "type": "date"}],
    }]}));

    let params = parsed.manifest.statements[0].params.as_ref().unwrap();
    assert_eq!(params[0].kind, ParamKind::Text);
    assert_eq!(
        parsed.warnings[0].text,
        "`actions[0].params[0].type` is \"date\", not text, integer, numeric, boolean or uuid: \
         the value is passed as text"
    );
}

#[test]
fn tables_are_statements_of_bounded_number_and_length() {
    let refusal = |tables: Value| refusal(json!({"tables": tables}));

    assert_eq!(
        refusal(json!("x")),
        "`tables` must be an array, not a string"
    );
    assert_eq!(
        refusal(json!(["SELECT 1", ""])),
        "`tables[1]` is empty: give one SQL statement, or leave it out"
    );
    assert_eq!(
        refusal(json!([1])),
        "`tables[0]` must be a string, not a number"
    );
    assert_eq!(
        refusal(json!(["x".repeat(MAX_SQL + 1)])),
        "`tables[0]` is longer than 65536 bytes"
    );
    assert_eq!(
        refusal(json!(vec!["x"; 201])),
        "`tables` has more than 200 statements"
    );
    let most = parsed(json!({"tables": vec!["x"; 200]})).manifest;
    assert_eq!(most.tables.len(), 200);
}

#[test]
fn what_an_app_wishes_for_is_a_positive_whole_number() {
    for bad in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(1u64 << 32),
        json!([1]),
    ] {
        assert_eq!(
            refusal(json!({"limits": {"memory_mb": bad}})),
            "`limits.memory_mb` must be a whole number from 1 to 4294967295"
        );
    }
    assert_eq!(
        refusal(json!({"limits": 5})),
        "`limits` must be an object, not a number"
    );
    assert_eq!(
        refusal(json!({"instances": "many"})),
        "`instances` must be \"fresh\" or \"reused\""
    );
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    for (fields, expected) in [
        (
            json!({"app_name": 5}),
            "`app_name` must be a string, not a number",
        ),
        (
            json!({"version": true}),
            "`version` must be a string, not true or false",
        ),
        (
            json!({"display_name": []}),
            "`display_name` must be a string, not an array",
        ),
        (
            json!({"script": {}}),
            "`script` must be a string, not an object",
        ),
        (
            json!({"actions": [{"name": "a", "description": 1}]}),
            "`actions[0].description` must be a string, not a number",
        ),
        (
            json!({"actions": [{"name": "a", "tables": [{"table": "t", "access": "own"}]}]}),
            "`actions[0].tables[0].access` must be \"read\" or \"write\"",
        ),
        (
            json!({"actions": [{"name": "a", "type": 1, "sql": "SELECT 1"}]}),
            "`actions[0].type` must be a string, not a number",
        ),
    ] {
        assert_eq!(refusal(fields), expected);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_but_not_without_end() {
    assert_eq!(
        refusal_of(r#"{"app_name": "a b", "tables": [""]}"#),
        "invalid app name 'a b': must start with alphanumeric and contain only [a-zA-Z0-9_-] \
         (max 64 chars); `version` is missing: give one such as \"1.0.0\"; `tables[0]` is empty: \
         give one SQL statement, or leave it out"
    );

    let text = refusal(json!({"tables": vec![1; 150], "actions": vec![1; 5000]}));
    assert_eq!(text.split("; ").count(), 20);
}

#[test]
fn what_is_advised_against_is_a_warning() {
    assert_eq!(
        warnings(json!({"display_name": "x".repeat(41)})),
        ["`display_name` is longer than 40 characters: shorten it (NR-B08)"]
    );
    assert!(warnings(json!({"display_name": "é".repeat(40)})).is_empty());
    for markdown in ["**bold**", "see [this](x)", "# Title", "`code`", "* item"] {
        assert_eq!(
            warnings(json!({"description": markdown})),
            ["`description` is shown as plain text: remove the Markdown (NR-B08)"],
            "{markdown}"
        );
    }
    assert_eq!(
        warnings(json!({"actions": [{"name": "a"}]})),
        ["`actions[0].display_name` is missing: users choose notifications by it (NR-B10)"]
    );
    assert_eq!(
        warnings(json!({
            "required_permission": "x:y",
            "actions": [{"name": "a", "display_name": "A"}, {"name": "q", "type": "query", "sql": "SELECT 1"}],
        })),
        [
            "`actions[0].name` has no `required_permission`, but the app has one: any user can \
             subscribe to what it sends (NR-B12)"
        ]
    );
}

#[test]
fn an_unknown_key_is_a_warning_with_its_place() {
    assert_eq!(
        warnings(json!({
            "author": "me",
            "limits": {"disk": 1},
            "actions": [{"name": "a", "display_name": "A", "colour": "red"}],
            "domains": [{"name": "d"}],
        })),
        [
            "`actions[0].colour` is not a known key, and is ignored (NR-B15)",
            "`limits.disk` is not a known key, and is ignored (NR-B15)",
            "`domains` is not supported, and is ignored (NR-B15)",
            "`author` is not a known key, and is ignored (NR-B15)",
        ]
    );
}

mod any {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn key() -> impl Strategy<Value = String> {
        proptest::sample::select(vec![
            "app_name",
            "name",
            "version",
            "display_name",
            "description",
            "actions",
            "tables",
            "required_permission",
            "sql",
            "type",
            "params",
            "nullable",
            "schema",
            "table",
            "access",
            "instances",
            "limits",
            "wall_ms",
            "script",
            "domains",
            "x",
        ])
        .prop_map(str::to_owned)
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = proptest::sample::select(vec![
            json!(null),
            json!(true),
            json!(0),
            json!(-1.5),
            json!(""),
            json!("a"),
            json!("1.0.0"),
            json!("query"),
            json!("SELECT 1"),
            json!("write"),
        ]);
        leaf.prop_recursive(4, 40, 5, |inner| {
            let object = proptest::collection::vec((key(), inner.clone()), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>()));
            let array = proptest::collection::vec(inner, 0..4).prop_map(Value::Array);
            prop_oneof![object, array]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_kept_and_whatever_is_not_has_a_reason(fields in value()) {
            let fields = if fields.is_object() { fields } else { json!({"actions": fields}) };
            match super::parse(super::with(fields).to_string().as_bytes()) {
                Ok(parsed) => {
                    let stored = serde_json::to_value(&parsed.manifest).unwrap();
                    prop_assert_eq!(stored["version"].as_str(), Some("1.0.0"));
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn needs_name_tables_and_origins() {
    let needs = parsed(json!({"needs": {
        "tables": [{"schema": "shop", "table": "items", "access": "read"}],
        "egress": [
            "https://API.example.com",
            {"origin": "http://erp:8080", "private": true},
            "https://api.example.com:443",
        ],
    }}))
    .manifest
    .needs;

    assert_eq!(
        needs.tables,
        [TableAccess {
            schema: "shop".to_owned(),
            table: "items".to_owned(),
            access: Access::Read,
        }]
    );
    let egress: Vec<_> = needs
        .egress
        .iter()
        .map(|egress| (egress.origin.to_string(), egress.private))
        .collect();
    assert_eq!(
        egress,
        [
            ("http://erp:8080".to_owned(), true),
            ("https://api.example.com".to_owned(), false),
        ]
    );
}

#[test]
fn an_origin_that_is_none_is_refused_with_its_place() {
    for (egress, expected) in [
        (
            json!(["https://a/b"]),
            "`needs.egress[0]` is \"https://a/b\": it must end after the host and port",
        ),
        (json!([7]), "`needs.egress[0]` must be an origin such as"),
        (json!([{}]), "`needs.egress[0].origin` is missing"),
        (
            json!([{"origin": "ftp://a"}]),
            "`needs.egress[0].origin` is \"ftp://a\": its scheme must be http or https",
        ),
    ] {
        let text = refusal(json!({"needs": {"egress": egress}}));
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn credentials_are_names_with_or_without_a_description() {
    let needs = parsed(json!({"needs": {
        "credentials": ["mail", {"name": "bank-2", "description": "reads statements"}],
    }}))
    .manifest
    .needs;

    let credentials: Vec<_> = needs
        .credentials
        .iter()
        .map(|credential| (credential.name.as_str(), credential.description.as_str()))
        .collect();
    assert_eq!(credentials, [("mail", ""), ("bank-2", "reads statements")]);
}

#[test]
fn a_credential_without_a_good_name_is_refused_with_its_place() {
    for (credentials, expected) in [
        (
            json!(["a b"]),
            "`needs.credentials[0]` must be a name such as \"mail_token\"",
        ),
        (
            json!([{"description": "x"}]),
            "`needs.credentials[0]` must be a name",
        ),
        (
            json!([{"name": 7}]),
            "`needs.credentials[0].name` must be a string",
        ),
        (json!([7]), "`needs.credentials[0]` must be a name"),
        (
            json!(["a", {"name": "a"}]),
            "`needs.credentials[1]` is \"a\" a second time",
        ),
        (
            json!(vec!["a"; 101]),
            "`needs.credentials` has more than 100 names",
        ),
    ] {
        let text = refusal(json!({"needs": {"credentials": credentials}}));
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_manifest_that_was_kept_by_an_older_skep_is_read() {
    let manifest = parsed(json!({
        "actions": [{"name": "q", "type": "query", "sql": "SELECT 1"}],
    }))
    .manifest;
    let mut stored = serde_json::to_value(&manifest).unwrap();
    stored["needs"]
        .as_object_mut()
        .unwrap()
        .remove("credentials")
        .unwrap();
    stored["statements"][0]
        .as_object_mut()
        .unwrap()
        .remove("tables")
        .unwrap();

    assert_eq!(
        serde_json::from_value::<Manifest>(stored).unwrap(),
        manifest
    );
}
