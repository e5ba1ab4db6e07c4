//! Rules of the bundle as such and of its manifest.

use super::{Rule, Severity};

rules! {
    NO_MANIFEST Error "NR-B01" "there is no manifest.json"
        "The manifest says what the app is; without one there is no app."
        "Put manifest.json at the root of the bundle, with `app_name` and `version`.";
    NO_BACKEND Error "NR-B02" "there is no backend"
        "Something must answer the calls of the app."
        "Put main.py, or main.js, at the root of the bundle.";
    WRAPPED Error "NR-B03" "everything is inside one folder"
        "The host looks for manifest.json at the root."
        "Pack the contents of the folder, not the folder itself.";
    APP_NAME Error "NR-B04" "the app's name is missing or not allowed"
        "The name is the app's part of every address."
        "Set `app_name` to 1 to 64 letters, digits, `_` or `-`, the first a letter or digit.";
    FOLDER_NAME Warning "NR-B05" "the folder has another name than the app"
        "The contract names both alike, and people look for one by the other."
        "Rename the folder, or change `app_name`.";
    NOT_JSON Error "NR-B06" "the manifest is not what it must be"
        "The manifest is strict JSON: no comments, no trailing commas, no key twice, right types."
        "Correct the place that is named.";
    VERSION Error "NR-B07" "the version is missing or not MAJOR.MINOR.PATCH"
        "Releases are told apart by it."
        "Set `version` to a text such as \"1.0.0\".";
    DISPLAY Warning "NR-B08" "a text of the manifest is shown badly"
        "Lists have room for 40 characters, and show plain text."
        "Shorten `display_name`, and write `description` without Markdown.";
    ACTION Error "NR-B09" "an action has no usable name"
        "Subscriptions and queries are found by the name of the action."
        "Give each action a `name` of its own: letters, digits, `_` or `-`.";
    ACTION_DISPLAY Warning "NR-B10" "a notification has no display name"
        "Users choose notifications by it."
        "Set `display_name`.";
    PERMISSION Error "NR-B11" "a permission is not one"
        "A permission that nobody can have closes the app to all; one that is no text opens it."
        "Use a permission such as \"sales:access\", or \"\" for none.";
    OPEN_ACTION Warning "NR-B12" "anybody may subscribe to what a restricted app sends"
        "The permission of the app guards its calls, not its notifications."
        "Set `required_permission` of the action too.";
    UNSAFE_BUNDLE Error "NR-B13" "a member of the bundle is not allowed"
        "Paths must stay inside the bundle, and members be plain files of bounded size."
        "Leave out or rename the member that is named.";
    JUNK Warning "NR-B14" "a file has no place in a bundle"
        "A bundle is served as it is: nothing is installed, built or unpacked from it."
        "Leave the file out.";
    UNKNOWN_KEY Info "NR-B15" "a key of the manifest is ignored"
        "The host does not know it: it may be misspelt."
        "Correct or remove it.";
    TABLES_REPEATED Error "NR-B16" "a statement of `tables` cannot be repeated"
        "`tables` runs at every deploy: the second time it would fail, or lose or double rows."
        "Write CREATE ... IF NOT EXISTS and INSERT ... ON CONFLICT, and no DROP or TRUNCATE.";
    PARAMETERS Error "NR-B17" "the parameters of a query do not fit its SQL"
        "`params` are $1, $2 and so on in their order; one that is missing fails every call."
        "List one parameter for each `$N` of the SQL, in their order.";
    NUMBER Error "SK-B01" "a number of the manifest is out of range"
        "Limits and counts are whole numbers from 1 on."
        "Correct the number.";
    PLACES Error "SK-B02" "two names, or an origin, cannot be used"
        "An origin is scheme, host and port; and names that differ only in case are one on Windows."
        "Correct the origin that is named, or rename one of the files.";
    CREDENTIALS Error "SK-B03" "a credential of `needs` cannot be used"
        "Credentials are found by their name."
        "Give each a name of its own: letters, digits, `_` or `-`.";
    NEEDED_TABLE Warning "SK-B04" "a table that is needed is not there"
        "Nothing is granted of a table that no app has."
        "Deploy the app that makes it first.";
    LIMITS Warning "SK-B05" "a limit is beyond what this server gives"
        "The app gets the most that any app can have."
        "Ask for less, or ask the operator.";
    SETTING_VALUE Warning "SK-B06" "a setting's value is missing or does not fit"
        "The app finds no value, or one of the release before."
        "Set it: `skep settings APP set KEY VALUE`.";
    SETTING Error "SK-B07" "a setting is not declared as it must be"
        "Operators and the app find settings by their keys, and set them by their types."
        "Correct the place that is named.";
    HOOK Error "SK-B08" "a hook or a task is not declared as it must be"
        "It is a function of the app, called by its name."
        "Correct the place that is named.";
    SCHEDULE Error "SK-B10" "a schedule has no good time, zone, name or policy"
        "The app would be called at another time, or not at all."
        "Correct the place that is named.";
    QUERY Error "SK-B11" "a named query cannot be run"
        "The database or the host refuses it, whatever values it is given."
        "See what the message says instead.";
    QUERY_KIND Warning "SK-B12" "a named query is not what its type says"
        "Readers of the manifest go by the type."
        "Say `mutation` where rows are changed.";
    NOT_READ Info "SK-B20" "a file was not checked"
        "Files that are large, minified or not UTF-8 are not read; nor more than a good deal of them."
        "Nothing needs to be done. A large source is better split.";
    NOT_CHECKED Error "SK-B21" "the sources could not be checked"
        "Reading them took more time, memory or depth than a program should."
        "Split or simplify the source that nests so deeply, or leave it out.";
}
