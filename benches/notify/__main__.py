"""Measures notifications on a running server: python3 benches/notify URL TOKEN APP ACTION.

APP is an app that returns its data, so that a call fires what its caller asks for; ACTION is a
notification that it declares. Start the server with `SKEP_NOTIFY_SOCKETS_PER_USER=10000`, and raise
the limit on open files for both (`ulimit -n 20000`). With `--pid` it says what the server's
memory is, with and without idle sockets. What is printed is one JSON object.

The floor is measured in the same run with the same clients: a server of a few lines that sends
frames of the same size to as many sockets, and does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import time
import urllib.parse
import urllib.request
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# Notifications that one call fires; a call may send a hundred.
BATCH = 50
# What every frame holds once, and the frame around a text of 126 to 65 535 bytes.
MARK = b'"type":"action"'
HELLO = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    "Authorization: Bearer {token}\r\n\r\n"
)


class Server:
    """The server, as whoever holds the token."""

    def __init__(self, url: str, token: str, app: str, action: str) -> None:
        parsed = urllib.parse.urlsplit(url)
        self.url, self.token, self.app, self.action = url.rstrip("/"), token, app, action
        self.host, self.port = parsed.hostname or "127.0.0.1", parsed.port or 80

    def post(self, path: str, body: Any) -> Any:
        """Sends one request and returns its JSON."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def fire(self, count: int, payload: Any) -> None:
        """Fires so many notifications."""
        entry = {"name": self.action, "payload": payload}
        for begun in range(0, count, BATCH):
            actions = [entry] * min(BATCH, count - begun)
            self.post(f"/api/sync/{self.app}", {"_actions": actions})


class Readers:
    """Sockets that count the notifications that they get."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.missing = 0
        self.done = asyncio.Event()

    async def open(self, host: str, port: int, token: str, count: int) -> None:
        """Opens so many, and waits until each takes part."""
        hello = HELLO.format(path="/api/ws/notify", host=host, token=token).encode()
        for begun in range(0, count, 100):
            opened = [self._open(host, port, hello) for _ in range(min(100, count - begun))]
            self.tasks += await asyncio.gather(*opened)

    async def _open(self, host: str, port: int, hello: bytes) -> asyncio.Task[None]:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(hello)
        seen = b""
        while b'"ready"' not in seen:
            part = await reader.read(4096)
            if not part:
                raise SystemExit(f"error: a socket was refused: {seen.decode()}")
            seen += part
        self.writers.append(writer)
        return asyncio.create_task(self._count(reader))

    async def _count(self, reader: asyncio.StreamReader) -> None:
        rest = b""
        while part := await reader.read(262_144):
            text = rest + part
            self.missing -= text.count(MARK)
            rest = text[-(len(MARK) - 1) :]
            if self.missing <= 0:
                self.done.set()

    def expect(self, notifications: int) -> None:
        """Begins to count anew."""
        self.missing = notifications * len(self.tasks)
        self.done.clear()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
        for task in self.tasks:
            task.cancel()


def frame(payload: Any) -> bytes:
    """A text frame as the server sends it."""
    text = json.dumps(
        {
            "type": "action",
            "id": 1_000_000,
            "app_name": "shop",
            "action_name": "sold",
            "payload": payload,
            "job_id": None,
            "triggered_at": "2026-11-21T12:00:00.123456Z",
        },
        separators=(",", ":"),
    ).encode()
    size = len(text).to_bytes(1 if len(text) < 126 else 2, "big")
    return b"\x81" + (size if len(size) == 1 else b"\x7e" + size) + text


def floor(pipe: Connection) -> None:
    """Serves sockets that are all sent the same; the pipe says what and how often."""

    async def serve() -> None:
        writers: list[asyncio.StreamWriter] = []

        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            text = b'{"type":"ready","id":0}'
            head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
            writer.write(head + b"\x81" + bytes([len(text)]) + text)
            writers.append(writer)

        server = await asyncio.start_server(welcome, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        while order := await loop.run_in_executor(None, pipe.recv):
            count, message = order
            for _ in range(count):
                for writer in writers:
                    writer.write(message)
                await asyncio.gather(*(writer.drain() for writer in writers))

    asyncio.run(serve())


async def rate(readers: Readers, count: int, fire: Any) -> float:
    """Says how many notifications a second reach all sockets."""
    readers.expect(count)
    begun = time.perf_counter()
    firing = asyncio.get_running_loop().run_in_executor(None, fire)
    await asyncio.wait_for(readers.done.wait(), 600)
    took = time.perf_counter() - begun
    await firing
    return count / took


async def latency(readers: Readers, fire: Any, rounds: int) -> list[float]:
    """Says how long it takes, in milliseconds, until a notification has reached all."""
    taken = []
    for _ in range(rounds):
        readers.expect(1)
        begun = time.perf_counter()
        await asyncio.get_running_loop().run_in_executor(None, fire)
        await asyncio.wait_for(readers.done.wait(), 60)
        taken.append((time.perf_counter() - begun) * 1_000)
    return sorted(taken)


def memory(pid: int | None) -> int | None:
    """The resident memory of a process, in KiB."""
    if pid is None:
        return None
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return None


async def measure(server: Server, arguments: argparse.Namespace) -> dict[str, Any]:
    payload = {"text": "x" * arguments.bytes}
    count = arguments.notifications
    server.post("/api/notify/subscribe", {"app_name": server.app, "action_name": server.action})

    # First, while no memory is left of what was busy.
    before = memory(arguments.pid)
    idle = Readers()
    await idle.open(server.host, server.port, server.token, arguments.idle)
    after = memory(arguments.pid)
    idle.close()

    readers = Readers()
    await readers.open(server.host, server.port, server.token, arguments.sockets)
    warm = await latency(readers, lambda: server.fire(1, payload), 5)
    waits = await latency(readers, lambda: server.fire(1, payload), arguments.rounds)
    reached = await rate(readers, count, lambda: server.fire(count, payload))
    readers.close()

    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=floor, args=(there,), daemon=True)
    process.start()
    bare = Readers()
    await bare.open("127.0.0.1", here.recv(), "", arguments.sockets)
    message = frame(payload)
    least = await rate(bare, count, lambda: here.send((count, message)))
    bare.close()
    here.send(None)
    process.join(10)

    per_socket = None
    if before is not None and after is not None and arguments.idle:
        per_socket = (after - before) / arguments.idle
    return {
        "sockets": arguments.sockets,
        "frame_bytes": len(message),
        "first_ms": round(warm[-1], 1),
        "to_all_ms": {"p50": round(waits[len(waits) // 2], 1), "max": round(waits[-1], 1)},
        "notifications_per_second": round(reached, 1),
        "frames_per_second": round(reached * arguments.sockets),
        "floor_notifications_per_second": round(least, 1),
        "share_of_floor": round(reached / least, 2),
        "idle_sockets": arguments.idle,
        "memory_kib": {"before": before, "with_idle_sockets": after},
        "kib_per_idle_socket": None if per_socket is None else round(per_socket, 1),
        "cores": len(os.sched_getaffinity(0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "token", "app", "action"):
        parser.add_argument(name)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--notifications", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--bytes", type=int, default=200)
    parser.add_argument("--idle", type=int, default=5_000)
    parser.add_argument("--pid", type=int, help="of the server, on this machine")
    arguments = parser.parse_args()
    server = Server(arguments.url, arguments.token, arguments.app, arguments.action)
    print(json.dumps(asyncio.run(measure(server, arguments)), indent=1))


main()
