"""What psycopg2 keeps in `extras`: other rows, many rows, JSON, UUID."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Callable
from typing import Any

from psycopg2._adapt import ISQLQuote, quote_string, register_adapter
from psycopg2._batch import execute_batch, execute_values
from psycopg2._connection import connection
from psycopg2._cursor import cursor
from psycopg2._exceptions import NotSupportedError
from psycopg2._rows import (
    DictCursor,
    DictRow,
    LoggingCursor,
    NamedTupleCursor,
    RealDictCursor,
    RealDictRow,
)
from psycopg2._typecast import (
    ARRAY_OIDS,
    OIDS,
    TypeCaster,
    new_array_type,
    new_type,
    register_type,
)

__all__ = [
    "DictConnection",
    "DictCursor",
    "DictRow",
    "Inet",
    "Json",
    "LoggingConnection",
    "LoggingCursor",
    "NamedTupleConnection",
    "NamedTupleCursor",
    "RealDictConnection",
    "RealDictCursor",
    "RealDictRow",
    "UUID_adapter",
    "execute_batch",
    "execute_values",
    "register_composite",
    "register_default_json",
    "register_default_jsonb",
    "register_hstore",
    "register_inet",
    "register_ipaddress",
    "register_json",
    "register_range",
    "register_uuid",
    "wait_select",
]


class _FactoryConnection(connection):
    factory: type[cursor] = cursor

    def cursor(self, *args: Any, **named: Any) -> Any:
        """Return a new cursor of this connection's kind."""
        named.setdefault("cursor_factory", self.cursor_factory or self.factory)
        return super().cursor(*args, **named)


class DictConnection(_FactoryConnection):
    """A connection whose cursors give `DictRow`."""

    factory = DictCursor


class RealDictConnection(_FactoryConnection):
    """A connection whose cursors give `RealDictRow`."""

    factory = RealDictCursor


class NamedTupleConnection(_FactoryConnection):
    """A connection whose cursors give named tuples."""

    factory = NamedTupleCursor


class LoggingConnection(_FactoryConnection):
    """A connection that writes each statement to a file or a logger."""

    factory = LoggingCursor

    def initialize(self, logobj: Any) -> None:
        """Set where statements go: an object with `debug`, or with `write`."""
        self._target = logobj

    def filter(self, msg: Any, curs: Any) -> Any:
        """Return what to log of a statement; override to leave some out."""
        return msg

    def log(self, msg: Any, curs: Any) -> None:
        """Write a statement."""
        text = self.filter(msg, curs)
        if not text:
            return
        if isinstance(text, bytes):
            text = text.decode()
        if hasattr(self._target, "debug"):
            self._target.debug(text)
        else:
            self._target.write(f"{text}\n")


class Json(ISQLQuote):
    """A Python object as JSON text. Give `dumps`, or override it, for other types."""

    def __init__(self, adapted: Any, dumps: Callable[[Any], str] | None = None) -> None:
        super().__init__(adapted)
        self._dumps = dumps or json.dumps

    def dumps(self, obj: Any) -> str:
        """Return the JSON text of an object."""
        return self._dumps(obj)

    def getquoted(self) -> bytes:
        """Return the literal."""
        return quote_string(self.dumps(self.adapted)).encode()


class UUID_adapter(ISQLQuote):  # noqa: N801
    """A UUID as a literal of its type."""

    def getquoted(self) -> bytes:
        """Return the literal."""
        return f"'{self.adapted}'::uuid".encode()


class Inet(ISQLQuote):
    """A network address as a literal of its type."""

    def getquoted(self) -> bytes:
        """Return the literal."""
        return f"{quote_string(str(self.adapted))}::inet".encode()


def _scoped(caster: TypeCaster, scope: Any, array_oid: int | None = None) -> TypeCaster:
    register_type(caster, scope)
    if array_oid is not None:
        register_type(new_array_type((array_oid,), f"{caster.name}ARRAY", caster), scope)
    return caster


def register_uuid(oids: Any = None, conn_or_curs: Any = None) -> TypeCaster:
    """Accept `uuid.UUID` as a parameter and return `uuid` columns as such."""
    register_adapter(uuid.UUID, UUID_adapter)
    caster = new_type(
        (OIDS["uuid"],), "UUID", lambda value, _: None if value is None else uuid.UUID(value)
    )
    return _scoped(caster, conn_or_curs, ARRAY_OIDS["uuid"])


def _json_caster(name: str, loads: Callable[[str], Any] | None) -> TypeCaster:
    load = loads or json.loads
    return new_type(
        (OIDS[name],), name.upper(), lambda value, _: None if value is None else load(value)
    )


def register_json(
    conn_or_curs: Any = None,
    globally: bool = False,
    loads: Callable[[str], Any] | None = None,
    oid: int | None = None,
    array_oid: int | None = None,
    name: str = "json",
) -> tuple[TypeCaster, TypeCaster | None]:
    """Read `json` (or `jsonb` by `name`) with `loads`."""
    scope = None if globally else conn_or_curs
    return _scoped(_json_caster(name, loads), scope, ARRAY_OIDS[name]), None


def register_default_json(
    conn_or_curs: Any = None, globally: bool = False, loads: Callable[[str], Any] | None = None
) -> tuple[TypeCaster, TypeCaster | None]:
    """Read `json` columns with `loads`."""
    return register_json(conn_or_curs, globally, loads, name="json")


def register_default_jsonb(
    conn_or_curs: Any = None, globally: bool = False, loads: Callable[[str], Any] | None = None
) -> tuple[TypeCaster, TypeCaster | None]:
    """Read `jsonb` columns with `loads`."""
    return register_json(conn_or_curs, globally, loads, name="jsonb")


def register_inet(oid: Any = None, conn_or_curs: Any = None) -> TypeCaster:
    """Return `inet` columns as `Inet`."""
    caster = new_type(
        (OIDS["inet"],), "INET", lambda value, _: None if value is None else Inet(value)
    )
    return _scoped(caster, conn_or_curs)


def register_ipaddress(conn_or_curs: Any = None) -> None:
    """Use the `ipaddress` module for `inet` and `cidr`, both ways."""
    for kind, name in (
        (ipaddress.IPv4Interface, "inet"),
        (ipaddress.IPv6Interface, "inet"),
        (ipaddress.IPv4Network, "cidr"),
        (ipaddress.IPv6Network, "cidr"),
    ):
        register_adapter(kind, _network_adapter(name))
    for name, read in (("inet", ipaddress.ip_interface), ("cidr", ipaddress.ip_network)):
        register_type(_network_caster(name, read), conn_or_curs)


def _network_adapter(name: str) -> Callable[[Any], ISQLQuote]:
    class NetworkAdapter(ISQLQuote):
        def getquoted(self) -> bytes:
            return f"{quote_string(str(self.adapted))}::{name}".encode()

    return NetworkAdapter


def _network_caster(name: str, read: Callable[[str], Any]) -> TypeCaster:
    return new_type(
        (OIDS[name],), name.upper(), lambda value, _: None if value is None else read(value)
    )


def register_hstore(*_: Any, **__: Any) -> None:
    """Raise: use a `jsonb` column."""
    raise NotSupportedError("hstore is not available; use jsonb")


def register_composite(*_: Any, **__: Any) -> None:
    """Raise: read the fields one by one."""
    raise NotSupportedError("composite types cannot be read; select their fields one by one")


def register_range(*_: Any, **__: Any) -> None:
    """Raise: ranges cannot be read."""
    raise NotSupportedError("ranges cannot be read; use lower() and upper() in SQL")


def wait_select(conn: Any) -> None:
    """Do nothing: statements are never left running."""
