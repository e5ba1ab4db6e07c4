//! Rules of JavaScript backends.

use super::{Rule, Severity};

rules! {
    NO_FUNCTION Error "SK-J11" "main.js has no `execute`"
        "Every call of the app is a call of this function."
        "Write `function execute(payload) { ... }` in main.js.";
    MISSING_MODULE Error "SK-J12" "a module that is not in the bundle"
        "`require` throws where it is called."
        "Name it by its path from the root, such as \"lib/items\", or with `./` from the module's folder.";
    EARLY_SQL Error "SK-J13" "SQL is sent while the app is built"
        "Code outside of functions runs once, when the app is built: no database is there yet."
        "Call sql() in functions, and make tables in `tables` of the manifest.";
    PUT_TOGETHER Warning "SK-J14" "SQL is put together from the request"
        "Whoever calls the app can write the rest of the statement."
        "Pass values as parameters: sql(\"... WHERE id = $1\", [value]).";
}
