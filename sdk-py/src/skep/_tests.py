"""The tests of an app, run in its cells by `skep test`.

A test is a function `test_*` of a file `tests/test_*.py`, or a method of a `unittest.TestCase`
there. A function may be a coroutine, and is given `conn` and `query` where it has parameters of
these names, as `execute` is; what it does through `conn` is undone.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import unittest
from types import ModuleType
from typing import Any

from psycopg2 import connection_for_call
from skep import _importer, _queries

INJECTED = frozenset({"conn", "query"})


def run(file: str, test: str | None = None) -> str:
    """Lists the tests of a file, as `{"tests": [...]}`, or runs one.

    Of one that ran comes `{}`, of one that was skipped `{"skipped": REASON}`. What a test
    raises is raised here.
    """
    # Tests say `import main`, and mean the app's one.
    sys.modules.setdefault("main", sys.modules[_importer.MAIN])
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    if test is None:
        return json.dumps({"tests": _names(module)})
    try:
        _run_one(module, test)
    except unittest.SkipTest as skipped:
        return json.dumps({"skipped": str(skipped)})
    return "{}"


def _names(module: ModuleType) -> list[str]:
    names: list[str] = []
    for name, found in vars(module).items():
        if getattr(found, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(found) and issubclass(found, unittest.TestCase):
            methods = unittest.defaultTestLoader.getTestCaseNames(found)
            names.extend(f"{name}.{method}" for method in methods)
        elif inspect.isclass(found) and any(method.startswith("test") for method in vars(found)):
            # Left out in silence, its tests would pass for done.
            raise TypeError(f"class {name} has tests and is no unittest.TestCase: make it one")
        elif name.startswith("test") and inspect.isfunction(found):
            names.append(name)
    return names


def _run_one(module: ModuleType, test: str) -> None:
    name, _, method = test.partition(".")
    found = getattr(module, name)
    if method:
        # A suite runs what stands around a class and a module, too.
        unittest.TestSuite([found(method)]).debug()
        return
    parameters = inspect.signature(found).parameters.values()
    wanted = {parameter.name for parameter in parameters if parameter.default is parameter.empty}
    if unknown := wanted - INJECTED:
        listed = ", ".join(sorted(unknown))
        raise TypeError(f"{test} wants {listed}: a test is given `conn` and `query`, and no more")
    named: dict[str, Any] = {}
    if "conn" in wanted:
        named["conn"] = connection_for_call()
    if "query" in wanted:
        is_coroutine = inspect.iscoroutinefunction(found)
        named["query"] = _queries.query_later if is_coroutine else _queries.query
    result = found(**named)
    if inspect.iscoroutine(result):
        from skep import _loop

        _loop.run(result)
    # What was done through `conn` is not committed, and goes with the end of the call.
