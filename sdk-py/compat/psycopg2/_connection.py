"""Connections: sessions of the host's `db` interface with psycopg2's transactions.

A session is opened at the first statement, so that a call which asks nothing of
the database costs nothing. Whatever is open when a call ends is rolled back.
"""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Any, Self

from psycopg2 import _split
from psycopg2._exceptions import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
    from_host,
)
from skep import _host, _phase
from skep.errors import SkepError

STATUS_READY, STATUS_BEGIN = 1, 2
IDLE, ACTIVE, INTRANS, INERROR = 0, 1, 2, 3

_LEVELS = {
    1: "READ COMMITTED",
    2: "REPEATABLE READ",
    3: "SERIALIZABLE",
    4: "READ UNCOMMITTED",
}

# PostgreSQL reads nothing uncommitted, whatever it is asked.
_ISOLATION = {
    1: "READ_COMMITTED",
    2: "REPEATABLE_READ",
    3: "SERIALIZABLE",
    4: "READ_COMMITTED",
}

# Isolation level, read only, deferrable: as a session has them that was told nothing.
_DEFAULT_MODES: tuple[int | None, bool | None, bool | None] = (None, None, None)

# What `load` did already, once for the release, is not done again when a call imports the app.
_DDL = frozenset({"CREATE", "ALTER", "DROP", "TRUNCATE", "COMMENT", "GRANT", "REVOKE", "REINDEX"})

# Weak, because an app that drops a connection ends it, as `with connect()` in a loop does.
_open: weakref.WeakSet[connection] = weakref.WeakSet()


class NoResult:
    """What a statement gives that the host never saw."""

    columns: tuple[Any, ...] = ()
    rows: tuple[Any, ...] = ()
    affected = 0


class connection:  # noqa: N801
    """A database session, as `connect` returns it."""

    Error = Error
    Warning = Warning
    InterfaceError = InterfaceError
    DatabaseError = DatabaseError
    DataError = DataError
    OperationalError = OperationalError
    IntegrityError = IntegrityError
    InternalError = InternalError
    ProgrammingError = ProgrammingError
    NotSupportedError = NotSupportedError

    encoding = "UTF8"
    server_version = 150000
    protocol_version = 3
    async_ = 0

    def __init__(self, dsn: str | None = None, cursor_factory: Any = None, **_: Any) -> None:
        self.closed = 0
        self.cursor_factory = cursor_factory
        self.notices: list[str] = []
        self.notifies: list[Any] = []
        self.string_types: dict[int, Any] = {}
        self._autocommit = False
        self._level: int | None = None
        self._readonly: bool | None = None
        self._deferrable: bool | None = None
        self._modes = _DEFAULT_MODES
        self._session: _host.Session | None = None
        self._state = IDLE

    @property
    def dsn(self) -> str:
        """The address that every app sees; it holds no secret."""
        return "postgresql://skep/app"

    @property
    def info(self) -> ConnectionInfo:
        """Facts about the connection."""
        return ConnectionInfo(self)

    @property
    def status(self) -> int:
        """`STATUS_READY`, or `STATUS_BEGIN` inside a transaction."""
        return STATUS_READY if self._state == IDLE else STATUS_BEGIN

    def get_transaction_status(self) -> int:
        """Return one of the `TRANSACTION_STATUS_*` constants."""
        return self._state

    def get_backend_pid(self) -> int:
        """Return 0: the server process is not the app's to know."""
        return 0

    def get_parameter_status(self, parameter: str) -> str | None:
        """Return what is the same for every app, else None."""
        known = {
            "client_encoding": "UTF8",
            "DateStyle": "ISO, MDY",
            "TimeZone": "UTC",
            "standard_conforming_strings": "on",
        }
        return known.get(parameter)

    def get_dsn_parameters(self) -> dict[str, str]:
        """Return the parts of `dsn`."""
        return {"host": "skep", "dbname": "app"}

    def set_client_encoding(self, encoding: str) -> None:
        """Accept UTF-8 only."""
        if encoding.upper().replace("-", "").replace("_", "") not in ("UTF8", "UNICODE"):
            raise NotSupportedError("a cell speaks UTF-8 only")

    # Transactions

    def commit(self) -> None:
        """Keep what the current transaction did, and end it."""
        self._end("commit")

    def commit_on_return(self) -> None:
        """Leave the commit to the host, which makes it together with the call's answer."""
        self._check_open()
        if self._state == INERROR:
            self.rollback()
        elif self._session is not None and self._state != IDLE:
            self._state = IDLE
            self._session.commit_on_return()

    def session_in_transaction(self) -> _host.Session | None:
        """Return the session with a transaction begun; None where statements stand alone."""
        self._check_open()
        return None if self._autocommit else self._begin()

    def rollback(self) -> None:
        """Undo what the current transaction did, and end it."""
        self._end("rollback")

    def _end(self, how: str) -> None:
        self._check_open()
        if self._session is None or self._state == IDLE:
            return
        # Whatever the answer is, PostgreSQL has ended the transaction.
        self._state = IDLE
        try:
            getattr(self._session, how)()
        except SkepError as error:
            raise from_host(error, how) from None

    def cancel(self) -> None:
        """Do nothing: no other thread could have a statement running."""

    def reset(self) -> None:
        """Roll back and go back to the default settings."""
        self.rollback()
        self._autocommit = False
        self._level = self._readonly = self._deferrable = None

    def close(self) -> None:
        """End the session. What is not committed is rolled back."""
        self.closed = 1
        self._drop_session()

    def _drop_session(self) -> None:
        session, self._session = self._session, None
        self._state = IDLE
        _open.discard(self)
        if session is not None:
            session.close()

    def __del__(self) -> None:
        session = self.__dict__.get("_session")
        if session is not None:
            session.close()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.closed:
            return
        if kind is None:
            self.commit()
        else:
            self.rollback()

    # Settings

    @property
    def autocommit(self) -> bool:
        """Whether each statement is a transaction of its own."""
        return self._autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        self._check_idle("autocommit")
        self._autocommit = bool(value)

    @property
    def isolation_level(self) -> int | None:
        """The isolation level of the next transactions; None for the server's default."""
        return self._level

    @isolation_level.setter
    def isolation_level(self, value: Any) -> None:
        self.set_session(isolation_level=value)

    @property
    def readonly(self) -> bool | None:
        """Whether the next transactions only read; None for the server's default."""
        return self._readonly

    @readonly.setter
    def readonly(self, value: bool | None) -> None:
        self.set_session(readonly=value)

    @property
    def deferrable(self) -> bool | None:
        """Whether the next transactions are deferrable; None for the server's default."""
        return self._deferrable

    @deferrable.setter
    def deferrable(self, value: bool | None) -> None:
        self.set_session(deferrable=value)

    def set_session(
        self,
        isolation_level: Any = None,
        readonly: Any = None,
        deferrable: Any = None,
        autocommit: Any = None,
    ) -> None:
        """Change the settings of the next transactions. Raises inside a transaction."""
        self._check_idle("set_session")
        if isolation_level is not None:
            self._level = _isolation_level(isolation_level)
        if readonly is not None:
            self._readonly = None if readonly == "DEFAULT" else bool(readonly)
        if deferrable is not None:
            self._deferrable = None if deferrable == "DEFAULT" else bool(deferrable)
        if autocommit is not None:
            self._autocommit = bool(autocommit)

    def set_isolation_level(self, level: int | None) -> None:
        """Roll back, then set the level; 0 means autocommit."""
        self.rollback()
        self._autocommit = level == 0
        self._level = None if level in (None, 0) else _isolation_level(level)

    def _check_open(self) -> None:
        if self.closed:
            raise InterfaceError("connection already closed")

    def _check_idle(self, what: str) -> None:
        self._check_open()
        if self._state != IDLE:
            raise ProgrammingError(f"{what} cannot be used inside a transaction")

    # Statements

    def cursor(
        self,
        name: str | None = None,
        cursor_factory: Any = None,
        scrollable: bool | None = None,
        withhold: bool = False,
    ) -> Any:
        """Return a new cursor; with a name, one that the server keeps."""
        from psycopg2._cursor import cursor as plain_cursor

        self._check_open()
        factory = cursor_factory or self.cursor_factory or plain_cursor
        if name is None:
            return factory(self)
        return factory(self, name=name, scrollable=scrollable, withhold=withhold)

    def lobject(self, *_: Any, **__: Any) -> Any:
        """Raise: a cell has no large objects."""
        raise NotSupportedError("large objects are not available; use a `bytea` column")

    def xid(self, *_: Any) -> Any:
        """Raise: a cell has no two-phase commit."""
        raise NotSupportedError("two-phase commit is not available")

    tpc_begin = tpc_prepare = tpc_commit = tpc_rollback = tpc_recover = xid

    def poll(self) -> int:
        """Return that nothing is waiting."""
        return 0

    def run(self, sql: str, cursor: Any) -> Any:
        """Runs statement after statement and returns the outcome of the last one."""
        statements = _split.statements(sql)
        if not statements:
            raise ProgrammingError("can't execute an empty query")
        outcome: Any = None
        for statement in statements:
            outcome = self._run_one(statement, cursor)
        return outcome

    def _run_one(self, statement: str, cursor: Any) -> Any:
        self._check_open()
        word = _split.keyword(statement)
        cursor._keyword, cursor._last_statement = word, statement
        if _phase.current is _phase.Phase.IMPORT and word in _DDL:
            return NoResult
        if word in _CONTROL and self._control(statement, word):
            return NoResult
        try:
            session = self._begin()
            outcome = session.execute(statement, ())
            if self._autocommit:
                self._state = IDLE
                session.commit()
            return outcome
        except SkepError as error:
            self._after_error()
            raise from_host(error, statement, cursor) from None

    def _begin(self) -> _host.Session:
        if self._session is None:
            self._session = _host.host.open_session()
            self._modes = _DEFAULT_MODES
            _open.add(self)
        if self._state == IDLE:
            modes = (self._level, self._readonly, self._deferrable)
            if modes != self._modes:
                isolation = None if self._level is None else _ISOLATION[self._level]
                self._session.set_modes(isolation, self._readonly, self._deferrable)
                self._modes = modes
            self._state = INTRANS
        return self._session

    def _after_error(self) -> None:
        if self._session is None:
            return
        if not self._autocommit:
            self._state = INERROR
            return
        self._state = IDLE
        try:
            self._session.rollback()
        except SkepError:
            # The statement's own error is what the app must see; a session that
            # cannot even roll back is of no more use.
            self._drop_session()

    def _control(self, statement: str, word: str) -> bool:
        """Does what a transaction statement says, by the interface's own functions."""
        words = [part.upper() for part in statement.replace(";", " ").split()]
        if "PREPARED" in words or "CHAIN" in words:
            raise NotSupportedError(f"`{' '.join(words[:3])}` is not available")
        if word in ("BEGIN", "START"):
            # A transaction begins with its first statement anyway.
            return len(words) <= 2
        if word in ("COMMIT", "END"):
            self.commit()
            return True
        if "TO" in words:
            return False
        self.rollback()
        return True


_CONTROL = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"})


def _isolation_level(value: Any) -> int | None:
    if isinstance(value, str):
        name = value.upper().replace("_", " ")
        if name == "DEFAULT":
            return None
        for number, known in _LEVELS.items():
            if known == name:
                return number
        raise ValueError(f"bad value for isolation_level: '{value}'")
    if value not in _LEVELS:
        raise ValueError("isolation_level must be between 1 and 4")
    level: int = value
    return level


class ConnectionInfo:
    """What an app may know about its connection."""

    host = "skep"
    port = 5432
    dbname = "app"
    user = "app"
    password = ""
    options = ""

    def __init__(self, conn: connection) -> None:
        self._connection = conn

    @property
    def status(self) -> int:
        """0 while the connection is good, else 1."""
        return 1 if self._connection.closed else 0

    @property
    def transaction_status(self) -> int:
        """One of the `TRANSACTION_STATUS_*` constants."""
        return self._connection.get_transaction_status()

    @property
    def server_version(self) -> int:
        """The lowest server version that a cell meets."""
        return self._connection.server_version

    @property
    def dsn_parameters(self) -> dict[str, str]:
        """The parts of the address."""
        return self._connection.get_dsn_parameters()


def end_call() -> None:
    """Rolls back and ends every session that a call left open."""
    while _open:
        # An app may keep the object in a global: it opens a new session when used again.
        _open.pop()._drop_session()
