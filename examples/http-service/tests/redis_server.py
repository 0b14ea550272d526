"""A Redis of a test's own, with nothing persisted."""

from __future__ import annotations

import contextlib
import socket
import subprocess


class RedisServer:
    """A running ``redis-server``."""

    def __init__(self, port: int) -> None:
        arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "Ready to accept connections" in line:
                break
        self._port = port

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def pause(self, ms: int) -> None:
        """Answers nobody for so long."""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self._port))) as connection:
            connection.sendall(f"CLIENT PAUSE {ms} ALL\r\n".encode())
            assert connection.recv(100) == b"+OK\r\n"

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate()
