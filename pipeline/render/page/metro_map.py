"""One metro's page: its finished layers in, one self-contained HTML file out.

The recipe belongs here: which layers go where. Packing belongs to `encode`, the
vector base to `base_map`, the findings to `themes`, the figures to `summary`,
the page itself to `shell`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.metros.catalogue import Metro
from pipeline.render.brief.pair_facts import pairs_of
from pipeline.render.page import base_map, style, summary
from pipeline.render.page.encode import svg_path
from pipeline.render.page.facts import MetroCard, PageFacts, card_name, land_cover_note
from pipeline.render.params import MapParams
from pipeline.render.themes import packed as themes

CARD_WIDTH, CARD_HEIGHT = 320.0, 220.0


def render_metro_map(
    metro: Metro,
    facts: PageFacts,
    params: MapParams,
    *,
    cities: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    placebo: pd.DataFrame,
    bottlenecks: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    commuting_circle: pd.DataFrame,
    isochrones: gpd.GeoDataFrame,
    border_effect: pd.DataFrame,
    land: gpd.GeoDataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    eco_corridors: gpd.GeoDataFrame,
    shared_rivers: gpd.GeoDataFrame,
    monitoring_sites: gpd.GeoDataFrame,
    indicators: pd.DataFrame,
    integration_index: pd.DataFrame,
    extract_drops: pd.DataFrame,
    has_briefs: bool = True,
) -> dict[str, bytes]:
    """Make a metro's page and its card for the index.

    Every layer is in WGS84 and may be empty: the page then says so. A scenario
    has no briefs to lead to.

    Returns
    -------
    dict
        File name relative to the maps folder -> content: ``<metro>.html`` and
        ``assets/<metro>.card.json``.
    """
    # Who draws waits half a second for folium, and nobody else.
    from pipeline.render.page.shell import render_page

    thinning = base_map.Thinning()
    layers = base_map.base_layers(
        cities, borders, roads, railways, waterways, land_areas, places, params, thinning
    )
    layers |= {
        "dead_ends": themes.dead_end_layer(dead_ends, places),
        "missing_links": themes.missing_link_layer(missing_links, dead_ends, places),
        "placebo": themes.placebo_table(placebo),
        "circle": themes.circle_table(commuting_circle),
        "services": themes.service_layer(services, params, thinning),
        **themes.bottleneck_layers(bottlenecks, crossings, places),
        **themes.commuting_layers(
            zones, isochrones, centres, centre_times, border_effect, params, thinning
        ),
        **themes.transit_layers(stations, transit_links, params),
        **themes.ecology_layers(
            land,
            eco_zones,
            conflicts,
            eco_corridors,
            shared_rivers,
            monitoring_sites,
            params,
            thinning,
        ),
        **themes.integration_tables(indicators, integration_index),
    }
    card = metro_card(
        metro,
        facts,
        cities=cities,
        borders=borders,
        dead_ends=dead_ends,
        missing_links=missing_links,
        bottlenecks=bottlenecks,
        crossings=crossings,
        zones=zones,
        border_effect=border_effect,
        eco_zones=eco_zones,
        conflicts=conflicts,
        integration_index=integration_index,
    )
    bounds = _bounds(cities)
    shifted_is_of_use = _in_china(bounds)
    basemaps = [
        each["key"] for each in style.BASEMAPS if each["datum"] == "wgs84" or shifted_is_of_use
    ]
    payload = {
        "language": card.language,
        "metro": {
            "id": metro.id,
            "name": card.name,
            "name_en": card.name_en,
            "scope": metro.scope,
            "core": metro.core,
        },
        "facts": asdict(facts),
        "boundary_source": metro.boundaries.source,
        "has_population_raster": metro.population.raster is not None,
        "has_land_cover": metro.land_cover.raster is not None,
        "land_cover_note": land_cover_note(metro),
        "bounds": bounds,
        "figures": card.figures,
        "index": card.index,
        "belt_unknown": summary.unknown_by_border(eco_zones),
        "account": summary.read_account(extract_drops),
        "thinned": {name: list(counts) for name, counts in thinning.counts.items()},
        "briefs": {
            border: pair.page(metro.id)
            for pair in (pairs_of(borders) if has_briefs else ())
            for border in pair.borders
        },
        "style": style.tokens(),
        "basemaps": {each["key"]: each["datum"] for each in style.BASEMAPS},
        "messages": style.messages(),
        "layers": layers,
    }
    title = _title(card)
    return {
        card.page: render_page(title, card.language, payload, bounds, basemaps),
        card_name(metro.id): card.to_json(),
    }


def metro_card(
    metro: Metro,
    facts: PageFacts,
    *,
    cities: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    bottlenecks: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    border_effect: pd.DataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    integration_index: pd.DataFrame,
    **_others: Any,
) -> MetroCard:
    """The metro's card for ``maps/index.html``: figures, index and a small map.

    Takes the layers of the metro_map stage, and ignores those it does not use.
    """
    name, name_en = style.metro_names(metro)
    figures = summary.headline(
        cities,
        borders,
        dead_ends,
        missing_links,
        bottlenecks,
        crossings,
        zones,
        border_effect,
        eco_zones,
        conflicts,
        integration_index,
    )
    outline, border_path, links, height = _small_map(cities, borders, missing_links)
    chinese = style.is_chinese(metro) or any(map(style.has_cjk, cities["name"].dropna()))
    return MetroCard(
        metro_id=metro.id,
        name=name,
        name_en=name_en,
        page=f"{metro.id}.html",
        language="zh" if chinese else "en",
        facts=facts,
        figures=figures,
        index=summary.metro_index(integration_index),
        outline_svg=outline,
        borders_svg=border_path,
        links_svg=links,
        view_height=height,
        briefs=_briefs(metro, cities, borders),
    )


def _briefs(
    metro: Metro, cities: gpd.GeoDataFrame, borders: gpd.GeoDataFrame
) -> tuple[tuple[str, str, str], ...]:
    """Chinese name, English name and page of each pair's brief."""
    names = {
        row["city_id"]: style.city_names(row["name"], row["name_en"])
        for row in cities[["city_id", "name", "name_en"]].to_dict("records")
    }
    found = []
    for pair in pairs_of(borders):
        (zh_a, en_a), (zh_b, en_b) = (names.get(each, (each, each)) for each in pair.cities)
        found.append((f"{zh_a} – {zh_b}", f"{en_a} – {en_b}", pair.page(metro.id)))
    return tuple(found)


def _title(card: MetroCard) -> str:
    texts = style.messages()[card.language]
    name = card.name if card.language == "zh" else card.name_en
    return texts["page.title"].replace("{metro}", name)


def _bounds(cities: gpd.GeoDataFrame) -> list[float]:
    if cities.empty:
        return [-180.0, -60.0, 180.0, 75.0]
    return [round(float(each), 5) for each in cities.total_bounds]


def _in_china(bounds: list[float]) -> bool:
    """Whether the metro lies in mainland China's box, where GCJ-02 basemaps are of use."""
    west, south, east, north = bounds
    return west > 73.0 and east < 135.5 and south > 18.0 and north < 54.0


def _small_map(
    cities: gpd.GeoDataFrame, borders: gpd.GeoDataFrame, links: gpd.GeoDataFrame
) -> tuple[tuple[str, ...], str, tuple[tuple[float, float, str], ...], float]:
    """SVG paths of the cities and borders, and the links' middles, in the card's box."""
    if cities.empty:
        return (), "", (), CARD_HEIGHT
    west, south, east, north = cities.total_bounds
    squeeze = np.cos(np.radians((south + north) / 2))
    unit = min(
        (CARD_WIDTH - 16) / max((east - west) * squeeze, 1e-6),
        (CARD_HEIGHT - 16) / max(north - south, 1e-6),
    )
    margin_x = (CARD_WIDTH - (east - west) * squeeze * unit) / 2

    def place(xy: Any) -> Any:
        x = (xy[:, 0] - west) * squeeze * unit + margin_x
        return np.column_stack([x, (north - xy[:, 1]) * unit + 8])

    half_pixel = 0.5 / unit
    outlines = shapely.coverage_simplify(cities.geometry.to_numpy(), half_pixel)
    outline = tuple(svg_path(shapely.transform(each, place), True) for each in outlines)
    lines = shapely.simplify(borders.geometry.to_numpy(), half_pixel)
    border_path = " ".join(svg_path(shapely.transform(each, place), False) for each in lines)
    middles = shapely.line_interpolate_point(links.geometry.to_numpy(), 0.5, normalized=True)
    points = place(shapely.get_coordinates(middles)) if len(links) else np.empty((0, 2))
    marks = tuple(
        (round(float(x), 1), round(float(y), 1), str(status))
        for (x, y), status in zip(points, links["status"], strict=True)
        if status not in summary.NOT_COUNTED
    )
    return outline, border_path, marks, CARD_HEIGHT
