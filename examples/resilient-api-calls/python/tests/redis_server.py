"""A Redis of one's own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket


@dataclass
class RedisServer:
    """A Redis that runs."""

    url: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """End it, if it still runs."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(directory: Path) -> Iterator[RedisServer]:
    """Run a Redis until the block ends."""
    # Another program may be quicker to take a free port.
    redis = next((started for _ in range(10) if (started := _start(directory))), None)
    assert redis is not None, "redis-server does not start"
    try:
        yield redis
    finally:
        redis.stop()


def _start(directory: Path) -> RedisServer | None:
    port = _free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if any("Ready to accept connections" in line for line in process.stdout):
        return RedisServer(f"redis://127.0.0.1:{port}", process)
    process.wait()
    return None


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
