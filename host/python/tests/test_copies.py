"""What goes to another process, or is copied, and what does not and says why."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

from tidegate import (
    Admission,
    CallTimeoutError,
    CircuitOpenError,
    ConfigError,
    ContendedError,
    CostNeverFitsError,
    Decision,
    ErrorPattern,
    HalfOpen,
    InputError,
    Limit,
    LoadError,
    ManualClock,
    Memory,
    MisuseError,
    PolicyError,
    Problem,
    Queue,
    RateLimitError,
    Redis,
    StoreChange,
    StoreError,
    StoreWatch,
    Tidegate,
    Trip,
    aio,
    http_failure,
)

from .node_configs import CIRCUIT
from .test_redis import store

FACES = [Tidegate, aio.Tidegate]


def copies(thing: Any) -> list[Any]:
    return [pickle.loads(pickle.dumps(thing)), copy.copy(thing), copy.deepcopy(thing)]


def answers() -> list[Any]:
    clock = ManualClock()
    gate = Tidegate(clock=clock)
    limiter = gate.rate_limiter("api", limit=Limit.per_second(2), on_limit=Queue(9, 60_000))
    breaker = gate.circuit_breaker("payments", consecutive=1)
    report = breaker.admit()
    assert report.permit is not None
    opened = breaker.failed(report.permit, ValueError("down"), elapsed_ms=1)
    change = StoreChange.from_dict({"shard": 1, "before": "available", "after": "away", "cause": "gone"})
    return [limiter.acquire("me"), limiter.try_acquire("me"), report, report.permit, opened, opened.event, change]


@pytest.mark.parametrize("answer", answers(), ids=lambda answer: type(answer).__name__)
def test_answers_keep_their_fields(answer: Any) -> None:
    for each in copies(answer):
        assert type(each) is type(answer)
        assert each.to_dict() == answer.to_dict()
        assert each == answer


def errors() -> list[Exception]:
    admission, decision, _, _, report, _, _ = answers()
    assert isinstance(admission, Admission)
    assert isinstance(decision, Decision)
    problems = [Problem("limits[0]", "limits[0] is 0", "0", "1 or more")]
    return [
        RateLimitError("api", decision),
        CircuitOpenError("payments", report),
        CallTimeoutError("payments", 1.5),
        CostNeverFitsError("api", 7, 0, 5, 2, 3),
        ConfigError(problems, "api"),
        ConfigError(problems),
        InputError(problems, "rate-limiter"),
        ContendedError(64),
        StoreError("gone"),
        LoadError("no file"),
        PolicyError("trapped"),
        MisuseError("None cannot be called"),
    ]


@pytest.mark.parametrize("error", errors(), ids=lambda error: type(error).__name__)
def test_errors_keep_their_fields(error: Exception) -> None:
    for each in copies(error):
        assert type(each) is type(error)
        assert (str(each), each.args, vars(each)) == (str(error), error.args, vars(error))


def raised(error: Exception, cause: BaseException) -> Exception:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


class Unpickled(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)
        self.two = two


@pytest.mark.parametrize("error", errors(), ids=lambda error: type(error).__name__)
def test_errors_keep_their_cause_and_tell_their_stack(error: Exception) -> None:
    for each in copies(raised(error, ValueError("no money"))):
        assert (str(each), each.args) == (str(error), error.args)
        assert repr(each.__cause__) == "ValueError('no money')"
        assert "in raised" in each.__notes__[0]


def test_a_cause_that_cannot_be_pickled_is_told_by_its_name_and_text() -> None:
    error = raised(StoreError("gone", "refused"), Unpickled(1, 2))
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(error.__cause__))
    again = pickle.loads(pickle.dumps(error))
    assert (again.reason, str(again.__cause__)) == ("refused", f"{__name__}.Unpickled: 1")


def test_settings_are_copied_as_they_are() -> None:
    settings = [
        Limit.per_second(3),
        Queue(1, 2),
        Trip(consecutive=2),
        HalfOpen(3),
        ErrorPattern("5??"),
        StoreWatch(4),
    ]
    for each in copies(settings):
        assert each == settings


@pytest.mark.parametrize("face", FACES)
def test_handles_on_redis_come_back_to_their_gate(face: Any, redis_url: str) -> None:
    gate = face(store(redis_url), max_known=7)
    breaker = gate.circuit_breaker("payments", consecutive=1, failure_if=http_failure, ignored=[ValueError])
    handles = [
        gate.rate_limiter("api", limit=Limit.per_day(3)),
        breaker.keyed("a")(timeout_ms=500),
        gate.rate_limiter_node({"limit": 2, "window": "minute", "keyType": "global", "behavior": "queue"}),
        gate.circuit_breaker_node(CIRCUIT),
    ]
    back = pickle.loads(pickle.dumps((gate, handles)))
    assert back[0] is gate
    for handle, again in zip(handles, back[1], strict=True):
        assert type(again) is type(handle)
        assert repr(again) == repr(handle)
        assert again._gate is gate
        assert copy.copy(handle) is handle
        assert copy.deepcopy(handle) is handle
    assert back[1][1]._rules == handles[1]._rules
    assert handles[1]._rules.classes == (ValueError,)


def test_a_handle_works_in_another_process(redis_url: str) -> None:
    gate = Tidegate(store(redis_url))
    limiter = gate.rate_limiter("api", limit=Limit.per_day(3))
    assert limiter.try_acquire("me", cost=2)
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).try_acquire('me').remaining)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(limiter), capture_output=True, check=True)
    assert int(done.stdout) == 0


@pytest.mark.parametrize("face", FACES)
def test_what_is_of_one_process_says_so(face: Any, redis_url: str) -> None:
    clock = ManualClock()
    for gate in (face(), face(Memory()), face(store(redis_url), clock)):
        limiter = gate.rate_limiter("api", limit=Limit.per_day(3))
        for thing in (gate, limiter):
            with pytest.raises(TypeError, match="is of one process and cannot be pickled"):
                pickle.dumps(thing)
            assert copy.copy(thing) is thing
            assert copy.deepcopy(thing) is thing
    with pytest.raises(TypeError, match="a Memory is the state of one process"):
        pickle.dumps(Memory())
    with pytest.raises(TypeError, match="a ManualClock is moved in one process"):
        pickle.dumps(clock)


def test_a_redis_goes_with_all_its_settings() -> None:
    redis = Redis(
        "rediss://localhost", prefix="p", timeout_ms=9, connect_timeout_ms=8, cluster=True, nodes=["rediss://b:1"]
    )
    again = pickle.loads(pickle.dumps(redis))
    assert isinstance(again, Redis)
    assert again.__getnewargs_ex__() == redis.__getnewargs_ex__()
    assert again.__getnewargs_ex__()[1]["nodes"] == ["rediss://b:1"]
    assert "secret" not in repr(pickle.loads(pickle.dumps(Redis("redis://:secret@localhost"))))
