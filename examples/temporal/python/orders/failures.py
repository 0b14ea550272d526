"""Refusals as failures that Temporal understands: whether to try again, and when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError
from tidegate import CircuitOpenError, ConfigError, CostNeverFitsError, InputError, RateLimitError

from .model import RetryAfter
from .payments import PaymentRejected


@contextmanager
def as_failures() -> Iterator[None]:
    """Raises what an activity raises for an error. The retry policy decides on what it does not know."""
    try:
        yield
    except CircuitOpenError as error:
        raise _retryable("CircuitOpen", error) from error
    except RateLimitError as error:
        # A full queue is worth coming back to. Who has waited for the longest time allowed has had
        # its chance.
        timed_out = error.decision.reason == "queue-timeout"
        raise (_final("QueueTimeout", error) if timed_out else _retryable("RateLimited", error)) from error
    except (ConfigError, CostNeverFitsError, InputError, PaymentRejected) as error:
        raise _final(type(error).__name__, error) from error


def _retryable(type: str, error: CircuitOpenError | RateLimitError) -> ApplicationError:
    """Tried again when the policy said so; where it said nothing, when the retry policy says."""
    after_ms = error.retry_after_ms
    if after_ms == 0:
        return ApplicationError(str(error), type=type)
    details = RetryAfter(retryAfterMs=after_ms)
    return ApplicationError(str(error), details, type=type, next_retry_delay=timedelta(milliseconds=after_ms))


def _final(type: str, error: Exception) -> ApplicationError:
    return ApplicationError(str(error), type=type, non_retryable=True)
