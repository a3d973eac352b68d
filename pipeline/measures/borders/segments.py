"""Lines and outlines as the straight segments that they are made of.

What belongs here: the arrays that the search for shared edges and the search for the nearest
border both start from. Which border is meant, and what lies there, belongs to those.
"""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.measures.geometry.planar import Floats, Geometries, Ints


def segments(geometry: Geometries) -> tuple[Floats, Floats, Ints]:
    """Starts (n, 2), ends (n, 2) and owner rows of all segments of lines or polygons."""
    geometry = np.asarray(geometry, dtype=object)
    parts, owner = shapely.get_parts(geometry, return_index=True)
    if len(parts) and shapely.get_type_id(parts[0]) == shapely.GeometryType.POLYGON:
        parts, ring_owner = shapely.get_rings(parts, return_index=True)
        owner = owner[ring_owner]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    inside = (part[1:] == part[:-1]) & np.any(xy[1:] != xy[:-1], axis=1)
    return (
        np.ascontiguousarray(xy[:-1][inside]),
        np.ascontiguousarray(xy[1:][inside]),
        np.asarray(owner[part[:-1][inside]], dtype=np.int64),
    )
