"""A Redis server of one's own: on a free port, in a directory of its own, nothing written."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def redis_server() -> Iterator[str]:
    """Runs one and gives its URL."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="tidegate-temporal-") as directory:
        flags = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory]
        with subprocess.Popen(["redis-server", *flags], stdout=subprocess.PIPE, text=True) as server:
            try:
                _until_ready(server)
                yield f"redis://127.0.0.1:{port}"
            finally:
                server.terminate()
                # It says a few lines more.
                server.communicate()


def _until_ready(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    if not any("Ready to accept connections" in line for line in server.stdout):
        raise RuntimeError("redis-server ended before it was ready")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
