"""Items, their stock in places, and moves between places.

The page asks by `data["action"]`. What a user can set right is returned as
`{"error": text}`; anything else is an exception, and then nothing is kept.
"""

import contextlib
import logging
import os

import psycopg2

from . import stock

log = logging.getLogger(__name__)


# ── Database ──────────────────────────────────────────────────────────────


def _migrate():
    """Runs once a deploy; every statement must be safe to repeat."""
    dsn = os.getenv("DATABASE_URL", "")
    if not dsn:
        log.warning("[inventory] DATABASE_URL not set, skipping migration")
        return
    with psycopg2.connect(dsn) as conn:
        with conn.cursor() as cur:
            cur.execute(
                """
                CREATE TABLE IF NOT EXISTS inventory_items (
                    id         SERIAL PRIMARY KEY,
                    name       TEXT          NOT NULL UNIQUE,
                    price      NUMERIC(12,2) NOT NULL DEFAULT 0,
                    minimum    INTEGER       NOT NULL DEFAULT 0,
                    created_at TIMESTAMPTZ   NOT NULL DEFAULT NOW()
                )
                """
            )
            cur.execute(
                """
                CREATE TABLE IF NOT EXISTS inventory_stock (
                    item_id  INTEGER NOT NULL REFERENCES inventory_items (id) ON DELETE CASCADE,
                    place    TEXT    NOT NULL,
                    quantity INTEGER NOT NULL CHECK (quantity >= 0),
                    PRIMARY KEY (item_id, place)
                )
                """
            )
        conn.commit()
    log.info("[inventory] migration ok")


_migrate()


@contextlib.contextmanager
def _get_conn(conn=None):
    if conn is not None:
        yield conn
    else:
        with psycopg2.connect(os.getenv("DATABASE_URL")) as own:
            yield own


# ── Entry point ───────────────────────────────────────────────────────────


def execute(data, conn=None):
    """Answers one call of the page."""
    action = _ACTIONS.get(str(data.get("action", "list")).strip())
    if action is None:
        return {"error": f"unknown action: {data.get('action')}"}
    try:
        with _get_conn(conn) as c:
            return action(c, data)
    except stock.Refused as refused:
        return {"error": str(refused)}


# ── Actions ───────────────────────────────────────────────────────────────


def _list(conn, data):
    return {"items": stock.items(conn, str(data.get("search", "")).strip())}


def _create(conn, data):
    item = stock.item_fields(data)
    try:
        with conn.cursor() as cur:
            cur.execute(
                "INSERT INTO inventory_items (name, price, minimum)"
                " VALUES (%(name)s, %(price)s, %(minimum)s) RETURNING id",
                item,
            )
            return {"id": cur.fetchone()[0]}
    except psycopg2.errors.UniqueViolation:
        conn.rollback()
        raise stock.Refused(f"there is already an item called {item['name']}") from None


def _update(conn, data):
    item = {**stock.item_fields(data), "id": stock.number(data, "id")}
    with conn.cursor() as cur:
        cur.execute(
            "UPDATE inventory_items SET name = %(name)s, price = %(price)s, minimum = %(minimum)s"
            " WHERE id = %(id)s",
            item,
        )
        if cur.rowcount == 0:
            raise stock.Refused("no such item")
    return {"id": item["id"]}


def _delete(conn, data):
    with conn.cursor() as cur:
        cur.execute("DELETE FROM inventory_items WHERE id = %s", (stock.number(data, "id"),))
        return {"deleted": cur.rowcount}


def _receive(conn, data):
    item_id, quantity = stock.number(data, "id"), stock.number(data, "quantity")
    stock.add(conn, item_id, stock.place(data, "place"), quantity)
    return {"ok": True}


def _move(conn, data):
    """Moves stock between two places: both change, or neither does."""
    item_id, quantity = stock.number(data, "id"), stock.number(data, "quantity")
    source, target = stock.place(data, "from"), stock.place(data, "to")
    if source == target:
        raise stock.Refused("the two places are the same")
    left = stock.take(conn, item_id, source, quantity)
    stock.add(conn, item_id, target, quantity)
    result = {"left": left}
    minimum = stock.minimum(conn, item_id)
    if left < minimum:
        result["_actions"] = [
            {
                "name": "low_stock",
                "payload": {"item_id": item_id, "place": source, "quantity": left},
            }
        ]
    return result


_ACTIONS = {
    "list": _list,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "receive": _receive,
    "move": _move,
}
