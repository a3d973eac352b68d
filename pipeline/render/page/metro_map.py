"""One metro's page: its finished layers in, one self-contained HTML file out.

The recipe belongs here: which part makes what. Packing belongs to `encode`, the
vector base to `base_map`, the findings to the themes, the figures to `summary`,
the page itself to `shell`.
"""

from __future__ import annotations

from dataclasses import asdict

import geopandas as gpd

from pipeline.metros.catalogue import Metro
from pipeline.render.brief.pair_facts import pairs_of
from pipeline.render.page import base_map, card, style, summary, words
from pipeline.render.page.encode import Layers, PackedLayer
from pipeline.render.page.facts import MetroCard, PageFacts, card_name, land_cover_note
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams
from pipeline.render.themes.registry import all_themes
from pipeline.sources.kinds import boundaries_of

LAYERS = tuple(
    dict.fromkeys(
        (
            *base_map.LAYERS,
            *card.LAYERS,
            *(layer for theme in all_themes() for layer in theme.layers),
            "extract_drops",
        )
    )
)
"""Layers that a page is made of: those of its base, its figures and its themes."""


def render_metro_map(
    metro: Metro,
    facts: PageFacts,
    params: MapParams,
    layers: Layers,
    *,
    has_briefs: bool = True,
) -> dict[str, bytes]:
    """Make a metro's page and its card for the index.

    Parameters
    ----------
    layers
        Those of `LAYERS`, in WGS84. Each may be empty: the page then says so.
    has_briefs
        Whether its borders lead to briefs; those of a scenario do not.

    Returns
    -------
    dict
        File name relative to the maps folder -> content: ``<metro>.html`` and
        ``assets/<metro>.card.json``.
    """
    # Who draws waits half a second for folium, and nobody else.
    from pipeline.render.page.shell import render_page

    made = card.metro_card(metro, facts, layers)
    bounds = _bounds(layers["cities"])
    thinning = Thinning()
    packed = _packed(layers, params, thinning)
    payload: dict[str, object] = {
        "language": made.language,
        "bounds": bounds,
        "figures": made.figures,
        "index": made.index,
        "belt_unknown": summary.unknown_by_border(layers["eco_zones"]),
        "account": summary.read_account(layers["extract_drops"]),
        "thinned": {name: list(counts) for name, counts in thinning.counts.items()},
        "briefs": _briefs(metro, layers["borders"]) if has_briefs else {},
        "cost_limits_m_cny": metro.params.missing_links.cost_classes_m_cny,
        "style": style.tokens(),
        "basemaps": {each["key"]: each["datum"] for each in style.BASEMAPS},
        "messages": words.messages(),
        "layers": packed,
        **_about(metro, made),
    }
    page = render_page(
        _title(made),
        made.language,
        payload,
        bounds,
        _basemaps(bounds),
        is_synthetic=facts.is_synthetic,
    )
    return {made.page: page, card_name(metro.id): made.to_json()}


def _packed(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """The base and what every theme packs, by the scripts' names."""
    packed = base_map.base_layers(layers, params, thinning)
    for theme in all_themes():
        own = theme.pack(layers, params, thinning)
        taken = packed.keys() & own.keys()
        if taken:
            raise ValueError(
                f"theme {theme.key} packs {', '.join(sorted(taken))}, which the page has already: "
                "give its layers names of their own"
            )
        packed |= own
    return packed


def _about(metro: Metro, made: MetroCard) -> dict[str, object]:
    """What the page says of the metro and its data."""
    return {
        "metro": {
            "id": metro.id,
            "name": made.name,
            "name_en": made.name_en,
            "scope": metro.scope,
            "core": metro.core,
        },
        "facts": asdict(made.facts),
        "boundary_source": boundaries_of(
            made.facts.source_kind, made.facts.boundaries or metro.boundaries.source
        ),
        "has_population_raster": bool(metro.files_of("population")),
        "has_land_cover": bool(metro.files_of("land_cover")),
        "land_cover_note": land_cover_note(metro),
        "fetched": {table: each.attribution for table, each in sorted(metro.fetched.items())},
    }


def _briefs(metro: Metro, borders: gpd.GeoDataFrame) -> dict[str, str]:
    """The page of the brief that a border belongs to."""
    return {border: pair.page(metro.id) for pair in pairs_of(borders) for border in pair.borders}


def _basemaps(bounds: list[float]) -> list[str]:
    """Online basemaps on offer; a shifted one only where it is of use."""
    is_offered = _in_china(bounds)
    return [each["key"] for each in style.BASEMAPS if each["datum"] == "wgs84" or is_offered]


def _title(made: MetroCard) -> str:
    texts = words.messages()[made.language]
    name = made.name if made.language == "zh" else made.name_en
    return texts["page.title"].replace("{metro}", name)


def _bounds(cities: gpd.GeoDataFrame) -> list[float]:
    if cities.empty:
        return [-180.0, -60.0, 180.0, 75.0]
    return [round(float(each), 5) for each in cities.total_bounds]


def _in_china(bounds: list[float]) -> bool:
    """Whether the metro lies in mainland China's box, where GCJ-02 basemaps are of use."""
    west, south, east, north = bounds
    return west > 73.0 and east < 135.5 and south > 18.0 and north < 54.0
