"""The comparison as one SVG: small panels on logarithmic axes, engines named at their lines.

What belongs here: drawing. What is drawn is told by `page`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = {
    "ours": "#0072b2",
    "ours, command line": "#56b4e9",
    "osmnx": "#d55e00",
    "notebook": "#d55e00",
    "networkx": "#d55e00",
    "pyrosm": "#009e73",
    "scipy": "#cc79a7",
    "aequilibrae": "#009e73",
    "networkit": "#e69f00",
    "rustworkx": "#555555",
    "igraph": "#8c6d46",
    "pandana": "#999999",
    "ours, the comparable part": "#56b4e9",
    "ours, roads alone": "#4b4bc3",
}
WIDTH, HEIGHT = 470, 330
LEFT, RIGHT, TOP, BOTTOM = 58, 128, 46, 42
TEXT = 'font-family="Helvetica, Arial, sans-serif"'


@dataclass(frozen=True)
class Panel:
    """``lines`` holds (size, value) points by engine; ``stopped`` points that a limit cut off."""

    title: str
    unit: str
    lines: dict[str, list[tuple[float, float]]]
    stopped: dict[str, tuple[float, float]]


def draw(panels: Sequence[Panel], columns: int = 2) -> str:
    """The panels on a white page, always the same text for the same figures."""
    rows = math.ceil(len(panels) / columns)
    width, height = columns * WIDTH, rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        "<title>Time and memory by size, this pipeline and its peers</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, panel in enumerate(panels):
        column, row = number % columns, number // columns
        parts.append(f'<g transform="translate({column * WIDTH} {row * HEIGHT})">')
        parts += _panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> list[str]:
    points = [p for line in panel.lines.values() for p in line] + list(panel.stopped.values())
    parts = [_text(LEFT, 20, panel.title, size=14, weight="bold"), _text(LEFT, 36, panel.unit)]
    if not points:
        return [*parts, _text(LEFT, HEIGHT / 2, "not measured")]
    across = _Axis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    up = _Axis([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "#e3e3e3"))
        parts.append(_text(LEFT - 6, y + 4, _number(tick), anchor="end"))
    for tick in across.ticks():
        x = across.at(tick)
        parts.append(_line(x, TOP, x, HEIGHT - BOTTOM, "#e3e3e3"))
        parts.append(_text(x, HEIGHT - BOTTOM + 16, _number(tick), anchor="middle"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 8, "road nodes of the extract", anchor="middle"))
    ends: list[tuple[float, str]] = []
    for name in sorted(set(panel.lines) | set(panel.stopped), key=_ours_last):
        drawn = sorted(panel.lines.get(name, []))
        places = [(across.at(x), up.at(y)) for x, y in drawn]
        colour = COLOURS.get(name, "#777777")
        thick = 2.6 if name == "ours" else 1.6
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thick}"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        if name in panel.stopped:
            x, y = across.at(panel.stopped[name][0]), up.at(panel.stopped[name][1])
            if places:
                parts.append(_line(*places[-1], x, y, colour, dashed=True))
            parts.append(
                f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="{colour}" stroke-width="2"/>'
            )
            places = [*places, (x, y)]
        ends.append((places[-1][1], name))
    parts += _names(ends)
    return parts


def _names(ends: list[tuple[float, str]]) -> list[str]:
    """Names right of the lines' ends, moved apart where they would lie on one another."""
    gap, parts = 13.0, []
    ordered = sorted(ends)
    places = [y for y, _ in ordered]
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + gap)
    overflow = max(0.0, places[-1] - (HEIGHT - BOTTOM)) if places else 0.0
    for number in range(len(places) - 1, -1, -1):
        below = places[number + 1] - gap if number + 1 < len(places) else places[-1] - overflow
        places[number] = min(places[number], below)
    for y, (_, name) in zip(places, ordered, strict=True):
        weight = "bold" if name == "ours" else "normal"
        colour = COLOURS.get(name, "#777777")
        parts.append(_text(WIDTH - RIGHT + 8, y + 4, name, colour=colour, weight=weight))
    return parts


class _Axis:
    """A logarithmic axis between two places, a little wider than its values."""

    def __init__(self, values: list[float], start: float, stop: float) -> None:
        low, high = math.log10(min(values)), math.log10(max(values))
        room = max(0.06 * (high - low), 0.1)
        self._low, self._high = low - room, high + room
        self._start, self._stop = start, stop

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._stop - self._start)

    def ticks(self) -> list[float]:
        """Decades; with less than two of them on the axis also 2 and 5 of each."""
        decades = range(math.floor(self._low), math.ceil(self._high) + 1)
        shown = [10.0**d for d in decades if self._low <= d <= self._high]
        if len(shown) < 3:
            fine = [m * 10.0**d for d in decades for m in (1, 2, 5)]
            shown = [t for t in fine if self._low <= math.log10(t) <= self._high]
        return shown


def _ours_last(name: str) -> tuple[bool, str]:
    return name == "ours", name


def _number(value: float) -> str:
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    size: int = 11,
    weight: str = "normal",
    colour: str = "#333333",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {TEXT} font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'
    )
