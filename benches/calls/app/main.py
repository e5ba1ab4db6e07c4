"""The work of `examples/tally` that is measured, as an app in Python."""

from typing import Any


def execute(data: dict[str, Any], conn: Any = None) -> dict[str, Any]:
    """Answer one call."""
    action = data.get("action")
    if action == "ping":
        return {"pong": data.get("value")}
    if action == "get":
        return get(conn, data["id"])
    if action == "add":
        return add(conn, data["name"], data["amount"])
    return {"error": f"unknown action '{action}'"}


def get(conn: Any, entry: int) -> dict[str, Any]:
    with conn.cursor() as cursor:
        cursor.execute("SELECT name, amount FROM tally_entries WHERE id = %s", (entry,))
        row = cursor.fetchone()
    if row is None:
        return {"error": f"there is no entry {entry}"}
    return {"id": entry, "name": row[0], "amount": row[1]}


def add(conn: Any, name: str, amount: int) -> dict[str, Any]:
    insert = "INSERT INTO tally_entries (name, amount) VALUES (%s, %s) RETURNING id"
    with conn.cursor() as cursor:
        cursor.execute(insert, (name, amount))
        return {"id": cursor.fetchone()[0]}
