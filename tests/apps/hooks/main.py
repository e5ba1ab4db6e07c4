"""An app with every hook and a task. Deployed by `tests/it/hooks.rs`."""

from skep import jobs


def execute(data, conn):
    if data.get("action") == "queue":
        return {"job": jobs.enqueue({"rows": data["rows"]}, task="sync", conn=conn)}
    if data.get("action") == "unknown":
        return jobs.enqueue(task="other")
    with conn.cursor() as cur:
        cur.execute("SELECT text FROM hooks_notes ORDER BY id")
        return [text for (text,) in cur.fetchall()]


def sync(data, conn, report_progress):
    report_progress(50)
    with conn.cursor() as cur:
        cur.execute("INSERT INTO hooks_notes (text) VALUES ('synced')")
    return {"rows": data["rows"], "job": "_job_id" in data}
