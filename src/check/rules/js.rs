//! Rules of scripts in the browser.

use super::{Rule, Severity};

rules! {
    GLOBALS Error "NR-J01" "a script declares names for the whole page"
        "All scripts of a page share one scope: the names collide with the layout's and other apps'."
        "Wrap everything in `(function () { \"use strict\"; ... })();`, or load it as a module.";
    STRICT Warning "NR-J02" "a script is not in strict mode"
        "Without it a misspelt name silently becomes a global."
        "Begin the function with \"use strict\";";
    WINDOW Error "NR-J03" "a global without a namespace"
        "The next app that uses the same name overwrites it."
        "Keep it inside the function, or put it under one name that begins with the app's.";
    INLINE_HANDLER Error "NR-J04" "an event handler in an attribute"
        "It runs in the global scope, and the page's content policy blocks it."
        "Use `data-action` and one listener: root.addEventListener(\"click\", ...).";
    UNSCOPED Error "NR-J05" "elements are looked for in the whole page"
        "Elements of the layout with the same attributes are found too."
        "Search from document.querySelector(\".nr-app\").";
    ADMIN_WS Error "NR-J06" "AdminWS is used while the script loads"
        "It is loaded after the app's scripts, so it is not there yet."
        "Use it inside listeners and other callbacks.";
    OTHER_HOST Error "NR-J07" "a request to another host"
        "There is no internet, and the page's content policy blocks it."
        "Use paths such as /api/sync/NAME; to reach other systems, let the backend do it.";
    OTHER_APP Warning "NR-J08" "a call of another app"
        "It is probably a name that was forgotten when the code was copied."
        "Use this app's own name.";
    UNCHECKED Warning "NR-J09" "a response is used unchecked"
        "What came may be an error: 403 where the user may not, 500 where the app failed."
        "Look at `res.ok` or `res.status` first.";
    REDECLARED Error "NR-J10" "a library's name is declared again"
        "The name then stands for something else, or the script fails to load."
        "Use the global as it is.";
    ICONS Warning "NR-J11" "icons that are never drawn"
        "`data-lucide` is a placeholder until lucide.createIcons() is called."
        "Call lucide.createIcons() after the HTML is in the page.";
    IMPORT Error "NR-J12" "an import that a browser cannot resolve"
        "There is no build, no package registry and no internet."
        "Import a file of the bundle by its relative path, or use a library's global.";
    SCRIPT_COLOUR Warning "NR-J13" "a fixed colour in a script"
        "It does not follow the light and the dark theme."
        "Use classes, or var(--bs-...).";
    JS_SYNTAX Error "SK-J01" "a script cannot be read"
        "None of it runs."
        "Correct the place that is named.";
}
