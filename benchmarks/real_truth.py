"""Border ends and missing links on real streets: roads cut on purpose, and ends judged by hand.

    python benchmarks/real_truth.py DATA [--areas andorra-2021 ...] [--seeds 5]
    python benchmarks/real_truth.py DATA --cases OUT.csv

DATA holds the extracts named in `AREAS`; one that is not there is left out. What is measured:

- *ablation*: two-way roads that cross a border are cut there, stubs stay on both sides, and the
  detector must find them again. Whether a cut is a missing link at all is worked out apart from
  the detector, on the streets that remain (`real_cuts`).
- *judged*: every end reported on the untouched extract against ``benchmarks/judged/ends.csv``.
- *beyond*: links reported beyond the cuts, by length of border.

``--cases`` writes each end reported on the untouched extracts with the tags of the roads around
it, for judging.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import truth

from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sources.source import Source


@dataclass(frozen=True)
class Area:
    """A real extract and how its cities are found."""

    roads: str
    metro: str
    """Metro file as TOML, or the name of one in the folder of the data."""
    kind: str = "pbf"


def _of_level(name: str, level: int) -> str:
    return f'id = "{name}"\nname = "{name}"\n[boundaries]\nadmin_level = {level}\n'


def _of_file(name: str, outlines: str) -> str:
    return (
        f'id = "{name}"\nname = "{name}"\n[boundaries]\nsource = "file"\npath = "{outlines}"\n'
        'id_field = "id"\nname_field = "name"\ndatum = "wgs84"\n'
    )


AREAS = {
    "andorra-2013": Area("andorra-2013.osm.pbf", _of_level("andorra", 7)),
    "andorra-2021": Area("andorra-2021.osm.pbf", _of_level("andorra", 7)),
    "liechtenstein-2015": Area("liechtenstein-2015.osm.pbf", _of_level("liechtenstein", 8)),
    "porto-2015": Area("porto-2015.osm.pbf", _of_file("porto", "porto-cities.geojson")),
    "saopaulo-2020": Area("saopaulo-2020.osm.pbf", _of_file("saopaulo", "saopaulo-cities.geojson")),
    "wuhan": Area("wuhan-streets.parquet", "wuhan.toml", "vector"),
}


def read_area(data: Path, area: Area) -> tuple[Metro, dict[str, Any]]:
    """The layers of one area, network and borders included, read through a file as a run does."""
    with tempfile.TemporaryDirectory() as folder:
        path = data / area.roads
        if area.metro.endswith(".toml"):
            metro = load_metro(str(data / area.metro))
        else:
            file = Path(folder) / "metro.toml"
            text = area.metro.replace('path = "', f'path = "{data.resolve()}/')
            file.write_text(text, encoding="utf-8")
            metro = load_metro(str(file))
        if area.kind == "vector":
            from pipeline.sources.vector import write_vector_extract

            path = Path(folder) / "roads.osm.pbf"
            write_vector_extract(metro, path)
        layers = truth.read_layers(metro, path)
    return metro, truth.build_layers(layers, metro)
