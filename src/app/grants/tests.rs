use serde_json::{Value, json};

use super::*;
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

fn manifest(fields: Value) -> Manifest {
    let mut manifest = json!({"app_name": "shop", "version": "1.0.0"});
    let object = manifest.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    noderouter::parse(manifest.to_string().as_bytes())
        .unwrap()
        .manifest
}

fn asked(fields: Value) -> Grants {
    Grants::asked(&manifest(fields), &[], BOUNDS)
}

fn table(access: Access) -> Grant {
    Grant::Table {
        schema: "public".to_owned(),
        table: "items".to_owned(),
        access,
        owner: "stock".parse().unwrap(),
    }
}

fn egress(private: bool) -> Grant {
    let origin = "https://api.example.com".parse().unwrap();
    Grant::Egress { origin, private }
}

fn lines(grants: &[Grant]) -> Vec<String> {
    grants.iter().map(ToString::to_string).collect()
}

#[test]
fn what_every_app_has_is_no_grant() {
    let plain = asked(json!({
        "tables": ["CREATE TABLE shop_items (id INT)"],
        "actions": [{"name": "sold", "tables": [{"table": "shop_items", "access": "write"}]}],
        "limits": {"wall_ms": 30_000, "memory_mb": 256, "concurrency": 16},
    }));

    assert_eq!(plain, Grants::default());
}

#[test]
fn what_is_beyond_is_asked_for_up_to_the_ceiling() {
    let asked = asked(json!({
        "needs": {
            "egress": ["https://api.example.com", {"origin": "http://erp", "private": true}],
            "credentials": ["mail", {"name": "bank", "description": "reads statements"}],
        },
        "limits": {"wall_ms": 30_001, "memory_mb": 9_999, "concurrency": 17},
    }));

    let lines: Vec<String> = asked.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "17 calls at the same time",
            "use credential bank",
            "use credential mail",
            "send requests to http://erp, also in a private network",
            "send requests to https://api.example.com",
            "512 MiB of memory for each call",
            "30001 ms for each call",
        ]
    );
}

#[test]
fn tables_of_other_apps_are_asked_for_with_their_owner() {
    let foreign = ForeignTable {
        schema: "public".to_owned(),
        table: "items".to_owned(),
        access: Access::Write,
        owner: "stock".parse().unwrap(),
    };

    let asked = Grants::asked(&manifest(json!({})), &[foreign], BOUNDS);

    let grant = asked.get("table:public.items").unwrap();
    assert_eq!(
        grant.to_string(),
        "read and write table public.items of stock"
    );
}

#[test]
fn the_footprint_is_the_union_of_needs_and_actions() {
    let manifest = manifest(json!({
        "needs": {"tables": [{"table": "a"}, {"schema": "stock", "table": "b"}]},
        "actions": [
            {"name": "sold", "tables": [{"table": "a", "access": "write"}]},
            {"name": "find", "type": "query", "sql": "SELECT 1", "tables": [{"table": "c"}]},
        ],
    }));

    let footprint: Vec<_> = manifest.footprint().into_iter().collect();
    assert_eq!(
        footprint,
        [
            (("public", "a"), Access::Write),
            (("public", "c"), Access::Read),
            (("stock", "b"), Access::Read),
        ]
    );
}

#[test]
fn a_wider_grant_covers_a_narrower_one_and_not_the_other_way() {
    let pairs = [
        (table(Access::Write), table(Access::Read)),
        (egress(true), egress(false)),
        (Grant::Wall { ms: 2 }, Grant::Wall { ms: 1 }),
        (Grant::Memory { mb: 2 }, Grant::Memory { mb: 1 }),
        (
            Grant::Concurrency { calls: 2 },
            Grant::Concurrency { calls: 1 },
        ),
    ];
    for (wide, narrow) in pairs {
        assert!(wide.covers(&narrow) && wide.covers(&wide), "{wide}");
        assert!(!narrow.covers(&wide), "{narrow}");
        for both in [[wide.clone(), narrow.clone()], [narrow, wide.clone()]] {
            let both: Grants = both.into_iter().collect();
            assert_eq!(both.iter().collect::<Vec<_>>(), [&wide]);
        }
    }
}

#[test]
fn a_table_that_has_become_another_apps_is_not_covered() {
    let other = Grant::Table {
        schema: "public".to_owned(),
        table: "items".to_owned(),
        access: Access::Read,
        owner: "thief".parse().unwrap(),
    };

    assert!(!table(Access::Write).covers(&other));
}

#[test]
fn two_sets_are_compared_by_what_is_wider() {
    let before: Grants = [table(Access::Read), egress(true), Grant::Wall { ms: 9 }]
        .into_iter()
        .collect();
    let after: Grants = [
        table(Access::Write),
        egress(false),
        Grant::Memory { mb: 300 },
    ]
    .into_iter()
    .collect();

    let difference = before.compare(&after);

    assert_eq!(
        lines(&difference.added),
        [
            "300 MiB of memory for each call",
            "read and write table public.items of stock"
        ]
    );
    assert_eq!(
        lines(&difference.kept),
        ["send requests to https://api.example.com"]
    );
    assert_eq!(lines(&difference.dropped), ["9 ms for each call"]);
}

#[test]
fn grants_are_kept_and_read_back_whole() {
    let grants: Grants = [
        table(Access::Write),
        egress(true),
        Grant::Credential {
            name: "mail".to_owned(),
        },
        Grant::Wall { ms: 1 },
        Grant::Memory { mb: 2 },
        Grant::Concurrency { calls: 3 },
    ]
    .into_iter()
    .collect();

    let stored = serde_json::to_value(&grants).unwrap();

    assert_eq!(stored[4]["kind"], "table", "{stored}");
    assert_eq!(serde_json::from_value::<Grants>(stored).unwrap(), grants);
}

#[test]
fn without_a_grant_wishes_reach_no_further_than_the_default() {
    let wishes = manifest(json!({
        "limits": {"wall_ms": 60_000, "memory_mb": 100, "concurrency": 99, "rows": 50_000},
    }))
    .limits;
    let none = BOUNDS.amounts(&wishes, &Grants::default());
    assert_eq!(
        none,
        Amounts {
            wall_ms: 30_000,
            memory_mb: 100,
            concurrency: 16,
            ..BOUNDS.default
        }
    );

    let granted = [
        Grant::Wall { ms: 45_000 },
        Grant::Concurrency { calls: 64 },
        Grant::Rows { count: 20_000 },
    ];
    let some = BOUNDS.amounts(&wishes, &granted.into_iter().collect());
    assert_eq!(
        some,
        Amounts {
            wall_ms: 45_000,
            memory_mb: 100,
            concurrency: 32,
            rows: 20_000,
            ..BOUNDS.default
        }
    );
}

#[test]
fn a_grant_cannot_hide_itself_from_who_reads_it() {
    let grant = Grant::Table {
        schema: "public".to_owned(),
        table: "a\u{1b}[2K\u{202e}\nb".to_owned(),
        access: Access::Read,
        owner: "stock".parse().unwrap(),
    };

    assert_eq!(
        grant.to_string(),
        "read table public.a\\u{1b}[2K\\u{202e}\\nb of stock"
    );
}
