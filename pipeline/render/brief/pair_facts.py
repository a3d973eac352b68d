"""What two neighbouring cities share, chosen and ordered for their brief.

Which rows of which layer concern a pair of cities, in which order, and seen
from which side belongs here; words and markup to `pair_brief`, the drawing to
`pair_map`. Nothing is measured anew: only chosen, turned, ordered, and (over
zones and stretches) averaged.

A pair is two cities, whatever the level of the borders: at county level it has
several. Its first city is the one with the smaller id; values of a border whose
``city_a`` is the other one are turned round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.crossings.kinds import COUNTED
from pipeline.render.page.summary import NOT_COUNTED
from pipeline.storage.digests import digest_text
from pipeline.terms import MODES, ONE_HOUR_MIN

CITY_CENTRES = ("core", "city")
SHARES = ("ecological", "farmland", "urban", "unknown")
"""Parts of a belt, which add up to the whole."""
NAME_BYTES = 180
"""File systems take 255 bytes; a city's id may be 64 letters of any script."""


@dataclass(frozen=True)
class Pair:
    """Two cities with a common border."""

    city_a: str
    city_b: str
    borders: tuple[str, ...]
    turned: frozenset[str]
    """Borders whose ``city_a`` is the pair's second city."""
    length_km: float

    @property
    def cities(self) -> tuple[str, str]:
        return self.city_a, self.city_b

    def page(self, metro_id: str) -> str:
        """Name of its brief, relative to the maps folder: ``<metro>/<city>-<city>.html``."""
        name = f"{self.city_a}-{self.city_b}"
        if len(name.encode()) > NAME_BYTES:
            name = f"pair-{digest_text(name)}"
        return f"{metro_id}/{name}.html"

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a layer that belong to one of its borders."""
        return frame[frame["border_id"].isin(self.borders).to_numpy()]


class OneWay(TypedDict):
    """One row of ``centre_times``; None is unknown."""

    minutes: float | None
    distance_km: float | None
    detour_ratio: float | None
    reason: str | None


class TimesRow(TypedDict):
    """Times of one mode between two centres, both ways; None is unknown."""

    mode: str
    there: float | None
    back: float | None
    distance_km: float | None
    detour_ratio: float | None
    reason: str | None


class EffectRow(TypedDict):
    """The border effect of one mode in percent; ``borders``: how many went in."""

    mode: str
    penalty: float | None
    low: float | None
    high: float | None
    placebo_low: float | None
    placebo_high: float | None
    includes_river: bool
    borders: int
    reason: str | None


class BeltRow(TypedDict):
    """What lies in one city's belt; shares in percent by `SHARES`, None where not known."""

    city_id: str
    area_km2: float
    shares: dict[str, float | None]
    similarity: float | None


class IndexRow(TypedDict):
    """One dimension's score, interval, zone error and coverage, and the metro's score."""

    dimension: str
    score: float | None
    low: float | None
    high: float | None
    zone_error: float | None
    coverage_pct: float | None
    metro: float | None


def pairs_of(borders: pd.DataFrame) -> list[Pair]:
    """Every pair of cities with a border, in the order of their ids."""
    found = []
    first = borders[["city_a", "city_b"]].min(axis=1)
    second = borders[["city_a", "city_b"]].max(axis=1)
    for (a, b), part in borders.groupby([first, second], sort=True):
        turned = part.loc[part["city_a"] != a, "border_id"]
        ids = tuple(sorted(part["border_id"]))
        found.append(Pair(str(a), str(b), ids, frozenset(turned), float(part["length_km"].sum())))
    return found


def projects(pair: Pair, missing_links: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The pair's missing links by rank, unranked last, mapping gaps left out.

    Further columns: ``gain_first``, ``gain_second`` and ``share_first_pct`` from
    the pair's point of view, and ``people_gaining`` of both.
    """
    links = pair.rows(missing_links)
    links = links[~links["status"].isin(NOT_COUNTED).to_numpy()]
    links = links.sort_values(["rank", "link_id"], na_position="last", kind="stable")
    turned = links["border_id"].isin(pair.turned).to_numpy()
    gain_a, gain_b = links["gain_person_min_a"], links["gain_person_min_b"]
    share = links["benefit_share_a_pct"]
    return links.assign(
        gain_first=np.where(turned, gain_b, gain_a),
        gain_second=np.where(turned, gain_a, gain_b),
        share_first_pct=np.where(turned, 100.0 - share, share),
        people_gaining=links["people_gaining_a"] + links["people_gaining_b"],
    ).reset_index(drop=True)


def road_names(links: pd.DataFrame, dead_ends: pd.DataFrame) -> list[tuple[str | None, str | None]]:
    """Names, else numbers, of the ends that each link joins; None for a through road."""
    named = dead_ends.dropna(subset=["link_id"])
    label = named["name"].fillna(named["ref"])
    table = {
        (link, int(node)): None if pd.isna(text) else str(text)
        for link, node, text in zip(named["link_id"], named["node_id"], label, strict=True)
    }
    return [
        (table.get((link, int(a))), table.get((link, int(b))))
        for link, a, b in zip(links["link_id"], links["from_node"], links["to_node"], strict=True)
    ]


def bottlenecks(pair: Pair, bottlenecks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The pair's bottlenecks, the narrowest first, then the kinds that do not count, by load."""
    found = pair.rows(bottlenecks)
    found = found.assign(is_counted=found["kind"].isin(COUNTED).to_numpy())
    return found.sort_values(
        ["is_counted", "capacity_ratio", "load_share_pct", "bottleneck_id"],
        ascending=[False, True, False, True],
        na_position="last",
        kind="stable",
    ).reset_index(drop=True)


def crossing_counts(pair: Pair, crossings: pd.DataFrame) -> dict[str, int]:
    """Road crossings by class, ramps with their class."""
    classes = pair.rows(crossings)["highway"].astype(str).str.removesuffix("_link")
    return {str(name): int(count) for name, count in classes.value_counts().items()}


def times_between(pair: Pair, centres: pd.DataFrame, centre_times: pd.DataFrame) -> list[TimesRow]:
    """Times between the two cities' own centres: a row per mode, both ways."""
    of_city = centres[centres["kind"].isin(CITY_CENTRES).to_numpy()]
    ids = dict(zip(of_city["city_id"], of_city["centre_id"], strict=True))
    a, b = ids.get(pair.city_a), ids.get(pair.city_b)
    rows: list[TimesRow] = []
    for mode in MODES:
        of_mode = centre_times[(centre_times["mode"] == mode).to_numpy()]
        there = _first(of_mode, a, b)
        back = _first(of_mode, b, a)
        one = there or back
        if one is None:
            continue
        rows.append(
            {
                "mode": mode,
                "there": there["minutes"] if there else None,
                "back": back["minutes"] if back else None,
                "distance_km": one["distance_km"],
                "detour_ratio": one["detour_ratio"],
                "reason": one["reason"],
            }
        )
    return rows


def _first(times: pd.DataFrame, start: str | None, end: str | None) -> OneWay | None:
    found = times[((times["from_id"] == start) & (times["to_id"] == end)).to_numpy()]
    if found.empty:
        return None
    row = found.iloc[0]
    return {
        "minutes": _known(row["minutes"]),
        "distance_km": _known(row["distance_km"]),
        "detour_ratio": _known(row["detour_ratio"]),
        "reason": None if pd.isna(row["reason"]) else str(row["reason"]),
    }


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def reach_of_city(city_id: str, zones: pd.DataFrame) -> dict[str, float | None]:
    """Shares over a city's people: within an hour of the core, and people reached across.

    Keys: ``core_60min_pct``, ``core_60min_peak_pct``, ``across_60min_pct``; None
    where people or times are not known.
    """
    own = zones[(zones["city_id"] == city_id).to_numpy()]
    people = own["population"].to_numpy(dtype=float)
    total = people.sum()
    found: dict[str, float | None] = {}
    for key, column in (
        ("core_60min_pct", "minutes_to_core"),
        ("core_60min_peak_pct", "minutes_to_core_peak"),
    ):
        minutes = own[column].to_numpy(dtype=float)
        is_known = total > 0 and bool(np.isfinite(minutes).any())
        found[key] = (
            float(100.0 * people[minutes <= ONE_HOUR_MIN].sum() / total) if is_known else None
        )
    across = own["cross_border_share_60min_pct"].to_numpy(dtype=float)
    found["across_60min_pct"] = weighted_mean(across, people)
    return found


def effect_of(pair: Pair, border_effect: pd.DataFrame) -> list[EffectRow]:
    """The border effect by mode: of its one border, else the median over those known."""
    rows: list[EffectRow] = []
    found = pair.rows(border_effect)
    for mode in MODES:
        part = found[(found["mode"] == mode).to_numpy()]
        if part.empty:
            continue
        known = part[part["penalty_pct"].notna().to_numpy()]
        reasons = part["reason"].dropna()
        is_one = len(part) == 1
        rows.append(
            {
                "mode": mode,
                "penalty": _median(known["penalty_pct"]),
                "low": _median(known["ci_low_pct"]) if is_one else None,
                "high": _median(known["ci_high_pct"]) if is_one else None,
                "placebo_low": _median(part["placebo_low_pct"]) if is_one else None,
                "placebo_high": _median(part["placebo_high_pct"]) if is_one else None,
                "includes_river": bool(known["includes_river"].any()),
                "borders": len(known) if not is_one else 1,
                "reason": str(reasons.iloc[0]) if len(reasons) else None,
            }
        )
    return rows


def belts_of(pair: Pair, eco_zones: pd.DataFrame) -> list[BeltRow]:
    """What lies in the belt on each side, of the widest belt measured; a row per city."""
    found = pair.rows(eco_zones)
    if found.empty:
        return []
    # Rivers widen the belt on one side: the widest of each side is the whole of it.
    widest = found.groupby(["border_id", "city_id"])["belt_km"].transform("max")
    found = found[(found["belt_km"] == widest).to_numpy()]
    rows: list[BeltRow] = []
    for city_id in pair.cities:
        part = found[(found["city_id"] == city_id).to_numpy()]
        area = part["area_km2"].to_numpy(dtype=float)
        if not area.sum() > 0:
            continue
        means = {
            name: weighted_mean(part[name].to_numpy(dtype=float), area)
            for name in ("similarity_across", *(f"{each}_pct" for each in SHARES))
        }
        rows.append(
            {
                "city_id": city_id,
                "area_km2": float(area.sum()),
                "shares": {each: means[f"{each}_pct"] for each in SHARES},
                "similarity": means["similarity_across"],
            }
        )
    return rows


def rivers(pair: Pair, shared_rivers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Shared rivers: named ones first, those that cross before those that follow."""
    found = pair.rows(shared_rivers)
    found = found.assign(
        is_unnamed=found["name"].isna().to_numpy(),
        follows=(found["relation"] == "follows").to_numpy(),
    )
    return found.sort_values(["is_unnamed", "follows", "river_id"], kind="stable")


def conflicts(pair: Pair, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Land-use conflicts, the nearest first."""
    return pair.rows(frame).sort_values(["distance_m", "conflict_id"], kind="stable")


def index_of(
    pair: Pair, integration_index: pd.DataFrame, dimensions: Iterable[str]
) -> list[IndexRow]:
    """Score, interval and coverage per dimension, with the metro's score beside it.

    Of its one border, else the median over its borders (then without an interval).
    """
    own = pair.rows(integration_index)
    whole = integration_index[
        (integration_index["border_id"].isna() & integration_index["city_id"].isna()).to_numpy()
    ]
    rows: list[IndexRow] = []
    for dimension in dimensions:
        part = own[(own["dimension"] == dimension).to_numpy()]
        if part.empty:
            continue
        is_one = len(part) == 1
        rows.append(
            {
                "dimension": dimension,
                "score": _median(part["score"]),
                "low": _median(part["score_low"]) if is_one else None,
                "high": _median(part["score_high"]) if is_one else None,
                "zone_error": _median(part["score_zone_error"]) if is_one else None,
                "coverage_pct": _median(part["coverage_pct"]),
                "metro": _median(whole.loc[(whole["dimension"] == dimension).to_numpy(), "score"]),
            }
        )
    return rows


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float | None:
    """Mean over what is known; None where nothing is."""
    ok = np.isfinite(values) & np.isfinite(weights)
    total = weights[ok].sum()
    return float((values[ok] * weights[ok]).sum() / total) if total > 0 else None


def _median(series: pd.Series) -> float | None:
    known = series.dropna()
    return float(known.median()) if len(known) else None
