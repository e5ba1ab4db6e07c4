"""Makes reports in the background, and lists those that were made."""

import os

import psycopg2

from skep import jobs


def _migrate():
    with psycopg2.connect(os.getenv("DATABASE_URL")) as conn, conn.cursor() as cur:
        cur.execute(
            """
            CREATE TABLE IF NOT EXISTS report_lines (
                report UUID    NOT NULL,
                number INTEGER NOT NULL,
                PRIMARY KEY (report, number)
            )
            """
        )


_migrate()


def execute(data, conn=None):
    """Answers a call, or does a job: only a job has a `_job_id`."""
    action = data.get("action")
    if action == "list":
        return _list(conn)
    if action == "make":
        if "_job_id" not in data:
            return {"error": "a report takes a while: send it to /api/async/report"}
        return _make(data["_job_id"], int(data.get("rows", 100)), conn)
    return {"error": f"unknown action {action!r}"}


def _make(report, rows, conn):
    """The lines and the answer are kept together, or not at all: the host commits both."""
    with conn.cursor() as cur:
        for number in range(rows):
            cur.execute(
                "INSERT INTO report_lines (report, number) VALUES (%s, %s)", (report, number)
            )
            if number % 50 == 0:
                jobs.progress(100 * number / rows, f"line {number} of {rows}")
        cur.execute("SELECT sum(number) FROM report_lines WHERE report = %s", (report,))
        total = cur.fetchone()[0]
    return {"rows": rows, "total": total}


def _list(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT count(*), sum(number) FROM report_lines GROUP BY report ORDER BY 1")
        return {"reports": [{"rows": rows, "total": total} for rows, total in cur.fetchall()]}
