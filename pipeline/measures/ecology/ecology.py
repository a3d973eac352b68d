"""What lies on both sides of a border, and what the two sides do to each other.

What belongs here: the recipe of the stage. Each layer is made in its own module:
`eco_zones`, `conflicts`, `corridors`, `shared_rivers`, `monitoring`, `landscape`; the
partition of the land in `land`, the belts in `belt`.

Method: docs/ecology.md. Distances in metres in the metro's metric CRS. Every class
is a proxy of the ground, not a statutory line.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from pipeline.crs import require_metric, require_same
from pipeline.layers import empty_layer
from pipeline.measures.ecology.belt import assemble_belt
from pipeline.measures.ecology.conflicts import find_conflicts
from pipeline.measures.ecology.corridors import corridor_barriers, find_corridors
from pipeline.measures.ecology.eco_zones import zone_stretches
from pipeline.measures.ecology.landscape import landscape_metrics
from pipeline.measures.ecology.monitoring import monitoring_sites
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import polygons_in, sound
from pipeline.measures.ecology.shared_rivers import find_shared_rivers

OUTPUTS = (
    "eco_zones",
    "conflicts",
    "eco_corridors",
    "shared_rivers",
    "monitoring_sites",
    "landscape_metrics",
)


def boundary_ecology(
    border_id: str,
    borders: gpd.GeoDataFrame,
    belts: gpd.GeoDataFrame,
    land: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    dykes: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    params: EcologyParams,
) -> dict[str, pd.DataFrame]:
    """Zones, conflicts, corridors, rivers, monitoring sites and metrics of one border.

    Parameters
    ----------
    border_id
        The border looked at.
    borders, belts, land, waterways, land_areas, dykes, roads, railways
        Layers in one metric CRS; ``belts`` and ``land`` of any number of borders.
        All but the first two may be empty.

    Returns
    -------
    The layers of `OUTPUTS` by name, in the same CRS.

    Raises
    ------
    CrsError
        If the borders are not in metres, or the land is in another CRS.
    """
    crs = require_metric(borders, "borders")
    require_same(borders, land, "borders and land")
    belt = assemble_belt(border_id, borders, belts)
    if belt is None:
        return {name: empty_layer(name, crs) for name in OUTPUTS}
    own = sound_land(land[land["border_id"] == border_id])
    barriers = corridor_barriers(belt, roads, railways)
    rivers, river_sites = find_shared_rivers(belt, waterways, land_areas, own, dykes, params)
    return {
        "eco_zones": zone_stretches(belts[belts["border_id"] == border_id], own, params),
        "conflicts": find_conflicts(belt, own, params),
        "eco_corridors": find_corridors(belt, own, barriers, params),
        "shared_rivers": rivers,
        "monitoring_sites": monitoring_sites(belt, own, river_sites, params),
        "landscape_metrics": landscape_metrics(belt, own, params),
    }


def sound_land(land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The land as valid single polygons, rows renumbered.

    A layer that was written in degrees and read back may have vertices folded by
    the rounding.
    """
    land = land.reset_index(drop=True)
    is_broken = ~shapely.is_valid(land.geometry.to_numpy())
    if not is_broken.any():
        return land
    parts, owner = polygons_in(sound(land.geometry.to_numpy()), min_m2=0.01)
    columns = land.drop(columns="geometry").iloc[owner].reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=parts, crs=land.crs)
