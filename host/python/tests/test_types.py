"""Decorators keep signatures: what mypy and pyright make of them, in strict mode, where they check this file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator

from typing_extensions import assert_type

from tidegate import CircuitBreaker, Limit, ManualClock, Tidegate, aio, http_failure

gate = Tidegate(clock=ManualClock())
breaker = gate.circuit_breaker("types", consecutive=9, ignored=[KeyError], failure_if=http_failure)
limiter = gate.rate_limiter("types", limit=Limit.per_minute(99))
aio_gate = aio.Tidegate(clock=ManualClock())
aio_breaker = aio_gate.circuit_breaker("types", consecutive=9)
aio_limiter = aio_gate.rate_limiter("types", limit=Limit.per_minute(99))


@breaker
def plain(number: int, *, text: str = "") -> float:
    return number + len(text)


@breaker(timeout_ms=500)
def rows(number: int) -> Generator[int, str, bool]:
    yield number
    return True


@limiter.limit(str)
@breaker
async def fetch(number: int) -> str:
    return str(number)


class Client:
    @breaker
    def get(self, path: str) -> bytes:
        return path.encode()

    @limiter.limit("me")
    def post(self, path: str) -> bytes:
        return path.encode()


@aio_breaker
async def pay(amount: int, *, to: str = "ann") -> str:
    return f"{to} got {amount}"


@aio_limiter.limit("me")
@aio_breaker(timeout_ms=500)
async def stream(number: int) -> AsyncGenerator[int, None]:
    yield number


@aio_breaker
async def items(number: int) -> AsyncIterator[int]:
    yield number


def test_functions_for_threads() -> None:
    assert_type(plain(1, text="a"), float)
    assert_type(rows(1), Generator[int, str, bool])
    assert_type(breaker.call(plain, 1, text="a"), float)
    assert_type(Client().get("/"), bytes)
    assert_type(Client().post("/"), bytes)
    assert_type(breaker(timeout_ms=1), CircuitBreaker)

    def never_called() -> None:
        plain("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        breaker.call(plain, text=1)  # type: ignore[call-arg,arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
        Client().get(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert callable(never_called)


async def test_functions_for_tasks() -> None:
    assert_type(await fetch(1), str)
    assert_type(await pay(1, to="bob"), str)
    assert_type(await aio_breaker.call(pay, 1, to="bob"), str)
    assert_type(stream(1), AsyncGenerator[int, None])
    assert_type(items(1), AsyncIterator[int])

    async def never_called() -> None:
        await pay("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await fetch(text=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

    assert callable(never_called)
    assert [each async for each in stream(3)] == [3]
    assert [each async for each in items(4)] == [4]
