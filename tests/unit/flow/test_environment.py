"""Telling installations apart."""

from __future__ import annotations

from pipeline.flow import environment


def test_what_differs_is_named_with_both_values():
    own = {"python": "3.11.9", "numpy": "2.1.0"}
    assert environment.differences(own, dict(own)) == []
    assert environment.differences(own, {"python": "3.11.9", "numpy": "2.3.0"}) == [
        "numpy 2.1.0 here, 2.3.0 there"
    ]
    assert environment.differences(own, {"python": "3.11.9"}) == ["numpy 2.1.0 here, missing there"]


def test_this_installation_is_like_itself():
    first = environment.describe()
    assert environment.differences(first, environment.describe()) == []
    assert {"python", "numpy", "metro-integration"} < set(first)
