MOST = 100_000


def execute(data, conn=None, report_progress=None):
    """Answer a call, or do a job: only a job has a `_job_id`."""
    action = str(data.get("action", "")).strip()

    if action == "list":
        return _list(conn)
    if action == "make":
        if "_job_id" not in data:
            return {"error": "a report takes a while: send it to /api/async/<slug>"}
        return _make(data, conn, report_progress)
    return {"error": f"unknown action {action!r}"}


def _make(data, conn, report_progress):
    """Do the work. What it stores is kept together with the answer, or not at all.

    A job may run a second time, after a crash: it begins from nothing, and its rows are told
    apart by the job's id.
    """
    steps = data.get("steps", 100)
    if not isinstance(steps, int) or not 1 <= steps <= MOST:
        return {"error": f"steps is a whole number from 1 to {MOST}"}
    total = 0
    for step in range(steps):
        total += step  # the work itself
        if step % max(1, steps // 20) == 0:
            report_progress(100 * step // steps)
    with conn.cursor() as cur:
        cur.execute(
            "INSERT INTO <table_prefix>_reports (job, steps, total) VALUES (%s, %s, %s)"
            " ON CONFLICT (job) DO NOTHING",
            (data["_job_id"], steps, total),
        )
    return {
        "steps": steps,
        "total": total,
        # Sent to those who subscribed to `report_made`, and not to the caller.
        "_actions": [{"name": "report_made", "payload": {"steps": steps, "total": total}}],
    }


def _list(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT steps, total FROM <table_prefix>_reports ORDER BY made DESC LIMIT 100")
        return {"reports": [{"steps": steps, "total": total} for steps, total in cur.fetchall()]}
