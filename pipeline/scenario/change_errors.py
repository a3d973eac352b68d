"""How far a difference between two runs may be off, and whether it exceeds that.

The errors of differences belong here, the differences themselves to `changes`, the errors of
the figures of one run to the measures. Two runs over the same zones err alike: a zone's people
stand at one point in both. So a difference is taken part by part (interleaved parts of the
zones, the same in both runs) or block by block (of a border effect over the same pairs of
zones), and the spread of these differences is its error. Where the two runs share no zones, or
were not recorded by parts, the errors of both are added as independent ones, which is wider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.access.commuting_circle import MINUTES_OF_MODE
from pipeline.measures.access.effect_interval import half_width
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.scoring import error_of, scores_of
from pipeline.terms import DIMENSIONS

Floats = NDArray[np.float64]
Frames = Mapping[str, pd.DataFrame]
KEY = ("border_id", "city_id", "topic", "measure")

OPTIONAL_LAYERS = ("index_parts", "effect_influences")
"""Layers that runs of earlier versions do not have; errors are wider without them."""

BORDER_EFFECT = "border_effect_pct"
"""The indicator that is read from border effects: it has their error."""


class Sides(NamedTuple):
    """Layers of both runs."""

    before: Frames
    after: Frames
    has_same_pairs: bool
    """Whether border effects of both are of the same pairs of zones, as a scenario's are."""

    @property
    def has_same_zones(self) -> bool:
        cells = [set(each["zones"]["cell"]) for each in (self.before, self.after)]
        return cells[0] == cells[1]


def with_errors(
    changes: pd.DataFrame, sides: Sides, zone_means: tuple[str, ...], params: IntegrationParams
) -> pd.DataFrame:
    """Columns ``change_error`` and ``significance`` of layer ``changes``.

    Parameters
    ----------
    changes
        The table without them.
    zone_means
        Columns of ``zones`` that are reported as means over people.
    params
        The parts of the zones, goalposts and weights of the later run.
    """
    errors = pd.concat(
        [
            _zone_errors(sides, zone_means, params.zone_parts),
            _effect_errors(sides),
            _index_errors(sides),
        ]
    )
    errors = _with_border_effects(errors[~errors.index.duplicated()], sides, params)
    error = errors.reindex(_index(changes)).to_numpy(float)
    change = changes["change"].to_numpy(float)
    error = np.where(np.isfinite(change), error, np.nan)
    return changes.assign(change_error=error, significance=_significance(change, error))


def _significance(change: Floats, error: Floats) -> NDArray[np.object_]:
    # Sums of the same numbers in another order differ in their last digits.
    exceeds = np.abs(change) > error + 1e-9
    words = np.where(exceeds, "exceeds_error", "within_error").astype(object)
    words[np.isnan(error)] = "error_not_known"
    words[np.abs(change) <= 1e-9] = "within_error"
    words[np.isnan(change)] = None
    return words


def _index(table: pd.DataFrame) -> pd.MultiIndex:
    """Scope, topic and measure of each row; an empty text for null, so that nulls match."""
    key = table[list(KEY)].astype(object)
    return pd.MultiIndex.from_frame(key.where(key.notna(), ""))


def _error(before: Floats, after: Floats, is_paired: bool) -> Floats:
    """Error of differences by figures of each part, [part, figure]."""
    if is_paired:
        return error_of(list(after - before))
    return np.hypot(error_of(list(before)), error_of(list(after)))


# --- means over people, and people within an hour -------------------------------------------


def _zone_errors(sides: Sides, means: tuple[str, ...], parts: int) -> pd.Series:
    both = _both_zones(sides, means)
    rows = {}
    for city_id, own in [("", both), *both.groupby("city_id", sort=True)]:
        number = np.arange(len(own)) % parts
        for name in means:
            old, new = (own[f"{name}_{side}"].to_numpy(float) for side in ("before", "after"))
            known = np.isfinite(old) & np.isfinite(new)
            people = np.where(known, own["population_after"].to_numpy(float), np.nan)
            saved = np.where(known, new - old, 0.0)
            by_part = _means_by_part(saved, people, number, parts)
            rows["", city_id, "access", f"mean_{name}"] = _spread(by_part)
    circle = _circle_errors(sides, parts)
    index = pd.MultiIndex.from_tuples(rows, names=KEY) if rows else _index(_no_rows())
    return pd.concat([pd.Series(list(rows.values()), index, dtype=float), circle])


def _both_zones(sides: Sides, means: tuple[str, ...]) -> pd.DataFrame:
    """Zones of both runs side by side, by cell."""
    kept = ["cell", "population", *means]
    old = pd.DataFrame(sides.before["zones"])[kept]
    new = pd.DataFrame(sides.after["zones"])[["city_id", *kept]]
    both = new.merge(old, on="cell", suffixes=("_after", "_before"))
    return both.sort_values("cell").reset_index(drop=True)


def _means_by_part(value: Floats, people: Floats, number: NDArray[np.int64], parts: int) -> Floats:
    known = np.isfinite(people)
    weight, total = (
        np.bincount(number[known], each[known], minlength=parts)
        for each in (people, people * value)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / weight)


def _spread(by_part: Floats) -> float:
    return float(error_of(list(by_part[:, None]))[0])


def _circle_errors(sides: Sides, parts: int) -> pd.Series:
    """Of people within the circle: the share by each part, times the people."""
    found: list[dict[tuple[str, ...], Floats]] = [{}, {}]
    for by_part, layers in zip(found, (sides.before, sides.after), strict=True):
        limits = layers["commuting_circle"][["mode", "minutes"]].drop_duplicates()
        zones = pd.DataFrame(layers["zones"]).sort_values("cell")
        for city_id, own in [("", zones), *zones.groupby("city_id", sort=True)]:
            number = np.arange(len(own)) % parts
            people = own["population"].to_numpy(float)
            for mode, minutes in limits.itertuples(index=False):
                inside = own[MINUTES_OF_MODE[mode]].to_numpy(float) <= minutes
                share = _means_by_part(inside.astype(float), people, number, parts)
                name = f"people_within_{minutes:g}min_of_core_{mode}"
                by_part["", city_id, "access", name] = share * np.nansum(people)
    keys = sorted(set(found[0]) & set(found[1]))
    if not keys:
        return pd.Series([], _index(_no_rows()), dtype=float)
    before, after = (np.column_stack([each[key] for key in keys]) for each in found)
    error = _error(before, after, sides.has_same_zones)
    return pd.Series(error, pd.MultiIndex.from_tuples(keys, names=KEY))


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame(columns=list(KEY))


# --- border effects -------------------------------------------------------------------------


def _effect_errors(sides: Sides) -> pd.Series:
    """By blocks of the same pairs; else by the intervals of both, as independent ones."""
    rows = [each["border_effect"].set_index(["border_id", "mode"]) for each in sides[:2]]
    shared = rows[0].index.intersection(rows[1].index)
    blocks = [_blocks_of(each) for each in sides[:2]] if sides.has_same_pairs else [{}, {}]
    errors, index = [], []
    for border_id, mode in shared:
        old, new = (each.get((border_id, mode)) for each in blocks)
        if old is not None and new is not None and len(old) == len(new):
            error = half_width(new - old)
        else:
            wide = [each.loc[(border_id, mode)] for each in rows]
            error = float(np.hypot(*((row["ci_high_pct"] - row["ci_low_pct"]) / 2 for row in wide)))
        errors.append(error)
        index.append((border_id, "", "border_effect", f"border_effect_{mode}"))
    made = pd.MultiIndex.from_tuples(index, names=KEY) if index else _index(_no_rows())
    return pd.Series(errors, made, dtype=float)


def _blocks_of(layers: Frames) -> dict[tuple[str, str], Floats]:
    if "effect_influences" not in layers:
        return {}
    table = layers["effect_influences"].sort_values("block")
    return {
        (str(border_id), str(mode)): own["influence_pct"].to_numpy(float)
        for (border_id, mode), own in table.groupby(["border_id", "mode"])
    }


# --- indicators and scores ------------------------------------------------------------------


def _index_errors(sides: Sides) -> pd.Series:
    """By parts of the zones, before what border effects add."""
    if sides.has_same_zones and all("index_parts" in each for each in sides[:2]):
        before, after = (_by_part(each["index_parts"]) for each in sides[:2])
        if before.shape[1] == after.shape[1]:
            shared = before.index.intersection(after.index)
            old, new = (each.loc[shared].to_numpy(float).T for each in (before, after))
            return pd.Series(_error(old, new, is_paired=True), shared)
    errors = [_recorded_errors(each) for each in sides[:2]]
    shared = errors[0].index.intersection(errors[1].index)
    return pd.Series(np.hypot(*(each.loc[shared].to_numpy(float) for each in errors)), shared)


def _by_part(parts: pd.DataFrame) -> pd.DataFrame:
    """Layer ``index_parts`` with figures down and parts across."""
    each_part = [
        pd.Series(own["value"].to_numpy(float), _index(own), name=part)
        for part, own in parts.groupby("part", sort=True)
    ]
    return pd.concat(each_part, axis=1)


def _recorded_errors(layers: Frames) -> pd.Series:
    """What each run recorded of its own figures, where they may not be paired."""
    tables = [
        layers[name][["border_id", "city_id"]].assign(
            topic=topic, measure=layers[name][measure], error=layers[name][error]
        )
        for name, topic, measure, error in (
            ("indicators", "indicator", "indicator", "value_zone_error"),
            ("integration_index", "index", "dimension", "score_zone_error"),
        )
    ]
    table = pd.concat(tables, ignore_index=True)
    return pd.Series(table["error"].to_numpy(float), _index(table))


def _with_border_effects(errors: pd.Series, sides: Sides, params: IntegrationParams) -> pd.Series:
    """The errors of border effects added to those of the indicator and scores made of them."""
    effects = errors[errors.index.get_level_values("measure") == "border_effect_drive"]
    by_border = dict(zip(effects.index.get_level_values("border_id"), effects, strict=True))
    indicators = sides.after["indicators"]
    is_effect = (indicators["indicator"] == BORDER_EFFECT).to_numpy(bool)
    rows = indicators[is_effect & indicators["value"].notna().to_numpy(bool)]
    if rows.empty:
        return errors
    own = np.array(
        [
            _of_borders(border, city, sides.after["borders"], by_border)
            for border, city in zip(rows["border_id"], rows["city_id"], strict=True)
        ]
    )
    moved = indicators.assign(value=indicators["value"].astype(float))
    moved.loc[rows.index, "value"] += np.nan_to_num(own)
    scores = np.abs(scores_of(moved, params) - scores_of(indicators, params))
    scopes = indicators[["border_id", "city_id"]].drop_duplicates()
    added = pd.concat(
        [
            pd.Series(own, _index(rows.assign(topic="indicator", measure=BORDER_EFFECT))),
            pd.Series(scores, _index(_rows_of_scores(scopes))),
        ]
    ).reindex(errors.index)
    return pd.Series(np.hypot(errors, added.fillna(0.0)), errors.index)


def _rows_of_scores(scopes: pd.DataFrame) -> pd.DataFrame:
    """Keys of `scores_of`: every dimension and overall of each scope, in its order."""
    names = (*DIMENSIONS, "overall")
    rows = scopes.loc[scopes.index.repeat(len(names))]
    return rows.assign(topic="index", measure=list(names) * len(scopes))


def _of_borders(
    border: object, city: object, borders: pd.DataFrame, errors: Mapping[str, float]
) -> float:
    """Error of the mean effect, by length, of a border, a city's borders or all of them."""
    own = borders
    if not pd.isna(border):
        own = borders[(borders["border_id"] == border).to_numpy(bool)]
    elif not pd.isna(city):
        own = borders[((borders["city_a"] == city) | (borders["city_b"] == city)).to_numpy(bool)]
    error = own["border_id"].map(errors).to_numpy(float)
    length = np.where(np.isfinite(error), own["length_km"].to_numpy(float), 0.0)
    total = length.sum()
    return float(np.sqrt((np.nan_to_num(length * error) ** 2).sum()) / total) if total else np.nan
