"""Small line charts: one measure each over the dates of a history, as inline SVG."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.render.page import bilingual as say

WIDTH, HEIGHT = 360.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 26.0, 26.0, 50.0, 28.0
LINE = "#17476d"
MOST_VALUES = 8
"""With more dates than this only the first, the last and the extremes are written out."""


@dataclass(frozen=True)
class Line:
    """One chart: its heading in both languages, values by date (NaN: not known), decimals."""

    heading: tuple[str, str]
    values: Sequence[float]
    decimals: int = 0
    is_count: bool = True
    """Drawn from zero."""


def draw_charts(dates: Sequence[str], lines: Sequence[Line]) -> Markup:
    """The charts side by side; those without any known value are left out."""
    known = [each for each in lines if np.isfinite(np.asarray(each.values, dtype=float)).any()]
    charts = Markup("").join(_chart(dates, each) for each in known)
    return Markup('<div class="lines">{}</div>').format(charts)


def _chart(dates: Sequence[str], line: Line) -> Markup:
    x = _places(dates)
    values = np.asarray(line.values, dtype=float)
    # As it is written: a change that no figure shows is no slope either.
    y = _heights(np.round(values, line.decimals), line.is_count)
    known: list[int] = np.flatnonzero(np.isfinite(values)).tolist()
    path = " ".join(f"{'L' if n - 1 in known else 'M'}{x[n]:.1f} {y[n]:.1f}" for n in known)
    written, ground = _written(values), HEIGHT - _BOTTOM
    parts = [
        Markup('<g font-size="15" font-weight="700" transform="translate(4 20)">{}</g>').format(
            say.both_svg(*line.heading)
        ),
        Markup('<path d="M{} {}H{}" stroke="#b9c2cb" fill="none"/>').format(
            _LEFT - 10, ground, WIDTH - _RIGHT + 10
        ),
        Markup('<path d="{}" stroke="{}" stroke-width="2.5" fill="none"/>').format(path, LINE),
    ]
    for n in known:
        shown = say.digits(float(values[n]), line.decimals)
        dot = Markup(
            '<g><title>{}: {}</title><circle cx="{:.1f}" cy="{:.1f}" r="4" fill="{}"/></g>'
        )
        parts.append(dot.format(dates[n], shown, x[n], y[n], LINE))
        if n in written:
            parts.append(_text(*_beside(x, n), y[n] - 9, 13, "#1d2430", shown))
    parts += [
        _text(*_beside(x, n), HEIGHT - 8, 12, "#48525e", short_dates(dates)[n]) for n in _ticks(x)
    ]
    return Markup('<svg class="line" viewBox="0 0 {:.0f} {:.0f}" role="img">{}</svg>').format(
        WIDTH, HEIGHT, Markup("").join(parts)
    )


def _beside(x: NDArray[np.float64], n: int) -> tuple[float, str]:
    """Where a text about a date stands, and how: the first and the last keep within the chart."""
    if n == 0:
        return 4.0, "start"
    return (WIDTH - 4.0, "end") if n == len(x) - 1 else (float(x[n]), "middle")


def _text(x: float, anchor: str, y: float, size: int, colour: str, text: str) -> Markup:
    return Markup(
        '<text x="{:.1f}" y="{:.1f}" text-anchor="{}" font-size="{}" fill="{}">{}</text>'
    ).format(x, y, anchor, size, colour, text)


def _places(dates: Sequence[str]) -> NDArray[np.float64]:
    """Where dates lie on the axis, by days."""
    days = np.array(
        [datetime.date.fromisoformat(each[:10]).toordinal() for each in dates], dtype=float
    )
    span = max(float(days[-1] - days[0]), 1.0)
    return _LEFT + (days - days[0]) / span * (WIDTH - _LEFT - _RIGHT)


def _heights(values: NDArray[np.float64], is_count: bool) -> NDArray[np.float64]:
    low = 0.0 if is_count else float(np.nanmin(values))
    high = float(np.nanmax(values))
    height = HEIGHT - _TOP - _BOTTOM
    if high <= low:
        return np.full(len(values), HEIGHT - _BOTTOM - height * (0.5 if high else 0.0))
    # What does not begin at zero does not touch the ground either.
    foot = 0.0 if is_count else 0.15 * height
    return HEIGHT - _BOTTOM - foot - (values - low) / (high - low) * (height - foot)


def _written(values: NDArray[np.float64]) -> set[int]:
    known = np.flatnonzero(np.isfinite(values))
    if len(known) <= MOST_VALUES:
        return set(known.tolist())
    extremes = (int(np.nanargmin(values)), int(np.nanargmax(values)))
    return {int(known[0]), int(known[-1]), *extremes}


def short_dates(dates: Sequence[str]) -> list[str]:
    """Dates as short as they may be: years, where all are the first of January."""
    if all(each[4:] == "-01-01" for each in dates):
        return [each[:4] for each in dates]
    return [each[:7] if each.endswith("-01") else each[:10] for each in dates]


def _ticks(x: NDArray[np.float64]) -> list[int]:
    """Dates that are written below, none over another; the last always."""
    kept: list[int] = [len(x) - 1]
    for n in range(len(x) - 2, -1, -1):
        if x[kept[-1]] - x[n] >= 66.0:
            kept.append(n)
    return sorted(kept)
