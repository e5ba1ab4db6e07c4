"""The module that componentize-py makes a component of: the exports of `skep:app/python`.

Importing it builds the bundle. That happens once, at build; cells start from the
snapshot that is taken afterwards.
"""

from __future__ import annotations

import json
import sys

from skep import _build, _call, _exports, _failure, _host
from skep._exports import Lifecycle, Task, WitWorld

__all__ = ["Lifecycle", "Task", "WitWorld"]


def _build_app() -> _call.App:
    try:
        return _call.App(_build.build(_build.find_bundle()))
    except _build.BuildFailed as error:
        print(_failure.BUILD_MARKER + json.dumps(error.report()), file=sys.stderr, flush=True)
        raise SystemExit(1) from None


_app = _build_app()
_host.use(_host.cell_host())
_exports.use(_app)
_build.settle()
