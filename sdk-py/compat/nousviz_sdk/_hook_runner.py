"""Runs one hook as a program: `python -m nousviz_sdk._hook_runner module:function`.

The working directory is the plugin's. The last line of stdout is the result as JSON, and the
exit code is 0 where that is `ok`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from nousviz_sdk.hooks import HookContext, HookResult
from skep import _results


def main(arguments: list[str]) -> int:
    """Runs the hook that the one argument names and returns the exit code."""
    if not arguments:
        print(HookResult(ok=False, message="missing hook target arg").to_json())
        return 1
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    result = HookResult(**_run(arguments[0]))
    print(result.to_json(), flush=True)
    return 0 if result.ok else 1


def _run(target: str) -> _results.Outcome:
    module, _, name = target.partition(":")

    def call() -> Any:
        function = getattr(importlib.import_module(module), name, None)
        if function is None:
            message = f"function '{name}' not found in module '{module}'"
            return HookResult(ok=False, message=message)
        return function(HookContext.from_env())

    return _results.run(call)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
