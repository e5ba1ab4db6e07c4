"""Cuts SQL text into single statements, because the host runs one at a time."""

from __future__ import annotations

import re

# Everything in which a semicolon does not end a statement, and the semicolon itself.
_TOKEN = re.compile(
    r"""
      [eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'  # escape string
    | '[^']*(?:''[^']*)*'               # string
    | "[^"]*(?:""[^"]*)*"               # quoted identifier
    | (?<![\w$])(\$(?:[A-Za-z_\x80-\U0010ffff][\w]*)?\$)  # dollar quote
    | --[^\n]*                          # comment to the end of the line
    | /\*                               # comment, which may nest
    | ;
    | \bbegin\s+atomic\b                # body of a function in standard SQL
    | [A-Za-z_][\w$]*                   # a word, so that E'' above is a prefix of its own
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_COMMENT_PART = re.compile(r"/\*|\*/")
_BODY_PART = re.compile(r"'(?:[^']|'')*'|--[^\n]*|\b(?:case|end)\b", re.IGNORECASE)
_LEADING = re.compile(r"\s+|--[^\n]*(?:\n|$)")


def _after_comment(sql: str, start: int) -> int:
    depth = 0
    for match in _COMMENT_PART.finditer(sql, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    return len(sql)


def _after_body(sql: str, start: int) -> int:
    depth = 1
    for match in _BODY_PART.finditer(sql, start):
        word = match.group().lower()
        depth += {"case": 1, "end": -1}.get(word, 0)
        if depth == 0:
            return match.end()
    return len(sql)


def _without_lead(sql: str) -> str:
    """Drops white space and comments in front of a statement."""
    position = 0
    while position < len(sql):
        match = _LEADING.match(sql, position)
        if match:
            position = match.end()
        elif sql.startswith("/*", position):
            position = _after_comment(sql, position)
        else:
            break
    return sql[position:]


def statements(sql: str) -> list[str]:
    """Returns the statements of `sql`, without those that are empty."""
    if ";" not in sql:
        return [sql] if _without_lead(sql) else []
    parts: list[str] = []
    start = position = 0
    while match := _TOKEN.search(sql, position):
        text = match.group()
        position = match.end()
        if text == ";":
            parts.append(sql[start : match.start()])
            start = position
        elif text == "/*":
            position = _after_comment(sql, match.start())
        elif match.group(1):
            end = sql.find(text, position)
            position = len(sql) if end < 0 else end + len(text)
        elif text[:5].lower() == "begin" and len(text) > 5 and text[5].isspace():
            position = _after_body(sql, position)
    parts.append(sql[start:])
    return [part for part in parts if _without_lead(part)]


def keyword(statement: str) -> str:
    """Returns the first word of a statement in capitals; empty if it begins otherwise."""
    match = re.match(r"[A-Za-z]+", _without_lead(statement).lstrip("("))
    return match.group().upper() if match else ""


_MODIFIERS = re.compile(
    r"^(CREATE) (?:OR REPLACE |(?:LOCAL |GLOBAL )?TEMP(?:ORARY)? |UNLOGGED |UNIQUE )+"
)
_SINGLE = frozenset(
    {"RELEASE", "SET", "RESET", "SHOW", "DO", "EXPLAIN", "SAVEPOINT", "LOCK", "CALL", "NOTIFY"}
)


def command(statement: str) -> str:
    """Returns what PostgreSQL would report for a statement that counts no rows."""
    words = re.findall(r"[A-Za-z]+", _without_lead(statement)[:200])[:6]
    text = _MODIFIERS.sub(r"\1 ", " ".join(words).upper() + " ").split()
    if not text or text[0] in _SINGLE:
        return "".join(text[:1])
    return " ".join(text[:2])
