"""The belt along a border, parted into land classes without overlap.

What belongs here: which OSM tag means which land class, and the partition of a
belt by precedence. What the classes say about a border (zones, conflicts,
corridors, metrics) belongs to `ecology`.

OSM maps land use and land cover as polygons that overlap, repeat and break
rules. Here every piece of the belt gets exactly one class: the first in
`PRECEDENCE` that any polygon gives it, and ``unknown`` where nobody mapped.
Method: methods.md 6. Classes are proxies of what stands on the ground, not the
statutory lines (three zones, three lines).
"""

from __future__ import annotations

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline import schemas
from pipeline.catalogue import Metro
from pipeline.config import EcologyParams
from pipeline.crs import require_metric, require_same
from pipeline.errors import ConfigError, StageError
from pipeline.measures.belt import Belt, belt_of, polygons_in

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

PRECEDENCE = (
    "protected", "water", "wetland",
    # Within urban land the particular goes before the general: a school, a park or a
    # works is usually drawn on top of the residential area around it.
    "transport", "industrial", "institutional", "commercial", "park", "other_built", "residential",
    "forest", "scrub", "farmland", "grass", "bare",
)  # fmt: skip
"""Classes, the one that wins first (methods.md 6; the order within a group is ours)."""

ZONE_OF_CLASS = {
    "protected": "ecological",
    "water": "ecological",
    "wetland": "ecological",
    "forest": "ecological",
    "scrub": "ecological",
    "grass": "ecological",
    "bare": "ecological",
    "farmland": "farmland",
    "transport": "urban",
    "industrial": "urban",
    "institutional": "urban",
    "commercial": "urban",
    "park": "urban",
    "other_built": "urban",
    "residential": "urban",
    "unknown": "unknown",
}
"""What each land class counts as in the three-way zoning."""

CLASS_OF_TAG: dict[str, dict[str, tuple[str, ...]]] = {
    "landuse": {
        "residential": ("residential",),
        "commercial": ("commercial", "retail"),
        "industrial": ("industrial",),
        "institutional": ("institutional", "education", "religious"),
        "transport": ("railway", "garages", "depot", "port", "highway"),
        "other_built": (
            "construction", "brownfield", "quarry", "landfill", "military", "cemetery",
        ),
        "park": ("recreation_ground", "village_green"),
        "forest": ("forest",),
        "farmland": (
            "farmland", "farm", "orchard", "vineyard", "greenhouse_horticulture", "farmyard",
            "aquaculture", "allotments", "plant_nursery", "paddy",
        ),
        "grass": ("grass", "meadow", "greenfield"),
        "water": ("reservoir", "basin"),
        "wetland": ("salt_pond",),
    },
    "natural": {
        "water": ("water", "bay", "strait"),
        "wetland": ("wetland", "mud"),
        "forest": ("wood",),
        "scrub": ("scrub", "heath", "shrubbery", "moor"),
        "grass": ("grassland", "fell", "tundra"),
        "bare": (
            "bare_rock", "sand", "beach", "scree", "shingle", "rock", "shoal", "glacier",
            "blockfield", "bare_ground", "desert", "dune",
        ),
    },
    "leisure": {
        "protected": ("nature_reserve",),
        "park": (
            "park", "pitch", "stadium", "garden", "playground", "sports_centre", "golf_course",
            "track", "recreation_ground", "common", "dog_park", "swimming_pool", "water_park",
        ),
        "other_built": ("marina",),
    },
    "boundary": {"protected": ("protected_area", "national_park")},
    "amenity": {
        "institutional": (
            "school", "university", "college", "kindergarten", "hospital", "clinic",
            "research_institute", "prison", "townhall", "monastery",
        ),
        "transport": ("parking", "bus_station", "ferry_terminal"),
        "commercial": ("marketplace", "fuel"),
        "other_built": ("grave_yard",),
    },
    "aeroway": {
        "transport": (
            "aerodrome", "apron", "runway", "taxiway", "terminal", "helipad", "heliport",
        ),
    },
    "waterway": {"water": ("riverbank", "dock", "canal"), "other_built": ("dam", "boatyard")},
    "man_made": {
        "industrial": ("works", "wastewater_plant", "water_works", "storage_tank"),
        "transport": ("pier",),
    },
    # Danger and training areas are left out: they are mostly open land.
    "military": {
        "other_built": ("base", "barracks", "naval_base", "airfield", "office", "depot", "bunker"),
    },
}  # fmt: skip
"""OSM key -> land class -> values (methods.md 6). Any other tag leaves the land unknown."""

_SLIVER_M2 = 1e-2
"""Parts below this are noise of the overlay, not land."""

_GRID_M = 1e-5
"""Coordinates of the result: far above the noise of a trip to degrees and back (1e-9 m), which
would fold vertices that almost touch, and far below what an area can tell."""

_AREA_TOLERANCE = 1e-6
"""How far the classes' areas may be from the belt's, relatively, before we refuse."""


def classify_land(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: EcologyParams,
    metro: Metro | None = None,
) -> gpd.GeoDataFrame:
    """Part one border's belt into land classes; layer ``land``.

    The belt is the widest of ``params.belt_km`` on both sides; at a tripoint each
    place belongs to the nearest border, so that belts share nothing. The order
    of the polygons, and how they are cut up, change nothing but vertices along
    straight edges.

    Parameters
    ----------
    border_id
        The border whose belt is parted.
    borders, cities, land_areas
        Layers in one metric CRS.
    metro
        Given by the runner; only to refuse a land-cover raster, which is not
        read yet.

    Raises
    ------
    ConfigError
        If the metro names a land-cover raster.
    StageError
        If the areas of the classes miss the belt's by more than a millionth.
    CrsError
        If a layer is not in metres, or the layers differ.
    """
    _refuse_raster(metro)
    crs = require_metric(borders, "borders")
    require_same(borders, land_areas, "borders and land_areas")
    belt = belt_of(border_id, borders, cities, 1_000.0 * max(params.belt_km))
    if belt is None or not belt.sides:
        return schemas.empty("land", crs)
    polygons, ranks = _classed_polygons(belt, land_areas)
    parts = [
        _part_side(border_id, city_id, side, polygons, ranks)
        for city_id, side in belt.sides.items()
    ]
    return _land_layer(border_id, pd.concat(parts, ignore_index=True), crs)


def class_of(key: pd.Series, value: pd.Series) -> pd.Series:
    """Land class of OSM tags; null where the tag says nothing about land."""
    table = {
        f"{key}={value}": land_class
        for key, classes in CLASS_OF_TAG.items()
        for land_class, values in classes.items()
        for value in values
    }
    tag = key.astype("object").str.cat(value.astype("object"), sep="=")
    return tag.map(table)


def _refuse_raster(metro: Metro | None) -> None:
    if metro is not None and metro.land_cover.raster:
        raise ConfigError(
            f"metro {metro.id}",
            [
                f"land_cover.raster: {metro.land_cover.raster!r} is set, but land-cover rasters "
                "are not read yet; remove it to classify land from OSM alone"
            ],
        )


def _classed_polygons(belt: Belt, land_areas: gpd.GeoDataFrame) -> tuple[Geometries, Ints]:
    """Valid polygons near the belt, with the rank of their class in `PRECEDENCE`."""
    rank_of = {name: rank for rank, name in enumerate(PRECEDENCE)}
    rank = class_of(land_areas["key"], land_areas["value"]).map(rank_of).to_numpy(dtype=float)
    geometry = land_areas.geometry.to_numpy()
    west, south, east, north = shapely.total_bounds(list(belt.sides.values()))
    bounds = shapely.bounds(geometry)
    is_near = (
        (bounds[:, 0] <= east) & (bounds[:, 2] >= west)
        & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
    )  # fmt: skip
    keep = np.flatnonzero(is_near & ~np.isnan(rank))
    polygons = _repaired(belt.border_id, geometry[keep])
    ranks = rank[keep].astype(np.int64)
    # Parts, so that a multipolygon spread along the whole border is looked at where it lies.
    parts, owner = shapely.get_parts(polygons, return_index=True)
    is_land = shapely.area(parts) > 0.0
    return parts[is_land], ranks[owner[is_land]]


def _repaired(border_id: str, polygons: Geometries) -> Geometries:
    """The same areas as valid polygons.

    ``structure`` takes rings for what they outline, so that land drawn twice over
    itself stays land (``linework`` would leave a hole there).
    """
    is_broken = ~shapely.is_valid(polygons)
    if is_broken.any():
        polygons = polygons.copy()
        mended = shapely.make_valid(polygons[is_broken], method="structure", keep_collapsed=False)
        polygons[is_broken] = mended
        lost = int((shapely.area(mended) == 0.0).sum())
        log.info(
            "land: border %s: repaired %d invalid of %d land polygons (rule invalid_polygon), "
            "%d of them enclose nothing",
            border_id, int(is_broken.sum()), len(polygons), lost,
        )  # fmt: skip
    return polygons


def _part_side(
    border_id: str, city_id: str, side: Any, polygons: Geometries, ranks: Ints
) -> pd.DataFrame:
    """The classes of one side of the belt: columns city_id, rank, geometry, not yet in parts."""
    inside, ranks = _clipped(side, polygons, ranks)
    rows: list[tuple[int, Any]] = []
    covered = shapely.Polygon()
    for rank in np.unique(ranks):
        whole = shapely.union_all(inside[ranks == rank])
        left = shapely.difference(whole, covered)
        covered = shapely.union(covered, whole)
        rows.append((int(rank), left))
    rows.append((len(PRECEDENCE), shapely.difference(side, covered)))
    found = float(shapely.area([geometry for _, geometry in rows]).sum())
    wanted = float(shapely.area(side))
    if abs(found - wanted) > _AREA_TOLERANCE * wanted:
        raise StageError(
            f"land of border {border_id}, side {city_id}: the classes cover {found:.1f} m2, the "
            f"belt {wanted:.1f} m2; expected equal areas. Please report this border's extract"
        )
    frame = pd.DataFrame(rows, columns=["rank", "geometry"])
    return frame.assign(city_id=city_id)


def _clipped(side: Any, polygons: Geometries, ranks: Ints) -> tuple[Geometries, Ints]:
    """What of the polygons lies inside the side; whole polygons are not touched."""
    shapely.prepare(side)
    hits = np.flatnonzero(shapely.intersects(side, polygons))
    near, near_ranks = polygons[hits].copy(), ranks[hits]
    is_cut = ~shapely.contains_properly(side, near)
    near[is_cut] = shapely.intersection(near[is_cut], side)
    parts, owner = polygons_in(near)
    return parts, near_ranks[owner]


def _land_layer(border_id: str, parted: pd.DataFrame, crs: Any) -> gpd.GeoDataFrame:
    """Single polygons with ids that depend on what they are and where, not on any order."""
    pieces, first_owner = polygons_in(parted["geometry"].to_numpy(), _SLIVER_M2)
    parts, owner = polygons_in(shapely.set_precision(pieces, _GRID_M), _SLIVER_M2)
    owner = first_owner[owner]
    names = np.array([*PRECEDENCE, "unknown"], dtype=object)
    frame = gpd.GeoDataFrame(
        {
            "land_class": names[parted["rank"].to_numpy()[owner]],
            "city_id": parted["city_id"].to_numpy()[owner],
            "border_id": border_id,
        },
        geometry=parts,
        crs=crs,
    )
    frame["zone_class"] = frame["land_class"].map(ZONE_OF_CLASS)
    frame["evidence"] = pd.Series("osm", index=frame.index).where(frame["land_class"] != "unknown")
    frame = _in_place_order(frame)
    number = frame.groupby(["city_id", "land_class"]).cumcount()
    frame["land_id"] = [
        f"{border_id}/{city}/{land_class}/{n}"
        for city, land_class, n in zip(frame["city_id"], frame["land_class"], number, strict=True)
    ]
    return schemas.conform("land", frame)


def _in_place_order(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows by class, side and place.

    Places are compared in centimetres with an odd offset, so that the noise of an
    overlay (nanometres) does not swap two patches that share an edge's coordinate.
    """
    place = np.floor(100.0 * frame.geometry.bounds.to_numpy() + 0.37)
    rank = frame["land_class"].map({name: n for n, name in enumerate((*PRECEDENCE, "unknown"))})
    order = np.lexsort(
        (place[:, 3], place[:, 2], place[:, 1], place[:, 0], rank.to_numpy(), frame["city_id"])
    )
    return frame.iloc[order].reset_index(drop=True)
