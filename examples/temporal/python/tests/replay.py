"""Replays histories with the official replayer: the workflow runs in its sandbox, and no server is asked.

A replay compares activities and timers with the history, but not for how long a timer was started or what an activity
was given. So what the workflow asks for is recorded as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from orders.workflows import WORKFLOWS


@dataclass(frozen=True)
class Timer:
    """The workflow started a timer."""

    ms: int


@dataclass(frozen=True)
class Activity:
    """The workflow asked for an activity."""

    name: str
    args: list[Any]


async def replay(history: WorkflowHistory) -> list[Timer | Activity]:
    """Replays a history and returns what the workflow asked for; an error if it would not have made this history."""
    runner = _RecordingRunner()
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=runner)
    await replayer.replay_workflow(history)
    return runner.asked


@dataclass(frozen=True)
class _RecordingRunner(SandboxedWorkflowRunner):
    asked: list[Timer | Activity] = field(default_factory=list)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = super().create_instance(det)
        activate = instance.activate

        def recording(act: Any) -> Any:
            completion = activate(act)
            for command in completion.successful.commands:
                self._record(command)
            return completion

        instance.activate = recording  # type: ignore[method-assign]
        return instance

    def _record(self, command: Any) -> None:
        if command.HasField("start_timer"):
            self.asked.append(Timer(command.start_timer.start_to_fire_timeout.ToMilliseconds()))
        elif command.HasField("schedule_activity"):
            args = [json.loads(payload.data or b"null") for payload in command.schedule_activity.arguments]
            self.asked.append(Activity(command.schedule_activity.activity_type, args))
