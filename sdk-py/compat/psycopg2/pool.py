"""Pools of connections. A connection costs nothing until its first statement."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2._exceptions import Error


class PoolError(Error):
    """A pool was used in a way that cannot work."""


class AbstractConnectionPool:
    """Keeps up to `maxconn` connections."""

    def __init__(self, minconn: int, maxconn: int, *args: Any, **kwargs: Any) -> None:
        self.minconn = int(minconn)
        self.maxconn = int(maxconn)
        self.closed = False
        self._arguments = args, kwargs
        self._free: list[Any] = []
        self._used: dict[Any, Any] = {}
        self._keys = 0
        for _ in range(self.minconn):
            self._free.append(self._connect())

    def _connect(self) -> Any:
        args, kwargs = self._arguments
        return psycopg2.connect(*args, **kwargs)

    def getconn(self, key: Any = None) -> Any:
        """Return a free connection. Raises `PoolError` where none is left."""
        self._check_open()
        if key is None:
            self._keys += 1
            key = self._keys
        if key in self._used:
            return self._used[key]
        if not self._free and len(self._used) >= self.maxconn:
            raise PoolError("connection pool exhausted")
        conn = self._free.pop() if self._free else self._connect()
        self._used[key] = conn
        return conn

    def putconn(self, conn: Any, key: Any = None, close: bool = False) -> None:
        """Give a connection back; what is not committed is rolled back."""
        self._check_open()
        if key is None:
            key = next((known for known, used in self._used.items() if used is conn), None)
        if key not in self._used:
            raise PoolError("trying to put unkeyed connection")
        del self._used[key]
        if conn.closed:
            return
        if close or len(self._free) >= max(self.minconn, 1):
            conn.close()
            return
        conn.rollback()
        self._free.append(conn)

    def closeall(self) -> None:
        """Close every connection and the pool."""
        self._check_open()
        for conn in [*self._free, *self._used.values()]:
            conn.close()
        self.closed = True

    def _check_open(self) -> None:
        if self.closed:
            raise PoolError("connection pool is closed")


class SimpleConnectionPool(AbstractConnectionPool):
    """A pool for one thread."""


class ThreadedConnectionPool(AbstractConnectionPool):
    """A pool for several threads elsewhere; a cell has one."""
