"""Sockets of a cell: they carry HTTP/1.1 requests to the host, and nothing else.

Client libraries (http.client, urllib3, httpcore and what builds on them) run unchanged on
top. A connection is made with the request, not before, so that a server that cannot be
reached shows when the request has been written.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Self

from skep import _host, _tls
from skep._wire import BodyReader, NotHttp, answer_head, parse_head

_MAX_HEAD = 128 * 1024


class _Conversation:
    """A request as it is written, then its answer as it is read."""

    def __init__(self, sock: CellSocket) -> None:
        host, port = sock.peer
        literal = f"[{host}]" if ":" in host else host
        self._authority = f"{literal}:{port}"
        self._origin = f"{'https' if sock.secure else 'http'}://{self._authority}"
        self._timeout = sock.gettimeout()
        self._head: bytearray | None = bytearray()
        self._body: BodyReader | None = None
        self._exchange: Any = None
        self._late: TimeoutError | None = None
        self._answer = b""
        self._holders = 1

    def write(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                if len(self._head) > _MAX_HEAD:
                    raise NotHttp("only HTTP requests can leave a cell")
                return
            self._head = None
            parsed = parse_head(bytes(head))
            self._body = BodyReader(parsed.length)
            self._exchange = _host.host.open_exchange(
                self._origin, self._authority, parsed, self._timeout
            )
            data = bytes(rest)
        if self._body is None or self._exchange is None:
            raise BrokenPipeError(errno.EPIPE, "the connection has served its request")
        for part in self._body.feed(data):
            self._exchange.write(part)
        if self._body.done:
            self._body = None
            self._finish()

    def _finish(self) -> None:
        self._exchange.end()
        try:
            self._answer = answer_head(*self._exchange.answer())
        except TimeoutError as error:
            # Libraries tell a server that is slow from one that is away by where it shows.
            self._late = error

    def read(self, size: int) -> bytes:
        if self._late is not None:
            raise self._late
        if self._answer:
            data, self._answer = self._answer[:size], self._answer[size:]
            return data
        if self._exchange is None or self._body is not None:
            return b""
        body: bytes = self._exchange.read(size)
        return body

    def hold(self) -> None:
        self._holders += 1

    def release(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self.close()

    def close(self) -> None:
        if self._exchange is not None:
            self._exchange.close()

    def __del__(self) -> None:
        self.close()


class _Answer(io.RawIOBase):
    def __init__(self, conversation: _Conversation) -> None:
        conversation.hold()
        self._conversation: _Conversation | None = conversation

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._conversation is None:
            raise ValueError("the answer is closed")
        data = self._conversation.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.release()
        super().close()


class CellSocket:
    """Stands where a program expects `socket.socket`."""

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        if fileno is not None:
            raise OSError(errno.EBADF, "a cell has no file descriptors of sockets")
        self.family = family
        self.type = type
        self.proto = proto
        self.peer: tuple[str, int] = ("", 0)
        self.secure = False
        self._timeout: float | None = None
        self._conversation: _Conversation | None = None

    def connect(self, address: Sequence[Any]) -> None:
        import socket

        if self.type not in (-1, socket.SOCK_STREAM):
            raise OSError(errno.EACCES, "only HTTP requests can leave a cell")
        host, port = address[0], int(address[1])
        if not isinstance(host, str):
            host = bytes(host).decode()
        self.peer = (host if host.isascii() else host.encode("idna").decode(), port)

    def connect_ex(self, address: Sequence[Any]) -> int:
        self.connect(address)
        return 0

    def sendall(self, data: Any, flags: int = 0) -> None:
        if not self.peer[0]:
            raise OSError(errno.ENOTCONN, "the socket is not connected")
        if self._conversation is None:
            self._conversation = _Conversation(self)
        self._conversation.write(bytes(data))

    def send(self, data: Any, flags: int = 0) -> int:
        self.sendall(data)
        return len(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self._conversation.read(size) if self._conversation else b""

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str = "r", buffering: int | None = None, **_: Any) -> Any:
        if mode not in ("rb", "br"):
            raise OSError(errno.EACCES, "only HTTP requests can leave a cell")
        if self._conversation is None:
            self._conversation = _Conversation(self)
        raw = _Answer(self._conversation)
        return raw if buffering == 0 else io.BufferedReader(raw)

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        self._timeout = None if flag else 0.0

    def setsockopt(self, *_: Any) -> None:
        """Does nothing: there is no socket whose options could be set."""

    def getsockopt(self, *_: Any) -> int:
        return 0

    def getpeername(self) -> tuple[str, int]:
        return self.peer

    def getpeercert(self, binary_form: bool = False) -> Any:
        raise _tls.SSLError(1, "the host checks certificates, and shows none")

    def selected_alpn_protocol(self) -> str | None:
        return None

    def version(self) -> str | None:
        return None

    def getsockname(self) -> tuple[str, int]:
        return ("", 0)

    def fileno(self) -> int:
        return -1

    def shutdown(self, how: int) -> None:
        """Does nothing: a request says itself where it ends."""

    def close(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.release()

    def detach(self) -> int:
        self.close()
        return -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise OSError(errno.EACCES, "only HTTP requests can leave a cell, and none can come in")

    bind = listen = accept = sendto = recvfrom = sendmsg = recvmsg = _refuse


def _getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
    """Leaves the name as it is: the host looks it up, and checks what it stands for."""
    import socket

    name = host.decode() if isinstance(host, bytes) else str(host or "")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    address = (name, int(port or 0), 0, 0) if ":" in name else (name, int(port or 0))
    return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


def _adapt(module: ModuleType) -> None:
    names: Any = module
    names.socket = names.SocketType = CellSocket
    names.getaddrinfo = _getaddrinfo


class _AdaptingLoader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _adapt(module)


class _TlsLoader:
    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(_tls.names())


class _Finder:
    """Gives `ssl`, which this Python lacks, and adapts `socket` where it is imported.

    Only then: what an app does not import must not take up its memory.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        loader: Any
        if name == "ssl":
            loader = _TlsLoader()
            return ModuleSpec(name, loader, origin="skep")
        if name != "socket":
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(name, path)
            if spec is not None and spec.loader is not None:
                loader = _AdaptingLoader(spec.loader)
                spec.loader = loader
                return spec
        return None


def install() -> None:
    """Makes `socket` and `ssl` those of a cell, now or when they are imported."""
    finder: Any = _Finder()
    sys.meta_path.insert(0, finder)
    sys.modules.pop("ssl", None)
    if "socket" in sys.modules:
        _adapt(sys.modules["socket"])
