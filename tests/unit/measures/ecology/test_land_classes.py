"""The tables of land classes agree with one another."""

from __future__ import annotations

from pipeline.measures.ecology import land_classes as land


def test_every_class_has_a_zone_and_a_rank() -> None:
    assert set(land.ZONE_OF_CLASS) == {*land.PRECEDENCE, "unknown"}
    tagged = {name for classes in land.CLASS_OF_TAG.values() for name in classes}
    assert tagged == set(land.PRECEDENCE)
