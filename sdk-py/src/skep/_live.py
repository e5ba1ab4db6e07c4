"""The module of the component that runs any app from its sources, for `skep dev` and `skep test`.

It is built once, without an app. A cell of it finds the files of the app in the read-only folder
`SOURCES` and imports them at its first call, so that an edit needs no build. What module-level
code computes is computed anew in each such cell; of a release it is computed once, at build.
"""

from __future__ import annotations

import json

from skep import _build, _call, _exports, _host, _tests
from skep._exports import Lifecycle, Task, WitWorld

__all__ = ["Lifecycle", "Task", "WitWorld"]

SOURCES = "/sources"

# No task of a manifest has such a name.
TESTS = "skep:tests"


class LiveApp(_call.App):
    """An app in its sources."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> None:
        """As of any app; and finds the hooks and tasks that the manifest names, as a build does."""
        if self._fresh:
            self._begin()
        try:
            _build.check_targets()
        except _build.BuildFailed as error:
            raise _call.failed(error) from None
        super().load()

    def task(self, name: str, data: str) -> str:
        """Runs a task of the manifest, or one of the app's tests. Raises `Failed`."""
        if name != TESTS:
            return super().task(name, data)
        return self.run(lambda: _tests.run(**json.loads(data)))

    def _begin(self) -> None:
        try:
            _build.open_sources(SOURCES)
        except BaseException as error:
            raise _call.failed(error) from None
        super()._begin()


_build.build_without_app()
_host.use(_host.cell_host())
_exports.use(LiveApp())
_build.settle()
