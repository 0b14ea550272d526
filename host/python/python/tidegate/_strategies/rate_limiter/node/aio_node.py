"""Rate limiter nodes for asyncio: the JSON configurations and contexts that workflow engines send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate._loops import hear
from tidegate._node_results import NodeOutput
from tidegate._node_text import NodeConfig, NodeContext, node_config_text
from tidegate._pickling import Gate
from tidegate._strategies.rate_limiter.node.base import RateLimiterNodeBase
from tidegate._strategies.rate_limiter.node.results import NodeStep, Passage, end_of, step_of


class RateLimiterNodeMethods(Gate):
    """The part of a gate that has to do with rate limiter nodes."""

    def rate_limiter_node(self, config: NodeConfig, /) -> RateLimiterNode:
        """Opens a rate limiter node. Raises `ConfigError` with all problems of the configuration.

        Nodes of the same settings on the same store limit together. The last 256 configurations stay open.
        """
        text = node_config_text(config)
        return RateLimiterNode(self._core.rate_limiter_node(text), self, text)

    async def execute_rate_limiter_node(self, config: NodeConfig, context: Mapping[str, Any]) -> NodeOutput[Passage]:
        """`RateLimiterNode.execute` on a configuration that comes with the call, and the context with the result."""
        node = self.rate_limiter_node(config)
        passage = await node.execute(context)
        return NodeOutput(passage, node.put(context, passage.result))


class RateLimiterNode(RateLimiterNodeBase):
    """A handle on a rate limiter node, to be shared between tasks. It holds no state of any key."""

    async def execute(self, context: NodeContext) -> Passage:
        """Asks for a permit and waits for it as the configuration says. A call that does not pass is a result as well.

        A task that is cancelled leaves the queue or gives the reserved place back.
        Raises `InputError`, which names the field where the context has no key; `StoreError` and `ContendedError` with
        a shared store.
        """
        answer = self._core.start_execute(self._read(context))
        return end_of(answer if isinstance(answer, tuple) else await hear(answer))

    async def begin(self, context: NodeContext) -> NodeStep:
        """The first step of a call that never sleeps: for workflows that keep their own timers."""
        return await self._step(context, None)

    async def step(self, context: NodeContext, token: str) -> NodeStep:
        """The next step, with the same context and the token of the step before, in any process and language.

        Raises `InputError` also for a token that no step has given.
        """
        return await self._step(context, token)

    async def abandon(self, context: NodeContext, token: str) -> bool:
        """Gives back what the token of a step holds; False: it held nothing.

        That is a place in the queue, a reserved place, or the permit of a call that passed and was then not made. A
        permit must be given back once only.
        """
        answer = self._core.start_abandon(self._read(context), token)
        return answer if isinstance(answer, bool) else await hear(answer)

    async def _step(self, context: NodeContext, token: str | None) -> NodeStep:
        answer = self._core.start_step(self._read(context), token)
        return step_of(answer if isinstance(answer, tuple) else await hear(answer))

    def __repr__(self) -> str:
        """Its class and where its results go."""
        return f"RateLimiterNode(output_variable={self.output_variable!r})"
