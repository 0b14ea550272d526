"""A Redis of the benchmark's own: on a free port of loopback, with nothing persisted, stopped by its pid."""

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterator


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Runs a server while in the block, and gives its URL."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory]
        server = subprocess.Popen(["redis-server", *settings], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            if not any("Ready to accept connections" in line for line in server.stdout):
                raise RuntimeError(f"redis-server ended with {server.wait()}")
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()
