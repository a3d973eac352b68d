"""Hand-made rows of roads and nodes with what the source would have read from their tags."""

from __future__ import annotations

from typing import Any

from pipeline.sources.osm.car_access import car_access_of_node, car_use_of_way


def _text(row: dict[str, Any]) -> dict[str, str]:
    """Tags of a row by their OSM keys."""
    return {
        key.replace("_forward", ":forward").replace("_backward", ":backward"): value
        for key, value in row.items()
        if isinstance(value, str)
    }


def way_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `highways` with ``car_access`` and ``car_direction``."""
    use = car_use_of_way(_text(row))
    return {"car_access": use.access, "car_direction": use.direction, **row}


def node_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `tagged_nodes` with ``car_access``."""
    return {"car_access": car_access_of_node(_text(row)), **row}
