"""The paper of a brief's map: which part of the world lies on it, and what lies there.

How the frame is chosen and how degrees become drawing units belongs here; what is
drawn to `pair_map`, names and numbers to `map_labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from pipeline.render.page.encode import METRES_PER_DEGREE, Geometries, Layers
from pipeline.terms import CLASS_RANK, is_water

UNIT = 20.0
"""Drawing units per millimetre of paper."""
WIDE_MM, TALL_MM = (186.0, 132.0), (118.0, 172.0)
"""Most that the map takes: across the page, or beside the figures for a tall border."""
FIGURES_MM = 24.0
"""Height of the figures, which stand above a wide map and beside a tall one."""
PAD_KM, LEAST_KM = 4.0, 14.0
CLOSE_KM = 3.0
"""Least width of a close-up."""


@dataclass(frozen=True)
class Frame:
    """The part of the world on paper, and how it gets there."""

    west: float
    south: float
    east: float
    north: float
    width_mm: float
    height_mm: float
    is_wide: bool

    @property
    def squeeze(self) -> float:
        """Length of a degree of longitude against one of latitude."""
        return float(np.cos(np.radians((self.south + self.north) / 2)))

    @property
    def unit_per_degree(self) -> float:
        return self.height / (self.north - self.south)

    @property
    def width(self) -> float:
        """Drawing units."""
        return self.width_mm * UNIT

    @property
    def height(self) -> float:
        """Drawing units."""
        return self.height_mm * UNIT

    @property
    def width_km(self) -> float:
        return (self.east - self.west) * self.squeeze * METRES_PER_DEGREE / 1000.0

    @property
    def box(self) -> Polygon:
        return shapely.box(self.west, self.south, self.east, self.north)

    def to_paper(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Degrees to drawing units, y downwards."""
        return np.column_stack(
            [
                (xy[:, 0] - self.west) * self.squeeze * self.unit_per_degree,
                (self.north - xy[:, 1]) * self.unit_per_degree,
            ]
        )

    def points(self, geometry: BaseGeometry | Geometries) -> NDArray[np.float64]:
        return self.to_paper(shapely.get_coordinates(geometry))


def frame_of(bounds: Sequence[float], room_mm: float) -> Frame:
    """A frame that shows the bounds with a margin; wide or tall, as suits them.

    ``room_mm`` is the height left on the page for figures and map.
    """
    across, up = _extent_km(bounds)
    width, height = (max(each + 2 * PAD_KM, LEAST_KM) for each in (across, up))
    is_wide = height <= 0.95 * width
    paper_x, most = WIDE_MM if is_wide else TALL_MM
    paper_y = min(most, room_mm - FIGURES_MM if is_wide else room_mm)
    return _frame_about(bounds, max(width / paper_x, height / paper_y), (paper_x, paper_y), is_wide)


def close_frame(bounds: Sequence[float], width_mm: float, height_mm: float) -> Frame:
    """A frame of given size about bounds (WGS84), with as much again around them."""
    across, up = _extent_km(bounds)
    width, height = max(2 * across, CLOSE_KM), max(2 * up, CLOSE_KM * height_mm / width_mm)
    km_per_mm = max(width / width_mm, height / height_mm)
    return _frame_about(bounds, km_per_mm, (width_mm, height_mm), True)


def _middle(bounds: Sequence[float]) -> tuple[float, float, float]:
    """Longitude and latitude of the middle, and kilometres of a degree of longitude there."""
    west, south, east, north = (float(each) for each in bounds)
    latitude = (south + north) / 2
    squeeze = max(float(np.cos(np.radians(latitude))), 0.05)
    return (west + east) / 2, latitude, METRES_PER_DEGREE * squeeze / 1000.0


def _extent_km(bounds: Sequence[float]) -> tuple[float, float]:
    """Kilometres across and up."""
    west, south, east, north = (float(each) for each in bounds)
    return (east - west) * _middle(bounds)[2], (north - south) * METRES_PER_DEGREE / 1000.0


def _frame_about(
    bounds: Sequence[float], km_per_mm: float, paper_mm: tuple[float, float], is_wide: bool
) -> Frame:
    """The frame of some paper about the middle of bounds, at a scale."""
    x, y, degree_km = _middle(bounds)
    half_x = km_per_mm * paper_mm[0] / degree_km / 2
    half_y = km_per_mm * paper_mm[1] * 1000.0 / METRES_PER_DEGREE / 2
    return Frame(x - half_x, y - half_y, x + half_x, y + half_y, *paper_mm, is_wide)


class Ground:
    """The layers behind every brief of a metro, each indexed once."""

    LAYERS = ("cities", "roads", "railways", "waterways", "land_areas", "places")

    def __init__(self, layers: Layers) -> None:
        self.cities = layers["cities"]
        roads, railways, waterways = layers["roads"], layers["railways"], layers["waterways"]
        land_areas, places = layers["land_areas"], layers["places"]
        is_drawn = (roads["class_rank"] <= CLASS_RANK["unclassified"]) & ~roads["is_link"]
        self.roads = Indexed(roads[(is_drawn & (roads["status"] == "open")).to_numpy()])
        is_rail = railways["service"].isna() & (railways["status"] == "open")
        self.railways = Indexed(railways[is_rail.to_numpy()])
        is_river = (waterways["waterway"] == "river") & ~waterways["is_tunnel"]
        self.waterways = Indexed(waterways[is_river.to_numpy()])
        self.water = Indexed(land_areas[is_water(land_areas)])
        self.places = Indexed(places[places["name"].notna().to_numpy()])


class Indexed:
    """A layer, and a tree to find its features by place."""

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        self.frame = frame
        self.tree = shapely.STRtree(frame.geometry.to_numpy())

    def within(self, box: Polygon) -> gpd.GeoDataFrame:
        """Features whose boxes touch a box, in their old order."""
        return self.frame.iloc[np.sort(self.tree.query(box))]
