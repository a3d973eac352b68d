"""Ends and links that chance alone makes: real streets under lines that are no borders.

    python benchmarks/chance_ends.py DATA [--areas porto-2015 ...] [--lowest residential]
        [--side-km 3] [--angles 7 29 53 71]

Streets stop inside cities too, most of them by design. So the streets of each extract are laid
under grids of straight lines, turned by several angles, and the detector looks along those lines
as it would along borders. No line separates anything, so that what it reports there is what it
reports by chance: an upper bound of its false findings, since a few streets inside cities are
really broken. Counts are per 100 km of line; `real_truth` measures what is found of real cuts.

Parameters of local streets were chosen with it (docs/dead-ends.md).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import truth
from real_truth import AREAS, Area, extract_of, of_file, with_lowest
from shapely import affinity

from pipeline.metros.catalogue import load_metro
from pipeline.terms import CLASS_RANK

LEAST_SHARE = 0.3
"""A cell that the outline cuts to less than this share of a whole one is left out."""
HULL_RATIO = 0.3
"""Of the concave hull of the streets: between the convex hull (1) and the tightest one (0)."""
EDGE_M = 300.0
"""No line is laid this near to the edge of the streets."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--areas", nargs="+", choices=AREAS, default=[*AREAS])
    parser.add_argument("--lowest", default="residential")
    parser.add_argument("--side-km", type=float, default=3.0)
    parser.add_argument("--angles", type=float, nargs="+", default=[7.0, 29.0, 53.0, 71.0])
    asked = parser.parse_args()
    rows = []
    for name in asked.areas:
        if not (asked.data / AREAS[name].roads).is_file():
            print(f"{name}: {AREAS[name].roads} is not among the data, left out")
            continue
        for angle in asked.angles:
            found = measure_grid(
                asked.data, AREAS[name], 1_000 * asked.side_km, angle, asked.lowest
            )
            rows.append({"area": name, "angle": angle, **found})
    if rows:
        table = pd.DataFrame(rows)
        print(table.round(1).to_string(index=False))
        print(per_100_km(table).round(2).to_string())


def measure_grid(
    data: Path, area: Area, side_m: float, angle: float, lowest: str
) -> dict[str, Any]:
    """What is counted along one grid: km of line, ends and links from tertiary up and below."""
    with tempfile.TemporaryDirectory() as folder:
        roads = extract_of(data, area, Path(folder))
        outline = Path(folder) / "grid.geojson"
        write_grid(roads, outline, side_m, angle)
        file = Path(folder) / "grid.toml"
        file.write_text(of_file("grid", str(outline)), encoding="utf-8")
        metro = with_lowest(load_metro(str(file)), lowest)
        layers = truth.build_layers(truth.read_layers(metro, roads), metro)
    made = truth.detect(layers, metro)
    counted = made["dead_ends"][made["dead_ends"]["is_counted"].to_numpy(bool)]
    links = made["link_candidates"]
    found: dict[str, Any] = {"km": float(layers["borders"].length.sum()) / 1_000}
    for kind, rows in (("ends", counted), ("links", links)):
        is_low = rows["highway"].map(CLASS_RANK).fillna(99) > CLASS_RANK["tertiary"]
        found[f"{kind}_through"] = int((~is_low).sum())
        found[f"{kind}_local"] = int(is_low.sum())
    return found


def write_grid(roads: Path, path: Path, side_m: float, angle: float) -> None:
    """Squares over the streets of an extract, turned by an angle, each a city of its own."""
    lines = gpd.read_file(roads, layer="lines", where="highway IS NOT NULL", columns=[])
    lines = lines.to_crs(lines.estimate_utm_crs())
    points = shapely.MultiPoint(shapely.get_coordinates(lines.geometry.to_numpy())[::5])
    hull = shapely.concave_hull(points, HULL_RATIO).buffer(-EDGE_M)
    hull = max(shapely.get_parts(hull), key=lambda part: part.area)
    centre = hull.centroid
    west, south, east, north = affinity.rotate(hull, -angle, origin=centre).bounds
    shift = np.random.default_rng(int(angle)).uniform(0, side_m, 2)
    cells = []
    for x in np.arange(west - shift[0], east, side_m):
        for y in np.arange(south - shift[1], north, side_m):
            square = affinity.rotate(
                shapely.box(x, y, x + side_m, y + side_m), angle, origin=centre
            )
            cell = max(
                shapely.get_parts(square.intersection(hull)), key=lambda p: p.area, default=None
            )
            if cell is not None and cell.area >= LEAST_SHARE * side_m**2:
                cells.append(cell)
    frame = gpd.GeoDataFrame(geometry=cells, crs=lines.crs)
    names = [f"c{row}" for row in range(len(frame))]
    frame.assign(id=names, name=names).to_crs(4326).to_file(path)


def per_100_km(table: pd.DataFrame) -> pd.DataFrame:
    """Sums by area, per 100 km of line."""
    sums = table.drop(columns="angle").groupby("area").sum()
    sums.loc["all"] = sums.sum()
    return sums.div(sums["km"] / 100, axis=0).assign(km=sums["km"])


if __name__ == "__main__":
    main()
