"""Makes the synchronous face of the package from the asyncio one: `python -m tools.sync_face`.

A coroutine function becomes a function, and what it awaits a call. These are all the rules:

- ``async`` and ``await`` go, and an ``Awaitable[T]`` is a ``T``. What asyncio has another name for is in `NAMES`.
- ``await heard(core.start_x())`` is ``core.x()``, and so is ``answer if isinstance(answer, X) else await hear(answer)``
  of such an answer: for tasks the core may answer later, for threads it never does.
- A module ``aio_x`` is ``sync_x``. Where the faces differ in more than this, both are written by hand.
- A statement that ends in ``# tasks only`` goes.
- A docstring that is about tasks is replaced by the one in `tools.sync_words`.

Ruff then takes out imports that nobody needs, and formats. What is still for tasks after that, code or prose, is an
error.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import libcst as cst
from libcst import matchers as m

from tools.sync_words import WORDS

PACKAGE = Path(__file__).parents[1] / "python" / "tidegate"

MODULES = {
    "_aio.py": "_sync.py",
    "aio/nodes.py": "nodes.py",
    "_aio_nodes.py": "_sync_nodes.py",
    "_strategies/circuit_breaker/aio_circuit.py": "_strategies/circuit_breaker/sync_circuit.py",
    "_strategies/circuit_breaker/node/aio_node.py": "_strategies/circuit_breaker/node/sync_node.py",
    "_strategies/rate_limiter/aio_handle.py": "_strategies/rate_limiter/sync_handle.py",
    "_strategies/rate_limiter/node/aio_node.py": "_strategies/rate_limiter/node/sync_node.py",
}
"""Which module is made of which."""

NAMES = {
    "AsyncGenerator": "Generator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "_aio": "_sync",
    "asynccontextmanager": "contextmanager",
    "fit_for_tasks": "fit_for_threads",
}

FACE = re.compile(r"^(_?)aio_")
"""What the name of a module for tasks begins with."""

TASKS_ONLY = "# tasks only"

DOCSTRING = m.SimpleStatementLine([m.Expr(m.SimpleString())])
HEARD = m.Call(m.Name("heard") | m.Name("heard_out"), [m.Arg()])
HEARD_IF_LATER = m.IfExp(
    test=m.Call(m.Name("isinstance")), body=m.Name(), orelse=m.Await(m.Call(m.Name("hear") | m.Name("hear_out")))
)
FOR_TASKS = m.MatchRegex(r"Pending|(Await|Async|Corout|async|_?aio|start_).*|hear(d|_out|d_out)?|.*_(tasks|later)")
ABOUT_TASKS = re.compile(r"^.*\b(?:tasks?|coroutines?|await\w*)\b.*$", re.MULTILINE)

N = TypeVar("N", cst.ClassDef, cst.FunctionDef)


class ForThreads(cst.CSTTransformer):
    """Turns one module into one for threads."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Takes docstrings, by the names of what they are of; that of the module itself has an empty one."""
        super().__init__()
        self.unsaid = dict(words)
        self._inside: list[str] = []

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        """Its own words."""
        return updated_node.with_changes(body=self._said(updated_node.body))

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        """What is inside has its name before its own."""
        self._inside.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        """Its own words."""
        return self._left(updated_node)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """As of a class."""
        self._inside.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        """Whoever calls it waits."""
        return self._left(updated_node.with_changes(asynchronous=None))

    def leave_Await(self, original_node: cst.Await, updated_node: cst.Await) -> cst.BaseExpression:
        """What is awaited is there when the call returns."""
        awaited = updated_node.expression
        return awaited.args[0].value if isinstance(awaited, cst.Call) and m.matches(awaited, HEARD) else awaited

    def leave_IfExp(self, original_node: cst.IfExp, updated_node: cst.IfExp) -> cst.BaseExpression:
        """An answer of the core, which is there."""
        return updated_node.body if m.matches(original_node, HEARD_IF_LATER) else updated_node

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        """The type of something to be awaited is the type of what that gives."""
        index = updated_node.slice[0].slice
        is_awaitable = m.matches(updated_node.value, m.Name("Awaitable"))
        return index.value if is_awaitable and isinstance(index, cst.Index) else updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        """The core has two of each call."""
        return updated_node.with_changes(attr=cst.Name(updated_node.attr.value.removeprefix("start_")))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        """By `NAMES`, and a module by its face."""
        name = updated_node.value
        by_face = FACE.sub(r"\1sync_", name)
        return updated_node.with_changes(value=NAMES.get(name, by_face))

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        """Goes, if it says so."""
        comment = updated_node.trailing_whitespace.comment
        return cst.RemoveFromParent() if comment is not None and comment.value.endswith(TASKS_ONLY) else updated_node

    def _left(self, node: N) -> N:
        body = node.body.with_changes(body=self._said(node.body.body))
        self._inside.pop()
        return node.with_changes(body=body)

    def _said(self, body: Sequence[cst.CSTNode]) -> Sequence[cst.CSTNode]:
        name, indent = ".".join(self._inside), "    " * len(self._inside)
        # Overloads have the name of what they are of, and no docstring.
        if name not in self.unsaid or not m.matches(body[0], DOCSTRING):
            return body
        text = textwrap.indent(self.unsaid.pop(name).strip(), indent).strip()
        end = f"\n{indent}" if "\n" in text else ""
        return [cst.parse_statement(f'"""{text}{end}"""'), *body[1:]]


def for_threads(name: str, source: str, words: Mapping[str, str]) -> str:
    """A module for threads, from the text of one for tasks. Raises `ValueError` where the rules do not suffice."""
    transformer = ForThreads(words)
    module = cst.parse_module(source).visit(transformer)
    if transformer.unsaid:
        message = f"{name} has no docstring of {', '.join(transformer.unsaid)}, for which tools/sync_words.py has words"
        raise ValueError(message)
    first = f"# Made from {name} by `python -m tools.sync_face`.\n# Change that, or the words in tools/sync_words.py.\n"
    text = tidied(first + module.code)
    refuse_tasks(name, text)
    return text


def refuse_tasks(name: str, text: str) -> None:
    """Raises `ValueError` where code or prose of a module for threads is still for tasks."""
    left = m.findall(cst.parse_module(text), m.Name(FOR_TASKS) | m.Asynchronous())
    if left:
        names = ", ".join(sorted({cst.Module([]).code_for_node(node).strip() for node in left}))
        message = f"{name} has {names}, and no rule of tools/sync_face.py says what that is for threads"
        raise ValueError(message)
    said = ABOUT_TASKS.search(text)
    if said:
        message = f'{name} says "{said[0].strip()}" to threads: put what they are told instead into tools/sync_words.py'
        raise ValueError(message)


def tidied(text: str) -> str:
    """Without what nobody needs any more: imports, and names for what is returned at once."""
    stdin = ["--quiet", "--stdin-filename", str(PACKAGE / "made.py"), "-"]
    for command in (["check", "--fix-only", "--unsafe-fixes", "--select", "F401,I,RET504"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, *stdin]
        text = subprocess.run(ruff, input=text, capture_output=True, encoding="utf-8", check=True).stdout
    return text


def all_made() -> dict[str, str]:
    """The text of each module that is made."""
    texts: dict[str, str] = {}
    for source, name in MODULES.items():
        texts[name] = for_threads(source, (PACKAGE / source).read_text("utf-8"), WORDS[name])
    return texts


if __name__ == "__main__":
    for file_name, made in all_made().items():
        (PACKAGE / file_name).write_text(made, "utf-8", newline="\n")
