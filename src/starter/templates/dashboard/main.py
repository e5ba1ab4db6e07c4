import datetime
from decimal import Decimal, InvalidOperation


def execute(data, conn=None):
    """Answer one call."""
    action = str(data.get("action", "")).strip()

    if action == "overview":
        return {"days": _days(conn), "rows": _rows(conn)}
    if action == "add":
        return _add(data, conn)
    return {"error": f"unknown action {action!r}"}


def _days(conn):
    """The total of each day, for the chart."""
    with conn.cursor() as cur:
        cur.execute(
            "SELECT day, sum(amount) FROM <table_prefix>_readings GROUP BY day ORDER BY day LIMIT 400"
        )
        return [{"day": day.isoformat(), "total": float(total)} for day, total in cur.fetchall()]


def _rows(conn):
    """The readings themselves, for the table, the newest first."""
    with conn.cursor() as cur:
        cur.execute(
            "SELECT id, meter, day, amount FROM <table_prefix>_readings"
            " ORDER BY day DESC, meter LIMIT 1000"
        )
        return [
            {"id": row_id, "meter": meter, "day": day.isoformat(), "amount": float(amount)}
            for row_id, meter, day, amount in cur.fetchall()
        ]


def _add(data, conn):
    meter = str(data.get("meter", "")).strip()
    if not meter:
        return {"error": "meter is required"}
    try:
        day = datetime.date.fromisoformat(str(data.get("day", "")))
        amount = Decimal(str(data.get("amount", "")))
    except (ValueError, InvalidOperation):
        return {"error": "day is a date such as 2026-01-31, and amount a number"}
    with conn.cursor() as cur:
        cur.execute(
            "INSERT INTO <table_prefix>_readings (meter, day, amount) VALUES (%s, %s, %s)"
            " ON CONFLICT (meter, day) DO UPDATE SET amount = excluded.amount RETURNING id",
            (meter, day, amount),
        )
        row_id = cur.fetchone()[0]
    reading = {"meter": meter, "day": day.isoformat(), "amount": float(amount)}
    return {
        "id": row_id,
        # Sent to those who subscribed to `reading_added`, and not to the caller.
        "_actions": [{"name": "reading_added", "payload": reading}],
    }
