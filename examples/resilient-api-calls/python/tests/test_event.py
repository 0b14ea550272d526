"""What a worker process writes is read as it was meant, and has the shape that all languages agree on."""

import json

import pytest

from resilient_api_calls.event import (
    Change,
    Denied,
    Done,
    Event,
    Failed,
    FailedFast,
    Passed,
    PermitGiven,
    Undecided,
    Unrecorded,
    from_wire,
    to_wire,
)

PERMIT = PermitGiven(at_us=7, waited_us=8)
PERMIT_JSON = '{"at_us": 7, "waited_us": 8}'


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Done(1, PERMIT, Passed()), f'{{"done": {{"item": 1, "permit": {PERMIT_JSON}, "outcome": "passed"}}}}'),
        (
            Done(2, PERMIT, Failed("503 Service Unavailable")),
            f'{{"done": {{"item": 2, "permit": {PERMIT_JSON}, "outcome": {{"failed": '
            '{"with": "503 Service Unavailable"}}}}',
        ),
        (
            Done(3, PERMIT, FailedFast("last-answer")),
            f'{{"done": {{"item": 3, "permit": {PERMIT_JSON}, "outcome": {{"failed-fast": "last-answer"}}}}}}',
        ),
        (Done(4, None, Denied()), '{"done": {"item": 4, "permit": null, "outcome": "denied"}}'),
        (
            Done(5, None, Undecided("away")),
            '{"done": {"item": 5, "permit": null, "outcome": {"undecided": {"error": "away"}}}}',
        ),
        (
            Change(9, "closed", "open", "failures"),
            '{"changed": {"at_us": 9, "before": "closed", "after": "open", "cause": "failures"}}',
        ),
        (Unrecorded("away"), '{"unrecorded": {"error": "away"}}'),
    ],
)
def test_an_event_has_one_shape_as_json(event: Event, line: str) -> None:
    assert json.dumps(to_wire(event)) == line
    assert from_wire(json.loads(line)) == event


@pytest.mark.parametrize("line", ["{}", '{"done": {"item": 1}}', '{"began": {"item": 1}}'])
def test_what_is_no_event_is_not_taken_for_one(line: str) -> None:
    with pytest.raises(ValueError, match="is no event"):
        from_wire(json.loads(line))
