"""`skep:app/db`, over the PostgreSQL that `database` names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import postgres_host
from componentize_py_types import Err


@dataclass
class Value_Null:
    pass


@dataclass
class Value_Boolean:
    value: bool


@dataclass
class Value_Integer:
    value: int


@dataclass
class Value_Float:
    value: float


@dataclass
class Value_Text:
    value: str


@dataclass
class Value_Bytes:
    value: bytes


@dataclass
class Value_Array:
    value: str


@dataclass
class Column:
    name: str
    type_name: str


@dataclass
class Outcome:
    columns: list[Column]
    rows: list[list[Any]]
    affected: int


@dataclass
class SqlError:
    sqlstate: str
    message: str
    detail: str | None
    hint: str | None
    position: int | None
    schema_name: str | None
    table_name: str | None
    column_name: str | None
    constraint_name: str | None


@dataclass
class Error_Sql:
    value: SqlError


@dataclass
class Error_Invalid:
    value: str


@dataclass
class Error_OverLimit:
    value: str


@dataclass
class Error_TimedOut:
    pass


@dataclass
class Error_Unavailable:
    pass


class Isolation(Enum):
    READ_COMMITTED = 0
    REPEATABLE_READ = 1
    SERIALIZABLE = 2


@dataclass
class TransactionModes:
    isolation: Isolation | None
    read_only: bool | None
    deferrable: bool | None


CASES = {
    "boolean": Value_Boolean,
    "integer": Value_Integer,
    "float": Value_Float,
    "text": Value_Text,
    "bytes": Value_Bytes,
    "array": Value_Array,
}
NAMES = {case: name for name, case in CASES.items()}

# Set by the suite before anything is run.
database: Any = None

statements: list[str] = []
open_sessions = 0


def outcome(result: dict[str, Any]) -> Outcome:
    return Outcome(
        [Column(*column) for column in result["columns"]],
        [
            [Value_Null() if case == "null" else CASES[case](content) for case, content in row]
            for row in result["rows"]
        ],
        result["affected"],
    )


class Connection:
    def __init__(self) -> None:
        global open_sessions
        open_sessions += 1
        self._session = postgres_host.Session(database)

    def set_modes(self, modes: TransactionModes) -> None:
        isolation = None if modes.isolation is None else modes.isolation.name.replace("_", " ")
        self._session.set_modes(isolation, modes.read_only, modes.deferrable)

    def execute(self, sql: str, params: list[Any]) -> Outcome:
        statements.append(sql)
        given = [
            None if isinstance(param, Value_Null) else (NAMES[type(param)], param.value)
            for param in params
        ]
        try:
            return outcome(self._session.execute(sql, given))
        except postgres_host.Refused as refused:
            raise Err(Error_Sql(SqlError(**refused.content))) from None

    def commit(self) -> None:
        statements.append("-- commit")
        try:
            self._session.commit()
        except postgres_host.Refused as refused:
            raise Err(Error_Sql(SqlError(**refused.content))) from None

    def commit_on_return(self) -> None:
        statements.append("-- commit on return")

    def rollback(self) -> None:
        statements.append("-- rollback")
        self._session.rollback()

    def __exit__(self, *_: object) -> None:
        global open_sessions
        open_sessions -= 1
        self._session.close()


def execute(sql: str, params: list[Any]) -> Outcome:
    connection = Connection()
    try:
        result = connection.execute(sql, params)
        connection.commit()
        return result
    finally:
        connection.__exit__()
