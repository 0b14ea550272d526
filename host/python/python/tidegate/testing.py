"""For tests of hosts: a store that answers by script and keeps what it was sent."""

from __future__ import annotations

from tidegate._tidegate import ScriptedStore

__all__ = ["ScriptedStore"]
