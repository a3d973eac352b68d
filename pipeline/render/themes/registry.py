"""The themes that a page has, gathered from `pipeline.render.themes`."""

from __future__ import annotations

from pipeline.render import themes
from pipeline.render.themes.theme import Theme


def all_themes() -> tuple[Theme, ...]:
    """In the order of their names; the scripts say in which order the tabs stand."""
    return tuple(each for each in vars(themes).values() if isinstance(each, Theme))
