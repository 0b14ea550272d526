"""The face for threads is the one for tasks without its waits: it is made from that one, by `tools.sync_face`."""

from __future__ import annotations

import re
import textwrap

import pytest
from tools import sync_face


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return sync_face.all_made()


@pytest.mark.parametrize("name", sync_face.MODULES.values())
def test_what_is_made_from_the_face_for_tasks_is_what_the_package_has(name: str, made: dict[str, str]) -> None:
    text = (sync_face.PACKAGE / name).read_text("utf-8")
    assert text == made[name], f"{name} is not what it is made from: run `python -m tools.sync_face` in host/python"


def test_no_name_is_kept_that_the_face_for_tasks_has_no_more() -> None:
    sources = "".join((sync_face.PACKAGE / name).read_text("utf-8") for name in sync_face.MODULES)
    assert [name for name in sync_face.NAMES if not re.search(rf"\b{name}\b", sources)] == []


def for_threads(source: str, **words: str) -> str:
    text = sync_face.for_threads("waits.py", textwrap.dedent(source).lstrip(), words)
    first, second, rest = text.split("\n", 2)
    assert first.startswith("# Made from waits.py by ")
    assert second.startswith("# Change that")
    return rest


def test_a_coroutine_function_becomes_a_function_that_calls_the_core() -> None:
    assert for_threads(
        '''
        from contextlib import asynccontextmanager

        from tidegate._strategies.circuit_breaker.aio_guard import run
        from tidegate._loops import hear, heard
        from tidegate.aio import Tidegate


        class Handle:
            """For tasks."""

            async def ask(self) -> bool:
                """Stays."""
                answer = self._core.start_ask()
                return answer if isinstance(answer, bool) else await hear(answer)

            async def tell(self, make: Callable[[], Awaitable[str]]) -> None:
                await run(make)  # A comment stays.
                await heard(self._core.start_tell())

            @asynccontextmanager
            async def block(self) -> AsyncGenerator[bool]:
                yield await self.ask()


        only = 1  # tasks only
        ''',
        Handle="For threads.\n\nTwo\nlines.\n",
    ) == textwrap.dedent(
        '''\
        from contextlib import contextmanager

        from tidegate._strategies.circuit_breaker.sync_guard import run


        class Handle:
            """For threads.

            Two
            lines.
            """

            def ask(self) -> bool:
                """Stays."""
                return self._core.ask()

            def tell(self, make: Callable[[], str]) -> None:
                run(make)  # A comment stays.
                self._core.tell()

            @contextmanager
            def block(self) -> Generator[bool]:
                yield self.ask()
        '''
    )


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("import asyncio\n\nlock = asyncio.Lock()\n", "asyncio"),
        ("async def rows(query):\n    async with query:\n        return 1\n", "async"),
        ("async def ask(core):\n    return await hear(core.start_ask(), 1)\n", "hear"),
        ("items: AsyncIterator[int]\n", "AsyncIterator"),
    ],
)
def test_what_no_rule_makes_for_threads_is_an_error(source: str, left: str) -> None:
    with pytest.raises(ValueError, match=f"waits.py has {left}, and no rule"):
        for_threads(source)


def test_a_docstring_about_tasks_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"waits\.py says .*A task that is cancelled.* to threads"):
        for_threads('async def ask():\n    """A task that is cancelled asks no more."""\n')


def test_words_without_a_place_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"waits.py has no docstring of Handle.ask, for which tools/sync_words.py"):
        for_threads("class Handle:\n    async def ask(self):\n        pass\n", **{"Handle.ask": "For threads."})
