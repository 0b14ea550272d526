"""Histories as a Temporal server would have written them, event by event.

The server is not needed to replay them: the official replayer runs the workflow against the history and fails where the
workflow would have done something else.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from temporalio.client import WorkflowHistory

# What a worker of this version notes with each workflow task; the checks of activities' names are
# behind these.
_FLAGS = {"coreUsedFlags": [1, 2, 3], "langUsedFlags": [1]}
_START = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class History:
    """Builds the history of one workflow run. Each method is what happened next."""

    def __init__(self, workflow: str, *args: Any) -> None:
        self._events: list[dict[str, Any]] = []
        self._activities = self._timers = 0
        self._timer_started_id = self._task_completed_id = ""
        self._add(
            "WORKFLOW_EXECUTION_STARTED",
            workflowType={"name": workflow},
            taskQueue={"name": "replayed"},
            input=_payloads(*args),
            originalExecutionRunId="run",
            firstExecutionRunId="run",
            workflowTaskTimeout="10s",
            attempt=1,
        )

    def activity(self, name: str, result: Any) -> History:
        """The workflow asked for an activity, and it gave `result`."""
        return self._complete(self._schedule(name), result)

    def failed_activity(
        self, name: str, type: str, retry_after_ms: int | None = None, non_retryable: bool = False
    ) -> History:
        """The workflow asked for an activity, and it failed for good."""
        scheduled = self._schedule(name)
        started = self._add("ACTIVITY_TASK_STARTED", scheduledEventId=scheduled)
        info: dict[str, Any] = {"type": type, "nonRetryable": non_retryable}
        if retry_after_ms is not None:
            info["nextRetryDelay"] = _duration(retry_after_ms)
            info["details"] = _payloads({"retryAfterMs": retry_after_ms})
        state = "NON_RETRYABLE_FAILURE" if non_retryable else "MAXIMUM_ATTEMPTS_REACHED"
        self._add(
            "ACTIVITY_TASK_FAILED",
            scheduledEventId=scheduled,
            startedEventId=started,
            failure={"message": type, "applicationFailureInfo": info},
            retryState=f"RETRY_STATE_{state}",
        )
        return self._forget()

    def timer(self, ms: int) -> History:
        """The workflow started a timer, and its time came."""
        self.started_timer(ms)
        self._add("TIMER_FIRED", timerId=str(self._timers), startedEventId=self._timer_started_id)
        return self._forget()

    def started_timer(self, ms: int) -> History:
        """The workflow started a timer, and something else came first."""
        task = self._task()
        self._timers += 1
        self._timer_started_id = self._add(
            "TIMER_STARTED",
            timerId=str(self._timers),
            startToFireTimeout=_duration(ms),
            workflowTaskCompletedEventId=task,
        )
        return self

    def cancelled_in_timer(self) -> History:
        """Somebody cancelled the workflow, in the middle of its last timer, which it therefore cancelled."""
        self._add("WORKFLOW_EXECUTION_CANCEL_REQUESTED")
        task = self._forget()._task()
        self._add(
            "TIMER_CANCELED",
            timerId=str(self._timers),
            startedEventId=self._timer_started_id,
            workflowTaskCompletedEventId=task,
        )
        return self

    def cancelled_in_activity(self, name: str, result: Any) -> History:
        """Somebody cancelled the workflow while an activity was under way, which then gave `result`."""
        scheduled = self._schedule(name)
        self._add("WORKFLOW_EXECUTION_CANCEL_REQUESTED")
        self._forget()._task()
        return self._complete(scheduled, result)

    def completed(self, result: Any) -> WorkflowHistory:
        """The workflow ended with a result."""
        task = self._task()
        self._add("WORKFLOW_EXECUTION_COMPLETED", result=_payloads(result), workflowTaskCompletedEventId=task)
        return self.build()

    def cancelled(self) -> WorkflowHistory:
        """The workflow ended cancelled."""
        task = self._task()
        self._add("WORKFLOW_EXECUTION_CANCELED", workflowTaskCompletedEventId=task)
        return self.build()

    def failed(self) -> WorkflowHistory:
        """The workflow ended with a failure."""
        task = self._task()
        self._add("WORKFLOW_EXECUTION_FAILED", failure={"message": "failed"}, workflowTaskCompletedEventId=task)
        return self.build()

    def build(self) -> WorkflowHistory:
        """The history so far."""
        return WorkflowHistory.from_json("replayed", {"events": self._events})

    def _schedule(self, name: str) -> str:
        task = self._task()
        self._activities += 1
        return self._add(
            "ACTIVITY_TASK_SCHEDULED",
            activityId=str(self._activities),
            activityType={"name": name},
            taskQueue={"name": "replayed"},
            workflowTaskCompletedEventId=task,
        )

    def _complete(self, scheduled: str, result: Any) -> History:
        started = self._add("ACTIVITY_TASK_STARTED", scheduledEventId=scheduled)
        self._add(
            "ACTIVITY_TASK_COMPLETED", scheduledEventId=scheduled, startedEventId=started, result=_payloads(result)
        )
        return self._forget()

    def _task(self) -> str:
        """The workflow task whose commands come next; one, however many commands."""
        if not self._task_completed_id:
            scheduled = self._add("WORKFLOW_TASK_SCHEDULED")
            started = self._add("WORKFLOW_TASK_STARTED", scheduledEventId=scheduled)
            self._task_completed_id = self._add(
                "WORKFLOW_TASK_COMPLETED", scheduledEventId=scheduled, startedEventId=started, sdkMetadata=_FLAGS
            )
        return self._task_completed_id

    def _forget(self) -> History:
        """What comes next is of another workflow task."""
        self._task_completed_id = ""
        return self

    def _add(self, type: str, **attributes: Any) -> str:
        event_id = str(len(self._events) + 1)
        time = _START + timedelta(milliseconds=10 * len(self._events))
        name = re.sub("_([a-z])", lambda found: found[1].upper(), type.lower())
        self._events.append(
            {
                "eventId": event_id,
                "eventTime": time.isoformat().replace("+00:00", "Z"),
                "eventType": f"EVENT_TYPE_{type}",
                f"{name}EventAttributes": attributes,
            }
        )
        return event_id


def _duration(ms: int) -> str:
    return f"{ms / 1_000:.3f}s"


def _payloads(*values: Any) -> dict[str, Any]:
    def payload(value: Any) -> dict[str, Any]:
        encoding = "binary/null" if value is None else "json/plain"
        data = b"" if value is None else json.dumps(value).encode()
        return {
            "metadata": {"encoding": base64.b64encode(encoding.encode()).decode()},
            "data": base64.b64encode(data).decode(),
        }

    return {"payloads": [payload(value) for value in values]}
