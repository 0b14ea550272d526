"""What kind of function is to be guarded: some do their work when they are called, and some later."""

from __future__ import annotations

import functools
import inspect
import io
import sys
from collections.abc import AsyncIterator, Awaitable, Hashable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard, cast

from tidegate._errors import MisuseError

if TYPE_CHECKING:
    from concurrent.futures import Future

_NOT_PLAIN = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE

Kind: TypeAlias = Literal["plain", "coroutine", "generator", "async-generator"]
"""Plain functions work when they are called, unless what they return does so later."""


def kind_of(function: object) -> Kind:
    """The kind of a function, a method, a `functools.partial` of one, or an object that can be called."""
    if type(function) is FunctionType and not function.__code__.co_flags & _NOT_PLAIN:
        return "plain"
    if not callable(function):
        message = f"{function!r} cannot be called: give the function itself, and its arguments after it"
        raise MisuseError(message)
    inner: Any = function
    while isinstance(inner, (functools.partial, staticmethod)):
        inner = inner.func if isinstance(inner, functools.partial) else inner.__func__
    if not (inspect.isroutine(inner) or inspect.isclass(inner)):
        # Asked of the class, as a call asks it.
        inner = getattr(cast("Any", type(inner)), "__call__", inner)  # noqa: B004
    if inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(function):
        return "coroutine"
    if inspect.isasyncgenfunction(inner):
        return "async-generator"
    return "generator" if inspect.isgeneratorfunction(inner) else "plain"


def name_of(function: object) -> str:
    """A function's name for a message."""
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else repr(function)


def is_done(result: object) -> bool:
    """Whether a result is all that there is to it: most are, by their class, and need no further look."""
    return _is_done(cast("Any", type(result)))


@functools.lru_cache(maxsize=1_024)
def _is_done(cls: Hashable) -> bool:
    return not issubclass(cast("type", cls), (Awaitable, Iterator, AsyncIterator, *_future()))


def is_future(result: object) -> TypeGuard[Future[Any]]:
    """Whether a result is the future of an executor."""
    return isinstance(result, _future())


def _future() -> tuple[type, ...]:
    # Who has a future has imported its class; to import it here costs all others a tenth of their
    # start.
    module = sys.modules.get("concurrent.futures._base")
    return () if module is None else (module.Future,)


def is_items(result: object) -> TypeGuard[Iterator[Any]]:
    """Whether a result is an iterator that does its work when it is asked for items.

    Files and other things that are left by ``with`` are not: they are more than their items, and guarded no further.
    """
    return not _is_more(result) and isinstance(result, Iterator)


def is_stream(result: object) -> TypeGuard[AsyncIterator[Any]]:
    """The same of async iterators."""
    return not is_done(result) and not _is_more(result) and isinstance(result, AsyncIterator)


def _is_more(result: object) -> bool:
    cls = type(result)
    return hasattr(cls, "__exit__") or hasattr(cls, "__aexit__") or isinstance(result, io.IOBase)


def refuse_awaitable(function: object, result: object) -> None:
    """A plain function on the face for threads has returned something to be awaited."""
    if not inspect.isawaitable(result):
        return
    if inspect.iscoroutine(result):
        result.close()
    message = (
        f"{name_of(function)} returned {type(result).__name__}, which has done nothing yet: "
        "make it a coroutine function, or guard it with tidegate.aio"
    )
    raise MisuseError(message)


def fit_for_threads(function: object) -> None:
    """Refuses a function that a thread cannot call to its end."""
    if kind_of(function) in ("coroutine", "async-generator"):
        message = f"{name_of(function)} is for asyncio: guard it with tidegate.aio"
        raise MisuseError(message)


def fit_for_tasks(function: object) -> None:
    """Refuses a function that cannot wait without holding up its loop."""
    if kind_of(function) == "generator":
        refuse_generator(function)


def refuse_generator(function: object) -> None:
    """A generator function on the face for asyncio."""
    message = (
        f"{name_of(function)} is a generator function, which cannot wait: make it an async generator function, "
        "or guard it with tidegate.Tidegate"
    )
    raise MisuseError(message)


def refuse_plain(function: object, result: object) -> None:
    """A function on the face for asyncio has returned nothing to be awaited."""
    message = (
        f"{name_of(function)} returned {type(result).__name__}, which cannot be awaited: make it a coroutine function, "
        "or guard it with tidegate.Tidegate"
    )
    raise MisuseError(message)
