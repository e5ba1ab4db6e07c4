"""The boundary to the host: with `_egress`, what touches generated bindings.

componentize-py generates `wit_world` when it builds a component, so it is absent
in plain CPython. Everything else in this package talks to `host`, which is the
cell's, a build's that reaches nothing, or one that says what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from skep import _phase
from skep.errors import (
    CredentialNotSet,
    HostUnavailable,
    InvalidJob,
    InvalidPayload,
    InvalidSetting,
    InvalidStatement,
    JobOver,
    NotInCell,
    OverLimit,
    QueueFull,
    ResultNotReady,
    SkepError,
    SqlError,
    TimedOut,
    UndeclaredAction,
    UndeclaredCredential,
    UndeclaredSetting,
)

if TYPE_CHECKING:
    from skep._wire import Head
    from skep.caller import Caller
    from skep.schedules import Schedule

# What a statement gives at build time: nothing may be read from it.
PRETEND: Any = object()


class Order(NamedTuple):
    """A job that is to be queued. `priority` is the name of a case of the interface."""

    payload: str
    task: str | None
    key: str | None
    priority: str
    delay_ms: int


class Session(Protocol):
    """A database session with transactions. `execute` gives a wit `outcome`.

    `set_modes` is for the transactions that begin after it; `isolation` is the name of a
    case of the interface in capitals. None is the server's default.
    """

    def set_modes(
        self, isolation: str | None, read_only: bool | None, deferrable: bool | None
    ) -> None: ...
    def execute(self, sql: str, params: Sequence[Any]) -> Any: ...
    def commit(self) -> None: ...
    def commit_on_return(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class Exchange(Protocol):
    """One HTTP request and its answer. All raise OSError in one of its forms."""

    def write(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def answer(self) -> tuple[int, list[tuple[str, bytes]]]: ...
    def read(self, size: int) -> bytes: ...
    def close(self) -> None: ...


class Host(Protocol):
    """What a cell may ask of its host."""

    def open_session(self) -> Session: ...
    def execute(self, sql: str, params: Sequence[Any]) -> Any: ...
    def write_log(self, level: str, message: str, detail: str | None) -> None: ...
    def current_caller(self) -> Caller | None: ...
    def call_id(self) -> str: ...
    def current_job(self) -> tuple[str, int] | None: ...
    def report_progress(self, percent: int | None, text: str | None) -> None: ...
    def is_cancelled(self) -> bool: ...
    def enqueue(self, session: Session | None, order: Order) -> str: ...
    def get_credential(self, name: str) -> bytes: ...
    def get_setting(self, key: str) -> str | None: ...
    def all_settings(self) -> list[tuple[str, str]]: ...
    def set_setting(self, key: str, value: str) -> None: ...
    def unset_setting(self, key: str) -> None: ...
    def send_notification(self, action: str, payload: str) -> None: ...
    def get_schedule(self, name: str) -> Schedule | None: ...
    def all_schedules(self) -> list[Schedule]: ...
    def open_exchange(
        self, origin: str, authority: str, head: Head, timeout: float | None
    ) -> Exchange: ...
    def close_exchanges(self) -> None: ...


class NoHost:
    """Plain CPython: nothing to reach."""

    def open_session(self) -> Session:
        raise NotInCell("the database of Skep is reachable in a cell only; see skep.testing")

    def execute(self, sql: str, params: Sequence[Any]) -> Any:
        return self.open_session()

    def write_log(self, level: str, message: str, detail: str | None) -> None:
        import sys

        print(f"{level}: {message}" + (f" {detail}" if detail else ""), file=sys.stderr)

    def current_caller(self) -> Caller | None:
        return None

    def call_id(self) -> str:
        return ""

    def current_job(self) -> tuple[str, int] | None:
        return None

    def report_progress(self, percent: int | None, text: str | None) -> None:
        pass

    def is_cancelled(self) -> bool:
        return False

    def enqueue(self, session: Session | None, order: Order) -> str:
        raise NotInCell("jobs can be queued in a cell only; see skep.testing")

    def get_credential(self, name: str) -> bytes:
        raise NotInCell("credentials are there in a cell only; see skep.testing")

    def get_setting(self, key: str) -> str | None:
        raise NotInCell("settings are there in a cell only; see skep.testing")

    def all_settings(self) -> list[tuple[str, str]]:
        raise NotInCell("settings are there in a cell only; see skep.testing")

    def set_setting(self, key: str, value: str) -> None:
        raise NotInCell("settings are there in a cell only; see skep.testing")

    def unset_setting(self, key: str) -> None:
        raise NotInCell("settings are there in a cell only; see skep.testing")

    def send_notification(self, action: str, payload: str) -> None:
        raise NotInCell("notifications go out of a cell only; see skep.testing")

    def get_schedule(self, name: str) -> Schedule | None:
        raise NotInCell("schedules are there in a cell only; see skep.testing")

    def all_schedules(self) -> list[Schedule]:
        raise NotInCell("schedules are there in a cell only; see skep.testing")

    def open_exchange(
        self, origin: str, authority: str, head: Head, timeout: float | None
    ) -> Exchange:
        raise NotInCell("outside a cell, requests go over sockets of your own machine")

    def close_exchanges(self) -> None:
        pass


class _PretendSession:
    def set_modes(
        self, isolation: str | None, read_only: bool | None, deferrable: bool | None
    ) -> None:
        pass

    def execute(self, sql: str, params: Sequence[Any]) -> Any:
        return PRETEND

    def commit(self) -> None:
        pass

    def commit_on_return(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


class BuildHost(NoHost):
    """A build: statements are accepted and forgotten, since `load` runs them."""

    def open_session(self) -> Session:
        return _PretendSession()

    def execute(self, sql: str, params: Sequence[Any]) -> Any:
        return PRETEND

    def write_log(self, level: str, message: str, detail: str | None) -> None:
        pass

    def get_credential(self, name: str) -> bytes:
        raise _not_ready("credentials")

    def get_setting(self, key: str) -> str | None:
        raise _not_ready("settings")

    def all_settings(self) -> list[tuple[str, str]]:
        raise _not_ready("settings")

    def set_setting(self, key: str, value: str) -> None:
        pass

    def unset_setting(self, key: str) -> None:
        pass

    def send_notification(self, action: str, payload: str) -> None:
        pass

    def get_schedule(self, name: str) -> Schedule | None:
        raise _not_ready("schedules")

    def all_schedules(self) -> list[Schedule]:
        raise _not_ready("schedules")

    def open_exchange(
        self, origin: str, authority: str, head: Head, timeout: float | None
    ) -> Exchange:
        _phase.mark_result_read()
        raise ResultNotReady("a request cannot be sent while the app is built")

    def close_exchanges(self) -> None:
        pass


def _not_ready(what: str) -> ResultNotReady:
    _phase.mark_result_read()
    return ResultNotReady(f"{what} cannot be read while the app is being built")


host: Host = NoHost()


def use(replacement: Host) -> None:
    """Makes `replacement` the host from now on."""
    global host
    host = replacement


def unicode(text: str) -> str:
    """Returns `text` with lone surrogates, which no component can hand over, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _must_be_unicode(sql: str, params: Sequence[Any]) -> None:
    """Raises UnicodeEncodeError for lone surrogates, before they would end the cell."""
    sql.encode()
    for param in params:
        if param is not None and isinstance(param[1], str):
            param[1].encode()


def cell_host() -> Host:
    """Returns the host of a cell. Needs the generated bindings."""
    from componentize_py_types import Err
    from wit_world.imports import (
        caller,
        credentials,
        db,
        jobs,
        log,
        notify,
        schedules,
        settings,
    )

    from skep import _egress
    from skep.caller import Caller
    from skep.schedules import Schedule

    errors: dict[Any, Any] = {
        db.Error_Sql: lambda e: SqlError(**vars(e.value)),
        db.Error_Invalid: lambda e: InvalidStatement(e.value),
        db.Error_OverLimit: lambda e: OverLimit(e.value),
        db.Error_TimedOut: lambda e: TimedOut("the call's time is over"),
        db.Error_Unavailable: lambda e: HostUnavailable("the database could not be reached"),
    }
    errors |= {
        credentials.Error_Undeclared: lambda e: UndeclaredCredential(
            f"the manifest's `needs.credentials` does not name `{e.value}`, or it was withdrawn"
        ),
        credentials.Error_NotSet: lambda e: CredentialNotSet(
            f"the credential `{e.value}` is not set: an operator does it"
        ),
        credentials.Error_OverLimit: lambda e: OverLimit(e.value),
        credentials.Error_Unavailable: lambda e: HostUnavailable(
            "the credential could not be read now"
        ),
        settings.Error_Undeclared: lambda e: UndeclaredSetting(
            f"the manifest's `settings` has no key `{e.value}`"
        ),
        settings.Error_Invalid: lambda e: InvalidSetting(e.value),
        settings.Error_OverLimit: lambda e: OverLimit(e.value),
        settings.Error_Unavailable: lambda e: HostUnavailable("settings could not be reached now"),
        notify.Error_Undeclared: lambda e: UndeclaredAction(
            f"the manifest's `actions` declare no notification `{e.value}`"
        ),
        notify.Error_Invalid: lambda e: InvalidPayload(e.value),
        notify.Error_OverLimit: lambda e: OverLimit(e.value),
        schedules.Error_OverLimit: lambda e: OverLimit(e.value),
        schedules.Error_Unavailable: lambda e: HostUnavailable("schedules could not be read now"),
    }
    values: dict[str, Any] = {
        "boolean": db.Value_Boolean,
        "integer": db.Value_Integer,
        "float": db.Value_Float,
        "text": db.Value_Text,
        "bytes": db.Value_Bytes,
        "array": db.Value_Array,
    }
    of_jobs: dict[Any, Any] = {
        jobs.Error_Superseded: lambda e: JobOver("the job was cancelled, or is another's now"),
        jobs.Error_Invalid: lambda e: InvalidJob(e.value),
        jobs.Error_QueueFull: lambda e: QueueFull(
            "the call has queued too many jobs, or too many of the app's wait"
        ),
        jobs.Error_TimedOut: lambda e: TimedOut("the call's time is over"),
        jobs.Error_Unavailable: lambda e: HostUnavailable("the queue could not be reached"),
    }
    levels = {level.name.lower(): level for level in log.Level}

    def moment(text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text)

    def schedule_of(found: Any) -> Schedule:
        fields = dict(vars(found))
        for policy in ("overlap", "missed"):
            fields[policy] = fields[policy].name.lower()
        for time in ("next_run", "last_run"):
            fields[time] = moment(fields[time])
        return Schedule(**fields)

    def wire(params: Sequence[Any]) -> list[Any]:
        return [
            db.Value_Null() if param is None else values[param[0]](param[1]) for param in params
        ]

    def translated(error: Any) -> SkepError:
        raised: SkepError = errors[type(error.value)](error.value)
        return raised

    class CellSession:
        __slots__ = ("_connection",)

        def __init__(self) -> None:
            self._connection = db.Connection()

        @property
        def connection(self) -> Any:
            return self._connection

        def set_modes(
            self, isolation: str | None, read_only: bool | None, deferrable: bool | None
        ) -> None:
            level = None if isolation is None else db.Isolation[isolation]
            self._connection.set_modes(db.TransactionModes(level, read_only, deferrable))

        def execute(self, sql: str, params: Sequence[Any]) -> Any:
            _must_be_unicode(sql, params)
            try:
                return self._connection.execute(sql, wire(params))
            except Err as error:
                raise translated(error) from None

        def commit(self) -> None:
            try:
                self._connection.commit()
            except Err as error:
                raise translated(error) from None

        def commit_on_return(self) -> None:
            self._connection.commit_on_return()

        def rollback(self) -> None:
            try:
                self._connection.rollback()
            except Err as error:
                raise translated(error) from None

        def close(self) -> None:
            self._connection.__exit__(None, None, None)

    class CellHost:
        def open_session(self) -> Session:
            return CellSession()

        def execute(self, sql: str, params: Sequence[Any]) -> Any:
            _must_be_unicode(sql, params)
            try:
                return db.execute(sql, wire(params))
            except Err as error:
                raise translated(error) from None

        def write_log(self, level: str, message: str, detail: str | None) -> None:
            log.write(levels[level], unicode(message), None if detail is None else unicode(detail))

        def current_caller(self) -> Caller | None:
            identity = caller.current()
            if identity is None:
                return None
            return Caller(
                identity.user_id,
                identity.username,
                tuple(identity.roles),
                tuple(identity.permissions),
            )

        def call_id(self) -> str:
            call_id: str = caller.call_id()
            return call_id

        def current_job(self) -> tuple[str, int] | None:
            job = jobs.current()
            return None if job is None else (job.id, job.attempt)

        def report_progress(self, percent: int | None, text: str | None) -> None:
            try:
                jobs.report(percent, None if text is None else unicode(text))
            except Err as error:
                # Code that a job and a call share need not ask which of them it runs in.
                if not isinstance(error.value, jobs.Error_NotAJob):
                    raise of_jobs[type(error.value)](error.value) from None

        def is_cancelled(self) -> bool:
            cancelled: bool = jobs.is_cancelled()
            return cancelled

        def enqueue(self, session: Session | None, order: Order) -> str:
            request = jobs.Request(
                order.payload,
                order.task,
                order.key,
                jobs.Priority[order.priority],
                order.delay_ms,
            )
            try:
                queued: str = (
                    jobs.enqueue(request)
                    if session is None
                    else jobs.enqueue_with(cast(CellSession, session).connection, request)
                )
            except Err as error:
                raise of_jobs[type(error.value)](error.value) from None
            return queued

        def get_credential(self, name: str) -> bytes:
            try:
                secret: bytes = credentials.get(unicode(name))
            except Err as error:
                raise translated(error) from None
            return bytes(secret)

        def get_setting(self, key: str) -> str | None:
            try:
                value: str | None = settings.get(unicode(key))
            except Err as error:
                raise translated(error) from None
            return value

        def all_settings(self) -> list[tuple[str, str]]:
            try:
                values: list[tuple[str, str]] = settings.all()
            except Err as error:
                raise translated(error) from None
            return values

        def set_setting(self, key: str, value: str) -> None:
            try:
                settings.set(unicode(key), value)
            except Err as error:
                raise translated(error) from None

        def unset_setting(self, key: str) -> None:
            try:
                settings.unset(unicode(key))
            except Err as error:
                raise translated(error) from None

        def send_notification(self, action: str, payload: str) -> None:
            try:
                notify.send(unicode(action), payload)
            except Err as error:
                raise translated(error) from None

        def get_schedule(self, name: str) -> Schedule | None:
            try:
                found = schedules.get(unicode(name))
            except Err as error:
                raise translated(error) from None
            return None if found is None else schedule_of(found)

        def all_schedules(self) -> list[Schedule]:
            try:
                found = schedules.all()
            except Err as error:
                raise translated(error) from None
            return [schedule_of(schedule) for schedule in found]

        def open_exchange(
            self, origin: str, authority: str, head: Head, timeout: float | None
        ) -> Exchange:
            return _egress.Exchange(origin, authority, head, timeout)

        def close_exchanges(self) -> None:
            _egress.close_all()

    return CellHost()
