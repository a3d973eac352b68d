"""Calls side by side: results in the order of the calls, errors not lost, few items ahead."""

from __future__ import annotations

import threading
import time

import pytest

from pipeline.threads import at_once, mapped


def test_calls_run_at_the_same_time_and_answer_in_their_order():
    """Each waits for the other: one after the other they would wait for ever."""
    meeting = threading.Barrier(2, timeout=30)
    found = at_once(lambda: (meeting.wait(), "a")[1], lambda: (meeting.wait(), "b")[1], lambda: 3)
    assert found == ["a", "b", 3]
    assert at_once() == []


def test_the_first_error_in_order_is_raised():
    def late():
        time.sleep(0.1)
        raise KeyError("late")

    def early():
        raise ValueError("early")

    with pytest.raises(KeyError, match="late"):
        at_once(late, early)
    with pytest.raises(ValueError, match="early"):
        list(mapped(lambda item: early() if item == 2 else item, range(9)))


def test_mapped_keeps_order_and_takes_few_items_ahead():
    taken = []

    def items():
        for item in range(40):
            taken.append(item)
            yield item

    def slow_at_times(item):
        time.sleep(0.01 if item % 3 == 0 else 0.0)
        return -item

    seen = []
    for result in mapped(slow_at_times, items()):
        seen.append(result)
        assert len(taken) - len(seen) <= 3
    assert seen == [-item for item in range(40)]
    assert list(mapped(abs, [])) == []
