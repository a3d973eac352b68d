"""What differs between two sets of a metro's layers: times, reach, border effect, index.

What belongs here: the numbers that a scenario and a yearly comparison both
report, by metro, city and border. Pure: frames in, one table out. Which roads
differ belongs to `compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.layers import conform
from pipeline.measures.integration.params import IntegrationParams
from pipeline.scenario.change_errors import OPTIONAL_LAYERS, Sides, with_errors

__all__ = ["LAYERS_NEEDED", "OPTIONAL_LAYERS", "differences", "zone_changes"]

Floats = NDArray[np.float64]

LAYERS_NEEDED = (
    "borders",
    "zones",
    "commuting_circle",
    "border_effect",
    "indicators",
    "integration_index",
)

_ZONE_MEANS = (
    ("minutes_to_core", "min"),
    ("minutes_to_core_peak", "min"),
    ("minutes_to_core_transit", "min"),
    ("minutes_to_nearest_centre", "min"),
    ("minutes_to_hospital", "min"),
    ("population_30min", "people"),
    ("population_60min", "people"),
    ("cross_border_share_60min_pct", "%"),
)
"""Columns of ``zones`` reported as a mean over people, and their units."""


def differences(
    before: Mapping[str, pd.DataFrame],
    after: Mapping[str, pd.DataFrame],
    params: IntegrationParams,
    without_growth: Mapping[str, pd.DataFrame] | None = None,
    *,
    has_same_pairs: bool = False,
) -> pd.DataFrame:
    """Layer ``changes``: one row per figure of the metro, a city or a border.

    Parameters
    ----------
    before, after
        The layers of `LAYERS_NEEDED` by name; those of `OPTIONAL_LAYERS` where they are.
    params
        Of the later run.
    without_growth
        The same of the later run made again without the newly mapped roads.
    has_same_pairs
        Whether both border effects are of the same pairs of zones, as a scenario's are.

    Returns
    -------
    Figures that are known on neither side are left out; one known on one side
    alone has no ``change``. Means over people take the zones known in both.
    """
    table = _side_by_side(before, after)
    table["change"] = table["after"] - table["before"]
    table["without_growth"] = np.nan
    if without_growth is not None:
        key = ["border_id", "city_id", "measure"]
        grown = _side_by_side(before, without_growth)
        grown = _text_keys(grown, key).groupby(key)["after"].first()
        at = pd.MultiIndex.from_frame(_text_keys(table, key)[key])
        table["without_growth"] = grown.reindex(at).to_numpy(float)
    table["change_by_growth"] = table["after"] - table["without_growth"]
    known = table["before"].notna() | table["after"].notna()
    means = tuple(name for name, _ in _ZONE_MEANS)
    table = with_errors(
        table[known.to_numpy(bool)], Sides(before, after, has_same_pairs), means, params
    )
    return conform("changes", table)


def _text_keys(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """The table with an empty text for null in the key columns, so that nulls match."""
    return table.assign(
        **{name: table[name].astype(object).where(table[name].notna(), "") for name in key}
    )


def _side_by_side(
    before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    def pair(layer: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        return before[layer], after[layer]

    def circle_name(table: pd.DataFrame) -> pd.Series:
        minutes = table["minutes"].map("{:g}".format)
        return "people_within_" + minutes + "min_of_core_" + table["mode"]

    scope = ["border_id", "city_id"]
    tables = [
        _zone_changes(*pair("zones")),
        _keyed(
            *pair("commuting_circle"),
            "access",
            ["city_id", "mode", "minutes"],
            "population",
            "people",
            circle_name,
        ),
        _keyed(
            *pair("border_effect"),
            "border_effect",
            ["border_id", "mode"],
            "penalty_pct",
            "%",
            lambda table: "border_effect_" + table["mode"],
        ),
        _keyed(
            *pair("indicators"),
            "indicator",
            [*scope, "indicator"],
            "value",
            None,
            lambda table: table["indicator"],
        ),
        _keyed(
            *pair("integration_index"),
            "index",
            [*scope, "dimension"],
            "score",
            "points",
            lambda table: table["dimension"],
        ),
    ]
    return pd.concat([each for each in tables if len(each)], ignore_index=True)


def zone_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Layer ``zone_changes``: what differs for the people of each zone, with geometry.

    ``before`` and ``after`` are layer ``zones``; cells of one side alone are left out.
    """
    columns = ["minutes_to_core", "population_60min"]
    joined = after[["cell", "city_id", "population", *columns, "geometry"]].merge(
        before[["cell", *columns]], on="cell", suffixes=("_after", "_before")
    )
    for column in columns:
        joined[f"{column}_change"] = joined[f"{column}_after"] - joined[f"{column}_before"]
    return conform("zone_changes", joined)


def _zone_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name, _ in _ZONE_MEANS]
    both = pd.DataFrame(after)[["cell", "city_id", "population", *columns]].merge(
        pd.DataFrame(before)[["cell", *columns]], on="cell", suffixes=("_after", "_before")
    )
    rows = []
    for city_id, zones in [(None, both), *both.groupby("city_id", sort=True)]:
        for name, unit in _ZONE_MEANS:
            values = [zones[f"{name}_{side}"].to_numpy(float) for side in ("before", "after")]
            weight = zones["population"].to_numpy(float)
            old, new = _means(values[0], values[1], weight)
            rows.append((None, city_id, "access", f"mean_{name}", unit, old, new))
    names = ["border_id", "city_id", "topic", "measure", "unit", "before", "after"]
    return pd.DataFrame(rows, columns=names)


def _means(before: Floats, after: Floats, weight: Floats) -> tuple[float, float]:
    known = ~(np.isnan(before) | np.isnan(after) | np.isnan(weight))
    total = weight[known].sum()
    if total <= 0:
        return np.nan, np.nan
    return (
        float((before[known] * weight[known]).sum() / total),
        float((after[known] * weight[known]).sum() / total),
    )


def _keyed(
    before: pd.DataFrame,
    after: pd.DataFrame,
    topic: str,
    key: list[str],
    value: str,
    unit: str | None,
    name: Callable[[pd.DataFrame], pd.Series],
) -> pd.DataFrame:
    """Rows of two tables matched by key; a null in the key matches a null."""
    kept = [*key, value] + ([] if unit else ["unit"])
    old, new = (pd.DataFrame(each)[kept].copy() for each in (before, after))
    for frame in (old, new):
        for column in key:
            if column != "minutes":
                frame[column] = frame[column].astype(object).where(frame[column].notna(), "")
    both = old.merge(
        new, on=key + ([] if unit else ["unit"]), how="outer", suffixes=("_before", "_after")
    )
    table = pd.DataFrame(
        {
            "border_id": both.get("border_id", pd.Series("", index=both.index)),
            "city_id": both.get("city_id", pd.Series("", index=both.index)),
            "topic": topic,
            "measure": name(both) if len(both) else pd.Series([], dtype="str"),
            "unit": unit or both["unit"],
            "before": both[f"{value}_before"],
            "after": both[f"{value}_after"],
        }
    )
    for column in ("border_id", "city_id"):
        table[column] = table[column].where(table[column] != "", None)
    return table
