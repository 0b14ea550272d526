"""Calls by HTTP through a circuit: the statuses of replies and of the errors that clients raise, from real clients."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from tidegate import CircuitBreaker, ErrorPattern, Failure, ManualClock, Tidegate, aio, http_failure


def opened(**settings: Any) -> CircuitBreaker:
    return Tidegate(clock=ManualClock()).circuit_breaker("upstream", consecutive=2, **settings)


def client(status: int) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status)))


@pytest.mark.parametrize(
    ("status", "settings", "state"),
    [
        (500, {"monitored": [ErrorPattern("5??", part="code")]}, "open"),
        (500, {"monitored": [ErrorPattern("5??", part="status")]}, "open"),
        (404, {"monitored": [ErrorPattern("5??", part="status")]}, "closed"),
        (404, {"ignored": [ErrorPattern("404", part="code")]}, "closed"),
        (404, {"ignored": [ErrorPattern("404", part="status")]}, "closed"),
        (503, {"monitored": [ErrorPattern("HTTPError", part="name")]}, "open"),
        (503, {"monitored": [httpx.HTTPError]}, "open"),
        (503, {"ignored": [httpx.HTTPError]}, "closed"),
        (503, {"monitored": [httpx.TransportError]}, "closed"),
    ],
)
def test_patterns_see_the_status_of_the_reply_that_an_error_tells_of(
    status: int, settings: dict[str, Any], state: str
) -> None:
    breaker = opened(**settings)
    with client(status) as upstream:
        for _ in range(2):
            with pytest.raises(httpx.HTTPStatusError):
                breaker.call(lambda: upstream.get("http://a.example/").raise_for_status())
    assert breaker.status().state == state


def test_an_error_of_a_connection_is_known_by_its_base_classes() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("slow", request=request)

    breaker = opened(monitored=[httpx.TimeoutException])
    with httpx.Client(transport=httpx.MockTransport(refuse)) as upstream:
        for _ in range(2):
            with pytest.raises(httpx.ConnectTimeout):
                breaker.call(upstream.get, "http://a.example/")
    assert breaker.status().state == "open"


async def test_replies_that_are_not_raised_are_failures_by_http_failure() -> None:
    breaker = aio.Tidegate(clock=ManualClock()).circuit_breaker("upstream", consecutive=2, failure_if=http_failure)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))) as upstream:
        for _ in range(2):
            assert (await breaker.call(upstream.get, "http://a.example/")).status_code == 503
    assert (await breaker.status()).state == "open"


class Unavailable(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name is given.
        pass


@pytest.fixture
def unavailable() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Unavailable)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_urllib_tells_its_status(unavailable: str) -> None:
    breaker = opened(monitored=[ErrorPattern("503", part="status")])

    def fetch() -> None:
        try:
            urllib.request.urlopen(unavailable)
        except urllib.error.HTTPError as error:
            error.close()
            raise

    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError):
            breaker.call(fetch)
    assert breaker.status().state == "open"


class Aiohttp:
    status = 429


class Requests:
    status_code = 408


class Botocore(Exception):
    response: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 503}}  # noqa: RUF012 - as it is there.


@pytest.mark.parametrize("reply", [Aiohttp, Requests])
def test_replies_of_other_clients_are_known(reply: Callable[[], object]) -> None:
    failure = http_failure(reply())
    assert failure is not None
    assert failure.status in ("429", "408")
    assert http_failure(None) is None


def test_errors_of_other_clients_are_known() -> None:
    assert Failure.of(Botocore()).status == "503"
