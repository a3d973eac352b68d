"""The themes that every page has, as its tabs name them."""

from __future__ import annotations

THEMES = (
    "overview",
    "links",
    "bottlenecks",
    "commuting",
    "services",
    "ecology",
    "integration",
    "about",
)
