"""The figures of each state of a history: counts by border, and the metro's reach, times, score.

What belongs here: one long table over all states, fit for lines. Pure: frames in, frame out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.layers import conform

COUNTS = ("crossings", "dead_ends", "missing_links")
"""Layers counted by border and in the metro."""

METRO_MEASURES = (
    *COUNTS,
    "openings",
    "mean_minutes_between_centres",
    "people_within_60min_of_core",
    "index",
)
"""Measures of the metro, in the order of charts."""

LAYERS_NEEDED = (*COUNTS, "borders", "centre_times", "commuting_circle", "integration_index")

_HOUR = 60.0


def history_figures(
    states: Mapping[str, Mapping[str, pd.DataFrame]], openings: pd.DataFrame
) -> pd.DataFrame:
    """Layer ``history_figures``.

    Parameters
    ----------
    states
        The layers of `LAYERS_NEEDED` of each state, by date, the earliest first.
    openings
        Layer ``openings`` of the whole history; counted up from the first state on.
    """
    pairs = _pairs_known(list(states.values()))
    rows: list[tuple[str, str | None, str, str, float]] = []
    for date, layers in states.items():
        rows += _counts(date, layers)
        opened = openings[((openings["change"] == "opened") & (openings["date_to"] <= date))]
        rows.append((date, None, "openings", "count", float(len(opened))))
        own = opened["border_id"].value_counts()
        borders = layers["borders"]["border_id"]
        rows += [(date, each, "openings", "count", float(own.get(each, 0))) for each in borders]
        rows += _of_metro(date, layers, pairs)
    columns = ["date", "border_id", "measure", "unit", "value"]
    return conform("history_figures", pd.DataFrame(rows, columns=columns))


def _counts(
    date: str, layers: Mapping[str, pd.DataFrame]
) -> list[tuple[str, str | None, str, str, float]]:
    rows: list[tuple[str, str | None, str, str, float]] = []
    for name in COUNTS:
        table = layers[name]
        if "is_counted" in table:
            table = table[table["is_counted"].fillna(False).to_numpy(bool)]
        rows.append((date, None, name, "count", float(len(table))))
        own = table["border_id"].value_counts()
        borders = layers["borders"]["border_id"]
        rows += [(date, each, name, "count", float(own.get(each, 0))) for each in borders]
    return rows


def _of_metro(
    date: str, layers: Mapping[str, pd.DataFrame], pairs: pd.MultiIndex
) -> list[tuple[str, str | None, str, str, float]]:
    times = _times(layers).reindex(pairs)
    circle = layers["commuting_circle"]
    is_hour = (circle["mode"] == "drive") & (circle["minutes"] == _HOUR) & circle["city_id"].isna()
    people = circle.loc[is_hour.to_numpy(bool), "population"]
    index = layers["integration_index"]
    is_metro = (
        (index["dimension"] == "overall") & index["city_id"].isna() & index["border_id"].isna()
    )
    score = index.loc[is_metro.to_numpy(bool), "score"]
    return [
        (date, None, "mean_minutes_between_centres", "min", _mean(times)),
        (date, None, "people_within_60min_of_core", "people", _first(people)),
        (date, None, "index", "points", _first(score)),
    ]


def _times(layers: Mapping[str, pd.DataFrame]) -> pd.Series:
    table = layers["centre_times"]
    table = table[(table["mode"] == "drive").to_numpy(bool)]
    return table.set_index(["from_id", "to_id"])["minutes"].astype(float)


def _pairs_known(states: Sequence[Mapping[str, pd.DataFrame]]) -> pd.MultiIndex:
    """Pairs of centres whose time is known in every state: a mean is then of the same trips."""
    known = None
    for layers in states:
        own = _times(layers).dropna().index
        known = own if known is None else known.intersection(own)
    return pd.MultiIndex.from_tuples([] if known is None else list(known), names=["a", "b"])


def _mean(values: pd.Series) -> float:
    return float(values.mean()) if len(values) else np.nan


def _first(values: pd.Series) -> float:
    return float(values.iloc[0]) if len(values) else np.nan
