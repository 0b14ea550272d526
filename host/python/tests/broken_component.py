"""The component with the code of one function replaced, for tests of what a host does about one that misbehaves."""

from __future__ import annotations

import os
from pathlib import Path

#: What a component begins with, and with nothing after it is an empty one.
EMPTY = b"\0asm\x0d\0\x01\0"
#: `loop br 0 end`: it never ends.
LOOPS = bytes.fromhex("03400c000b")
#: `loop i32.const 1 memory.grow i32.const -1 i32.ne br_if 0 end`: it takes all memory there is.
GROWS = bytes.fromhex("0340410140 00417f470d000b")
#: Nothing: what is left of every replaced function is `unreachable`.
TRAPS = b""

TRY_ACQUIRE = "tidegate:policy/rate-limiter@0.1.0#[method]limiter.try-acquire"

_CORE_MODULE, _IMPORTS, _EXPORTS, _CODE = 1, 2, 7, 10
_UNREACHABLE, _NOP, _END = 0x00, 0x01, 0x0B
_FUNCTION = 0


def built() -> bytes:
    """The component that `cargo xtask component` has built."""
    default = Path(__file__).parents[3] / "target/component/tidegate.wasm"
    return Path(os.environ.get("TIDEGATE_COMPONENT", default)).read_bytes()


def with_code(code: bytes, function: str = TRY_ACQUIRE) -> bytes:
    """The component, with this in place of what the function does. It keeps its length, so that nothing else moves."""
    component = bytearray(built())
    for kind, start, end in _sections(component, 8, len(component)):
        body = _body(component, start, end, function) if kind == _CORE_MODULE else None
        if body is not None:
            _replace(component, *body, code)
            return bytes(component)
    message = f"no core module exports {function}"
    raise LookupError(message)


def _replace(component: bytearray, start: int, end: int, code: bytes) -> None:
    no_locals = b"\0"
    head = no_locals + code + bytes([_UNREACHABLE])
    filling = end - start - len(head) - 1
    assert filling >= 0, "the function is too short"
    component[start:end] = head + bytes([_NOP]) * filling + bytes([_END])


def _body(wasm: bytearray, start: int, end: int, function: str) -> tuple[int, int] | None:
    """Where the body of an exported function of the core module lies."""
    sections = {kind: (first, last) for kind, first, last in _sections(wasm, start + 8, end)}
    index = _exported(wasm, sections[_EXPORTS][0], function) if _EXPORTS in sections else None
    if index is None:
        return None
    at = sections[_CODE][0]
    _, at = _leb(wasm, at)
    for _ in range(index - _imported_functions(wasm, sections.get(_IMPORTS))):
        size, at = _leb(wasm, at)
        at += size
    size, at = _leb(wasm, at)
    return at, at + size


def _exported(wasm: bytearray, at: int, function: str) -> int | None:
    count, at = _leb(wasm, at)
    for _ in range(count):
        name, at = _name(wasm, at)
        kind = wasm[at]
        index, at = _leb(wasm, at + 1)
        if kind == _FUNCTION and name == function:
            return index
    return None


def _imported_functions(wasm: bytearray, section: tuple[int, int] | None) -> int:
    if section is None:
        return 0
    count, at = _leb(wasm, section[0])
    for _ in range(count):
        _, at = _name(wasm, at)
        _, at = _name(wasm, at)
        # The component's module imports functions only, each by the index of its type.
        assert wasm[at] == _FUNCTION, "an import that is no function"
        _, at = _leb(wasm, at + 1)
    return count


def _sections(wasm: bytearray, at: int, end: int) -> list[tuple[int, int, int]]:
    sections: list[tuple[int, int, int]] = []
    while at < end:
        kind = wasm[at]
        size, at = _leb(wasm, at + 1)
        sections.append((kind, at, at + size))
        at += size
    return sections


def _name(wasm: bytearray, at: int) -> tuple[str, int]:
    length, at = _leb(wasm, at)
    return wasm[at : at + length].decode(), at + length


def _leb(wasm: bytearray, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = wasm[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
