"""HTTP/1.1 as client libraries write it to a socket and read it back.

A cell has no sockets: what a library writes is read here, sent by the host, and the
host's answer is written as a server would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

# What says how a message travels is the host's.
_HOSTS_OWN = {
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# The host's own limit, with what it counts for each header beside its text.
_MAX_HEADERS = 64 * 1024
_HEADER_COST = 100


class NotHttp(OSError):
    """What was written to a socket is no HTTP/1.1 request."""


@dataclass
class Head:
    """The first part of a request. `length` is None where the body comes in chunks."""

    method: str
    target: str
    headers: list[tuple[str, bytes]]
    length: int | None


def parse_head(data: bytes) -> Head:
    """Reads a request's head. Raises `NotHttp`."""
    first, *lines = data.split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        raise NotHttp("only HTTP requests can leave a cell")
    method, target = words[0].decode("latin-1"), words[1].decode("latin-1")
    if not target.startswith("/"):
        raise NotHttp("a cell has no proxy: requests go straight to their server")
    headers: list[tuple[str, bytes]] = []
    length: int | None = 0
    for line in lines:
        name, _, value = line.partition(b":")
        key, value = name.decode("latin-1").lower(), value.strip(b" \t")
        if key == "content-length":
            length = _number(value, 10)
        elif key == "transfer-encoding" and value.lower() == b"chunked":
            length = None
        if key not in _HOSTS_OWN and not key.startswith("proxy-"):
            headers.append((key, value))
    if sum(len(key) + len(value) + _HEADER_COST for key, value in headers) > _MAX_HEADERS:
        raise NotHttp(f"the headers of a request are larger than {_MAX_HEADERS // 1024} KiB")
    return Head(method, target, headers, length)


def _number(text: bytes, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise NotHttp("the length of a request's body is not a number") from None


class BodyReader:
    """Takes the framing off a request's body."""

    def __init__(self, length: int | None) -> None:
        self._left = length or 0
        self._chunked = length is None
        self._buffer = bytearray()
        self.done = length == 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields what belongs to the body. `done` tells whether it is whole."""
        if not self._chunked:
            part = data[: self._left]
            self._left -= len(part)
            self.done = self._left == 0
            if part:
                yield part
            return
        self._buffer += data
        while not self.done:
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                return
            size = _number(bytes(line.partition(b";")[0]), 16)
            if len(rest) < size + 2:
                return
            self._buffer = rest[size + 2 :]
            if size:
                yield bytes(rest[:size])
            else:
                self.done = True


def answer_head(status: int, headers: list[tuple[str, bytes]]) -> bytes:
    """Writes the head of an answer whose body lasts until the connection ends."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}".encode()]
    lines += [name.encode() + b": " + value for name, value in headers]
    lines += [b"connection: close", b"", b""]
    return b"\r\n".join(lines)
