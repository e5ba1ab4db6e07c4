# The pieces of the App Build Guide as they stand, put together, with its slug filled in.
import os, logging, psycopg2
import contextlib
import time

log = logging.getLogger(__name__)

def _migrate() -> None:
    """
    Runs idempotent DDL on every app load / hot-reload.
    Called at module level — executes automatically on deploy.
    """
    dsn = os.getenv("DATABASE_URL", "")
    if not dsn:
        log.warning("[app_guide] DATABASE_URL not set — skipping migration")
        return
    with psycopg2.connect(dsn) as conn:
        with conn.cursor() as cur:
            cur.execute("""
                CREATE TABLE IF NOT EXISTS app_guide_items (
                    id         SERIAL PRIMARY KEY,
                    name       TEXT        NOT NULL,
                    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
                )
            """)
        conn.commit()
    log.info("[app_guide] migration ok")

# ── Runs on every deploy / hot-reload ─────────────────────────────────────
_migrate()

@contextlib.contextmanager
def _get_conn(conn=None):
    if conn is not None:
        yield conn
    else:
        with psycopg2.connect(os.getenv("DATABASE_URL")) as own:
            yield own

def execute(data: dict, conn=None) -> dict:
    action = str(data.get("action", "")).strip()

    if action == "list":
        return _list(conn=conn)
    if action == "create":
        return _create(data, conn=conn)
    if action == "run_report":     # long-running → send via async channel
        return _run_report(data)

    return {"message": "ok"}

def _list(conn=None) -> dict:
    with _get_conn(conn) as c:
        with c.cursor() as cur:
            cur.execute("SELECT id, name FROM app_guide_items ORDER BY id DESC")
            rows = cur.fetchall()
    return {"rows": [{"id": r[0], "name": r[1]} for r in rows]}

# Named by the guide and left to the author.
def _create(data: dict, conn=None) -> dict:
    with _get_conn(conn) as c:
        with c.cursor() as cur:
            cur.execute("INSERT INTO app_guide_items (name) VALUES (%s) RETURNING id", (data["name"],))
            new_id = cur.fetchone()[0]
    return {
        "id": new_id,
        "_actions": [             # stripped before the response is sent
            {
                "name":    "item_created",
                "payload": {"id": new_id},
            }
        ]
    }

def _run_report(data: dict) -> dict:
    job_id        = data.get("_job_id", "")   # injected by the runner
    dsn           = os.getenv("DATABASE_URL", "")
    total         = 100
    milestone     = 10
    last_reported = 0

    for i in range(total):
        # --- your heavy compute here ---
        time.sleep(0.001)

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
                pass   # never crash the job over a progress write

    return {"message": "done", "processed": total}
