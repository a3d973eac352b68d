"""Belts, rivers, conflicts and corridors: the rows about ecology."""

from __future__ import annotations

import geopandas as gpd
from markupsafe import Markup

from pipeline.render.brief import pair_facts
from pipeline.render.brief.pair_facts import Pair
from pipeline.render.brief.signs import MAX_CONFLICTS, roman
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say
from pipeline.render.page import style
from pipeline.render.page.nearby import nearest_names

MAX_RIVERS = 4
MOSTLY_UNMAPPED_PCT = 50.0


def belts(made: Subject, pair: Pair) -> list[Row]:
    return [
        {
            "name": made.city(row["city_id"]),
            "shares": [
                {
                    "colour": style.ZONE[key],
                    "width": round(row["shares"][key] or 0.0, 1),
                    "word": say.word("zone", key),
                    "percent": say.percent(row["shares"][key]),
                }
                for key in pair_facts.SHARES
            ],
            "similarity": say.number(row["similarity"], 2),
            "is_unmapped": (row["shares"]["unknown"] or 0.0) >= MOSTLY_UNMAPPED_PCT,
        }
        for row in pair_facts.belts_of(pair, made.layers["eco_zones"])
    ]


def rivers(made: Subject, rivers: gpd.GeoDataFrame) -> list[Row]:
    return [
        {
            "href": made.link("ecology", "shared_rivers", row["river_id"]),
            "name": say.text("popup.unnamed_river")
            if say.is_unknown(row["name"])
            else say.both(row["name"], row["name"]),
            "relation": say.word("river_short", row["relation"]),
            "upstream": made.city(row["upstream_city"]),
            "downstream": made.city(row["downstream_city"]),
            "buffer": say.unit(row["buffer_m"], "m"),
        }
        for row in rivers.iloc[:MAX_RIVERS].to_dict("records")
    ]


def conflicts(made: Subject, clashes: gpd.GeoDataFrame) -> list[Row]:
    shown = clashes.iloc[:MAX_CONFLICTS]
    near = nearest_names(shown, made.layers["places"])
    return [
        {
            "mark": roman(n),
            "colour": style.CONFLICT[row["kind"]]["color"],
            "href": made.link("ecology", "conflicts", row["conflict_id"]),
            "kind": say.word("conflict", row["kind"]),
            "near": None if say.is_unknown(near.iloc[n]) else str(near.iloc[n]),
            "source": made.city(row["source_city"]),
            "exposed": made.city(row["exposed_city"]),
            "apart": say.distance(row["distance_m"]),
        }
        for n, row in enumerate(shown.to_dict("records"))
    ]


def corridors(made: Subject, pair: Pair) -> Markup:
    found = pair.rows(made.layers["eco_corridors"])
    if found.empty:
        return say.text("empty.corridors")
    area = float((found["area_km2_a"].fillna(0) + found["area_km2_b"].fillna(0)).sum())
    return say.text(
        "brief.corridor_line",
        n=len(found),
        area=say.digits(area, 1),
        protected=int(found["is_protected"].sum()),
    )
