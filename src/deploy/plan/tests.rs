use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::app::Grant;
use crate::app::manifest::noderouter;

const BOUNDS: Bounds = Bounds {
    default: Amounts {
        wall_ms: 30_000,
        memory_mb: 256,
        concurrency: 16,
        statements: 10_000,
        rows: 10_000,
        result_mb: 16,
        fuel: 100_000,
    },
    ceiling: Amounts {
        wall_ms: 120_000,
        memory_mb: 512,
        concurrency: 32,
        statements: 100_000,
        rows: 100_000,
        result_mb: 64,
        fuel: 1_000_000,
    },
};

/// What a side is made of.
struct Release {
    manifest: Manifest,
    bundle: Bundle,
    grants: Grants,
    capabilities: BTreeSet<String>,
}

impl Release {
    fn new(fields: &Value, files: &[(&str, &'static str)], capabilities: &[&str]) -> Self {
        let mut manifest = json!({"app_name": "shop", "version": "1.0.0"});
        let object = manifest.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        let manifest = noderouter::parse(manifest.to_string().as_bytes())
            .unwrap()
            .manifest;
        let bundle = Bundle::for_tests(files);
        Self {
            grants: Grants::asked(&manifest, &[], BOUNDS),
            manifest,
            bundle,
            capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn side(&self) -> Side<'_> {
        Side {
            manifest: &self.manifest,
            bundle: &self.bundle,
            grants: &self.grants,
            capabilities: self.capabilities.clone(),
        }
    }

    fn plan(&self, before: Option<&Self>) -> Plan {
        let before = before.map(|before| {
            let active = Active {
                release: 3,
                version: "0.9.0".to_owned(),
                digest: before.bundle.digest(),
            };
            (active, before.side())
        });
        compare(&self.side(), before, Backend::Python, BOUNDS)
    }
}

fn plain_release() -> Release {
    Release::new(&json!({}), &[("main.py", "")], &["skep:app/log"])
}

#[test]
fn what_every_app_has_needs_no_consent() {
    let plan = plain_release().plan(None);

    assert!(!plan.consent && !plan.waits(false), "{plan:?}");
}

#[test]
fn a_grant_waits_whoever_deploys_and_a_frontend_for_who_may_not_consent() {
    let egress = json!({"needs": {"egress": ["https://a.example"]}});
    let grant = Release::new(&egress, &[("main.py", "")], &[]).plan(None);
    let page = Release::new(&json!({}), &[("main.py", ""), ("index.html", "<p>")], &[]);
    let frontend = page.plan(None);

    assert!(grant.consent && grant.waits(true) && grant.waits(false));
    assert!(frontend.consent && !frontend.waits(true) && frontend.waits(false));
    let same = page.plan(Some(&page));
    assert!(!same.consent && !same.waits(false), "{same:?}");
    let gone = plain_release().plan(Some(&page));
    assert!(!gone.consent, "{gone:?}");
}

#[test]
fn what_the_active_release_has_needs_no_consent_again() {
    let egress = json!({"needs": {"egress": ["https://a.example"]}});
    let before = Release::new(&egress, &[("main.py", "1")], &[]);
    let after = Release::new(&egress, &[("main.py", "2")], &[]);

    assert!(!after.plan(Some(&before)).consent);

    let mut withdrawn = Release::new(&egress, &[("main.py", "1")], &[]);
    withdrawn.grants.remove("egress:https://a.example").unwrap();
    assert!(after.plan(Some(&withdrawn)).consent);
}

#[test]
fn the_digest_stands_for_everything_in_the_plan() {
    let plan = plain_release().plan(None);
    assert_eq!(plain_release().plan(None), plan);

    let others = [
        Release::new(&json!({}), &[("main.py", "1")], &["skep:app/log"]).plan(None),
        Release::new(&json!({}), &[("main.py", "")], &[]).plan(None),
        Release::new(
            &json!({"version": "2.0.0"}),
            &[("main.py", "")],
            &["skep:app/log"],
        )
        .plan(None),
        plain_release().plan(Some(&plain_release())),
    ];
    let schedule = json!({"schedules": {"a": {"cron": "0 2 * * *"}}});
    let scheduled = Release::new(&schedule, &[("main.py", "")], &["skep:app/log"]).plan(None);
    assert!(!scheduled.consent, "{scheduled:?}");
    for other in others.into_iter().chain([scheduled]) {
        assert_ne!(other.digest, plan.digest, "{other:?}");
    }
}

#[test]
fn a_plan_is_kept_and_read_back_whole() {
    let egress = json!({"needs": {"egress": ["https://a.example"]}});
    let plan = Release::new(&egress, &[("main.py", "")], &[]).plan(Some(&plain_release()));

    assert_eq!(
        serde_json::from_value::<Plan>(plan.to_json()).unwrap(),
        plan
    );
}

/// A plan with something under every heading.
fn full() -> Plan {
    let before = Release::new(
        &json!({"limits": {"wall_ms": 60_000}, "actions": [{"name": "sold"}], "schedules": {
            "old": {"cron": "0 1 * * *"}, "same": {"cron": "0 * * * *", "overlap": "queue_after"},
        }}),
        &[("main.py", ""), ("index.html", "1")],
        &["skep:app/log"],
    );
    let mut after = Release::new(
        &json!({
            "required_permission": "sales:access",
            "needs": {"egress": ["https://api.example.com"]},
            "actions": [{"name": "sent", "required_permission": "sales:access"}],
            "limits": {"memory_mb": 300},
            "tasks": {"nightly": {"run": "main:nightly"}},
            "hooks": {"on_install": "main:welcome"},
            "schedules": {
                "new": {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "enabled": false},
                "same": {"cron": "0 * * * *", "overlap": "queue_after"},
            },
        }),
        &[("main.py", ""), ("index.html", "2")],
        &["skep:app/db", "skep:app/log"],
    );
    let table = Grant::Table {
        schema: "public".to_owned(),
        table: "items".to_owned(),
        access: crate::app::manifest::Access::Write,
        owner: "stock".parse().unwrap(),
    };
    after.grants = after.grants.iter().cloned().chain([table]).collect();
    let statement = |place: &str, kind: &str, new| Statement {
        place: place.to_owned(),
        kind: kind.to_owned(),
        reads: Vec::new(),
        writes: Vec::new(),
        creates: Vec::new(),
        alters: Vec::new(),
        drops: Vec::new(),
        refused: None,
        new,
    };
    let mut plan = after.plan(Some(&before));
    plan.digest = "d".repeat(64);
    plan.bundle = "b".repeat(64);
    plan.frontend = Change {
        before: Some("e".repeat(64)),
        after: Some("f".repeat(64)),
    };
    plan.tables = vec![Statement {
        creates: vec!["shop_items".to_owned()],
        ..statement("tables[0]", "CREATE TABLE", false)
    }];
    plan.statements = Statements {
        listed: vec![
            Statement {
                reads: vec!["items".to_owned(), "shop_items".to_owned()],
                writes: vec!["items".to_owned()],
                ..statement("main.py:12", "UPDATE", true)
            },
            Statement {
                refused: Some("COPY is not available\u{1b}[2J".to_owned()),
                ..statement("main.py:20", "COPY", true)
            },
        ],
        more: 2,
        built: vec!["main.py:30".to_owned()],
    };
    plan.prebuilt = true;
    plan
}

#[test]
fn a_plan_reads_as_a_page_of_plain_text() {
    insta::assert_snapshot!(full().text());
}
