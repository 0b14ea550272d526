"""The service as a process of its own, and its clients."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


def command_of(language: str) -> list[str]:
    """How the service of a language is started."""
    if language == "python":
        return [sys.executable, "-m", "http_service"]
    program = os.environ[f"HTTP_SERVICE_{language.upper()}"]
    return ["node", program] if language == "typescript" else [program]


@dataclass(frozen=True)
class Reply:
    """What a request was answered."""

    status: int
    retry_after: str | None
    body: dict[str, Any]


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str, tenant: str | None = None) -> Reply:
        headers = {} if tenant is None else {"x-tenant": tenant}
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        return Reply(response.status, response.headers["retry-after"], json.loads(response.read()))

    def work(self, tenant: str = "acme") -> Reply:
        return self.get("/work", tenant)

    def close(self) -> None:
        self._connection.close()


@dataclass
class Load:
    """What callers were answered who ask again and again, each for a tenant of its own."""

    statuses: dict[int, int] = field(default_factory=dict)
    _more: threading.Condition = field(default_factory=threading.Condition)
    _over: bool = False

    def note(self, reply: Reply) -> bool:
        with self._more:
            self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
            self._more.notify_all()
            return not self._over

    @property
    def count(self) -> int:
        return sum(self.statuses.values())

    def wait_for_more(self, replies: int) -> None:
        """Until this many more requests were answered."""
        with self._more:
            enough = self.count + replies
            assert self._more.wait_for(lambda: self.count >= enough, timeout=60), self.statuses

    def end(self) -> None:
        with self._more:
            self._over = True


class Service:
    """A running service."""

    def __init__(self, command: list[str], variables: Mapping[str, object]) -> None:
        environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.port = int(line.rsplit(":", 1)[1])

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        with contextlib.closing(Client(self.port)) as client:
            yield client

    @contextlib.contextmanager
    def under_load(self, callers: int) -> Iterator[Load]:
        """This many callers, until the block ends."""
        load = Load()

        def call(tenant: str) -> None:
            with self.client() as client:
                while load.note(client.work(tenant)):
                    pass

        threads = [threading.Thread(target=call, args=(f"tenant {number}",)) for number in range(callers)]
        for thread in threads:
            thread.start()
        try:
            yield load
        finally:
            load.end()
            for thread in threads:
                thread.join()

    def wait_until(self, what: str, state: str) -> None:
        """Until /health says so."""
        with self.client() as client:
            until = time.monotonic() + 30
            while (health := client.get("/health")).body[what] != state:
                assert time.monotonic() < until, health
                time.sleep(0.02)

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)
