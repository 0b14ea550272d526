"""What the tests stand on: a Redis server of their own, and what is to be seen of a queue."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

TRIES = 5

# What is started in the background of a shell ignores Ctrl-C, and Python then raises nothing for
# it.
signal.signal(signal.SIGINT, signal.default_int_handler)


class RedisServer:
    """A running `redis-server` on a free port, with nothing persisted."""

    def __init__(self, *more: str) -> None:
        # Where a master leaves the file that it once sent to a replica.
        self.folder = tempfile.TemporaryDirectory()
        self.more = [*more, "--dir", self.folder.name]
        for _ in range(TRIES):
            if self._start():
                return
        message = "no redis-server came up"
        raise RuntimeError(message)

    def _start(self) -> bool:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        program = os.environ.get("TIDEGATE_REDIS_SERVER") or shutil.which("redis-server")
        assert program is not None, "install redis-server, or run `cargo xtask setup`"
        arguments = [*self.more, "--port", str(self.port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # A Sentinel says its number when it is.
            if "eady to accept connections" in line or "Sentinel ID is" in line:
                # Its further words are taken in, so that it never waits to say them.
                self.reader = threading.Thread(target=self.process.stdout.read)
                self.reader.start()
                return True
        self.process.wait()
        self.process.stdout.close()
        return False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @contextmanager
    def held_up(self) -> Generator[None]:
        """The server answers nobody within the block, and everybody after it."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def run(self, *command: str) -> str:
        """What the server answers to a command, as it goes over the wire."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            words = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in command)
            connection.sendall(b"*%d\r\n" % len(command) + words)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile(encoding="utf-8", newline="") as answer:
                return answer.read()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.folder.cleanup()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url
