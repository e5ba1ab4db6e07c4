"""How values of a result become Python objects, and the numbers of their types."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from skep import _values

OIDS: dict[str, int] = {
    "bool": 16,
    "bytea": 17,
    "char": 18,
    "name": 19,
    "int8": 20,
    "int2": 21,
    "int4": 23,
    "regproc": 24,
    "text": 25,
    "oid": 26,
    "json": 114,
    "xml": 142,
    "point": 600,
    "float4": 700,
    "float8": 701,
    "unknown": 705,
    "money": 790,
    "macaddr": 829,
    "cidr": 650,
    "inet": 869,
    "bpchar": 1042,
    "varchar": 1043,
    "date": 1082,
    "time": 1083,
    "timestamp": 1114,
    "timestamptz": 1184,
    "interval": 1186,
    "timetz": 1266,
    "bit": 1560,
    "varbit": 1562,
    "numeric": 1700,
    "uuid": 2950,
    "jsonb": 3802,
    "int4range": 3904,
    "numrange": 3906,
    "tsrange": 3908,
    "tstzrange": 3910,
    "daterange": 3912,
    "int8range": 3926,
    "void": 2278,
    "record": 2249,
}

ARRAY_OIDS: dict[str, int] = {
    "bool": 1000,
    "bytea": 1001,
    "name": 1003,
    "int2": 1005,
    "int4": 1007,
    "text": 1009,
    "bpchar": 1014,
    "varchar": 1015,
    "int8": 1016,
    "float4": 1021,
    "float8": 1022,
    "oid": 1028,
    "inet": 1041,
    "timestamp": 1115,
    "date": 1182,
    "time": 1183,
    "timestamptz": 1185,
    "interval": 1187,
    "numeric": 1231,
    "uuid": 2951,
    "json": 199,
    "jsonb": 3807,
}


def oid(type_name: str) -> int:
    """Returns the number of a type; 0 for one that is not built in."""
    if type_name.endswith("[]"):
        return ARRAY_OIDS.get(type_name[:-2], 0)
    return OIDS.get(type_name, 0)


class TypeCaster:
    """A named reader of some types, as `new_type` makes it.

    Its function gets the value as PostgreSQL prints it (or None) and the cursor.
    It equals each of its type numbers, so that `column.type_code == NUMBER` works.
    """

    def __init__(
        self, values: Sequence[int], name: str, function: Callable[[Any, Any], Any] | None
    ) -> None:
        self.values = tuple(values)
        self.name = name
        self.function = function

    def __call__(self, value: Any, cursor: Any = None) -> Any:
        if isinstance(value, bytes):
            value = value.decode()
        if self.function is not None:
            return self.function(value, cursor)
        if value is None:
            return None
        names = [name for name, number in OIDS.items() if number in self.values]
        cast = _READERS.get(names[0]) if names else None
        return value if cast is None else cast(value)

    def __eq__(self, other: object) -> bool:
        return other in self.values if isinstance(other, int) else self is other

    def __hash__(self) -> int:
        return hash(self.values)

    def __repr__(self) -> str:
        return f"<psycopg2 type '{self.name}'>"


_READERS: dict[str, Callable[[str], Any]] = {
    **_values.CASTERS,
    "bool": lambda text: text in ("t", "true"),
    "int2": int,
    "int4": int,
    "int8": int,
    "oid": int,
    "float4": float,
}


def printed(value: Any) -> str:
    """Returns a value of the host as PostgreSQL prints it, for an app's own caster."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (bytes, bytearray)):
        return "\\x" + bytes(value).hex()
    return value if isinstance(value, str) else str(value)


def new_type(
    values: Sequence[int], name: str, castobj: Callable[[Any, Any], Any] | None = None
) -> TypeCaster:
    """Make a caster for types by number; `register_type` puts it into use."""
    return TypeCaster(values, name, castobj)


def new_array_type(values: Sequence[int], name: str, baseobj: TypeCaster) -> TypeCaster:
    """Make a caster for arrays whose elements `baseobj` reads."""
    caster = TypeCaster(values, name, None)
    caster.__dict__["element"] = baseobj
    return caster


# By type number; those of a connection or a cursor go first.
registered: dict[int, TypeCaster] = {}


def register_type(caster: TypeCaster, scope: Any = None) -> None:
    """Use `caster` everywhere, or in one connection or cursor."""
    target = registered if scope is None else scope.string_types
    for value in caster.values:
        target[value] = caster


def reader(type_name: str, cursor: Any) -> _values.Caster | None:
    """Picks what reads a column's values; None where they are right as they come."""
    if registered or cursor._has_own_types():
        number = oid(type_name)
        custom = cursor._type_caster(number)
        if custom is not None:
            return _custom_reader(custom, cursor)
        if type_name.endswith("[]"):
            element = cursor._type_caster(oid(type_name[:-2]))
            if element is not None:
                return _values.array_caster(_custom_reader(element, cursor))
    return _values.caster(type_name)


def _custom_reader(custom: TypeCaster, cursor: Any) -> _values.Caster:
    element = custom.__dict__.get("element")
    if element is not None:
        return _values.array_caster(_custom_reader(element, cursor))
    return lambda value: custom(printed(value), cursor)


def _standard(name: str, *types: str) -> TypeCaster:
    return TypeCaster([OIDS[kind] for kind in types], name, None)


BOOLEAN = _standard("BOOLEAN", "bool")
BINARY = _standard("BINARY", "bytea")
INTEGER = _standard("INTEGER", "int4", "int2")
LONGINTEGER = _standard("LONGINTEGER", "int8")
FLOAT = _standard("FLOAT", "float8", "float4")
DECIMAL = _standard("DECIMAL", "numeric")
NUMBER = _standard("NUMBER", "int8", "int4", "int2", "float8", "float4", "numeric")
STRING = _standard("STRING", "name", "char", "text", "bpchar", "varchar")
UNICODE = _standard("UNICODE", "name", "char", "text", "bpchar", "varchar")
ROWID = _standard("ROWID", "oid")
DATE = _standard("DATE", "date")
TIME = _standard("TIME", "time", "timetz")
DATETIME = _standard("DATETIME", "timestamp", "timestamptz", "date", "time", "timetz", "interval")
INTERVAL = _standard("INTERVAL", "interval")
PYDATE = _standard("PYDATE", "date")
PYTIME = _standard("PYTIME", "time", "timetz")
PYDATETIME = _standard("PYDATETIME", "timestamp")
PYDATETIMETZ = _standard("PYDATETIMETZ", "timestamptz")
PYINTERVAL = _standard("PYINTERVAL", "interval")
JSON = _standard("JSON", "json")
JSONB = _standard("JSONB", "jsonb")


def date_from_ticks(ticks: float) -> datetime.date:
    """Return the local date of a time stamp."""
    return datetime.date.fromtimestamp(ticks)


def timestamp_from_ticks(ticks: float) -> datetime.datetime:
    """Return the local time of a time stamp, aware of its zone."""
    return datetime.datetime.fromtimestamp(ticks).astimezone()


def time_from_ticks(ticks: float) -> datetime.time:
    """Return the local time of day of a time stamp."""
    return datetime.datetime.fromtimestamp(ticks).time()
