"""Guarded calls for threads: a function is called, and what it returns is guarded to its end where it works later."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from tidegate._kinds import is_done, is_future, is_items, is_stream, refuse_awaitable
from tidegate._strategies.circuit_breaker.flight import Flight
from tidegate._strategies.circuit_breaker.settling import Settling

if TYPE_CHECKING:
    from concurrent.futures import Future

P = ParamSpec("P")
R = TypeVar("R")


def run(flight: Flight, settling: Settling, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls a function, and brings what that came to."""
    flight.go_on()
    try:
        result = function(*args, **kwargs)
        is_all = is_done(result)
        if not is_all:
            refuse_awaitable(function, result)
    except BaseException as error:
        end(flight, settling, error)
        raise
    flight.rest()
    if not is_all:
        return _to_its_end(flight, settling, result)
    settling.settle(flight.succeeds(result), flight.elapsed_ms())
    return result


def end(flight: Flight, settling: Settling, error: BaseException) -> None:
    """A call has raised."""
    flight.rest()
    settling.settle(flight.fails(error), flight.elapsed_ms())


def _to_its_end(flight: Flight, settling: Settling, result: R) -> R:
    """A call has returned: that is its end, or it goes on with what it returned."""
    if is_stream(result):
        from tidegate._strategies.circuit_breaker.aio_guard import (
            GuardedStream,  # Not above: see `tidegate.__getattr__`.
        )

        return cast("R", GuardedStream(flight, settling, result))
    if is_items(result):
        return cast("R", GuardedItems(flight, settling, result))
    if is_future(result):
        flight.go_on_elsewhere()
        result.add_done_callback(lambda done: _end_future(flight, settling, done))
        return cast("R", result)
    settling.settle(flight.succeeds(result), flight.elapsed_ms())
    return result


def _end_future(flight: Flight, settling: Settling, future: Future[Any]) -> None:
    """Called by the thread that has done the work."""
    flight.rest()
    if future.cancelled():
        settling.settle(flight.is_given_up(), flight.elapsed_ms())
        return
    error = future.exception()
    outcome = flight.succeeds(future.result()) if error is None else flight.fails(error)
    settling.settle(outcome, flight.elapsed_ms())


class GuardedItems(Generator[Any, Any, Any]):
    """A generator, or another iterator, whose end is the outcome of a call. Time between items does not count.

    A reader who stops early has given the call up.
    """

    def __init__(self, flight: Flight, settling: Settling, items: Iterator[Any]) -> None:
        """Takes an iterator of which nothing has been asked yet."""
        self._flight = flight
        self._settling = settling
        self._items = items

    def __next__(self) -> Any:
        """The next item."""
        return self._step(lambda: next(self._items))

    def send(self, value: Any, /) -> Any:
        """Sends a value into a generator, for its next item."""
        if value is None:
            return next(self)
        return self._step(lambda: cast("Generator[Any, Any, Any]", self._items).send(value))

    @overload
    def throw(
        self, kind: type[BaseException], value: object = None, traceback: TracebackType | None = None, /
    ) -> Any: ...

    @overload
    def throw(self, kind: BaseException, value: None = None, traceback: TracebackType | None = None, /) -> Any: ...

    def throw(self, kind: Any, value: Any = None, _: TracebackType | None = None, /) -> Any:
        """Raises an error inside a generator, for its next item."""
        error = kind if isinstance(kind, BaseException) else kind() if value is None else value
        return self._step(lambda: cast("Generator[Any, Any, Any]", self._items).throw(error))

    def close(self) -> None:
        """Whoever closes it has seen enough: the call was given up."""
        try:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self._end(error)
            raise
        self._end(GeneratorExit())

    def __getattr__(self, name: str) -> Any:
        """Whatever else the iterator can do."""
        return getattr(self._items, name)

    def __del__(self) -> None:
        """One that is forgotten before its end keeps no place."""
        flight: Flight | None = self.__dict__.get("_flight")
        if flight is not None and not flight.is_over:
            flight.is_given_up()
            self._settling.settle_unheard(flight.elapsed_ms())

    def _step(self, step: Callable[[], Any]) -> Any:
        if self._flight.is_over:
            return step()
        self._flight.go_on()
        try:
            item = step()
        except StopIteration:
            self._flight.rest()
            self._settling.settle(self._flight.ends(), self._flight.elapsed_ms())
            raise
        except BaseException as error:
            self._end(error)
            raise
        self._flight.rest()
        return item

    def _end(self, error: BaseException) -> None:
        self._flight.rest()
        if not self._flight.is_over:
            self._settling.settle(self._flight.fails(error), self._flight.elapsed_ms())
