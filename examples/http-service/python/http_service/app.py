"""The service: a limit for each tenant, and a circuit round the upstream."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tidegate import CallTimeoutError, CircuitOpenError, Limit, Redis, Share, StoreError, http_failure
from tidegate.aio import Tidegate

from http_service.settings import Settings


class Service:
    """The service on these settings."""

    def __init__(self, settings: Settings) -> None:
        self._gate = Tidegate(None if settings.redis_url is None else Redis(settings.redis_url))
        self._limiter = self._gate.rate_limiter(
            "requests",
            limit=Limit(settings.limit, settings.window),
            # Without the store each process admits its part of the limit; "error" would turn the
            # request away.
            when_away=Share(settings.hosts) if settings.when_away == "share" else "error",
        )
        self._circuit = self._gate.circuit_breaker("upstream", consecutive=5, open_ms=settings.open_ms)
        self._upstream = self._circuit(timeout_ms=settings.upstream_timeout_ms, failure_if=http_failure)
        self._client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=None)
        self._settings = settings

    def application(self) -> Starlette:
        """Its routes."""
        routes = [Route("/work", self._work), Route("/health", self._health)]
        return Starlette(routes=routes, lifespan=self._lifespan)

    async def _work(self, request: Request) -> JSONResponse:
        tenant = request.headers.get("x-tenant", "")
        if not tenant:
            return _answer(400, "x-tenant is missing")
        try:
            decision = await self._limiter.try_acquire(tenant)
        except StoreError as error:
            return _answer(503, str(error), 1_000)
        if not decision:
            return _answer(429, "too many requests", decision.retry_after_ms)
        return await self._call_upstream()

    async def _call_upstream(self) -> JSONResponse:
        try:
            reply = await self._upstream.call(self._client.get, self._settings.upstream_url)
        except CircuitOpenError as error:
            return _answer(503, "the upstream is down", error.report.retry_after_ms)
        except CallTimeoutError:
            return _answer(504, "the upstream took too long")
        except httpx.HTTPError:
            return _answer(502, "the upstream cannot be reached")
        if reply.status_code != 200:
            return _answer(502, f"the upstream answered {reply.status_code}")
        return JSONResponse({"result": reply.text})

    async def _health(self, _: Request) -> JSONResponse:
        circuit = await self._circuit.status()
        return JSONResponse({"store": self._gate.store_state(), "upstream": circuit.state})

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self._gate, self._client:
            await self._gate.ready(timeout_ms=5_000)
            yield


def _answer(status: int, error: str, retry_after_ms: float | None = None) -> JSONResponse:
    headers = {}
    if retry_after_ms is not None:
        # Whole seconds, rounded up: whoever comes back then is not told to wait once more.
        headers["retry-after"] = str(max(1, math.ceil(retry_after_ms / 1_000)))
    return JSONResponse({"error": error}, status, headers)
