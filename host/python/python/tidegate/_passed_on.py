"""An async generator around another, as `yield from` is for plain ones."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, ParamSpec

P = ParamSpec("P")


def passed_on(
    function: Callable[P, Any], opened: Callable[P, Awaitable[AsyncGenerator[Any, Any]]]
) -> Callable[P, AsyncGenerator[Any, Any]]:
    """The function with what ``opened`` opens for each call: its items, and what a reader sends, throws and closes."""

    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
        items = await opened(*args, **kwargs)
        try:
            item = await anext(items)
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    raise
                except BaseException as thrown:  # noqa: BLE001 - it goes on to the generator.
                    item = await items.athrow(thrown)
                else:
                    item = await items.asend(sent)
        except StopAsyncIteration:
            return
        finally:
            await items.aclose()

    return wrapped
