"""A metro's card for ``maps/index.html``, made from its layers: figures, index, a small map."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.metros.catalogue import Metro
from pipeline.render.brief.pair_facts import pairs_of
from pipeline.render.page import style, summary
from pipeline.render.page.encode import Layers, svg_path
from pipeline.render.page.facts import MetroCard, PageFacts
from pipeline.terms import has_cjk

LAYERS = summary.LAYERS
CARD_WIDTH, CARD_HEIGHT, MARGIN = 320.0, 220.0, 8.0


def metro_card(metro: Metro, facts: PageFacts, layers: Layers) -> MetroCard:
    """The metro's card; takes the layers of `LAYERS`, each of which may be empty."""
    cities, borders = layers["cities"], layers["borders"]
    name, name_en = style.metro_names(metro)
    outline, border_path, links, height = _small_map(cities, borders, layers["missing_links"])
    chinese = style.is_chinese(metro) or any(map(has_cjk, cities["name"].dropna()))
    return MetroCard(
        metro_id=metro.id,
        name=name,
        name_en=name_en,
        page=f"{metro.id}.html",
        language="zh" if chinese else "en",
        facts=facts,
        figures=summary.headline(layers),
        index=summary.metro_index(layers["integration_index"]),
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


def _small_map(
    cities: gpd.GeoDataFrame, borders: gpd.GeoDataFrame, links: gpd.GeoDataFrame
) -> tuple[tuple[str, ...], str, tuple[tuple[float, float, str], ...], float]:
    """SVG paths of the cities and borders, and the links' middles, in the card's box."""
    if cities.empty:
        return (), "", (), CARD_HEIGHT
    west, south, east, north = cities.total_bounds
    squeeze = np.cos(np.radians((south + north) / 2))
    unit = min(
        (CARD_WIDTH - 2 * MARGIN) / max((east - west) * squeeze, 1e-6),
        (CARD_HEIGHT - 2 * MARGIN) / max(north - south, 1e-6),
    )
    margin_x = (CARD_WIDTH - (east - west) * squeeze * unit) / 2

    def place(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        x = (xy[:, 0] - west) * squeeze * unit + margin_x
        return np.column_stack([x, (north - xy[:, 1]) * unit + MARGIN])

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
