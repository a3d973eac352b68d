"""``maps/<metro>/<border>.html``: three A4 pages for the joint meeting of two cities.

The recipe of a brief belongs here: its sections, and how three pages hold them. What
is chosen for them belongs to `pair_facts`, how their rows read to `figures`, `roads`,
`travel` and `belts`, the map to `pair_map` and `signs`, the page to `brief.html`.
Plain HTML that prints and reads without a script, in both languages; a small script
switches them.

Pages hold only so much: each table shows its first rows and says how many
more stand on the metro's page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import geopandas as gpd
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.metros.catalogue import Metro
from pipeline.render.brief import (
    agenda,
    belts,
    close_ups,
    figures,
    pair_facts,
    pair_map,
    roads,
    signs,
    travel,
)
from pipeline.render.brief.belts import MAX_RIVERS
from pipeline.render.brief.map_frame import Ground, frame_of
from pipeline.render.brief.map_labels import text_width
from pipeline.render.brief.pair_facts import Pair
from pipeline.render.brief.signs import MAX_BOTTLENECKS, MAX_CONFLICTS, MAX_PROJECTS
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.encode import Layers
from pipeline.render.page.facts import PageFacts, land_cover_note

LAYERS = (
    "cities",
    "counties",
    "centres",
    "borders",
    "roads",
    "railways",
    "waterways",
    "land_areas",
    "places",
    "crossings",
    "dead_ends",
    "missing_links",
    "bottlenecks",
    "centre_times",
    "zones",
    "border_effect",
    "eco_zones",
    "conflicts",
    "eco_corridors",
    "shared_rivers",
    "indicators",
    "integration_index",
)
"""Layers that a brief is made of."""

ROWS_ON_PAGE_ONE = 6
"""Where both tables are this short, the bottlenecks move up beside the projects."""
ROW_MM, SIGN_MM, MAP_AND_ROWS_MM = 8.9, 1.9, 201.0
"""Height of a table's row, a sign's share of the legend, and what is left for all of them."""
TITLE_EMS, TITLE_MM = 25.0, 5.0
"""Names wider than this take a second line."""


def render_pair_briefs(metro: Metro, facts: PageFacts, layers: Layers) -> dict[str, bytes]:
    """Make the brief of every pair of cities with a common border.

    Parameters
    ----------
    layers
        Those of `LAYERS`, in WGS84. Each may be empty: the brief then says so.

    Returns
    -------
    dict
        File name relative to the maps folder (``<metro>/<city>-<city>.html``)
        -> content. Empty where the metro has no border.
    """
    made = Subject(metro, facts, layers, Ground(layers))
    return {
        pair.page(metro.id): _brief(made, pair).encode()
        for pair in pair_facts.pairs_of(layers["borders"])
    }


@dataclass(frozen=True)
class _Chosen:
    """The findings of one pair, in the order in which they are listed."""

    links: gpd.GeoDataFrame
    bottlenecks: gpd.GeoDataFrame
    rivers: gpd.GeoDataFrame
    clashes: gpd.GeoDataFrame

    @classmethod
    def of(cls, made: Subject, pair: Pair) -> _Chosen:
        return cls(
            pair_facts.projects(pair, made.layers["missing_links"]),
            pair_facts.bottlenecks(pair, made.layers["bottlenecks"]),
            pair_facts.rivers(pair, made.layers["shared_rivers"]),
            pair_facts.conflicts(pair, made.layers["conflicts"]),
        )

    @property
    def are_bottlenecks_first(self) -> bool:
        """Whether the bottlenecks have room on page one."""
        return len(self.links) + len(self.bottlenecks) <= ROWS_ON_PAGE_ONE

    @property
    def rows_on_page_one(self) -> int:
        rows = min(len(self.links), MAX_PROJECTS) or 1
        return (
            rows + min(len(self.bottlenecks), MAX_BOTTLENECKS) + 2
            if self.are_bottlenecks_first
            else rows
        )


def _brief(made: Subject, pair: Pair) -> str:
    chosen = _Chosen.of(made, pair)
    names = [made.names(city_id) for city_id in pair.cities]
    legend = signs.legend(chosen.links, chosen.bottlenecks, chosen.clashes)
    own = made.layers["borders"]["border_id"].isin(pair.borders).to_numpy()
    room_mm = _map_height(chosen.rows_on_page_one, len(legend), names)
    frame = frame_of(made.layers["borders"][own].total_bounds, room_mm)
    tables = _road_tables(made, chosen)
    projects = tables["projects"]
    scene = _scene(made, pair, chosen, own)
    return say.template("brief/brief.html").render(
        **_head(made, pair, names),
        figures=figures.figures(made, pair, chosen.links, chosen.bottlenecks),
        map=pair_map.draw(frame, made.ground, scene),
        **_close_ups(made, chosen, scene, projects),
        is_wide=frame.is_wide,
        bottlenecks_first=chosen.are_bottlenecks_first,
        legend=legend,
        **tables,
        conclusion=agenda.conclusion(
            made, pair, chosen.links, [Markup(str(row["title"])) for row in projects]
        ),
        strips=agenda.strips(made, pair),
        strip_km=say.unit(pair.length_km, "km"),
        zone_colours=style.ZONE,
        **_commuting(made, pair),
        **_ecology(made, pair, chosen),
        index=figures.index(made, pair),
        land_cover_note=land_cover_note(made.metro),
    )


def _head(made: Subject, pair: Pair, names: list[tuple[str, str]]) -> dict[str, object]:
    """Titles, names, source: what the frame of the page says."""
    language = "zh" if made.is_chinese else "en"
    return {
        "lang": "zh-CN" if language == "zh" else "en",
        "language": language,
        "titles": {
            each: say.plain("brief.title", each, a=names[0][n], b=names[1][n])
            for n, each in enumerate(words.LANGUAGES)
        },
        "metro": say.both(*style.metro_names(made.metro)),
        "metro_id": made.metro.id,
        "metro_page": f"../{made.metro.id}.html",
        "css": Markup(words.template("brief/brief.css")),
        "names": [say.both(*name) for name in names],
        "is_long": _is_long(names),
        "heads": [made.city(city_id) for city_id in pair.cities],
        "sides": pair_map.SIDES,
        "facts": made.facts,
        "source": _source(made.facts),
    }


def _close_ups(
    made: Subject, chosen: _Chosen, scene: pair_map.Scene, projects: list[Row]
) -> dict[str, object]:
    """Close-ups below the tables of page two; where these fill it, a row above the form."""
    bottlenecks = 0 if chosen.are_bottlenecks_first else len(chosen.bottlenecks) or 1
    rows = close_ups.rows_on_page_two(
        min(bottlenecks, MAX_BOTTLENECKS),
        min(len(chosen.rivers), MAX_RIVERS),
        min(len(chosen.clashes), MAX_CONFLICTS),
        made.facts.is_synthetic,
    )
    made_ups = close_ups.close_ups(made, scene, chosen.links, projects, max(rows, 1))
    on_form = bool(made_ups) and rows == 0
    return {
        "close_ups": made_ups,
        "are_close_ups_on_form": on_form,
        "items": agenda.items(projects, agenda.ITEM_ROWS - agenda.ROWS_OF_MAPS * on_form),
    }


def _scene(made: Subject, pair: Pair, chosen: _Chosen, own: NDArray[np.bool_]) -> pair_map.Scene:
    return pair_map.Scene(
        pair=pair.cities,
        borders=made.layers["borders"],
        own=own,
        rivers=chosen.rivers,
        links=chosen.links,
        bottlenecks=chosen.bottlenecks[chosen.bottlenecks["is_counted"].to_numpy()],
        marks=signs.marks(chosen.links, chosen.bottlenecks, chosen.clashes),
        title=say.text("brief.map_title", a=made.names(pair.city_a), b=made.names(pair.city_b)),
    )


class _RoadTables(TypedDict):
    projects: list[Row]
    more_projects: int
    bottlenecks: list[Row]
    more_bottlenecks: int


def _road_tables(made: Subject, chosen: _Chosen) -> _RoadTables:
    return {
        "projects": roads.projects(made, chosen.links),
        "more_projects": max(len(chosen.links) - MAX_PROJECTS, 0),
        "bottlenecks": roads.bottlenecks(made, chosen.bottlenecks),
        "more_bottlenecks": max(len(chosen.bottlenecks) - MAX_BOTTLENECKS, 0),
    }


def _commuting(made: Subject, pair: Pair) -> dict[str, object]:
    return {
        "times": travel.times(made, pair),
        "reach": travel.reach(made, pair),
        "effect": travel.effect(made, pair),
        "effect_borders": len(pair.borders),
        "transit": travel.transit(made, pair),
        "has_population_raster": bool(made.metro.files_of("population")),
    }


def _ecology(made: Subject, pair: Pair, chosen: _Chosen) -> dict[str, object]:
    return {
        "belts": belts.belts(made, pair),
        "rivers": belts.rivers(made, chosen.rivers),
        "more_rivers": max(len(chosen.rivers) - MAX_RIVERS, 0),
        "conflicts": belts.conflicts(made, chosen.clashes),
        "more_conflicts": max(len(chosen.clashes) - MAX_CONFLICTS, 0),
        "corridors": belts.corridors(made, pair),
    }


def _map_height(rows: int, signs: int, names: list[tuple[str, str]]) -> float:
    """Millimetres left for the map above a table of so many rows and a legend of so many signs."""
    title_mm = TITLE_MM if _is_long(names) else 0.0
    return MAP_AND_ROWS_MM - ROW_MM * rows - SIGN_MM * signs - title_mm


def _is_long(names: list[tuple[str, str]]) -> bool:
    """Whether both names together take a second line on a page of 186 mm."""
    return max(sum(text_width(each[n]) for each in names) for n in (0, 1)) > TITLE_EMS


def _source(facts: PageFacts) -> Markup:
    kind = say.word("source", facts.source_kind)
    date = say.both(facts.osm_snapshot, facts.osm_snapshot) if facts.osm_snapshot else say.unknown()
    return Markup("{} &middot; {} {}").format(kind, say.text("about.osm_date"), date)
