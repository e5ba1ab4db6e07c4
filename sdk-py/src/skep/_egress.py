"""HTTP requests over the host: the part of the boundary that speaks `wasi:http`.

Handles of the host must be given back in order, children first. Left to the garbage
collector they would go in any order, so every open exchange is kept in `_open` until it
is closed by name.
"""

from __future__ import annotations

import errno
from typing import Any

from componentize_py_types import Err
from wit_world.imports import outgoing_handler, streams
from wit_world.imports import wasi_http_types as wasi

from skep import _tls
from skep._wire import Head

_READ = 64 * 1024

_ASK = "ask for it in `needs.egress` of manifest.json"

_open: set[Exchange] = set()


def close_all() -> None:
    """Closes what a call has left open."""
    for exchange in list(_open):
        exchange.close()


class Exchange:
    """One request and its answer."""

    def __init__(self, origin: str, authority: str, head: Head, timeout: float | None) -> None:
        self.origin = origin
        self._handles: dict[str, Any] = {}
        self._stopped = False
        request = _request(origin, authority, head)
        _open.add(self)
        try:
            if head.length != 0:
                self._handles["body"] = request.body()
                self._handles["output"] = self._handles["body"].write()
            self._handles["future"] = outgoing_handler.handle(request, _options(timeout))
        except Err as error:
            self.close()
            raise error_of(error.value, origin) from None

    def write(self, data: bytes) -> None:
        """Sends a part of the body. What an answer that came early leaves unsent is dropped."""
        output = self._handles.get("output")
        view = memoryview(data)
        while output is not None and view and not self._stopped:
            try:
                room = output.check_write()
                if room:
                    output.write(bytes(view[:room]))
                    view = view[room:]
                else:
                    _wait(output)
            except Err:
                # The answer says why.
                self._stopped = True

    def end(self) -> None:
        """Says that the body is whole."""
        self._drop("output")
        body = self._handles.pop("body", None)
        if body is None:
            return
        if self._stopped:
            body.__exit__(None, None, None)
            return
        try:
            wasi.OutgoingBody.finish(body, None)
        except Err as error:
            raise error_of(error.value, self.origin) from None

    def answer(self) -> tuple[int, list[tuple[str, bytes]]]:
        """Waits for the head of the answer. Raises OSError in one of its forms."""
        future = self._handles["future"]
        _wait(future)
        result = future.get().value
        self._drop("future")
        if isinstance(result, Err):
            self.close()
            raise error_of(result.value, self.origin)
        with result.value as response:
            with response.headers() as fields:
                head = response.status(), fields.entries()
            self._handles["answer"] = response.consume()
        self._handles["input"] = self._handles["answer"].stream()
        return head

    def read(self, size: int) -> bytes:
        """Reads a part of the answer's body; nothing at its end."""
        stream = self._handles.get("input")
        if stream is None:
            return b""
        try:
            data: bytes = stream.blocking_read(min(size, _READ))
        except Err as error:
            failed = error.value
            if isinstance(failed, streams.StreamError_Closed):
                self.close()
                return b""
            with failed.value as cause:
                text: str = cause.to_debug_string()
            self.close()
            if "timeout" in text:
                raise TimeoutError(text) from None
            raise OSError(errno.EIO, f"{self.origin}: {text}") from None
        return data

    def close(self) -> None:
        """Ends the exchange, wherever it is."""
        for name in ("output", "body", "future", "input", "answer"):
            self._drop(name)
        _open.discard(self)

    def _drop(self, name: str) -> None:
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.__exit__(None, None, None)


def _wait(handle: Any) -> None:
    with handle.subscribe() as pollable:
        pollable.block()


def _request(origin: str, authority: str, head: Head) -> Any:
    try:
        request = wasi.OutgoingRequest(wasi.Fields.from_list(head.headers))
        request.set_method(_method(head.method))
        request.set_scheme(
            wasi.Scheme_Https() if origin.startswith("https:") else wasi.Scheme_Http()
        )
        request.set_authority(authority)
        request.set_path_with_query(head.target)
    except Err:
        raise ValueError(f"{origin}: the request's method, path or headers are not HTTP") from None
    return request


def _method(name: str) -> Any:
    known = getattr(wasi, f"Method_{name.capitalize()}", None)
    return wasi.Method_Other(name) if known is None or name != name.upper() else known()


def _options(timeout: float | None) -> Any:
    if timeout is None:
        return None
    nanoseconds = max(1, int(timeout * 1e9))
    options = wasi.RequestOptions()
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    return options


def error_of(code: Any, origin: str) -> OSError:
    """Returns the exception that a socket would have raised."""
    import socket

    name = type(code).__name__.removeprefix("ErrorCode_")
    match name:
        case "HttpRequestDenied":
            return PermissionError(errno.EACCES, f"`{origin}` is not granted to the app: {_ASK}")
        case "DestinationIpProhibited":
            text = f"`{origin}` stands for an address where the app must not send; the log says why"
            return PermissionError(errno.EACCES, text)
        case "DnsError" | "DnsTimeout":
            return socket.gaierror(socket.EAI_NONAME, f"`{origin}`: the host's name is not known")
        case "ConnectionRefused":
            return ConnectionRefusedError(errno.ECONNREFUSED, f"`{origin}`: nobody listens there")
        case "ConnectionTimeout" | "ConnectionReadTimeout" | "HttpResponseTimeout":
            return TimeoutError(f"`{origin}`: timed out")
        case "TlsCertificateError":
            text = f"`{origin}`: the certificate of the server is not trusted; the log says why"
            return _tls.SSLCertVerificationError(1, text)
        case "TlsProtocolError" | "TlsAlertReceived":
            return _tls.SSLError(1, f"`{origin}`: no TLS connection could be made")
        case "ConnectionTerminated" | "HttpResponseIncomplete":
            text = f"`{origin}`: the connection ended before the answer was whole"
            return ConnectionResetError(errno.ECONNRESET, text)
        case "ConnectionLimitReached":
            text = f"`{origin}`: the call has too many requests open: read or close their answers"
            return OSError(errno.EMFILE, text)
    detail = getattr(code, "value", None)
    text = detail if isinstance(detail, str) else " ".join(filter(None, (name, str(detail or ""))))
    return OSError(errno.EIO, f"`{origin}`: {text}")
