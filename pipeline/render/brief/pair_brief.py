"""``maps/<metro>/<border>.html``: two A4 pages for the joint meeting of two cities.

The recipe of a brief belongs here: its sections, and how their rows read. What
is chosen for them belongs to `pair_facts`, the map to `pair_map`, the page to
`brief.html`. Plain HTML that prints and reads without a script, in
both languages; a small script switches them.

Two pages hold only so much: each table shows its first rows and says how many
more stand on the metro's page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup

from pipeline.metros.catalogue import Metro
from pipeline.render.brief import pair_facts, pair_map
from pipeline.render.brief.pair_facts import Pair
from pipeline.render.brief.pair_map import Mark
from pipeline.render.index.index_page import DIMENSIONS
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.evidence import in_chinese
from pipeline.render.page.facts import PageFacts, land_cover_note
from pipeline.render.page.nearby import nearest_names
from pipeline.render.page.summary import NOT_TO_BUILD

MAX_PROJECTS, MAX_NARROWS, MAX_RIVERS, MAX_CONFLICTS = 9, 6, 4, 4
ROWS_ON_PAGE_ONE = 6
"""Where both tables are this short, the bottlenecks move up beside the projects."""
ROW_MM, SIGN_MM, MAP_AND_ROWS_MM = 8.9, 1.9, 214.0
"""Height of a table's row, a sign's share of the legend, and what is left for all of them."""
TITLE_EMS, TITLE_MM = 25.0, 5.0
"""Names wider than this take a second line."""
EXPRESS, MAIN = ("motorway", "trunk"), ("primary", "secondary")


def render_pair_briefs(
    metro: Metro,
    facts: PageFacts,
    *,
    cities: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    bottlenecks: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    border_effect: pd.DataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    eco_corridors: gpd.GeoDataFrame,
    shared_rivers: gpd.GeoDataFrame,
    indicators: pd.DataFrame,
    integration_index: pd.DataFrame,
) -> dict[str, bytes]:
    """Make the brief of every pair of cities with a common border.

    Every layer is in WGS84 and may be empty: the brief then says so.

    Returns
    -------
    dict
        File name relative to the maps folder (``<metro>/<city>-<city>.html``)
        -> content. Empty where the metro has no border.
    """
    made = _Metro(
        metro=metro,
        facts=facts,
        cities=cities,
        centres=centres,
        borders=borders,
        ground=pair_map.Ground(cities, roads, railways, waterways, land_areas, places),
        places=places,
        crossings=crossings,
        dead_ends=dead_ends,
        missing_links=missing_links,
        bottlenecks=bottlenecks,
        centre_times=centre_times,
        zones=zones,
        border_effect=border_effect,
        eco_zones=eco_zones,
        conflicts=conflicts,
        eco_corridors=eco_corridors,
        shared_rivers=shared_rivers,
        indicators=indicators,
        integration_index=integration_index,
    )
    return {
        pair.page(metro.id): _brief(made, pair).encode() for pair in pair_facts.pairs_of(borders)
    }


@dataclass(frozen=True)
class _Metro:
    """All that the briefs of one metro share."""

    metro: Metro
    facts: PageFacts
    cities: gpd.GeoDataFrame
    centres: gpd.GeoDataFrame
    borders: gpd.GeoDataFrame
    ground: pair_map.Ground
    places: gpd.GeoDataFrame
    crossings: gpd.GeoDataFrame
    dead_ends: gpd.GeoDataFrame
    missing_links: gpd.GeoDataFrame
    bottlenecks: gpd.GeoDataFrame
    centre_times: pd.DataFrame
    zones: gpd.GeoDataFrame
    border_effect: pd.DataFrame
    eco_zones: gpd.GeoDataFrame
    conflicts: gpd.GeoDataFrame
    eco_corridors: gpd.GeoDataFrame
    shared_rivers: gpd.GeoDataFrame
    indicators: pd.DataFrame
    integration_index: pd.DataFrame

    @property
    def is_chinese(self) -> bool:
        return style.is_chinese(self.metro) or any(map(style.has_cjk, self.cities["name"].dropna()))

    def names(self, city_id: Any) -> tuple[str, str]:
        """A city's names, Chinese and English; its id where it is none of the metro's."""
        row = self.cities[(self.cities["city_id"] == city_id).to_numpy()]
        if row.empty:
            return str(city_id), str(city_id)
        return style.city_names(row["name"].iloc[0], row["name_en"].iloc[0])

    def city(self, city_id: Any) -> Markup:
        """A city's name for a table, which clips it where it is long."""
        if say.is_unknown(city_id):
            return say.unknown()
        return Markup('<span class="city">{}</span>').format(say.both(*self.names(city_id)))

    def link(self, theme: str, layer: str, key: Any) -> str:
        """Address of a finding on the metro's page, from a brief."""
        return f"../{self.metro.id}.html#theme={theme}&at={layer}:{quote(str(key), safe='')}"


def _brief(made: _Metro, pair: Pair) -> str:
    language = "zh" if made.is_chinese else "en"
    names = [made.names(city_id) for city_id in pair.cities]
    titles = {
        each: say.plain("brief.title", each, a=names[0][n], b=names[1][n])
        for n, each in enumerate(words.LANGUAGES)
    }
    links = pair_facts.projects(pair, made.missing_links)
    narrow = pair_facts.narrows(pair, made.bottlenecks)
    rivers = pair_facts.rivers(pair, made.shared_rivers)
    clashes = pair_facts.conflicts(pair, made.conflicts)
    own = made.borders["border_id"].isin(pair.borders).to_numpy()
    narrows_first = len(links) + len(narrow) <= ROWS_ON_PAGE_ONE
    rows_first = min(len(links), MAX_PROJECTS) or 1
    if narrows_first:
        rows_first += min(len(narrow), MAX_NARROWS) + 2
    legend = _legend(links, narrow, clashes)
    frame = pair_map.frame_of(
        made.borders[own].total_bounds, _map_height(rows_first, len(legend), names)
    )
    title = say.text("brief.map_title", a=names[0], b=names[1])
    svg = pair_map.draw(
        frame,
        made.ground,
        pair.cities,
        made.borders,
        own,
        rivers,
        links,
        narrow[~narrow["is_busy"].to_numpy()],
        _marks(links, narrow, clashes),
        title,
    )
    facts = made.facts
    metro_names = style.metro_names(made.metro)
    return say.template("brief/brief.html").render(
        lang="zh-CN" if language == "zh" else "en",
        language=language,
        titles=titles,
        metro=say.both(*metro_names),
        metro_page=f"../{made.metro.id}.html",
        css=Markup(words.template("brief/brief.css")),
        names=[say.both(*name) for name in names],
        is_long=_is_long(names),
        heads=[made.city(city_id) for city_id in pair.cities],
        sides=pair_map.SIDES,
        facts=facts,
        source=_source(facts),
        figures=_figures(made, pair, links, narrow),
        map=svg,
        is_wide=frame.is_wide,
        narrows_first=narrows_first,
        legend=legend,
        projects=_projects(made, links),
        more_projects=max(len(links) - MAX_PROJECTS, 0),
        narrows=_narrows(made, narrow),
        more_narrows=max(len(narrow) - MAX_NARROWS, 0),
        times=_times(made, pair),
        reach=_reach(made, pair),
        effect=_effect(made, pair),
        effect_borders=len(pair.borders),
        transit=_transit(made, pair),
        belts=_belts(made, pair),
        rivers=_rivers(made, rivers),
        more_rivers=max(len(rivers) - MAX_RIVERS, 0),
        conflicts=_conflicts(made, clashes),
        more_conflicts=max(len(clashes) - MAX_CONFLICTS, 0),
        corridors=_corridors(made, pair),
        index=_index(made, pair),
        has_population_raster=made.metro.population.raster is not None,
        land_cover_note=land_cover_note(made.metro),
    )


def _map_height(rows: int, signs: int, names: list[tuple[str, str]]) -> float:
    """Millimetres left for the map above a table of so many rows and a legend of so many signs."""
    title_mm = TITLE_MM if _is_long(names) else 0.0
    return MAP_AND_ROWS_MM - ROW_MM * rows - SIGN_MM * signs - title_mm


def _is_long(names: list[tuple[str, str]]) -> bool:
    """Whether both names together take a second line on a page of 186 mm."""
    return max(sum(pair_map.text_width(each[n]) for each in names) for n in (0, 1)) > TITLE_EMS


def _source(facts: PageFacts) -> Markup:
    kind = say.word("source", facts.source_kind)
    date = say.both(facts.osm_snapshot, facts.osm_snapshot) if facts.osm_snapshot else say.unknown()
    return Markup("{} &middot; {} {}").format(kind, say.text("about.osm_date"), date)


# --- page one -------------------------------------------------------------------


def _figures(
    made: _Metro, pair: Pair, links: pd.DataFrame, narrow: pd.DataFrame
) -> list[dict[str, Any]]:
    """Tiles: label, value, note."""
    borders = pair.rows(made.borders)
    natural = pair_facts.weighted_mean(
        borders["natural_share_pct"].to_numpy(dtype=float),
        borders["length_km"].to_numpy(dtype=float),
    )
    to_build = int((~links["status"].isin(NOT_TO_BUILD)).sum())
    doing = int((links["status"] == "under_construction").sum())
    natural_links = int((links["status"] == "natural_barrier").sum())
    counts = pair_facts.crossing_counts(pair, made.crossings)
    total = sum(counts.values())
    express, main = (sum(counts.get(each, 0) for each in kinds) for kinds in (EXPRESS, MAIN))
    ends = pair.rows(made.dead_ends)
    ends = ends[(ends["status"] != "mapping_gap").to_numpy()]
    by_city = ends["city_id"].value_counts()
    overall = next(
        (row for row in pair_facts.index_of(pair, made.integration_index, ("overall",))), None
    )
    drops = int((~narrow["is_busy"]).sum())
    return [
        {
            "label": say.text("brief.border_length"),
            "value": say.unit(pair.length_km, "km"),
            "note": "" if natural is None else say.text("brief.natural_note", n=_digits(natural)),
        },
        {
            "label": say.text("figure.missing_links"),
            "value": say.number(len(links)),
            "note": say.text(
                "figure.links_note", build=to_build, doing=doing, natural=natural_links
            ),
        },
        {
            "label": say.text("figure.dead_ends"),
            "value": say.number(len(ends)),
            "note": Markup(" : ").join(
                Markup("{} {}").format(made.city(city_id), say.number(by_city.get(city_id, 0)))
                for city_id in pair.cities
            ),
        },
        {
            "label": say.text("figure.bottlenecks"),
            "value": say.number(drops),
            "note": say.text("figure.bottleneck_note"),
        },
        {
            "label": say.text("figure.crossings"),
            "value": say.number(total),
            "note": say.text(
                "brief.crossing_note", express=express, main=main, rest=total - express - main
            ),
        },
        {
            "label": say.text("figure.index"),
            "value": _score(overall),
            "note": _score_note(overall),
        },
    ]


def _digits(value: float | None) -> str:
    return "" if value is None else say.digits(value)


def _score(row: dict[str, Any] | None) -> Markup:
    if row is None or row["score"] is None:
        return say.unknown()
    return Markup("{}<small> / 100</small>").format(say.number(row["score"]))


def _score_note(row: dict[str, Any] | None) -> Markup:
    if row is None or row["score"] is None:
        return Markup("")
    parts = []
    if row["low"] is not None and row["high"] is not None:
        parts.append(
            say.text("figure.interval", low=_digits(row["low"]), high=_digits(row["high"]))
        )
    if row["metro"] is not None:
        parts.append(say.text("brief.metro_score", n=_digits(row["metro"])))
    return Markup(" &middot; ").join(parts)


def _marks(
    links: gpd.GeoDataFrame, narrow: gpd.GeoDataFrame, clashes: gpd.GeoDataFrame
) -> list[Mark]:
    """Numbers for the listed projects, letters for the listed bottlenecks, dots for the rest."""
    marks = []
    for n, ((lon, lat), status) in enumerate(zip(_middles(links), links["status"], strict=True)):
        label = str(n + 1) if n < MAX_PROJECTS else ""
        marks.append(Mark(lon, lat, label, style.STATUS[status]["color"]))
    for n, ((lon, lat), kind) in enumerate(zip(_middles(narrow), narrow["kind"], strict=True)):
        label = _letter(n) if n < MAX_NARROWS else ""
        marks.append(Mark(lon, lat, label, style.BOTTLENECK[kind]["color"], "square"))
    for n, ((lon, lat), kind) in enumerate(zip(_middles(clashes), clashes["kind"], strict=True)):
        label = _roman(n) if n < MAX_CONFLICTS else ""
        marks.append(Mark(lon, lat, label, style.CONFLICT[kind]["color"], "hexagon"))
    return marks


def _middles(frame: gpd.GeoDataFrame) -> Any:
    if not len(frame):
        return np.empty((0, 2))
    lines = shapely.get_geometry(frame.geometry.to_numpy(), 0)
    return shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))


def _letter(n: int) -> str:
    return chr(ord("A") + n)


def _roman(n: int) -> str:
    return ("i", "ii", "iii", "iv")[n]


def _projects(made: _Metro, links: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    shown = links.iloc[:MAX_PROJECTS]
    near = nearest_names(shown, made.places)
    names = pair_facts.road_names(shown, made.dead_ends)
    rows = []
    for n, row in enumerate(shown.to_dict("records")):
        share = row["share_first_pct"]
        first = None if say.is_unknown(share) else round(float(share))
        rows.append(
            {
                "mark": str(n + 1),
                "colour": style.STATUS[row["status"]]["color"],
                "href": made.link("links", "missing_links", row["link_id"]),
                "title": _link_title(names[n], row["highway"], near.iloc[n]),
                "under": say.word("highway", row["highway"])
                if not any(names[n])
                else _link_place(row["highway"], near.iloc[n]),
                "rank": None if say.is_unknown(row["rank"]) else int(row["rank"]),
                "status": say.word("status", row["status"]),
                "obstacle": None
                if row["obstacle"] == "none"
                else say.word("obstacle", row["obstacle"]),
                "gap": say.distance(row["gap_m"]),
                "detour": say.text("popup.no_way_round")
                if say.is_unknown(row["detour_m"])
                else Markup("{} {}").format(say.text("brief.round"), say.distance(row["detour_m"])),
                "saved": say.unit(row["minutes_saved"], "min", 1)
                if not say.is_unknown(row["minutes_saved"])
                else say.DASH,
                "nobody": row["gain_first"] == 0 and row["gain_second"] == 0,
                "gain_first": say.people(row["gain_first"]),
                "gain_second": say.people(row["gain_second"]),
                "share_first": first,
                "cost": say.word("cost", row["indicative_cost_class"]),
                "confidence": say.number(row["confidence"], 2),
            }
        )
    return rows


def _link_title(names: tuple[str | None, str | None], highway: str, near: Any) -> Markup:
    known = list(dict.fromkeys(name for name in names if name))
    if known:
        return say.both(" – ".join(known), " – ".join(known))
    zh, en = (words.messages()[each].get(f"highway.{highway}", highway) for each in words.LANGUAGES)
    if say.is_unknown(near):
        return say.text("popup.unnamed_link", **{"class": (zh, en)})
    return say.text("popup.unnamed_near", **{"class": (zh, en), "place": str(near)})


def _link_place(highway: str, near: Any) -> Markup:
    kind = say.word("highway", highway)
    if say.is_unknown(near):
        return kind
    return Markup("{} &middot; {}").format(kind, say.text("popup.near_place", place=str(near)))


def _legend(links: pd.DataFrame, narrow: pd.DataFrame, clashes: pd.DataFrame) -> list[Markup]:
    """What the map's signs mean, of the kinds that it holds."""
    found = []
    for status, look in style.STATUS.items():
        if (links["status"] == status).any():
            meaning = say.text("brief.legend_link", status=_words("status", status))
            found.append(_sign('<circle cx="11" cy="6" r="5" fill="{}"/>', look["color"], meaning))
    for kind, look in style.BOTTLENECK.items():
        if (narrow["kind"] == kind).any():
            shape = '<rect x="6" y="1" width="10" height="10" fill="{}"/>'
            found.append(_sign(shape, look["color"], say.word("bottleneck", kind)))
    for kind, look in style.CONFLICT.items():
        if (clashes["kind"] == kind).any():
            shape = '<path d="M8 1h6l3 5l-3 5h-6l-3-5z" fill="{}"/>'
            found.append(_sign(shape, look["color"], say.word("conflict", kind)))
    line = '<path d="M0 6h22" stroke="{}" stroke-width="2.4" stroke-dasharray="8 3 2 3"/>'
    found.append(_sign(line, pair_map.BORDER, say.text("brief.legend_border")))
    return found


def _sign(shape: str, colour: str, meaning: Markup) -> Markup:
    svg = Markup('<svg viewBox="0 0 22 12" aria-hidden="true">{}</svg>{}')
    return svg.format(Markup(shape).format(colour), meaning)


def _words(kind: str, value: str) -> tuple[str, str]:
    zh, en = (words.messages()[language][f"{kind}.{value}"] for language in words.LANGUAGES)
    return zh, en


# --- page two -------------------------------------------------------------------


def _narrows(made: _Metro, narrow: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    shown = narrow.iloc[:MAX_NARROWS]
    near = nearest_names(shown, made.places)
    rows = []
    for n, row in enumerate(shown.to_dict("records")):
        label = road_label(row["name"], row["ref"])
        title = (
            say.both(label, label)
            if label
            else say.text("popup.unnamed", **{"class": _words("highway", row["highway"])})
        )
        rows.append(
            {
                "mark": _letter(n),
                "colour": style.BOTTLENECK[row["kind"]]["color"],
                "href": made.link("bottlenecks", "bottlenecks", row["bottleneck_id"]),
                "title": title,
                "near": None if say.is_unknown(near.iloc[n]) else str(near.iloc[n]),
                "kind": say.word("bottleneck", row["kind"]),
                "marks": [
                    say.text(f"popup.{name}")
                    for name, flag in (("bridge", row["is_bridge"]), ("toll", row["is_toll_plaza"]))
                    if flag
                ],
                "here": say.number(row["capacity_here_pcu_h"]),
                "approach": say.number(row["capacity_approach_pcu_h"]),
                "ratio": say.number(row["capacity_ratio"], 2),
                "load": say.percent(row["load_share_pct"]),
                "evidence": say.both(in_chinese(str(row["evidence"])), str(row["evidence"])),
            }
        )
    return rows


def road_label(name: Any, ref: Any) -> str:
    """Name and number, the number once; empty where the road has neither."""
    parts = [str(each) for each in (name, ref) if not say.is_unknown(each)]
    return parts[0] if len(parts) == 2 and parts[1] in parts[0] else " ".join(parts)


def _times(made: _Metro, pair: Pair) -> list[dict[str, Any]]:
    return [
        {
            "mode": say.word("mode", row["mode"]),
            "there": _minutes(row["there"], row["reason"]),
            "back": _minutes(row["back"], row["reason"]),
            "distance": say.unit(row["distance_km"], "km")
            if row["distance_km"] is not None
            else say.DASH,
            "detour": say.number(row["detour_ratio"], 2)
            if row["detour_ratio"] is not None
            else say.DASH,
        }
        for row in pair_facts.times_between(pair, made.centres, made.centre_times)
    ]


def _minutes(value: float | None, reason: str | None) -> Markup:
    if value is not None:
        return say.unit(value, "min")
    return say.word("reason", reason) if reason else say.unknown()


def _reach(made: _Metro, pair: Pair) -> list[dict[str, Any]]:
    found = [pair_facts.reach_of_city(city_id, made.zones) for city_id in pair.cities]
    return [
        {
            "label": say.text(f"brief.{key}", core=_core_names(made)),
            "values": [say.percent(each[key], 1) for each in found],
        }
        for key in ("core_60min_pct", "core_60min_peak_pct", "across_60min_pct")
    ]


def _core_names(made: _Metro) -> tuple[str, str]:
    core = made.cities[made.cities["is_core"].to_numpy()]
    return made.names(core["city_id"].iloc[0]) if len(core) else ("", "")


def _effect(made: _Metro, pair: Pair) -> list[dict[str, Any]]:
    rows = []
    for row in pair_facts.effect_of(pair, made.border_effect):
        control = say.DASH
        if row["placebo_low"] is not None and row["placebo_high"] is not None:
            control = _range(row["placebo_low"], row["placebo_high"])
        interval = None
        if row["low"] is not None and row["high"] is not None:
            interval = _range(row["low"], row["high"])
        rows.append(
            {
                "mode": say.word("mode", row["mode"]),
                "penalty": say.signed_percent(row["penalty"])
                if row["penalty"] is not None
                else say.word("reason", row["reason"]),
                "interval": interval,
                "control": control,
                "river": say.text("effect.river") if row["includes_river"] else "",
                "median_of": row["borders"] if len(pair.borders) > 1 else None,
            }
        )
    return rows


def _range(low: float, high: float) -> Markup:
    return Markup("{} &hellip; {}").format(say.signed_percent(low), say.signed_percent(high))


def _transit(made: _Metro, pair: Pair) -> list[Markup]:
    """Rail and bus lines across, where the pair has one border: counts of several may overlap."""
    if len(pair.borders) != 1:
        return []
    own = pair.rows(made.indicators)
    found = []
    for name in ("rail_lines_across", "bus_routes_across"):
        value = own.loc[(own["indicator"] == name).to_numpy(), "value"].dropna()
        if len(value):
            found.append(
                Markup("{}: {}").format(say.text(f"indicator.{name}"), say.number(value.iloc[0]))
            )
    return found


def _belts(made: _Metro, pair: Pair) -> list[dict[str, Any]]:
    return [
        {
            "name": made.city(row["city_id"]),
            "shares": [
                {
                    "colour": style.ZONE[key],
                    "width": round(row[key] or 0.0, 1),
                    "word": say.word("zone", key),
                    "percent": say.percent(row[key]),
                }
                for key in ("ecological", "farmland", "urban", "unknown")
            ],
            "similarity": say.number(row["similarity"], 2),
            "is_unmapped": (row["unknown"] or 0.0) >= 50.0,
        }
        for row in pair_facts.belts_of(pair, made.eco_zones)
    ]


def _rivers(made: _Metro, rivers: gpd.GeoDataFrame) -> list[dict[str, Any]]:
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


def _conflicts(made: _Metro, clashes: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    shown = clashes.iloc[:MAX_CONFLICTS]
    near = nearest_names(shown, made.places)
    return [
        {
            "mark": _roman(n),
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


def _corridors(made: _Metro, pair: Pair) -> Markup:
    found = pair.rows(made.eco_corridors)
    if found.empty:
        return say.text("empty.corridors")
    area = float((found["area_km2_a"].fillna(0) + found["area_km2_b"].fillna(0)).sum())
    return say.text(
        "brief.corridor_line",
        n=len(found),
        area=say.digits(area, 1),
        protected=int(found["is_protected"].sum()),
    )


def _index(made: _Metro, pair: Pair) -> list[dict[str, Any]]:
    return [
        {
            "dimension": row["dimension"],
            "name": say.word("dimension", row["dimension"]),
            "score": None if row["score"] is None else round(row["score"], 1),
            "low": None if row["low"] is None else round(row["low"], 1),
            "high": None if row["high"] is None else round(row["high"], 1),
            "metro": None if row["metro"] is None else round(row["metro"], 1),
            "text": say.number(row["score"]),
            "interval": None
            if row["low"] is None or row["high"] is None
            else f"{_digits(row['low'])}–{_digits(row['high'])}",
            "metro_text": say.number(row["metro"]),
            "coverage": say.percent(row["coverage_pct"]),
        }
        for row in pair_facts.index_of(pair, made.integration_index, DIMENSIONS)
    ]
