import contextlib
import logging
import os
import time

import psycopg2

log = logging.getLogger(__name__)


def _migrate() -> None:
    dsn = os.getenv("DATABASE_URL", "")
    if not dsn:
        log.warning("[app_sales_report] DATABASE_URL not set — skipping migration")
        return
    with psycopg2.connect(dsn) as conn:
        with conn.cursor() as cur:
            cur.execute("""
                CREATE TABLE IF NOT EXISTS app_sales_report_deals (
                    id         SERIAL PRIMARY KEY,
                    name       TEXT        NOT NULL,
                    amount     NUMERIC     NOT NULL,
                    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
                )
            """)
        conn.commit()
    log.info("[app_sales_report] migration ok")


# ── Runs on every deploy / hot-reload ─────────────────────────────────────
_migrate()

# ── DB helper ─────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _get_conn(conn=None):
    if conn is not None:
        yield conn
    else:
        with psycopg2.connect(os.getenv("DATABASE_URL")) as own:
            yield own


# ── Entry point ───────────────────────────────────────────────────────────


def execute(data: dict, conn=None) -> dict:
    action = str(data.get("action", "")).strip()

    if action == "list":
        return _list(conn=conn)
    if action == "create":
        return _create(data, conn=conn)
    if action == "run_report":
        return _run_report(data)

    return {"message": "ok"}


# ── Handlers ──────────────────────────────────────────────────────────────


def _list(conn=None) -> dict:
    with _get_conn(conn) as c:
        with c.cursor() as cur:
            cur.execute(
                "SELECT id, name, amount, created_at FROM app_sales_report_deals ORDER BY id DESC"
            )
            rows = cur.fetchall()
    return {
        "rows": [
            {"id": r[0], "name": r[1], "amount": float(r[2]), "created_at": r[3].isoformat()}
            for r in rows
        ]
    }


def _create(data: dict, conn=None) -> dict:
    name = str(data.get("name", "")).strip()
    if not name:
        return {"error": "name is required"}
    with _get_conn(conn) as c:
        with c.cursor() as cur:
            cur.execute(
                "INSERT INTO app_sales_report_deals (name, amount) VALUES (%s, %s) RETURNING id",
                (name, data.get("amount") or 0),
            )
            deal_id = cur.fetchone()[0]
    return {
        "deal_id": deal_id,
        "_actions": [
            {"name": "deal_closed", "payload": {"deal_id": deal_id, "message": f"{name} is closed"}}
        ],
    }


def _run_report(data: dict) -> dict:
    job_id = data.get("_job_id", "")
    dsn = os.getenv("DATABASE_URL", "")
    total = 20
    milestone = 10
    last_reported = 0

    for i in range(total):
        time.sleep(0.01)

        progress = int(((i + 1) / total) * 100)

        if job_id and dsn and progress >= last_reported + milestone:
            last_reported = (progress // milestone) * milestone
            try:
                with psycopg2.connect(dsn) as c:
                    with c.cursor() as cur:
                        cur.execute(
                            "UPDATE noderouter_core.job_queue "
                            "SET progress = %s, updated_at = NOW() WHERE id = %s",
                            (last_reported, job_id),
                        )
                    c.commit()
            except Exception:
                pass  # never crash the job over a progress write

    return {"message": "done", "processed": total}
