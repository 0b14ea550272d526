"""The store of the default gates of both faces."""

from __future__ import annotations

from tidegate._tidegate import Memory

MEMORY = Memory()
"""The state of all who use the functions of `tidegate.nodes` and `tidegate.aio.nodes` without a gate of their own."""
