"""A metro of two cities, and an extract of a small world read for it."""

from __future__ import annotations

import tomllib

from pipeline.flow.stages import STAGES
from pipeline.metros.catalogue import Metro
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.params import ExtractParams
from pipeline.sources.source import Source

METRO = Metro.model_validate(
    tomllib.loads(
        """
        id = "pair"
        core = "w"
        [[city]]
        id = "w"
        name = "West"
        centre = [113.9, 34.5]
        [[city]]
        id = "e"
        name = "East"
        """
    )
)
OUTPUTS = set(STAGES[0].outputs)


def read(world, path, *, metro=METRO, polys=(), is_synthetic=False, params=None, **write):
    file = world.write(path / "world.osm.pbf", **write)
    source = Source("pbf", (file,), tuple(polys), is_synthetic)
    return read_extract(metro, source, params or ExtractParams())


def drops(extract, subject):
    table = extract.layers["extract_drops"]
    rows = table[table["subject"] == subject]
    return dict(zip(rows["rule"], rows["count"], strict=True))


def nullless(series):
    return series.astype(object).where(series.notna(), None).tolist()
