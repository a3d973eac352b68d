"""Dead ends, missing links, the order of building and the control, packed."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from pipeline.render.page.encode import Decimals, Layers, PackedLayer, encode_layer
from pipeline.render.page.nearby import end_counties, end_names, nearest_names
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

LAYERS = ("dead_ends", "missing_links", "build_sequence", "counties", "placebo", "places")

DEAD_ENDS: Decimals = {
    "dead_end_id": None,
    "border_id": None,
    "city_id": None,
    "node_id": None,
    "way_id": None,
    "highway": None,
    "name": None,
    "ref": None,
    "end_type": None,
    "kind": None,
    "status": None,
    "obstacle": None,
    "distance_to_border_m": 0,
    "heading_deg": 0,
    "link_id": None,
    "confidence": 2,
    "near": None,
}
MISSING_LINKS: Decimals = {
    "link_id": None,
    "border_id": None,
    "from_node": None,
    "to_node": None,
    "from_city": None,
    "to_city": None,
    "from_road": None,
    "to_road": None,
    "highway": None,
    "gap_m": 0,
    "detour_m": 0,
    "detour_ratio": 2,
    "minutes_saved": 1,
    "obstacle": None,
    "status": None,
    "indicative_cost_class": None,
    "gain_person_min_a": 0,
    "gain_person_min_b": 0,
    "gain_person_min": 0,
    "is_gain_significant": None,
    "people_gaining": 0,
    "gain_person_hours_day": 1,
    "gain_per_m_cny_low": 0,
    "gain_per_m_cny_high": 0,
    "benefit_share_a_pct": 1,
    "rank": 0,
    "kind": None,
    "confidence": 2,
    "near": None,
    "from_near": None,
    "to_near": None,
    "from_county": None,
    "to_county": None,
    "from_end": None,
    "to_end": None,
    "from_way": None,
    "to_way": None,
}

BUILD_SEQUENCE: Decimals = {
    "step": 0,
    "link_id": None,
    "total_person_min": 0,
    "total_cost_m_cny": 1,
}
PLACEBO: Decimals = {
    "border_id": None,
    "what": None,
    "here": 2,
    "mean": 2,
    "low": 2,
    "high": 2,
    "replicates": 0,
}
RATES = ("dead_ends_per_100km", "missing_links_per_100km")
CONTROL_RANGE = (0.025, 0.975)
"""Quantiles over the shifted lines: 95 % of them lie between."""


def pack(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """The theme's layers by the scripts' names."""
    ends, places = layers["dead_ends"], layers["places"]
    links = _with_sides(layers["missing_links"], ends)
    # Added before rounding, so that the sum is the one of every other page.
    links = links.assign(
        gain_person_min=links["gain_person_min_a"] + links["gain_person_min_b"],
        people_gaining=links["people_gaining_a"] + links["people_gaining_b"],
    )
    return {
        # Mapping gaps are among them: drawn apart, never counted.
        "dead_ends": encode_layer(ends.assign(near=nearest_names(ends, places)), DEAD_ENDS),
        "missing_links": encode_layer(
            _with_places(links, places, layers["counties"]), MISSING_LINKS
        ),
        "build_sequence": encode_layer(layers["build_sequence"], BUILD_SEQUENCE),
        "placebo": encode_layer(_control(layers["placebo"]), PLACEBO),
    }


def _with_sides(missing_links: gpd.GeoDataFrame, dead_ends: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Missing links by rank, unranked last, with road, end and way of each of their sides."""
    links = missing_links.sort_values(["rank", "link_id"], na_position="last", kind="stable")
    ends = dead_ends.assign(
        road=dead_ends["name"].fillna(dead_ends["ref"]),
        # Where a side has no end, plain integers would become floats, which lose digits of an id.
        way_id=dead_ends["way_id"].astype("Int64"),
    )
    ends = ends.dropna(subset=["link_id"]).drop_duplicates(["link_id", "node_id"])
    keyed = ends.set_index(["link_id", "node_id"])
    for side in ("from", "to"):
        # A through road has no dead end: its side stays null.
        wanted = pd.MultiIndex.from_arrays([links["link_id"], links[f"{side}_node"]])
        found = keyed.reindex(wanted)
        links = links.assign(
            **{
                f"{side}_road": found["road"].to_numpy(dtype=object),
                f"{side}_end": found["end_type"].to_numpy(dtype=object),
                f"{side}_way": found["way_id"].array,
            }
        )
    return links


def _with_places(
    links: gpd.GeoDataFrame, places: gpd.GeoDataFrame, counties: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """With the settlement next to a link, and settlement and county of each of its ends."""
    ends = {
        name: [pair[n] for pair in pairs]
        for what, pairs in (
            ("near", end_names(links, places)),
            ("county", end_counties(links, counties)),
        )
        for n, name in enumerate((f"from_{what}", f"to_{what}"))
    }
    return links.assign(
        near=nearest_names(links, places), **pd.DataFrame(ends, links.index, dtype=object)
    )


def _control(placebo: pd.DataFrame) -> pd.DataFrame:
    """Per border and finding: its rate per 100 km, and that along the shifted lines."""
    rows = [
        (border_id, what, *_rates(part, what))
        for border_id, part in placebo.groupby("border_id", sort=True)
        for what in RATES
    ]
    types = {name: "str" if places is None else "float64" for name, places in PLACEBO.items()}
    return pd.DataFrame(rows, columns=list(PLACEBO)).astype(types)


def _rates(part: pd.DataFrame, what: str) -> tuple[float, ...]:
    """Here, mean, low and high of the shifted lines, and how many there are."""
    shifted = part.loc[part["replicate"] > 0, what].dropna()
    here = part.loc[part["replicate"] == 0, what].mean()
    low, high = (shifted.quantile(each) for each in CONTROL_RANGE)
    return here, shifted.mean(), low, high, float(len(shifted))
