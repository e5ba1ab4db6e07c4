"""The rules of stock: what may be asked, and how quantities change."""

from decimal import Decimal, InvalidOperation

import psycopg2.errors
from psycopg2.extras import RealDictCursor


class Refused(Exception):
    """A user asked for what cannot be. The text is shown to them."""


def number(data, name):
    """Returns a positive whole number of the request."""
    try:
        value = int(data.get(name))
    except (TypeError, ValueError):
        raise Refused(f"{name} must be a number") from None
    if not 0 < value < 1_000_000_000:
        raise Refused(f"{name} must be positive")
    return value


def place(data, name):
    """Returns the name of a place of the request."""
    value = str(data.get(name, "")).strip()
    if not value or len(value) > 60:
        raise Refused("a place has a name of 1 to 60 characters")
    return value


def item_fields(data):
    """Returns what describes an item."""
    name = str(data.get("name", "")).strip()
    if not name or len(name) > 120:
        raise Refused("an item has a name of 1 to 120 characters")
    try:
        price = Decimal(str(data.get("price", "0")))
        minimum = int(data.get("minimum", 0))
    except (InvalidOperation, TypeError, ValueError):
        raise Refused("price and minimum must be numbers") from None
    if not price.is_finite() or not 0 <= price < 10**9 or not 0 <= minimum < 10**9:
        raise Refused("price and minimum cannot be negative or huge")
    return {"name": name, "price": price, "minimum": minimum}


def items(conn, search):
    """Returns the items whose name contains `search`, each with its stock by place."""
    with conn.cursor(cursor_factory=RealDictCursor) as cur:
        cur.execute(
            """
            SELECT i.id, i.name, i.price, i.minimum, i.created_at,
                   COALESCE(SUM(s.quantity), 0)::int AS total,
                   COALESCE(jsonb_object_agg(s.place, s.quantity)
                            FILTER (WHERE s.place IS NOT NULL), '{}') AS places
            FROM inventory_items i
            LEFT JOIN inventory_stock s ON s.item_id = i.id AND s.quantity > 0
            WHERE i.name ILIKE %s
            GROUP BY i.id
            ORDER BY i.name
            LIMIT 500
            """,
            (f"%{search}%",),
        )
        rows = cur.fetchall()
    # JSON has no decimals and no dates.
    return [
        {**row, "price": str(row["price"]), "created_at": row["created_at"].isoformat()}
        for row in rows
    ]


def minimum(conn, item_id):
    """Returns below which quantity an item is short."""
    with conn.cursor() as cur:
        cur.execute("SELECT minimum FROM inventory_items WHERE id = %s", (item_id,))
        return cur.fetchone()[0]


def add(conn, item_id, where, quantity):
    """Adds to the stock of a place."""
    try:
        with conn.cursor() as cur:
            cur.execute(
                """
                INSERT INTO inventory_stock (item_id, place, quantity) VALUES (%s, %s, %s)
                ON CONFLICT (item_id, place)
                DO UPDATE SET quantity = inventory_stock.quantity + EXCLUDED.quantity
                """,
                (item_id, where, quantity),
            )
    except psycopg2.errors.ForeignKeyViolation:
        conn.rollback()
        raise Refused("no such item") from None


def take(conn, item_id, where, quantity):
    """Takes from the stock of a place and returns what is left there."""
    try:
        with conn.cursor() as cur:
            cur.execute(
                "UPDATE inventory_stock SET quantity = quantity - %s"
                " WHERE item_id = %s AND place = %s RETURNING quantity",
                (quantity, item_id, where),
            )
            row = cur.fetchone()
    except psycopg2.errors.CheckViolation:
        # The failed statement ended the transaction; what the call did before is undone.
        conn.rollback()
        raise Refused(f"there is less than {quantity} in {where}") from None
    if row is None:
        raise Refused(f"there is none in {where}")
    return row[0]
