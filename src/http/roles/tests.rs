use serde_json::{Value, json};

use super::*;
use crate::http::testing::TestHost;

const SALES: &str = "/admin/api/roles/sales";

async fn role(host: &TestHost, name: &str) -> Option<Value> {
    let role = roles::find(host.services.store.pool(), name).await.unwrap();
    role.map(|role| json!({ "description": role.description, "permissions": role.permissions }))
}

#[tokio::test]
async fn a_role_is_added_replaced_and_deleted() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let new = json!({
        "name": "sales",
        "description": "Sales team",
        "permissions": ["sales:read", "sales:*", "sales:read"],
    });

    let created = admin.post("/admin/api/roles", &new).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(
        created.body,
        json!({
            "name": "sales",
            "description": "Sales team",
            "permissions": ["sales:*", "sales:read"],
            "built_in": false,
        })
    );

    let replaced = admin.put(SALES, &json!({ "permissions": [] })).await;
    assert_eq!(replaced.status, StatusCode::OK);
    assert_eq!(
        role(&host, "sales").await,
        Some(json!({ "description": "", "permissions": [] }))
    );

    let listed = admin.get("/admin/api/roles").await;
    let names: Vec<&Value> = listed.body["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| &role["name"])
        .collect();
    assert_eq!(names, ["admin", "sales", "user"]);

    assert_eq!(admin.delete(SALES).await.status, StatusCode::NO_CONTENT);
    assert_eq!(role(&host, "sales").await, None);
    let again = admin.delete(SALES).await;
    again.must_be(StatusCode::NOT_FOUND, "no such role: `sales`");
}

#[tokio::test]
async fn a_changed_role_takes_effect_at_once() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let anna = host.user("anna", &[]).await;
    assert_eq!(
        anna.get("/admin/api/roles").await.status,
        StatusCode::FORBIDDEN
    );

    let wider = json!({ "permissions": ["skep:users"] });
    admin.put("/admin/api/roles/anna", &wider).await;

    assert_eq!(anna.get("/admin/api/roles").await.status, StatusCode::OK);
}

#[tokio::test]
async fn malformed_and_taken_roles_are_refused_and_not_added() {
    let host = TestHost::start().await;
    let admin = host.admin().await;
    let invalid_permission = "the body does not fit: invalid permission `Sales`: write \
                              `resource:verb` in lower case, such as `sales:read` or `sales:*`, \
                              or `*` for everything (at most 128 characters) at line 1 column";

    let answer = admin.put(SALES, &json!({ "permissions": ["Sales"] })).await;
    answer.must_be(StatusCode::BAD_REQUEST, &format!("{invalid_permission} 24"));
    let new = json!({ "name": "sales", "permissions": ["Sales"] });
    let answer = admin.post("/admin/api/roles", &new).await;
    answer.must_be(StatusCode::BAD_REQUEST, &format!("{invalid_permission} 39"));
    let answer = admin
        .put("/admin/api/roles/a%20b", &json!({ "permissions": [] }))
        .await;
    answer.must_be(
        StatusCode::BAD_REQUEST,
        "invalid role name `a b`: use 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`, beginning with \
         a letter or digit",
    );
    let taken = json!({ "name": "user", "permissions": ["sales:read"] });
    let answer = admin.post("/admin/api/roles", &taken).await;
    answer.must_be(StatusCode::CONFLICT, "there is a role `user` already");
    let unknown = json!({ "permissions": [], "built_in": true });
    let answer = admin.put(SALES, &unknown).await;
    answer.must_be(
        StatusCode::BAD_REQUEST,
        "the body does not fit: unknown field `built_in`, expected `description` or `permissions` \
         at line 1 column 28",
    );

    assert_eq!(role(&host, "sales").await, None);
    assert_eq!(role(&host, "user").await.unwrap()["permissions"], json!([]));
}

#[tokio::test]
async fn the_role_admin_cannot_be_changed_and_no_built_in_role_deleted() {
    let host = TestHost::start().await;
    let admin = host.admin().await;

    let answer = admin
        .put("/admin/api/roles/admin", &json!({ "permissions": [] }))
        .await;
    answer.must_be(
        StatusCode::CONFLICT,
        "the role `admin` gives everything and cannot be changed",
    );
    for name in ["admin", "user"] {
        let answer = admin.delete(&format!("/admin/api/roles/{name}")).await;
        answer.must_be(
            StatusCode::CONFLICT,
            &format!("the role `{name}` is built in and cannot be deleted"),
        );
        assert!(role(&host, name).await.is_some());
    }
    assert_eq!(
        role(&host, "admin").await.unwrap()["permissions"],
        json!(["*"])
    );
}

#[tokio::test]
async fn a_role_that_somebody_holds_is_not_deleted() {
    let host = TestHost::start().await;
    let _ = host.user("anna", &[]).await;

    let answer = host.admin().await.delete("/admin/api/roles/anna").await;

    answer.must_be(
        StatusCode::CONFLICT,
        "users who hold the role `anna`: 1; take it from them first",
    );
    assert!(role(&host, "anna").await.is_some());
}

#[tokio::test]
async fn nobody_makes_or_changes_a_role_beyond_their_own_permissions() {
    let host = TestHost::start().await;
    let operator = host.user("operator", &["skep:users", "sales:*"]).await;
    let admin = host.admin().await;
    let stock = json!({ "permissions": ["stock:read"] });
    admin.put("/admin/api/roles/stock", &stock).await;

    let everything = json!({ "name": "all", "permissions": ["sales:read", "*"] });
    let answer = operator.post("/admin/api/roles", &everything).await;
    answer.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: * required",
    );
    let wider = json!({ "permissions": ["skep:users", "skep:apps"] });
    let answer = operator.put("/admin/api/roles/operator", &wider).await;
    answer.must_be(
        StatusCode::FORBIDDEN,
        "insufficient permissions: skep:apps required",
    );
    let none = json!({ "permissions": [] });
    for answer in [
        operator.put("/admin/api/roles/stock", &none).await,
        operator.delete("/admin/api/roles/stock").await,
    ] {
        answer.must_be(
            StatusCode::FORBIDDEN,
            "insufficient permissions: stock:read required",
        );
    }
    assert_eq!(role(&host, "all").await, None);
    assert_eq!(
        role(&host, "stock").await.unwrap()["permissions"],
        stock["permissions"]
    );

    let within = json!({ "name": "readers", "permissions": ["sales:read"] });
    let answer = operator.post("/admin/api/roles", &within).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}
