"""Uses nousviz_sdk as plugins do. Deployed by `tests/it/nousviz.rs`."""

import nousviz_sdk
from nousviz_sdk import (
    get_connection_field,
    get_credential,
    get_pg_conn,
    get_setting,
    jobs,
    log_event,
    progress,
    set_setting,
)
from nousviz_sdk.schedule import get_schedule
from nousviz_sdk.settings import delete_setting, list_settings
from nousviz_sdk.sync import BaseSyncScript

ID = "nousviz"

with get_pg_conn() as conn:
    conn.cursor().execute(
        "CREATE TABLE IF NOT EXISTS nousviz_items (id INT PRIMARY KEY, since TEXT)"
    )


class Sync(BaseSyncScript):
    plugin_id = ID

    def run(self, since=None):
        with get_pg_conn() as conn:
            cur = conn.cursor()
            for number in (1, 2, 3):
                if jobs.check_cancelled():
                    return
                cur.execute(
                    "INSERT INTO nousviz_items VALUES (%s, %s) ON CONFLICT (id)"
                    " DO UPDATE SET since = EXCLUDED.since",
                    (number, since and since.isoformat()),
                )
                progress.report(25 * number, f"item {number}", rows_done=number)
        self.log_sync_result(rows_synced=3, details={"run": jobs.get_run_id() is not None})


def execute(data):
    match data["action"]:
        case "sync":
            return Sync().main(["--full"] if data.get("full") else ["--source", "manual"])
        case "credentials":
            return [get_credential(ID, key) for key in ("erp", "unset", "undeclared", "__db__")]
        case "denied":
            try:
                return get_credential("other", "erp")
            except nousviz_sdk.CredentialBrokerError as error:
                return str(error)
        case "settings":
            set_setting(ID, "batch", 0)
            kept = [get_setting(ID, "batch", 7), get_connection_field(ID, "port", "none")]
            listed = list_settings(ID)
            delete_setting(ID, "batch")
            return {"kept": kept, "listed": listed, "after": get_setting(ID, "batch", 7)}
        case "schedule":
            return get_schedule(ID)
        case "log":
            log_event("warning", "from a call", detail={"rows": 5})
            with get_pg_conn() as conn:
                rows = nousviz_sdk.dict_cursor(conn).execute(
                    "SELECT count(*) AS n FROM nousviz_items"
                )
                return rows.fetchall()
    raise ValueError(data["action"])
