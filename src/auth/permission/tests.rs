use super::*;

fn set(permissions: &[&str]) -> BTreeSet<String> {
    permissions.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_permission_is_a_resource_and_a_verb_or_everything() {
    for good in [
        "*",
        "sales:read",
        "sales:*",
        "a:b",
        "0.a-b_c:9.x",
        &format!("a:{}", "b".repeat(126)),
    ] {
        assert!(good.parse::<Permission>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "sales",
        "sales:",
        ":read",
        "*:read",
        "**",
        "sales:*read",
        "sales:re*d",
        "Sales:read",
        "sales:read:all",
        "sales read",
        "-a:b",
        "sälës:read",
        "sales:read\n",
        &format!("a:{}", "b".repeat(127)),
    ] {
        assert!(bad.parse::<Permission>().is_err(), "{bad}");
    }
}

#[test]
fn a_malformed_permission_is_named_in_the_error() {
    let error = "Sales".parse::<Permission>().unwrap_err();

    assert_eq!(
        error.to_string(),
        "invalid permission `Sales`: write `resource:verb` in lower case, such as `sales:read` \
         or `sales:*`, or `*` for everything (at most 128 characters)"
    );
}

#[test]
fn a_permission_gives_itself_and_nothing_beside() {
    let granted = set(&["sales:read"]);

    assert!(gives(&granted, "sales:read"));
    for other in [
        "sales:write",
        "sales:reads",
        "sales:*",
        "*",
        "stock:read",
        "",
    ] {
        assert!(!gives(&granted, other), "{other}");
    }
}

#[test]
fn a_star_gives_every_verb_of_its_own_resource_only() {
    let granted = set(&["sales:*"]);

    assert!(gives(&granted, "sales:read"));
    assert!(gives(&granted, "sales:*"));
    for other in ["salesforce:read", "stock:read", "*"] {
        assert!(!gives(&granted, other), "{other}");
    }
}

#[test]
fn everything_gives_everything() {
    let granted = set(&["*"]);

    for asked in ["sales:read", "sales:*", "*", "Any Text"] {
        assert!(gives(&granted, asked), "{asked}");
    }
}

#[test]
fn nothing_gives_nothing() {
    for asked in ["sales:read", "*", ""] {
        assert!(!gives(&BTreeSet::new(), asked), "{asked}");
    }
}
