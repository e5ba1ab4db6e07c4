"""Many rows in few statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from psycopg2 import _adapt, _mogrify


def _pages(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page


def execute_batch(cur: Any, sql: Any, argslist: Iterable[Any], page_size: int = 100) -> None:
    """Run `sql` once for each item of `argslist`.

    `page_size` means nothing here: the host runs one statement at a time.
    """
    for arguments in argslist:
        cur.execute(sql, arguments)


def _around_placeholder(sql: str) -> tuple[str, str]:
    """Cuts a statement at its one `%s`; `%%` is a percent sign."""
    parts = re.split(r"(%.)", sql)
    before: list[str] = []
    after: list[str] | None = None
    for part in parts:
        if len(part) == 2 and part[0] == "%":
            if part == "%s":
                if after is not None:
                    raise ValueError("the query contains more than one '%s' placeholder")
                after = []
                continue
            if part != "%%":
                raise ValueError(f"unsupported format character: '{part[1]}'")
            part = "%"
        (before if after is None else after).append(part)
    if after is None:
        raise ValueError("the query doesn't contain any '%s' placeholder")
    return "".join(before), "".join(after)


def execute_values(
    cur: Any,
    sql: Any,
    argslist: Iterable[Any],
    template: Any = None,
    page_size: int = 100,
    fetch: bool = False,
) -> list[Any] | None:
    """Run `sql` with its `VALUES %s` filled with `page_size` rows at a time.

    `template` is how one row looks, such as `(%s, %s::jsonb)` or `(%(a)s, 1)`.
    Returns all rows that the statements returned if `fetch` is set, else None.
    """
    if isinstance(sql, bytes):
        sql = sql.decode()
    elif not isinstance(sql, str):
        sql = sql.as_string(cur)
    if isinstance(template, bytes):
        template = template.decode()
    elif template is not None and not isinstance(template, str):
        template = template.as_string(cur)
    before, after = _around_placeholder(sql)
    result: list[Any] | None = [] if fetch else None
    for page in _pages(argslist, page_size):
        rows = []
        for arguments in page:
            form = template or f"({','.join(['%s'] * len(arguments))})"
            rows.append(_mogrify.merge(form, arguments, _adapt.literal))
        cur.execute((before + ",".join(rows) + after).encode())
        if result is not None:
            result.extend(cur.fetchall())
    return result
