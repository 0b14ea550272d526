"""The server that the workflow calls: a real one on this machine, which fails for a while and remembers requests."""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from resilient_api_calls.time import now_us

_PRICE = b'{"price": 1250, "currency": "EUR"}\n'


@dataclass(frozen=True)
class Script:
    """When the server fails."""

    fail_from: int
    """The request with which it begins to fail, counted from 1; 0: it never does."""
    fail_for_ms: int
    """For how long it then fails."""
    latency_ms: int
    """How long an answer takes."""


@dataclass(frozen=True)
class Seen:
    """A request that a server has seen."""

    at_us: int
    """When it came, in microseconds since 1970."""
    item: int | None
    """The item it was sent for, by its path; None: that names none."""
    is_good: bool
    """Whether it is answered well."""


@dataclass
class Log:
    """What a server has seen."""

    requests: list[Seen] = field(default_factory=list)
    """All requests, in the order of their arrival."""
    failing_us: tuple[int, int] | None = None
    """From when until when it failed, in microseconds since 1970."""

    def note(self, script: Script, item: int | None) -> bool:
        """Note a request and say whether it is answered well."""
        at_us = now_us()
        if len(self.requests) + 1 == script.fail_from:
            self.failing_us = (at_us, at_us + script.fail_for_ms * 1_000)
        from_us, until_us = self.failing_us or (0, 0)
        is_good = not from_us <= at_us < until_us
        self.requests.append(Seen(at_us, item, is_good))
        return is_good


@dataclass
class Server:
    """A running server."""

    script: Script
    url: str = ""
    """Where it is."""
    log: Log = field(default_factory=Log)
    """What it has seen so far."""

    async def converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                is_good = self.log.note(self.script, _item_of(head))
                await asyncio.sleep(self.script.latency_ms / 1_000)
                writer.write(_response(is_good))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # A connection that ends or breaks is its client's business.
        finally:
            writer.close()


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Server]:
    """Run a server on a free port of the loopback interface, until the block ends."""
    server = Server(script)
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.ensure_future(server.converse(reader, writer))
        conversations.add(task)
        task.add_done_callback(conversations.discard)

    listener = await asyncio.start_server(converse, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        listener.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


def _item_of(head: bytes) -> int | None:
    match = re.match(rb"GET /prices/([0-9]{1,9}) ", head)
    return int(match[1]) if match else None


def _response(is_good: bool) -> bytes:
    status, body = ("200 OK", _PRICE) if is_good else ("503 Service Unavailable", b"")
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
