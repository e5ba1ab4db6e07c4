"""Python values of PostgreSQL's types, as the `db` interface carries them.

A column's type name picks a caster once per result; most values need none.
"""

from __future__ import annotations

import datetime
import json
import re
import struct
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Caster = Callable[[Any], Any]

_INTERVAL_PART = re.compile(r"([+-]?\d+) (year|mon|day)s?")
_INTERVAL_TIME = re.compile(r"([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?$")
_DAYS = {"year": 365, "mon": 30, "day": 1}


def to_float4(value: Any) -> float:
    """Returns the shortest decimal that means the same `float4`."""
    number = float(value)
    try:
        packed = struct.pack("f", number)
    except OverflowError:
        return number
    for digits in range(6, 10):
        candidate = float(f"{number:.{digits}g}")
        if struct.pack("f", candidate) == packed:
            return candidate
    return number


def to_timestamp(text: str) -> datetime.datetime:
    """Reads `timestamp` and `timestamptz`; infinity becomes the type's limit."""
    if text == "infinity":
        return datetime.datetime.max
    if text == "-infinity":
        return datetime.datetime.min
    return datetime.datetime.fromisoformat(text)


def to_date(text: str) -> datetime.date:
    """Reads `date`; infinity becomes the type's limit."""
    if text == "infinity":
        return datetime.date.max
    if text == "-infinity":
        return datetime.date.min
    return datetime.date.fromisoformat(text)


def to_time(text: str) -> datetime.time:
    """Reads `time` and `timetz`. PostgreSQL's 24:00 is Python's 00:00."""
    return datetime.time.fromisoformat("00" + text[2:] if text.startswith("24:") else text)


def to_interval(text: str) -> datetime.timedelta:
    """Reads PostgreSQL's own interval style; a year counts 365 days, a month 30."""
    days = sum(int(count) * _DAYS[unit] for count, unit in _INTERVAL_PART.findall(text))
    delta = datetime.timedelta(days=days)
    time = _INTERVAL_TIME.search(text)
    if time is not None:
        sign, hours, minutes, seconds, fraction = time.groups()
        part = datetime.timedelta(
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds),
            microseconds=int((fraction or "0").ljust(6, "0")[:6]),
        )
        delta = delta - part if sign == "-" else delta + part
    return delta


def to_bytes(value: Any) -> memoryview:
    """Gives `bytea` as a memoryview; inside arrays it comes as `\\x` and hex."""
    if isinstance(value, str):
        return memoryview(bytes.fromhex(value[2:]))
    return memoryview(bytes(value))


CASTERS: dict[str, Caster] = {
    "numeric": Decimal,
    "json": json.loads,
    "jsonb": json.loads,
    "timestamptz": to_timestamp,
    "timestamp": to_timestamp,
    "date": to_date,
    "time": to_time,
    "timetz": to_time,
    "interval": to_interval,
    "bytea": to_bytes,
    "float4": to_float4,
    "float8": float,
}
"""Casters by type name. A type that is not here needs none."""


def array_caster(element: Caster | None) -> Caster:
    """Returns a caster for arrays whose elements `element` reads."""

    def convert(item: Any) -> Any:
        if item is None:
            return None
        if isinstance(item, list):
            return [convert(part) for part in item]
        return item if element is None else element(item)

    def cast(text: str) -> Any:
        return convert(json.loads(text))

    return cast


def caster(type_name: str, casters: Mapping[str, Caster] = CASTERS) -> Caster | None:
    """Picks the caster of a type, or None where the value is right as it comes."""
    if type_name.endswith("[]"):
        return array_caster(casters.get(type_name[:-2]))
    # `float8` comes as a float already; only in arrays may it be text (`NaN`).
    return None if type_name == "float8" else casters.get(type_name)


def _array_item(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
        return value
    if isinstance(value, (list, tuple)):
        return [_array_item(item) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    return parameter(value)[1]


def parameter(value: Any) -> Any:
    """Turns a Python value into a parameter: None, or a case of `value` and its content.

    Raises `TypeError` for a type that PostgreSQL has no match for.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int):
        return ("integer", value) if -(2**63) <= value < 2**63 else ("text", str(value))
    if isinstance(value, float):
        return ("float", value)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ("bytes", bytes(value))
    if isinstance(value, (list, tuple)):
        return ("array", json.dumps([_array_item(item) for item in value]))
    if isinstance(value, dict):
        return ("text", json.dumps(value))
    if isinstance(value, datetime.timedelta):
        return ("text", f"{value.days} days {value.seconds}.{value.microseconds:06d} seconds")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return ("text", value.isoformat())
    if isinstance(value, (Decimal, uuid.UUID)):
        return ("text", str(value))
    raise TypeError(f"a parameter cannot be a `{type(value).__name__}`")
