//! Rules of Python backends.

use super::{Rule, Severity};

rules! {
    NO_EXECUTE Error "NR-P01" "main.py has no `execute`"
        "Every call of the app is a call of this function."
        "Define `def execute(data, conn=None):` at the top level of main.py.";
    SIGNATURE Warning "NR-P02" "`execute` does not take what it is given"
        "The host passes the request, and by name `conn`, `query` and `report_progress`."
        "Write `def execute(data, conn=None):`, and give every other parameter a default.";
    DDL_REPEATED Error "NR-P03" "a statement that makes tables cannot be repeated"
        "It runs at every deploy, and fails the second time."
        "Write IF NOT EXISTS.";
    DDL_IN_CALL Warning "NR-P04" "tables are changed in a call"
        "Tables can be changed only while the app is deployed; in a call it is refused."
        "Move the statement into a function that is called at module level.";
    TABLE_PREFIX Warning "NR-P05" "a table's name does not begin with the app's"
        "All apps share the schema `public`: another app may want the same name."
        "Begin the name with the app's name or short prefix, or use the app's own schema.";
    OPEN_CONNECTION Warning "NR-P06" "a connection may stay open"
        "A connection that nobody closes is lost until the call ends."
        "Write `with psycopg2.connect(...) as conn:`.";
    PROGRESS Warning "NR-P07" "progress is written too often, or of no job"
        "Each write is a new version of the row; and the job is named by `_job_id` alone."
        "Write at every 10 %, for `data[\"_job_id\"]`; or use `skep.jobs.progress`.";
    ACTIONS Warning "NR-P08" "a notification that nobody can get"
        "It needs a `name`, and users can subscribe only to names in the manifest."
        "Give it a `name` that stands in `actions` of the manifest.";
    LIBRARIES Info "NR-P09" "a library is found here without `sys.path`"
        "`libs/` is on the path by itself; only older hosts need `sys.path.insert`."
        "Nothing needs to be done here.";
    REENTERED Error "NR-P10" "`with` on the connection that was passed in"
        "The host has entered it already: psycopg2 refuses to enter it again, and it would commit half a call."
        "Use it as it is; the host commits when `execute` returns.";
    BUILT_SQL Warning "NR-P11" "SQL is put together from the request"
        "Whoever calls the app can write the rest of the statement."
        "Pass values as parameters: `cur.execute(\"... WHERE id = %s\", (value,))`.";
    SLOW Warning "NR-P12" "a call waits"
        "A call that waits keeps its place from others, and is cut when its time is over."
        "Do it in a job, through /api/async.";
    FROZEN Warning "SK-P02" "a moment or a chance of the build is kept"
        "Module-level code runs once, when a release is built, so every call sees the same value; `skep dev` and `skep test` run it in each cell."
        "Call it in the function that needs it.";
    PYTHON_SYNTAX Error "SK-P01" "a Python source cannot be read"
        "The app does not build with it."
        "Correct the place that is named.";
}
