"""The `db` interface over a real PostgreSQL, for tests: statements in, wit values out.

It reads results as the server prints them, through psycopg 3, and so shares no
code with the module under test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import pq

_SETTINGS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres"


class Refused(Exception):
    """What the interface's `error` says, as its case and content."""

    def __init__(self, case: str, content: Any = None) -> None:
        super().__init__(case, content)
        self.case = case
        self.content = content


class Database:
    """A database, and the names of its types."""

    def __init__(self, dsn: str, database: str | None = None) -> None:
        self._dsn = psycopg.conninfo.make_conninfo(
            dsn, options=_SETTINGS, **({"dbname": database} if database else {})
        )
        with self.connect() as conn:
            rows = conn.execute(
                "SELECT t.oid, t.typname, e.typname FROM pg_type t"
                " LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1"
                " AND t.typcategory = 'A'"
            ).fetchall()
        self.types = {oid: f"{element}[]" if element else name for oid, name, element in rows}

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._dsn, autocommit=True)


class Session:
    """One `connection` of the interface."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.conn = database.connect()
        self._begin = "BEGIN"

    def set_modes(
        self, isolation: str | None, read_only: bool | None, deferrable: bool | None
    ) -> None:
        modes = [f"ISOLATION LEVEL {isolation}"] if isolation else []
        if read_only is not None:
            modes.append("READ ONLY" if read_only else "READ WRITE")
        if deferrable is not None:
            modes.append("DEFERRABLE" if deferrable else "NOT DEFERRABLE")
        self._begin = " ".join(["BEGIN", ", ".join(modes)])

    def execute(self, sql: str, params: list[tuple[str, Any] | None]) -> dict[str, Any]:
        if self.conn.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            self._raw(self._begin, [])
        return self._raw(sql, params)

    def commit(self) -> None:
        # PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK.
        self._raw("COMMIT", [])

    def rollback(self) -> None:
        self._raw("ROLLBACK", [])

    def close(self) -> None:
        self.conn.close()

    def _raw(self, sql: str, params: list[tuple[str, Any] | None]) -> dict[str, Any]:
        values = [None if param is None else _printed(*param) for param in params]
        result = self.conn.pgconn.exec_params(sql.encode(), values)
        if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE):
            raise Refused("sql", _sql_error(result))
        names = [self.database.types.get(result.ftype(i), "text") for i in range(result.nfields)]
        return {
            "columns": [((result.fname(i) or b"").decode(), name) for i, name in enumerate(names)],
            "rows": [
                [_value(name, result.get_value(row, i)) for i, name in enumerate(names)]
                for row in range(result.ntuples)
            ],
            "affected": result.command_tuples or 0,
        }


def _sql_error(result: Any) -> dict[str, Any]:
    def field(name: pq.DiagnosticField) -> str | None:
        value = result.error_field(name)
        return None if value is None else str(value.decode())

    fields = pq.DiagnosticField
    position = field(fields.STATEMENT_POSITION)
    return {
        "sqlstate": field(fields.SQLSTATE),
        "message": field(fields.MESSAGE_PRIMARY),
        "detail": field(fields.MESSAGE_DETAIL),
        "hint": field(fields.MESSAGE_HINT),
        "position": int(position) if position else None,
        "schema_name": field(fields.SCHEMA_NAME),
        "table_name": field(fields.TABLE_NAME),
        "column_name": field(fields.COLUMN_NAME),
        "constraint_name": field(fields.CONSTRAINT_NAME),
    }


def _printed(case: str, content: Any) -> bytes:
    if case == "bytes":
        return b"\\x" + bytes(content).hex().encode()
    if case == "array":
        return _array_text(json.loads(content)).encode()
    return str(content).encode()


def _array_text(items: list[Any]) -> str:
    def item(value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list):
            return _array_text(value)
        text = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'

    return "{" + ",".join(item(value) for value in items) + "}"


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "bool": ("boolean", lambda text: text == "t"),
    **dict.fromkeys(("int2", "int4", "int8", "oid"), ("integer", int)),
    **dict.fromkeys(("float4", "float8"), ("float", float)),
    "bytea": ("bytes", lambda text: bytes.fromhex(text[2:])),
}


def _value(type_name: str, data: bytes | None) -> tuple[str, Any]:
    if data is None:
        return ("null", None)
    text = data.decode()
    if type_name.endswith("[]"):
        return ("array", json.dumps(_array(text, type_name[:-2])))
    case, read = _READERS.get(type_name, ("text", str))
    return (case, read(text))


def _array(text: str, element: str) -> Any:
    """Reads PostgreSQL's text of an array into nested lists."""
    position = text.index("{")

    def element_of(raw: str, quoted: bool) -> Any:
        if raw == "NULL" and not quoted:
            return None
        case, read = _READERS.get(element, ("text", str))
        if case == "bytes" or raw in ("NaN", "Infinity", "-Infinity"):
            return raw
        return read(raw)

    def parse(start: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = start + 1
        while text[at] != "}":
            if text[at] == ",":
                at += 1
            elif text[at] == "{":
                inner, at = parse(at)
                items.append(inner)
            elif text[at] == '"':
                raw = ""
                at += 1
                while text[at] != '"':
                    at += text[at] == "\\"
                    raw += text[at]
                    at += 1
                at += 1
                items.append(element_of(raw, True))
            else:
                end = min(i for i in (text.find(",", at), text.find("}", at)) if i >= 0)
                items.append(element_of(text[at:end], False))
                at = end
        return items, at + 1

    return parse(position)[0]
