"""An asyncio event loop for a cell, which has no sockets, no threads and no signals."""

from __future__ import annotations

import asyncio
import time
from asyncio import base_events
from collections.abc import Callable, Coroutine
from typing import Any


class _Waiting:
    """Stands where a loop has its selector: there is only time to wait for."""

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the coroutine waits for something that cannot happen in a cell")
        if timeout > 0:
            time.sleep(timeout)
        return []


class CellLoop(base_events.BaseEventLoop):
    """Runs coroutines, timers and tasks; an executor's work runs in place."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Waiting()

    def _process_events(self, event_list: list[Any]) -> None:
        """Does nothing: there are no file events."""

    def _write_to_self(self) -> None:
        """Does nothing: no other thread can wake this loop."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Does nothing: there is no executor."""


def use_for_asyncio() -> None:
    """Makes `asyncio.run` and `asyncio.new_event_loop` use this loop."""
    events: Any = asyncio.events
    events.new_event_loop = CellLoop
    asyncio.new_event_loop = CellLoop


_shared: CellLoop | None = None


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine to its end and returns its result; what it left running is cancelled."""
    global _shared
    loop = _shared or CellLoop()
    _shared = loop
    try:
        return loop.run_until_complete(coroutine)
    finally:
        left = asyncio.all_tasks(loop)
        if left:
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
