"""Who reaches what by car: one pass over the zone-to-zone times."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.places import nearest_zone
from pipeline.measures.integration.scope import Floats
from pipeline.measures.routing.pair_times import PairTimes, drive_chunks


class Reach(NamedTuple):
    """Drive reach of each zone, [zone, city]: what of each city lies within the limit.

    ``people`` is NaN where those of a zone within the limit are not known.
    ``centre_minutes`` is to each city's centre, ``inf`` where beyond the cutoff;
    ``town_minutes`` from each town to its county seat, NaN where unknown.
    """

    is_known: bool
    people: Floats
    sites: Floats
    hospitals: Floats
    industry_km2: Floats
    centre_minutes: Floats
    town_minutes: Floats


def find_reach(
    travel_times: pd.DataFrame | PairTimes,
    table: pd.DataFrame,
    city_ids: list[str],
    sites: pd.DataFrame,
    centres: gpd.GeoDataFrame,
    towns: pd.DataFrame,
    params: IntegrationParams,
    hour_min: float,
) -> Reach:
    """One pass over the drive times, in chunks.

    People are those within ``hour_min``; other limits are of ``params``. The times must be
    listed to the widest of them (`metros.config` checks it).
    """
    n, k = len(table), len(city_ids)
    people = table["population"].to_numpy(float)
    located = sites[sites["zone"] >= 0]
    counts = {
        use: np.bincount(located.loc[located["use"] == use, "zone"], minlength=n)
        for use in ("innovation", "hospital")
    }
    wanted = (
        (people, hour_min),
        (counts["innovation"].astype(float), params.innovation_minutes),
        (counts["hospital"].astype(float), params.hospital_minutes),
        (_industry_km2(located, n), params.industry_across_minutes),
    )
    sums = [np.zeros(n * k) for _ in wanted]
    city = table["city"].to_numpy(np.int64)
    centre_zone = _centre_zones(centres, city_ids, table)
    centre_minutes = np.full((n, k), np.inf)
    seat_pairs: dict[int, float] = {}
    is_known = False
    town_key = towns["zone"].to_numpy(np.int64) * max(n, 1) + towns["seat_zone"].to_numpy(np.int64)
    for origin, destination, minutes in drive_chunks(travel_times, table["cell"]):
        is_known = True
        other = origin != destination
        origin, destination, minutes = origin[other], destination[other], minutes[other]
        key = origin * k + city[destination]
        for total, (weight, limit) in zip(sums, wanted, strict=True):
            near = minutes <= limit
            total += np.bincount(key[near], weight[destination[near]], minlength=n * k)
        for number, zone in enumerate(centre_zone):
            here = destination == zone
            centre_minutes[origin[here], number] = minutes[here]
        pair = origin * n + destination
        listed = np.isin(pair, town_key)
        seat_pairs.update(zip(pair[listed].tolist(), minutes[listed].tolist(), strict=True))
    # Everybody reaches their own zone, whether or not the layer lists it.
    rows = np.flatnonzero(table["has_access"])
    for total, (weight, _) in zip(sums, wanted, strict=True):
        total[rows * k + city[rows]] += weight[rows]
    own = centre_zone >= 0
    centre_minutes[centre_zone[own], np.flatnonzero(own)] = 0.0
    reached = [total.reshape(n, k) for total in sums]
    town_minutes = (
        _town_minutes(towns, town_key, seat_pairs, table, params.town_cap_min)
        if is_known
        else np.full(len(towns), np.nan)
    )
    reached_people, reached_sites, hospitals, industry_km2 = reached
    return Reach(
        is_known,
        reached_people,
        reached_sites,
        hospitals,
        industry_km2,
        centre_minutes,
        town_minutes,
    )


def _industry_km2(located: pd.DataFrame, count: int) -> Floats:
    """Industrial land of each zone."""
    works = located[located["use"] == "industry"]
    area_km2 = np.bincount(works["zone"], works["area_km2"].to_numpy(float), minlength=count)
    return area_km2.astype(np.float64)


def _centre_zones(
    centres: gpd.GeoDataFrame, city_ids: list[str], table: pd.DataFrame
) -> NDArray[np.int64]:
    """Zone of each city's centre; -1 where it has none."""
    kept = centres[centres["kind"].isin(["core", "city"])].sort_values(["kind", "centre_id"])
    kept = kept.drop_duplicates("city_id").set_index("city_id")
    zone = pd.Series(
        nearest_zone(kept.geometry.x, kept.geometry.y, kept.index, table), index=kept.index
    )
    return zone.reindex(city_ids).fillna(-1).to_numpy(np.int64)


def _town_minutes(
    towns: pd.DataFrame,
    key: pd.Series,
    listed: dict[int, float],
    table: pd.DataFrame,
    cap_min: float,
) -> Floats:
    """Minutes to the seat; ``cap_min`` stands for what lies beyond it (a lower bound)."""
    minutes = np.array([listed.get(each, cap_min) for each in key.tolist()], dtype=float)
    minutes[(towns["zone"] == towns["seat_zone"]).to_numpy()] = 0.0
    has_access = table["has_access"].to_numpy(bool)
    is_town = (towns["kind"] == "town").to_numpy()
    known = is_town & (towns[["zone", "seat_zone"]] >= 0).all(axis=1).to_numpy()
    known &= np.append(has_access, False)[towns["zone"]]
    return np.where(known, np.minimum(minutes, cap_min), np.nan)
